//! What a session asks of the hub, as bytes.

use crate::{Post, TextEncoding};

/// What a session asks of the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// A line without a command: the first one is the member's name, later ones are for the room.
    Line(&'a str),
    /// Says what the member does.
    Act(&'a str),
    /// Takes another name.
    Nick(&'a str),
    /// Goes to another room.
    Join(&'a str),
    /// Which rooms there are.
    Rooms,
    /// Which members are in the room.
    Who,
    /// Sends a line to one member alone.
    Tell(&'a str, &'a str),
    /// Reads and writes in this encoding from now on.
    Speak(TextEncoding),
    /// Asks for this line of the server. So an answer that the session can give comes in its order among the answers of
    /// the hub.
    Note(&'a str),
    /// A line was too long: asks for this line of the server, and for a count.
    TooLong(&'a str),
    /// The last request: when all requests have been answered, an empty piece of mail comes.
    Last,
}

impl<'a> Request<'a> {
    /// Writes the request: a letter and its arguments. A line contains no line feed, so a line feed separates two
    /// arguments.
    pub(super) fn post(&self) -> Post {
        let (letter, first, second) = match *self {
            Self::Line(text) => ('l', text, None),
            Self::Act(text) => ('a', text, None),
            Self::Nick(name) => ('n', name, None),
            Self::Join(room) => ('j', room, None),
            Self::Rooms => ('r', "", None),
            Self::Who => ('w', "", None),
            Self::Tell(name, text) => ('t', name, Some(text)),
            Self::Speak(encoding) => ('s', encoding.name(), None),
            Self::Note(text) => ('o', text, None),
            Self::TooLong(text) => ('x', text, None),
            Self::Last => ('z', "", None),
        };
        let mut bytes =
            Vec::with_capacity(1 + first.len() + second.map_or(0, |text| text.len() + 1));
        bytes.push(letter as u8);
        bytes.extend_from_slice(first.as_bytes());
        if let Some(second) = second {
            bytes.push(b'\n');
            bytes.extend_from_slice(second.as_bytes());
        }
        Post(bytes)
    }

    /// Reads a request; `None` if the bytes are malformed.
    pub(super) fn read(post: &'a Post) -> Option<Self> {
        let (letter, rest) = post.0.split_first()?;
        let text = std::str::from_utf8(rest).ok()?;
        Some(match letter {
            b'l' => Self::Line(text),
            b'a' => Self::Act(text),
            b'n' => Self::Nick(text),
            b'j' => Self::Join(text),
            b'r' => Self::Rooms,
            b'w' => Self::Who,
            b't' => {
                let (name, text) = text.split_once('\n')?;
                Self::Tell(name, text)
            }
            b's' => Self::Speak(text.parse().ok()?),
            b'o' => Self::Note(text),
            b'x' => Self::TooLong(text),
            b'z' => Self::Last,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_read_as_it_was_written() {
        for request in [
            Request::Line("你好"),
            Request::Line(""),
            Request::Act("waves"),
            Request::Nick("bob"),
            Request::Join("tea"),
            Request::Rooms,
            Request::Who,
            Request::Tell("bob", "psst"),
            Request::Speak("gbk".parse().unwrap()),
            Request::Note("goodbye"),
            Request::TooLong("goodbye"),
            Request::Last,
        ] {
            assert_eq!(Request::read(&request.post()), Some(request.clone()));
        }
        for nonsense in [&b""[..], b"?", b"l\xff", b"tbob"] {
            assert_eq!(Request::read(&Post(nonsense.into())), None);
        }
    }
}
