//! The sending half of a conversation.

use std::{
    io::{self, BufRead, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
};

use portlab_service::TextEncoding;

use super::{
    conversation::Encodings,
    event::{Garbled, Post, What},
};

/// Something to be said.
pub(super) enum Said {
    /// A text, which is encoded.
    Text(String),
    /// Bytes, as they are.
    Bytes(Vec<u8>),
    /// What is said next was not in the encoding of the input.
    Garbled(Garbled),
    /// The input can't be read any further.
    Unread(io::Error),
}

/// What is done when all is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The sending half is closed, which the server reads as the end.
    HalfClose,
    /// Nothing: more might be said.
    StayOpen,
}

/// A stream to send on, in an encoding.
pub(super) struct Sender {
    stream: TcpStream,
    encoding: TextEncoding,
    post: Post,
}

impl Sender {
    pub(super) fn new(stream: &TcpStream, encoding: TextEncoding, post: Post) -> io::Result<Self> {
        let stream = stream.try_clone()?;
        Ok(Self {
            stream,
            encoding,
            post,
        })
    }

    /// Has a thread send each of `all`, in turn: it may take its time to come, and the server its
    /// time to read it.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(super) fn send(
        mut self,
        all: impl Iterator<Item = Said> + Send + 'static,
        ending: Ending,
    ) -> io::Result<()> {
        thread::Builder::new().spawn(move || {
            for said in all {
                let bytes = match said {
                    Said::Text(text) => self.encode(&text),
                    Said::Bytes(bytes) => bytes,
                    Said::Garbled(garbled) => {
                        self.post.tell(What::Garbled(garbled));
                        continue;
                    }
                    Said::Unread(error) => {
                        self.post.tell(What::Unread(error));
                        break;
                    }
                };
                // A send of nothing would be none.
                if bytes.is_empty() {
                    continue;
                }
                self.post.tell(What::Sending(bytes.clone()));
                if let Err(error) = self.stream.write_all(&bytes) {
                    return self.post.tell(What::Unsent(error));
                }
            }
            if ending == Ending::HalfClose {
                self.post.tell(What::HalfClosing);
                // If the connection has broken, there is nothing to close.
                let _ = self.stream.shutdown(Shutdown::Write);
            }
            self.post.tell(What::SaidAll);
        })?;
        Ok(())
    }

    fn encode(&self, text: &str) -> Vec<u8> {
        self.encoding.encode(text).unwrap_or_else(|error| {
            self.post.tell(What::Replaced(error.character));
            let mut bytes = Vec::new();
            self.encoding.encode_with_marks(text, &mut bytes);
            bytes
        })
    }
}

/// What stdin holds, line by line, as far as lines are of a reasonable length.
///
/// Where stdin is in the encoding that is spoken it goes as it is, and needn't be text.
pub(super) fn stdin(encodings: Encodings) -> impl Iterator<Item = Said> + Send + 'static {
    lines_of(io::BufReader::new(io::stdin()), encodings)
}

fn lines_of(mut source: impl BufRead, encodings: Encodings) -> impl Iterator<Item = Said> {
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
            return Some(vec![Said::Unread(error)]);
        }
        over = line.is_empty();
        let began = std::mem::replace(&mut begins_a_line, line.ends_with(b"\n"));
        let Some(input) = &mut decoder else {
            return (!over).then(|| vec![Said::Bytes(line)]);
        };
        let mut text = String::new();
        if input.decode(&line, over, &mut text) {
            return Some(vec![Said::Text(text)]);
        }
        // A file that is in the spoken encoding already needs no encoding. In the middle of a line the
        // decoder may hold half a character.
        let is_spoken = spoken.decoder().decode(&line, false, &mut String::new());
        if began && is_spoken {
            decoder = None;
            return Some(vec![Said::Garbled(Garbled::SentAsItIs), Said::Bytes(line)]);
        }
        let marked = text.replace(char::REPLACEMENT_CHARACTER, "?");
        Some(vec![Said::Garbled(Garbled::Marked), Said::Text(marked)])
    })
    .flatten()
}

/// The most of a line that is sent at once.
const LONGEST: u64 = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of `source`, which is said to be in `input`, to a server that speaks `spoken`; a
    /// text in UTF-8, and what is told of it in words.
    fn lines(source: &[u8], input: &str, spoken: &str) -> Vec<Vec<u8>> {
        let encodings = Encodings {
            spoken: spoken.parse().unwrap(),
            input: input.parse().unwrap(),
        };
        lines_of(source, encodings)
            .map(|said| match said {
                Said::Text(text) => text.into_bytes(),
                Said::Bytes(bytes) => bytes,
                Said::Garbled(garbled) => format!("{garbled:?}").into_bytes(),
                Said::Unread(error) => panic!("{error}"),
            })
            .filter(|said| !said.is_empty())
            .collect()
    }

    #[test]
    fn stdin_is_said_line_by_line_with_its_line_ends() {
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
        let said = lines(text.as_bytes(), "utf-8", "gbk").concat();
        assert_eq!(said, text.as_bytes());
    }

    #[test]
    fn what_stdin_holds_is_read_in_its_own_encoding() {
        let text = "你好\n".as_bytes();
        assert_eq!(lines(b"\xc4\xe3\xba\xc3\n", "gbk", "utf-8"), [text]);
        assert_eq!(lines(b"\xc4\xe3\xba\xc3\n", "gbk", "big5"), [text]);
    }

    #[test]
    fn a_file_that_is_in_the_spoken_encoding_already_goes_as_it_is() {
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
    fn what_is_in_no_encoding_that_was_named_is_marked_and_told() {
        assert_eq!(
            lines(b"a\xffb\n", "utf-8", "gbk"),
            [&b"Marked"[..], b"a?b\n"]
        );
    }
}
