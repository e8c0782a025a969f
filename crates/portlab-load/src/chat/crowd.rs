//! The members of a chat: getting in, and hearing lines.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
};

use mio::{Interest, Registry, Token, net::TcpStream};
use socket2::{Domain, Socket, Type};

use super::{Tongue, history::Message};

/// What the names of a crowd begin with: letters that another crowd, which may just be leaving, hardly
/// has.
pub(super) type Tag = [u8; 3];

/// Some tag or other.
pub(super) fn some_tag() -> Tag {
    [(); 3].map(|()| fastrand::u8(b'a'..=b'z'))
}

/// A member of the chat under load.
#[derive(Debug)]
pub(super) struct Member {
    stream: TcpStream,
    tag: Tag,
    number: usize,
    room: usize,
    tongue: usize,
    step: Step,
    /// The line under way.
    line: Vec<u8>,
    /// What could not be sent yet.
    unsent: Vec<u8>,
}

/// How far a member has got in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It waits to be asked for its name.
    Greeted,
    /// It has asked for its encoding.
    Speaks,
    /// It has said its name.
    Named,
    /// It has gone to its room.
    In,
}

/// What a member has heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is in its room.
    IsIn,
    /// A message.
    Message(Message),
    /// Its name is taken, or the chat refuses something else.
    Refused,
    /// What nobody has said so.
    Garbled,
}

impl Member {
    /// Connects member `number` of the crowd `tag`, who will be in `room` and speak tongue `tongue`.
    pub(super) fn connect(
        target: SocketAddr,
        tag: Tag,
        (number, room, tongue): (usize, usize, usize),
        registry: &Registry,
    ) -> io::Result<Self> {
        let kind = Type::STREAM.cloexec();
        let socket = Socket::new(Domain::for_address(target), kind, None)?;
        socket.set_tcp_nodelay(true)?;
        // On a network this waits for the handshake; a crowd gets in one by one.
        socket.connect(&target.into())?;
        socket.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(socket.into());
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut stream, Token(number), both)?;
        Ok(Self {
            stream,
            tag,
            number,
            room,
            tongue,
            step: Step::Greeted,
            line: Vec::new(),
            unsent: Vec::new(),
        })
    }

    /// Says `text` and the end of a line; what the socket doesn't take is kept.
    pub(super) fn say(&mut self, text: &[u8]) -> io::Result<()> {
        self.unsent.extend_from_slice(text);
        self.unsent.push(b'\n');
        self.flush()
    }

    /// Sends what could not be sent before.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads all that has come, and tells `hear` of each line.
    ///
    /// # Errors
    /// When the connection breaks, or has ended.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        tongues: &[Tongue],
        mut hear: impl FnMut(Heard),
    ) -> io::Result<()> {
        loop {
            let length = match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            for piece in buffer[..length].split_inclusive(|byte| *byte == b'\n') {
                // Most lines come whole.
                if !self.line.is_empty() || piece.last() != Some(&b'\n') {
                    self.line.extend_from_slice(piece);
                    if piece.last() != Some(&b'\n') {
                        continue;
                    }
                    let line = std::mem::take(&mut self.line);
                    self.take_line(line.trim_ascii_end(), tongues, &mut hear)?;
                } else {
                    self.take_line(piece.trim_ascii_end(), tongues, &mut hear)?;
                }
            }
            if length < buffer.len() {
                return Ok(());
            }
        }
    }

    fn take_line(
        &mut self,
        line: &[u8],
        tongues: &[Tongue],
        hear: &mut impl FnMut(Heard),
    ) -> io::Result<()> {
        let Some(told) = line.strip_prefix(b"* ") else {
            let message = read_message(line, self.tag, &tongues[self.tongue].filler);
            hear(message.map_or(Heard::Garbled, Heard::Message));
            return Ok(());
        };
        // Announcements of others are of no interest; its own are known by how they begin.
        match self.step {
            Step::Greeted => {
                self.step = Step::Speaks;
                let label = &tongues[self.tongue].label;
                self.say(format!("/encoding {label}").as_bytes())?;
            }
            Step::Speaks if told.starts_with(b"from now on in ") => {
                self.step = Step::Named;
                let number = self.number.to_string();
                self.say(&[&self.tag[..], number.as_bytes()].concat())?;
            }
            Step::Named if told.starts_with(b"you are ") => {
                self.step = Step::In;
                self.say(format!("/join r{}", self.room).as_bytes())?;
            }
            Step::Named if told.starts_with(b"somebody is called ") => hear(Heard::Refused),
            Step::In if told.starts_with(b"you are ") => hear(Heard::IsIn),
            Step::In if told.starts_with(b"there are ") => hear(Heard::Refused),
            _ => {}
        }
        Ok(())
    }
}

/// A message as it is said: its number, and the filler in the sender's tongue.
pub(super) fn write_message(number: u64, filler: &[u8]) -> Vec<u8> {
    [format!("{number} ").as_bytes(), filler].concat()
}

/// A message as it is heard: `abc7: 42 ...`, ending with the filler in the hearer's tongue.
fn read_message(line: &[u8], tag: Tag, filler: &[u8]) -> Option<Message> {
    let line = line.strip_suffix(filler)?.strip_prefix(&tag)?;
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
        let line = [&b"abc7: 42 "[..], heard].concat();
        let message = Message {
            from: 7,
            number: 42,
        };
        assert_eq!(read_message(&line, *b"abc", heard), Some(message));
        for wrong in [
            &b"abc7: 42 \xd6\xd0\xce"[..],
            b"abc7: 42 \xd6\xd0\xce\xc5",
            b"abc7: 42\xd6\xd0\xce\xc4",
            b"abd7: 42 \xd6\xd0\xce\xc4",
            b"abcx: 42 \xd6\xd0\xce\xc4",
            b"",
        ] {
            assert_eq!(
                read_message(wrong, *b"abc", heard),
                None,
                "{}",
                wrong.escape_ascii()
            );
        }
    }
}
