//! The members of a chat: entering their rooms, and receiving lines.

use std::{
    fmt::{self, Write as _},
    io::{self, Read, Write},
    net::SocketAddr,
};

use mio::{Interest, Registry, Token, net::TcpStream};

use super::{Tongue, history::Message};
use crate::{Cause, LONGEST_LINE, Phase, conn::Broken, dial::is_made};

/// Six letters that the names of a run's members and rooms begin with. No other run has them, so that
/// several runs can load one chat at a time, each in its own rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId([u8; 6]);

impl RunId {
    /// Six random letters. Two runs have the same ones once in 300 million times; then the chat refuses
    /// the names of the second run, because they are taken.
    #[must_use]
    pub fn random() -> Self {
        Self([(); 6].map(|()| fastrand::u8(b'a'..=b'z')))
    }

    /// The run of these letters.
    pub(super) fn of(letters: [u8; 6]) -> Self {
        Self(letters)
    }

    /// The name of a room, as `/join` takes it.
    #[must_use]
    pub fn room(self, number: usize) -> String {
        format!("{self}-{number}")
    }

    /// The name of a member.
    #[must_use]
    pub fn member(self, number: usize) -> String {
        format!("{self}{number}")
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|&letter| f.write_char(letter.into()))
    }
}

/// A member of the chat under load.
#[derive(Debug)]
pub(super) struct Member {
    stream: TcpStream,
    run: RunId,
    number: usize,
    room: usize,
    tongue: usize,
    step: Step,
    /// The beginning of a line whose end hasn't come, of at most [`LONGEST_LINE`] bytes and one read.
    line: Vec<u8>,
    /// Bytes that the socket has not taken yet.
    unsent: Vec<u8>,
}

/// How far a member has come in entering its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Its connection is under way.
    Connects,
    /// It waits for the server's greeting.
    Greeted,
    /// It has asked for its encoding.
    Speaks,
    /// It has sent its name.
    Named,
    /// It has asked for its room.
    Joins,
    /// It is in its room.
    In,
}

/// How many reads there are in one visit, so that a member that always has more doesn't starve the others.
const VISIT: usize = 4;

