//! What is sent: the head of a response, and parts of a file.

use std::{fmt::Display, io::Write};

use super::{
    HttpOptions,
    conditions::{Conditions, Outcome, http_date},
    page,
    range::Range,
    status::Status,
};
use crate::FileFacts;

/// The methods that are allowed.
pub(super) const ALLOWED: &str = "GET, HEAD, OPTIONS";

/// The response to one request.
pub(super) struct Answer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) options: &'a HttpOptions,
    pub(super) now_s: u64,
    /// The same, as a date.
    pub(super) date: &'a str,
    /// The connection ends with this response.
    pub(super) closes: bool,
    /// The method is HEAD: the response has no body.
    pub(super) is_head: bool,
}

/// What is sent behind the head of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(Vec<u8>),
    OfFile(Range),
}

impl Answer<'_> {
    /// Begins a response. [`Answer::end`] ends its head.
    pub(super) fn begin(&mut self, status: Status) {
        self.text("HTTP/1.1 ");
        self.display(status);
        self.text("\r\nDate: ");
        self.text(self.date);
        self.text("\r\nServer: portlab\r\n");
        if self.closes {
            self.text("Connection: close\r\n");
        }
    }

    pub(super) fn field(&mut self, name: &str, value: impl Display) {
        self.text(name);
        self.text(": ");
        self.display(value);
        self.text("\r\n");
    }

    pub(super) fn end(&mut self) {
        self.text("\r\n");
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn display(&mut self, value: impl Display) {
        // A vector takes everything.
        let _ = write!(self.out, "{value}");
    }

    /// A response whose body is this page in HTML.
    pub(super) fn page(&mut self, status: Status, html: &str, fields: &[(&str, &str)]) {
        self.begin(status);
        for (name, value) in fields {
            self.field(name, value);
        }
        self.field("Content-Type", "text/html; charset=UTF-8");
        self.field("Content-Length", html.len());
        self.end();
        if !self.is_head {
            self.text(html);
        }
    }

    pub(super) fn error(&mut self, status: Status, fields: &[(&str, &str)]) {
        let html = page::error(status, self.options);
        self.page(status, &html, fields);
    }

    /// The response to a request for a file. Returns what is to be sent behind `out`.
    pub(super) fn file(&mut self, facts: &FileFacts, conditions: &Conditions) -> Vec<Piece> {
        let whole = Range {
            from: 0,
            length: facts.length,
        };
        let kind = || content_type(&facts.name, self.options);
        match conditions.outcome(facts, self.now_s, !self.is_head) {
            Outcome::Instead(status @ Status::NOT_MODIFIED) => {
                self.begin(status);
                self.validators(facts);
                self.end();
                Vec::new()
            }
            Outcome::Instead(status) => {
                let length = format!("bytes */{}", facts.length);
                let fields = [("Content-Range", &*length)];
                let is_range = status == Status::RANGE_NOT_SATISFIABLE;
                self.error(status, if is_range { &fields } else { &[] });
                Vec::new()
            }
            Outcome::Whole => {
                self.begin(Status::OK);
                // These fields are the same for each response with the whole file.
                let begin = self.out.len();
                if let Some(kept) = facts.kept.get() {
                    self.out.extend_from_slice(kept);
                } else {
                    self.about(facts, facts.length, &kind());
                    let _ = facts.kept.set(self.out[begin..].into());
                }
                self.end();
                self.pieces(facts, vec![Piece::OfFile(whole)])
            }
            Outcome::Parts(ranges) => match ranges[..] {
                [range] => {
                    self.begin(Status::PARTIAL_CONTENT);
                    self.field("Content-Range", of(range, facts));
                    self.about(facts, range.length, &kind());
                    self.end();
                    self.pieces(facts, vec![Piece::OfFile(range)])
                }
                _ => {
                    let pieces = parts(&ranges, facts, &kind());
                    let lengths = pieces.iter().map(|piece| match piece {
                        Piece::Text(text) => text.len() as u64,
                        Piece::OfFile(range) => range.length,
                    });
                    self.begin(Status::PARTIAL_CONTENT);
                    let kind = format!("multipart/byteranges; boundary={}", boundary(facts));
                    self.about(facts, lengths.sum(), &kind);
                    self.end();
                    self.pieces(facts, pieces)
                }
            },
        }
    }

    /// Fields about the content that is sent.
    fn about(&mut self, facts: &FileFacts, length: u64, kind: &str) {
        self.field("Content-Type", kind);
        self.field("Content-Length", length);
        if let Some(coding) = facts.coding {
            self.field("Content-Encoding", coding.name());
        }
        self.field("Accept-Ranges", "bytes");
        self.validators(facts);
    }

    fn validators(&mut self, facts: &FileFacts) {
        self.field("ETag", format_args!("\"{}\"", facts.tag));
        self.field("Last-Modified", http_date(facts.modified_s));
        if facts.has_codings {
            self.field("Vary", "Accept-Encoding");
        }
    }

    /// Writes the pieces of a file whose content is known, and returns the others.
    fn pieces(&mut self, facts: &FileFacts, mut pieces: Vec<Piece>) -> Vec<Piece> {
        pieces.retain(|piece| !matches!(piece, Piece::OfFile(range) if range.length == 0));
        if self.is_head {
            return Vec::new();
        }
        let Some(whole) = &facts.whole else {
            return pieces;
        };
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.out.extend_from_slice(&text),
                Piece::OfFile(range) => {
                    let (from, last) = (range.from as usize, range.last() as usize);
                    self.out.extend_from_slice(&whole[from..=last]);
                }
            }
        }
        Vec::new()
    }
}

/// The value of Content-Range.
fn of(range: Range, facts: &FileFacts) -> String {
    format!("bytes {}-{}/{}", range.from, range.last(), facts.length)
}

/// Stands between the parts of a response (RFC 2046, 5.1.1). The tag has the time of the file's last change, so a file can't
/// be written that contains its own boundary.
fn boundary(facts: &FileFacts) -> String {
    format!("portlab-{}", facts.tag)
}

fn parts(ranges: &[Range], facts: &FileFacts, kind: &str) -> Vec<Piece> {
    let boundary = boundary(facts);
    let part = |&range: &Range| {
        let of = of(range, facts);
        let head =
            format!("\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {of}\r\n\r\n");
        [Piece::Text(head.into_bytes()), Piece::OfFile(range)]
    };
    let end = Piece::Text(format!("\r\n--{boundary}--\r\n").into_bytes());
    ranges.iter().flat_map(part).chain([end]).collect()
}

/// The type of a file, from its name. A text has the encoding of the server's texts.
fn content_type(name: &[u8], options: &HttpOptions) -> String {
    let name = String::from_utf8_lossy(name);
    let guess = mime_guess::from_path(&*name);
    let kind = guess.first_raw().unwrap_or("application/octet-stream");
    match kind.starts_with("text/") {
        true => format!("{kind}; charset={}", options.encoding.name()),
        false => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_an_encoding_and_a_picture_has_none() {
        for (name, kind) in [
            ("index.html", "text/html; charset=UTF-8"),
            ("A.TXT", "text/plain; charset=UTF-8"),
            ("中文.css", "text/css; charset=UTF-8"),
            ("a.png", "image/png"),
            ("a.tar.gz", "application/gzip"),
            ("a.mp4", "video/mp4"),
            ("README", "application/octet-stream"),
        ] {
            let options = HttpOptions::default();
            assert_eq!(content_type(name.as_bytes(), &options), kind, "{name}");
        }
    }
}
