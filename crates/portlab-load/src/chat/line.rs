//! What members of a chat send and receive: names, and messages as lines.

use std::fmt::{self, Write as _};

use super::history::Message;

/// Six letters with which the names of a run's members and rooms begin. Other runs have other letters, so that
/// several runs can load one chat at a time, each in its own rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId([u8; 6]);

impl RunId {
    /// Six random letters. Two runs have the same letters with a probability of 1 in 300 million; then the chat refuses
    /// the names of the second run, because they are taken.
    pub fn random() -> Self {
        Self([(); 6].map(|()| fastrand::u8(b'a'..=b'z')))
    }

    /// The run of these letters.
    pub(super) fn of(letters: [u8; 6]) -> Self {
        Self(letters)
    }

    /// The name of a room, as `/join` takes it.
    pub fn room(self, number: usize) -> String {
        format!("{self}-{number}")
    }

    /// The name of a member.
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

/// A line that a member received in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A message of this run. Its sender is the number in the sender's name.
    Message(Message),
    /// A line that no member sent.
    Garbled,
    /// A line of a client that doesn't belong to this run.
    Stranger,
}

/// Appends a message as it is sent: its number, and the filler in the sender's encoding.
pub(super) fn write_message(out: &mut Vec<u8>, number: u64, filler: &[u8]) {
    out.extend_from_slice(number.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(filler);
    out.push(b'\n');
}

/// Reads a line that was received in a room.
///
/// Names are unique in a chat, so a line with a sender's name of this run is a message of this run, or garbled.
/// A message of this run with another sender's name is garbled as well.
pub(super) fn read_line(line: &[u8], run: RunId, filler: &[u8]) -> Line {
    if let Some(message) = read_message(line, run, filler) {
        return Line::Message(message);
    }
    // `NAME: TEXT`, `- NAME DOES` or `NAME -> you: TEXT`. No encoding of a chat has a colon or a space
    // in a character of several bytes.
    let deed = line.strip_prefix(b"- ");
    let end = match deed {
        Some(deed) => deed.iter().position(|byte| *byte == b' '),
        None => line.windows(2).position(|two| two == b": "),
    };
    let Some(end) = end.filter(|end| *end > 0) else {
        return Line::Garbled;
    };
    let name = &deed.unwrap_or(line)[..end];
    let own = name
        .strip_prefix(&run.0)
        .is_some_and(|rest| number(rest).is_some());
    let words = line
        .get(end + 2..)
        .and_then(|text| text.strip_suffix(filler));
    let words = words.and_then(|number| number.strip_suffix(b" "));
    let own_words = filler.len() >= DISTINCTIVE && words.and_then(number).is_some();
    match own || own_words {
        true => Line::Garbled,
        false => Line::Stranger,
    }
}

/// A filler of this length or more isn't in another client's line by chance.
const DISTINCTIVE: usize = 8;

/// Reads a message: `abcdef7: 42 ...`, ending with the filler in the receiver's encoding.
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
    fn a_message_is_received_as_it_was_sent_in_every_encoding() {
        let (utf8, gbk) = ("中文".as_bytes(), b"\xd6\xd0\xce\xc4");
        let mut sent = Vec::new();
        write_message(&mut sent, 42, utf8);
        assert_eq!(sent, "42 中文\n".as_bytes());
        let run = RunId(*b"abcdef");
        let line = [&b"abcdef7: 42 "[..], gbk].concat();
        let message = Message {
            from: 7,
            number: 42,
        };
        assert_eq!(read_message(&line, run, gbk), Some(message));
        for wrong in [
            &b"abcdef7: 42 \xd6\xd0\xce"[..],
            b"abcdef7: 42 \xd6\xd0\xce\xc5",
            b"abcdef7: 42\xd6\xd0\xce\xc4",
            b"abcdeg7: 42 \xd6\xd0\xce\xc4",
            b"abcdefx: 42 \xd6\xd0\xce\xc4",
            b"",
        ] {
            assert_eq!(
                read_message(wrong, run, gbk),
                None,
                "{}",
                wrong.escape_ascii()
            );
        }
    }

    #[test]
    fn a_line_of_another_client_is_distinguished_from_a_garbled_one() {
        let (run, filler) = (RunId(*b"abcdef"), "你好，世界".as_bytes());
        let with_filler = |text: &str| [text.as_bytes(), filler].concat();
        let kind = |line: &[u8]| match read_line(line, run, filler) {
            Line::Stranger => "stranger",
            Line::Garbled => "garbled",
            Line::Message(_) => "message",
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
            assert_eq!(kind(line), "stranger", "{}", line.escape_ascii());
        }
        assert_eq!(kind(&with_filler("abcdef7: 42 ")), "message");
        for line in [
            &with_filler("abcdef7: 4x ")[..],
            &with_filler("abcdef7:")[..],
            b"abcdef7: hello",
            b"- abcdef7 waves",
            // A name that was cut or changed on the way, and half a line.
            &with_filler("bcdef7: 42 ")[..],
            &with_filler("42 ")[..],
            b"hello",
            b": hello",
            b"",
        ] {
            assert_eq!(kind(line), "garbled", "{}", line.escape_ascii());
        }
    }

    #[test]
    fn each_run_has_its_own_names_which_fit_the_chats_limit() {
        let (one, other) = (RunId::random(), RunId::random());
        assert_ne!(one, other);
        assert_eq!(one.room(3), format!("{one}-3"));
        assert!(one.member(1_000_000).len() <= 24 && one.room(1_000_000).len() <= 24);
    }
}