/// What a member has received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard<'a> {
    /// It is in its room.
    IsIn,
    /// A message.
    Message(Message),
    /// The chat refused its name, or its room.
    Refused,
    /// A line that no member sent.
    Garbled(&'a [u8]),
    /// A line of a client that doesn't belong to this run.
    Stranger(&'a [u8]),
    /// A first line that isn't that of a portlab chat.
    NoChat(&'a [u8]),
    /// The beginning of a line that is too long.
    NoEnd(&'a [u8]),
}

impl Member {
    /// Begins to connect member `number` of the run, which will be in `room` and use encoding `tongue`.
    pub(super) fn connect(
        target: SocketAddr,
        run: RunId,
        (number, room, tongue): (usize, usize, usize),
        registry: &Registry,
    ) -> io::Result<Self> {
        let mut stream = TcpStream::connect(target)?;
        stream.set_nodelay(true)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut stream, Token(number), both)?;
        Ok(Self {
            stream,
            run,
            number,
            room,
            tongue,
            step: Step::Connects,
            line: Vec::new(),
            unsent: Vec::new(),
        })
    }

    /// Whether its connection is under way.
    pub(super) fn connects(&self) -> bool {
        self.step == Step::Connects
    }

    /// Sends `text` and a line feed; keeps the bytes that the socket doesn't take.
    pub(super) fn say(&mut self, text: &[u8]) -> Result<(), Broken> {
        self.unsent.extend_from_slice(text);
        self.unsent.push(b'\n');
        self.flush()
    }

    /// Sends the bytes that were kept.
    fn flush(&mut self) -> Result<(), Broken> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Io(Phase::Send, error)),
            }
        }
        Ok(())
    }

    /// Sends what was kept, reads as much as one visit takes, and gives each line to `hear`; returns whether
    /// there may be more. `ended` says that the poller has seen the server's FIN.
    ///
    /// # Errors
    /// When the connection can't be made, breaks, or has ended, or when a line is too long: `hear` gets its
    /// beginning.
    pub(super) fn visit(
        &mut self,
        buffer: &mut [u8],
        tongues: &[Tongue],
        ended: bool,
        mut hear: impl FnMut(Heard<'_>),
    ) -> Result<bool, Broken> {
        if self.connects() {
            if !is_made(&self.stream).map_err(|error| Broken::Io(Phase::Connect, error))? {
                return Ok(false);
            }
            self.step = Step::Greeted;
        }
        self.flush()?;
        for _ in 0..VISIT {
            let length = match self.stream.read(buffer) {
                Ok(0) => return Err(Broken::Because(Phase::Receive, Cause::ClosedEarly)),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Broken::Io(Phase::Receive, error)),
            };
            for piece in buffer[..length].split_inclusive(|byte| *byte == b'\n') {
                // Most lines come whole.
                if !self.line.is_empty() || piece.last() != Some(&b'\n') {
                    self.line.extend_from_slice(piece);
                    if piece.last() != Some(&b'\n') {
                        if self.line.len() > LONGEST_LINE {
                            hear(Heard::NoEnd(&self.line));
                            return Err(Broken::Because(self.phase(), Cause::NoEnd));
                        }
                        continue;
                    }
                    let line = std::mem::take(&mut self.line);
                    self.take_line(line.trim_ascii_end(), tongues, &mut hear)?;
                } else {
                    self.take_line(piece.trim_ascii_end(), tongues, &mut hear)?;
                }
            }
            // A read that didn't fill the buffer has emptied the socket, unless the end is near.
            if length < buffer.len() && !ended {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What it is doing.
    fn phase(&self) -> Phase {
        match self.step {
            Step::In => Phase::Receive,
            _ => Phase::Greeting,
        }
    }

    fn take_line(
        &mut self,
        line: &[u8],
        tongues: &[Tongue],
        hear: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), Broken> {
        let Some(told) = line.strip_prefix(b"* ") else {
            hear(match self.step {
                // A member without a name receives lines of the server alone.
                Step::Connects | Step::Greeted | Step::Speaks => Heard::NoChat(line),
                Step::Named | Step::Joins | Step::In => {
                    read_line(line, self.run, &tongues[self.tongue].filler)
                }
            });
            return Ok(());
        };
        // Lines about other members are ignored; those about this one are known by their beginning.
        match self.step {
            Step::Greeted => {
                self.step = Step::Speaks;
                let label = &tongues[self.tongue].label;
                self.say(format!("/encoding {label}").as_bytes())?;
            }
            Step::Speaks if told.starts_with(b"from now on in ") => {
                self.step = Step::Named;
                self.say(self.run.member(self.number).as_bytes())?;
            }
            Step::Named if told.starts_with(b"you are ") => {
                self.step = Step::Joins;
                self.say(format!("/join {}", self.run.room(self.room)).as_bytes())?;
            }
            Step::Named if told.starts_with(b"somebody is called ") => hear(Heard::Refused),
            Step::Joins if told.starts_with(b"you are ") => {
                self.step = Step::In;
                hear(Heard::IsIn);
            }
            Step::Joins if told.starts_with(b"there are ") => hear(Heard::Refused),
            _ => {}
        }
        Ok(())
    }
}

/// A message as it is sent: its number, and the filler in the sender's encoding.
pub(super) fn write_message(number: u64, filler: &[u8]) -> Vec<u8> {
    [format!("{number} ").as_bytes(), filler].concat()
}

/// A line as it comes in a room: a message of this run, or a line of another client there.
///
/// Names are unique in a chat, so a line under a name of this run is a message of this run, or garbled.
/// A message of this run under another name is garbled as well.
pub(super) fn read_line<'a>(line: &'a [u8], run: RunId, filler: &[u8]) -> Heard<'a> {
    if let Some(message) = read_message(line, run, filler) {
        return Heard::Message(message);
    }
    // `NAME: TEXT`, `- NAME DOES` or `NAME -> you: TEXT`. No encoding of a chat has a colon or a space
    // in a character of several bytes.
    let deed = line.strip_prefix(b"- ");
    let end = match deed {
        Some(deed) => deed.iter().position(|byte| *byte == b' '),
        None => line.windows(2).position(|two| two == b": "),
    };
    let Some(end) = end.filter(|end| *end > 0) else {
        return Heard::Garbled(line);
    };
    let name = &deed.unwrap_or(line)[..end];
    let own = name
        .strip_prefix(&run.0)
        .is_some_and(|rest| number(rest).is_some());
    let words = line
        .get(end + 2..)
        .and_then(|text| text.strip_suffix(filler));
    let words = words.and_then(|number| number.strip_suffix(b" "));
    let own_words = filler.len() >= TELLING && words.and_then(number).is_some();
    match own || own_words {
        true => Heard::Garbled(line),
        false => Heard::Stranger(line),
    }
}

