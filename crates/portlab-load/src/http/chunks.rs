//! The chunks of a body, and the trailers behind them (RFC 9112, 7.1).

use super::{HttpFault, head::LONGEST_HEAD};

/// How far a body of chunks has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunks {
    part: Part,
    /// In the line of a size: the size so far. In data: the bytes that are left.
    size: u64,
    /// Bytes of the line, or of the trailers, so far.
    length: usize,
}

/// The part that the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Before the first digit of a chunk's size.
    Size,
    /// The size of a chunk, after its first digit.
    Digits,
    /// What follows a size in its line: spaces and extensions, which are ignored.
    Extension,
    Data,
    /// The line end behind the data.
    DataEnd,
    /// The same, after its CR.
    DataLf,
    /// The beginning of a trailer, or the empty line that ends the body.
    Trailer,
    /// The same, after a CR.
    TrailerLf,
    /// The rest of a trailer, which is ignored.
    TrailerRest,
}

/// How many bytes the line with the size of a chunk may have.
pub(super) const LONGEST_CHUNK_LINE: usize = 4 * 1024;

impl Chunks {
    pub(super) const BEGIN: Self = Self {
        part: Part::Size,
        size: 0,
        length: 0,
    };

    /// Takes the bytes of the body from `input`, and gives the data in them to `data`; returns how many bytes were
    /// taken if they complete the body.
    pub(super) fn take(
        &mut self,
        input: &[u8],
        mut data: impl FnMut(&[u8]),
    ) -> Result<Option<usize>, HttpFault> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            if self.part == Part::Data {
                let length =
                    (input.len() - at).min(usize::try_from(self.size).unwrap_or(usize::MAX));
                data(&input[at..at + length]);
                at += length;
                self.size -= length as u64;
                if self.size == 0 {
                    self.part = Part::DataEnd;
                }
                continue;
            }
            at += 1;
            if self.step(byte)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Takes a byte that isn't data; returns whether it completes the body.
    fn step(&mut self, byte: u8) -> Result<bool, HttpFault> {
        self.length += 1;
        self.part = match (self.part, byte) {
            (Part::Size | Part::Digits, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                let more = self.size.checked_mul(16).ok_or(HttpFault::BadChunkSize)?;
                self.size = more + u64::from(digit);
                Part::Digits
            }
            (Part::Digits | Part::Extension, b'\n') => {
                self.length = 0;
                match self.size {
                    0 => Part::Trailer,
                    _ => Part::Data,
                }
            }
            (Part::Digits, b';' | b' ' | b'\t' | b'\r') | (Part::Extension, _) => Part::Extension,
            (Part::Size | Part::Digits, _) => return Err(HttpFault::BadChunkSize),
            // LF alone isn't accepted: otherwise a size that is one byte too large would pass.
            (Part::DataEnd, b'\r') => Part::DataLf,
            (Part::DataLf, b'\n') => {
                self.length = 0;
                Part::Size
            }
            (Part::Data | Part::DataEnd | Part::DataLf, _) => return Err(HttpFault::BadChunkEnd),
            (Part::Trailer | Part::TrailerLf, b'\n') => return Ok(true),
            (Part::Trailer, b'\r') => Part::TrailerLf,
            (Part::TrailerRest, b'\n') => Part::Trailer,
            (Part::Trailer | Part::TrailerLf | Part::TrailerRest, _) => Part::TrailerRest,
        };
        match self.part {
            Part::Digits | Part::Extension if self.length > LONGEST_CHUNK_LINE => {
                Err(HttpFault::LongChunkLine)
            }
            Part::Trailer | Part::TrailerLf | Part::TrailerRest if self.length > LONGEST_HEAD => {
                Err(HttpFault::LongTrailers)
            }
            _ => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes the body takes, and its data, when `input` comes in pieces of so many bytes.
    fn read(input: &[u8], piece: usize) -> Result<(Option<usize>, Vec<u8>), HttpFault> {
        let (mut chunks, mut data) = (Chunks::BEGIN, Vec::new());
        for (index, input) in input.chunks(piece).enumerate() {
            if let Some(used) = chunks.take(input, |it| data.extend_from_slice(it))? {
                return Ok((Some(index * piece + used), data));
            }
        }
        Ok((None, data))
    }

    #[test]
    fn the_data_of_chunks_is_put_together_wherever_the_reads_cut() {
        let long = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(LONGEST_CHUNK_LINE - 4));
        for (input, expected) in [
            ("5\r\nhello\r\n0\r\n\r\n", "hello"),
            ("0\r\n\r\n", ""),
            (
                "00b;a=\"b\";c\r\nhello\r\n\r\nab\r\n0;x\r\n\r\n",
                "hello\r\n\r\nab",
            ),
            (
                "1\r\na\r\n1 ; x=y\r\nb\r\n000\r\nX: y\r\nY: z\r\n\r\n",
                "ab",
            ),
            ("2\nab\r\n0\n\n", "ab"),
            (&long, "a"),
        ] {
            let all = [input, "\nbehind"].concat();
            for piece in [1, 2, 3, 5, 10_000] {
                let expected = Ok((Some(input.len()), expected.into()));
                assert_eq!(read(all.as_bytes(), piece), expected, "{input:?}");
            }
        }
    }

    #[test]
    fn a_wrong_size_is_an_error() {
        let long = "1;".to_owned() + &"x".repeat(LONGEST_CHUNK_LINE);
        let trailers = "0\r\n".to_owned() + &"X: y\r\n".repeat(LONGEST_HEAD / 6 + 1);
        for (input, expected) in [
            ("x\r\n", HttpFault::BadChunkSize),
            ("\r\n", HttpFault::BadChunkSize),
            ("-1\r\n", HttpFault::BadChunkSize),
            ("0x5\r\n", HttpFault::BadChunkSize),
            ("10000000000000000\r\n", HttpFault::BadChunkSize),
            ("3\r\nhello\r\n", HttpFault::BadChunkEnd),
            ("3\r\nabc\rx", HttpFault::BadChunkEnd),
            ("3\r\nabc\n", HttpFault::BadChunkEnd),
            ("4\r\nabc\r\n0\r\n\r\n", HttpFault::BadChunkEnd),
            (&long, HttpFault::LongChunkLine),
            (&trailers, HttpFault::LongTrailers),
        ] {
            for piece in [1, 4, 100_000] {
                assert_eq!(read(input.as_bytes(), piece), Err(expected), "{input:.20}");
            }
        }
        // The greatest size is valid.
        assert_eq!(read(b"ffffffffffffffff\r\na", 1), Ok((None, b"a".to_vec())));
    }
}
