//! The sending half of a conversation.

use std::{
    io::{self, BufRead, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
};

use portlab_service::TextEncoding;

use super::{
    conversation::Encodings,
    event::{EventSender, Garbled, What},
};

/// Something to send, or a note about the input.
pub(super) enum Outgoing {
    /// A text, which is encoded.
    Text(String),
    /// Bytes, which are sent unchanged.
    Bytes(Vec<u8>),
    /// The next item was not in the encoding of the input.
    Garbled(Garbled),
    /// The rest of the input can't be read.
    Unread(io::Error),
}

/// What is done when everything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The sending half is closed, so that the server reads the end.
    HalfClose,
    /// The connection stays as it is.
    StayOpen,
}

/// A stream to send on, in an encoding.
pub(super) struct Sender {
    stream: TcpStream,
    encoding: TextEncoding,
    post: EventSender,
}

impl Sender {
    pub(super) fn new(
        stream: &TcpStream,
        encoding: TextEncoding,
        post: EventSender,
    ) -> io::Result<Self> {
        let stream = stream.try_clone()?;
        Ok(Self {
            stream,
            encoding,
            post,
        })
    }

    /// Starts a thread that sends each item of `all` in turn: the items may be slow to come, and the server slow to read
    /// them.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(super) fn send(
        mut self,
        all: impl Iterator<Item = Outgoing> + Send + 'static,
        ending: Ending,
    ) -> io::Result<()> {
        thread::Builder::new().spawn(move || {
            for item in all {
                let bytes = match item {
                    Outgoing::Text(text) => self.encode(&text),
                    Outgoing::Bytes(bytes) => bytes,
                    Outgoing::Garbled(garbled) => {
                        self.post.send(What::Garbled(garbled));
                        continue;
                    }
                    Outgoing::Unread(error) => {
                        self.post.send(What::Unread(error));
                        break;
                    }
                };
                // The trace must not show a send of 0 bytes.
                if bytes.is_empty() {
                    continue;
                }
                self.post.send(What::Sending(bytes.clone()));
                if let Err(error) = self.stream.write_all(&bytes) {
                    return self.post.send(What::Unsent(error));
                }
            }
            if ending == Ending::HalfClose {
                self.post.send(What::HalfClosing);
                // This fails if the connection has broken, which is reported elsewhere.
                let _ = self.stream.shutdown(Shutdown::Write);
            }
            self.post.send(What::SentAll);
        })?;
        Ok(())
    }

    fn encode(&self, text: &str) -> Vec<u8> {
        self.encoding.encode(text).unwrap_or_else(|error| {
            self.post.send(What::Replaced(error.character));
            let mut bytes = Vec::new();
            self.encoding.encode_with_marks(text, &mut bytes);
            bytes
        })
    }
}

/// The lines of stdin; a very long line comes in pieces.
///
/// If stdin is in the encoding of the conversation, its bytes are sent unchanged, and needn't be text.
pub(super) fn stdin(encodings: Encodings) -> impl Iterator<Item = Outgoing> + Send + 'static {
    lines_of(io::BufReader::new(io::stdin()), encodings)
}

fn lines_of(mut source: impl BufRead, encodings: Encodings) -> impl Iterator<Item = Outgoing> {
    let Encodings { spoken, input } = encodings;
    // A long line is read in pieces, and a piece may end within a character.
    let mut decoder = (input != spoken).then(|| input.decoder());
    let mut begins_a_line = true;
    let mut over = false;
    std::iter::from_fn(move || {
        if over {
            return None;
        }
        let mut line = Vec::new();
        if let Err(error) = source.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            over = true;
            return Some(vec![Outgoing::Unread(error)]);
        }
        over = line.is_empty();
        let began = std::mem::replace(&mut begins_a_line, line.ends_with(b"\n"));
        let Some(input) = &mut decoder else {
            return (!over).then(|| vec![Outgoing::Bytes(line)]);
        };
        let mut text = String::new();
        if input.decode(&line, over, &mut text) {
            return Some(vec![Outgoing::Text(text)]);
        }
        // Input that is in the encoding of the conversation already is sent unchanged. This is checked at the beginning of
        // a line only, because in the middle of a line the decoder may hold half a character.
        let is_spoken = spoken.decoder().decode(&line, false, &mut String::new());
        if began && is_spoken {
            decoder = None;
            return Some(vec![
                Outgoing::Garbled(Garbled::SentAsItIs),
                Outgoing::Bytes(line),
            ]);
        }
        let marked = text.replace(char::REPLACEMENT_CHARACTER, "?");
        Some(vec![
            Outgoing::Garbled(Garbled::Marked),
            Outgoing::Text(marked),
        ])
    })
    .flatten()
}

/// The most bytes of a line that are sent at once.
const LONGEST: u64 = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sent of `source`, with `input` named as its encoding, in a conversation in `spoken`: texts in UTF-8, and
    /// notes by their names.
    fn lines(source: &[u8], input: &str, spoken: &str) -> Vec<Vec<u8>> {
        let encodings = Encodings {
            spoken: spoken.parse().unwrap(),
            input: input.parse().unwrap(),
        };
        lines_of(source, encodings)
            .map(|item| match item {
                Outgoing::Text(text) => text.into_bytes(),
                Outgoing::Bytes(bytes) => bytes,
                Outgoing::Garbled(garbled) => format!("{garbled:?}").into_bytes(),
                Outgoing::Unread(error) => panic!("{error}"),
            })
            .filter(|bytes| !bytes.is_empty())
            .collect()
    }

    #[test]
    fn stdin_is_sent_line_by_line_with_its_line_ends() {
        let expected: [&[u8]; 3] = [b"a\r\n", b"\n", b"b"];
        for (input, spoken) in [("utf-8", "utf-8"), ("utf-8", "gbk"), ("gbk", "gbk")] {
            assert_eq!(lines(b"a\r\n\nb", input, spoken), expected);
        }
        assert_eq!(
            lines(b"\xff\0", "utf-8", "utf-8"),
            [b"\xff\0"],
            "no text, and as it is"
        );
    }

    #[test]
    fn a_character_within_a_very_long_line_stays_whole() {
        // The first piece ends after the first of three bytes.
        let text = "x".repeat(LONGEST as usize - 1) + "你";
        let sent = lines(text.as_bytes(), "utf-8", "gbk").concat();
        assert_eq!(sent, text.as_bytes());
    }

    #[test]
    fn stdin_is_read_in_its_own_encoding() {
        let text = "你好\n".as_bytes();
        assert_eq!(lines(b"\xc4\xe3\xba\xc3\n", "gbk", "utf-8"), [text]);
        assert_eq!(lines(b"\xc4\xe3\xba\xc3\n", "gbk", "big5"), [text]);
    }

    #[test]
    fn a_file_in_the_encoding_of_the_conversation_is_sent_unchanged() {
        let file: &[u8] = b"hi\n\xc4\xe3\xba\xc3\n\x80 and all that follows \xff\n";
        let expected: [&[u8]; 4] = [
            b"hi\n",
            b"SentAsItIs",
            b"\xc4\xe3\xba\xc3\n",
            b"\x80 and all that follows \xff\n",
        ];
        assert_eq!(lines(file, "utf-8", "gbk"), expected);
    }

    #[test]
    fn bytes_in_neither_encoding_are_marked_and_noted() {
        assert_eq!(
            lines(b"a\xffb\n", "utf-8", "gbk"),
            [&b"Marked"[..], b"a?b\n"]
        );
    }
}
