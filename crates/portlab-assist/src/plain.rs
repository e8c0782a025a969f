//! Rows as lines of text: for a pipe, a file, and a log.

use portlab_words::{Lang, tr};

use crate::{Reading, Row, hex};

impl Row {
    /// The row as one line of text, without a line end.
    ///
    /// ```text
    ///     1.234  #1  127.0.0.1:54321  ←     4  你好 | c4 e3 ba c3
    /// ```
    pub fn plain(&self, lang: Lang) -> String {
        let (at, arrow) = (self.at.as_secs_f64(), self.arrow());
        let mut line = format!("{at:>9.3}");
        if let Some(peer) = self.peer() {
            line += &format!("  {peer:<3}");
        }
        if let Some(addr) = self.addr {
            line += &format!("  {addr}");
        }
        let Some((_, bytes)) = self.what.bytes() else {
            line += &format!("  {}", self.what.text().pick(lang));
            return line;
        };
        let length = bytes.len();
        line += &format!("  {arrow} {length:>5}  {}", self.text());
        line += &format!(" | {}", hex(&bytes[..length.min(SHOWN)]));
        if length > SHOWN {
            let more = length - SHOWN;
            line += &tr!(lang, " ... {more} more bytes", " …… 还有 {more} 字节");
        }
        if let Some(by) = self.by() {
            line += &format!("  ({})", by.pick(lang));
        }
        line
    }

    /// The text of the first bytes, in each encoding that is shown.
    fn text(&self) -> String {
        let many = self.readings.len() > 1;
        let texts = self.readings.iter().map(|reading| {
            let text = reading.first(SHOWN);
            match many {
                true => format!("{}: {text}", reading.encoding.name()),
                false => text,
            }
        });
        texts.collect::<Vec<_>>().join(" | ")
    }
}

impl Reading {
    /// The text of the first bytes.
    fn first(&self, bytes: usize) -> String {
        let mut end = 0;
        let shown = self.shown().take_while(|(_, length)| {
            end += usize::from(*length);
            end <= bytes
        });
        shown.map(|(character, _)| character).collect()
    }
}

/// How many bytes of a row are shown.
const SHOWN: usize = 256;
