//! The body of a request. A static server has no use for it: it is read and discarded, so that the next request begins at
//! the right byte.

use super::status::Status;

/// How far a body has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes are left.
    Length(u64),
    /// It comes in chunks.
    Chunked(Chunks),
}

/// The position in a body of chunks (RFC 9112, 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunks {
    part: Part,
    /// In the line of a size: the size so far. In data: the bytes that are left.
    size: u64,
    /// Bytes of the present line.
    line: usize,
    /// The bytes of data, of lines with sizes and of trailers that the body may still have.
    left: u64,
}

/// The part that the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Before the first digit of a chunk's size.
    Size,
    /// The size, after its first digit.
    Digits,
    /// Spaces behind a size or an extension, before a `;`.
    Space,
    /// Before the name of an extension, which is ignored.
    ExtensionBegin,
    ExtensionName,
    /// Spaces behind the name of an extension, before a `;` or a `=`.
    ExtensionSpace,
    /// Before the value of an extension.
    ExtensionValueBegin,
    ExtensionValue,
    /// In a value in quotation marks.
    Quoted,
    /// Behind a `\` in quotation marks.
    QuotedPair,
    /// Behind the second quotation mark.
    QuotedEnd,
    /// After the CR of a line with a size.
    SizeLf,
    Data,
    /// After the data of a chunk.
    DataCr,
    DataLf,
    /// At the beginning of a trailer, or of the empty line that ends the body.
    Trailer,
    /// In the name of a trailer.
    Name,
    /// In the value of a trailer.
    Value,
    /// After the CR of a trailer.
    ValueLf,
    /// After the CR of the empty line.
    EndLf,
}

/// The longest line of a chunk's size, with its extensions.
const LONGEST_LINE: usize = 1024;

impl Body {
    /// A body in chunks, of at most `most` bytes.
    pub(super) fn chunked(most: u64) -> Self {
        Self::Chunked(Chunks {
            part: Part::Size,
            size: 0,
            line: 0,
            left: most,
        })
    }

    /// Discards the bytes of the body from the beginning of `input`. Returns their number, and whether the body is complete.
    ///
    /// # Errors
    /// 400 for chunks that RFC 9112 doesn't allow, 413 if the body is too long.
    pub(super) fn discard(&mut self, input: &[u8]) -> Result<(usize, bool), Status> {
        match self {
            Self::Length(left) => {
                let length = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(input.len());
                *left -= length as u64;
                Ok((length, *left == 0))
            }
            Self::Chunked(chunks) => chunks.discard(input),
        }
    }
}

impl Chunks {
    fn discard(&mut self, input: &[u8]) -> Result<(usize, bool), Status> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            let used = match self.part {
                Part::Data => usize::try_from(self.size)
                    .unwrap_or(usize::MAX)
                    .min(input.len() - at),
                _ => 1,
            };
            self.left = self
                .left
                .checked_sub(used as u64)
                .ok_or(Status::CONTENT_TOO_LARGE)?;
            at += used;
            if self.part != Part::Data {
                if self.step(byte)? {
                    return Ok((at, true));
                }
                continue;
            }
            self.size -= used as u64;
            if self.size == 0 {
                self.part = Part::DataCr;
            }
        }
        Ok((at, false))
    }

    /// Takes a byte that isn't data; returns whether it completes the body.
    fn step(&mut self, byte: u8) -> Result<bool, Status> {
        self.line += 1;
        if self.line > LONGEST_LINE {
            return Err(Status::BAD_REQUEST);
        }
        self.part = match (self.part, byte) {
            (Part::Size | Part::Digits, _) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                let more = self.size.checked_mul(16).ok_or(Status::BAD_REQUEST)?;
                self.size = more + u64::from(digit);
                Part::Digits
            }
            (Part::SizeLf, b'\n') => {
                self.line = 0;
                match self.size {
                    0 => Part::Trailer,
                    _ => Part::Data,
                }
            }
            (Part::DataCr, b'\r') => Part::DataLf,
            (Part::DataLf, b'\n') => {
                self.line = 0;
                Part::Size
            }
            (Part::Trailer, b'\r') => Part::EndLf,
            (Part::EndLf, b'\n') => return Ok(true),
            (Part::Trailer | Part::Name, _) if is_token(byte) => Part::Name,
            (Part::Name, b':') => Part::Value,
            (Part::Value, b'\r') => Part::ValueLf,
            (Part::Value, _) if is_text(byte) => Part::Value,
            (Part::ValueLf, b'\n') => {
                self.line = 0;
                Part::Trailer
            }
            (part, _) => part.in_line_of_size(byte)?,
        };
        Ok(false)
    }
}