/// The length from which on a filler is in no line by chance.
const TELLING: usize = 8;

/// A message as it comes: `abcdef7: 42 ...`, ending with the filler in the receiver's encoding.
fn read_message(line: &[u8], run: RunId, filler: &[u8]) -> Option<Message> {
    let line = line.strip_suffix(filler)?.strip_prefix(&run.0)?;
    let colon = line.iter().position(|byte| *byte == b':')?;
    let from = number(&line[..colon])?;
    let rest = line[colon + 1..].strip_prefix(b" ")?.strip_suffix(b" ")?;
    Some(Message {
        from: usize::try_from(from).ok()?,
        number: number(rest)?,
    })
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_heard_as_it_was_said_whatever_the_tongue() {
        let (said, heard) = ("中文".as_bytes(), b"\xd6\xd0\xce\xc4");
        assert_eq!(write_message(42, said), "42 中文".as_bytes());
        let run = RunId(*b"abcdef");
        let line = [&b"abcdef7: 42 "[..], heard].concat();
        let message = Message {
            from: 7,
            number: 42,
        };
        assert_eq!(read_message(&line, run, heard), Some(message));
        for wrong in [
            &b"abcdef7: 42 \xd6\xd0\xce"[..],
            b"abcdef7: 42 \xd6\xd0\xce\xc5",
            b"abcdef7: 42\xd6\xd0\xce\xc4",
            b"abcdeg7: 42 \xd6\xd0\xce\xc4",
            b"abcdefx: 42 \xd6\xd0\xce\xc4",
            b"",
        ] {
            assert_eq!(
                read_message(wrong, run, heard),
                None,
                "{}",
                wrong.escape_ascii()
            );
        }
    }

    #[test]
    fn a_strangers_line_is_told_from_a_broken_one() {
        let (run, filler) = (RunId(*b"abcdef"), "你好，世界".as_bytes());
        let said = |text: &str| [text.as_bytes(), filler].concat();
        let heard = |line: &[u8]| match read_line(line, run, filler) {
            Heard::Stranger(_) => "stranger",
            Heard::Garbled(_) => "garbled",
            Heard::Message(_) => "message",
            other => panic!("{other:?}"),
        };
        for line in [
            &b"bob: hello"[..],
            b"bob: ",
            "小明: 你好".as_bytes(),
            b"- bob waves",
            b"bob -> you: hello",
            b"abcdefg: hello",
            b"bob: 42",
            b"zzzzzz7: hello: and more",
        ] {
            assert_eq!(heard(line), "stranger", "{}", line.escape_ascii());
        }
        assert_eq!(heard(&said("abcdef7: 42 ")), "message");
        for line in [
            &said("abcdef7: 4x ")[..],
            &said("abcdef7:")[..],
            b"abcdef7: hello",
            b"- abcdef7 waves",
            // A name that was cut or changed on the way, and half a line.
            &said("bcdef7: 42 ")[..],
            &said("42 ")[..],
            b"hello",
            b": hello",
            b"",
        ] {
            assert_eq!(heard(line), "garbled", "{}", line.escape_ascii());
        }
    }

    #[test]
    fn runs_have_names_of_their_own_that_a_chat_takes() {
        let (one, other) = (RunId::random(), RunId::random());
        assert_ne!(one, other);
        assert_eq!(one.room(3), format!("{one}-3"));
        assert!(one.member(1_000_000).len() <= 24 && one.room(1_000_000).len() <= 24);
    }
}
