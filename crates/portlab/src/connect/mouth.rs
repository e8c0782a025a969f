//! The half of a conversation that talks.

use std::{
    io::{self, BufRead, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
};

use portlab_service::TextEncoding;

use super::event::{Post, What};

/// Something to be said.
pub(super) enum Said {
    /// A text, which is encoded.
    Text(String),
    /// Bytes, as they are.
    Bytes(Vec<u8>),
    /// It can't be read what is to be said, nor what would follow.
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

/// A stream to talk on, in an encoding.
pub(super) struct Voice {
    stream: TcpStream,
    encoding: TextEncoding,
    post: Post,
}

impl Voice {
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
    pub(super) fn speak(
        mut self,
        all: impl Iterator<Item = Said> + Send + 'static,
        ending: Ending,
    ) -> io::Result<()> {
        thread::Builder::new().spawn(move || {
            for said in all {
                let bytes = match said {
                    Said::Text(text) => self.encode(&text),
                    Said::Bytes(bytes) => bytes,
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
                // A server that has gone doesn't need to be told.
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
/// Where UTF-8 is spoken it goes as it is, and needn't be text.
pub(super) fn stdin(encoding: TextEncoding) -> impl Iterator<Item = Said> + Send + 'static {
    lines_of(io::BufReader::new(io::stdin()), encoding)
}

fn lines_of(mut source: impl BufRead, encoding: TextEncoding) -> impl Iterator<Item = Said> {
    let utf_8 = TextEncoding::default();
    // A piece of a long line may end within a character.
    let mut decoder = (encoding != utf_8).then(|| utf_8.decoder());
    let mut over = false;
    std::iter::from_fn(move || {
        if over {
            return None;
        }
        let mut line = Vec::new();
        if let Err(error) = source.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            over = true;
            return Some(Said::Unread(error));
        }
        over = line.is_empty();
        let Some(decoder) = &mut decoder else {
            return (!over).then_some(Said::Bytes(line));
        };
        let mut text = String::new();
        decoder.decode(&line, over, &mut text);
        Some(Said::Text(text))
    })
}

/// The most of a line that is sent at once.
const LONGEST: u64 = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8], label: &str) -> Vec<Vec<u8>> {
        let said = lines_of(input, label.parse().unwrap());
        said.map(|said| match said {
            Said::Text(text) => text.into_bytes(),
            Said::Bytes(bytes) => bytes,
            Said::Unread(error) => panic!("{error}"),
        })
        .collect()
    }

    #[test]
    fn stdin_is_said_line_by_line_with_its_line_ends() {
        let expected: [&[u8]; 3] = [b"a\r\n", b"\n", b"b"];
        assert_eq!(lines(b"a\r\n\nb", "utf-8"), expected);
        assert_eq!(lines(b"a\r\n\nb", "gbk")[..3], expected);
        assert_eq!(
            lines(b"\xff\0", "utf-8"),
            [b"\xff\0"],
            "no text, and as it is"
        );
    }

    #[test]
    fn a_character_within_a_very_long_line_stays_whole() {
        // The first piece ends after the first of three bytes.
        let text = "x".repeat(LONGEST as usize - 1) + "你";
        assert_eq!(lines(text.as_bytes(), "gbk").concat(), text.as_bytes());
    }
}