impl Part {
    /// The part behind `byte`, which stands in the line of a size behind the digits (RFC 9112, 7.1.1).
    fn in_line_of_size(self, byte: u8) -> Result<Self, Status> {
        use Part::*;
        Ok(match (self, byte) {
            (Digits | ExtensionName | ExtensionValue | QuotedEnd, b'\r') => SizeLf,
            (Digits | Space | ExtensionName | ExtensionSpace, b';')
            | (ExtensionValue | QuotedEnd, b';')
            | (ExtensionBegin, b' ' | b'\t') => ExtensionBegin,
            (Digits | Space | ExtensionValue | QuotedEnd, b' ' | b'\t') => Space,
            (ExtensionName | ExtensionSpace, b' ' | b'\t') => ExtensionSpace,
            (ExtensionName | ExtensionSpace, b'=') | (ExtensionValueBegin, b' ' | b'\t') => {
                ExtensionValueBegin
            }
            (ExtensionBegin | ExtensionName, _) if is_token(byte) => ExtensionName,
            (ExtensionValueBegin | ExtensionValue, _) if is_token(byte) => ExtensionValue,
            (ExtensionValueBegin, b'"') => Quoted,
            (Quoted, b'"') => QuotedEnd,
            (Quoted, b'\\') => QuotedPair,
            (Quoted | QuotedPair, _) if is_text(byte) => Quoted,
            _ => return Err(Status::BAD_REQUEST),
        })
    }
}

/// Whether `byte` may stand in a name (RFC 9110, 5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether `byte` may stand in a value (RFC 9110, 5.5).
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Discards `input` in pieces: how many bytes the body has, or the status.
    fn length(mut body: Body, input: &[u8], piece: usize) -> Result<Option<usize>, u16> {
        for (index, input) in input.chunks(piece).enumerate() {
            match body.discard(input).map_err(|status| status.0)? {
                (used, true) => return Ok(Some(index * piece + used)),
                (used, false) => assert_eq!(used, input.len()),
            }
        }
        Ok(None)
    }

    #[test]
    fn a_body_ends_at_the_right_byte_wherever_the_reads_cut() {
        let chunked = Body::chunked(1000);
        for (body, input) in [
            (Body::Length(5), "hello"),
            (chunked, "0\r\n\r\n"),
            (chunked, "5\r\nhello\r\n0\r\n\r\n"),
            (
                chunked,
                "A;a=b ; c = \"d\\\";e\"\r\n0\r\n\r\n67890\r\n000 ;x\r\nName: value\r\nB:\r\n\r\n",
            ),
        ] {
            let all = [input, "GET"].concat();
            for piece in [1, 2, 3, 1000] {
                assert_eq!(
                    length(body, all.as_bytes(), piece),
                    Ok(Some(input.len())),
                    "{input:?}"
                );
            }
            let short = &input.as_bytes()[..input.len() - 1];
            assert_eq!(length(body, short, 1), Ok(None), "{input:?}");
        }
    }

    #[test]
    fn wrong_chunks_are_refused() {
        let long = format!("1;{}", "x".repeat(LONGEST_LINE));
        for (input, status) in [
            ("\r\n", 400),
            ("x", 400),
            ("-1\r\n", 400),
            ("+1\r\n", 400),
            ("0x1\r\n", 400),
            (" 1\r\n", 400),
            ("1 \r\n", 400),
            ("1_0\r\n", 400),
            ("1\n", 400),
            ("1\r\nab", 400),
            ("1\r\na\n", 400),
            ("1;a\n", 400),
            ("1;a\0\r\n", 400),
            ("1;\r\n", 400),
            ("1;a=\r\n", 400),
            ("1;a b\r\n", 400),
            ("1;a=\"b\r\n", 400),
            ("1;[\r\n", 400),
            ("1;a \r\n", 400),
            ("0\r\n\n", 400),
            ("0\r\n a: b", 400),
            ("0\r\na b: c", 400),
            ("0\r\na: b\n", 400),
            ("fffffffffffffffff\r\n", 400),
            (&long, 400),
            (
                "ffffffffffffffff\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                413,
            ),
            ("1f\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 413),
        ] {
            for piece in [1, 5, 10_000] {
                let got = length(Body::chunked(30), input.as_bytes(), piece);
                let got = if input.len() > 1000 {
                    length(Body::chunked(9999), input.as_bytes(), piece)
                } else {
                    got
                };
                assert_eq!(got, Err(status), "{input:.30?}");
            }
        }
    }
}
