//! The lines of a file, which are sent in turn.

use std::ops::RangeInclusive;

use portlab_words::{Text, tr};

/// The lines of a file. They are read once, before the run, and kept in memory.
#[derive(Debug, PartialEq, Eq)]
pub struct Lines {
    bytes: Box<[u8]>,
    /// Where each line begins and ends in `bytes`, in the order in which lines are taken.
    places: Box<[(u32, u32)]>,
}

impl Lines {
    /// The longest file, in bytes.
    pub const MOST: u64 = 64 << 20;
    /// The longest line, in bytes: each connection keeps the messages that it has in flight.
    pub const LONGEST: usize = 1 << 20;

    /// The lines of a file that contains `bytes`. Each line ends with LF or CR LF, which isn't a part of the line; the
    /// last one may lack its end.
    ///
    /// # Errors
    /// If the file has no line, or if a line or the file is too long.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Text> {
        if bytes.is_empty() {
            return Err(Text::new(
                "the file is empty; it needs a line at least",
                "文件是空的；至少要有一行",
            ));
        }
        if bytes.len() as u64 > Self::MOST {
            let (length, most) = (bytes.len(), Self::MOST);
            return Err(tr!(
                "the file has {length} bytes; the most is {most}",
                "文件有 {length} 字节；最多 {most}"
            ));
        }
        let mut places = Vec::new();
        let mut begin = 0;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = piece.strip_suffix(b"\n").unwrap_or(piece);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.len() > Self::LONGEST {
                let (number, length, most) = (places.len() + 1, line.len(), Self::LONGEST);
                return Err(tr!(
                    "line {number} has {length} bytes; the most is {most}",
                    "第 {number} 行有 {length} 字节；最多 {most}"
                ));
            }
            places.push((begin as u32, (begin + line.len()) as u32));
            begin += piece.len();
        }
        Ok(Self {
            bytes: bytes.into(),
            places: places.into(),
        })
    }

    /// The same lines in a random order, which follows from `seed`.
    #[must_use]
    pub fn shuffled(mut self, seed: u64) -> Self {
        fastrand::Rng::with_seed(seed).shuffle(&mut self.places);
        self
    }

    /// How many lines there are, at least one.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// The line that is taken as number `number`, counted from 0. After the last line comes the first.
    pub fn line(&self, number: u64) -> &[u8] {
        let (from, to) = self.places[(number % self.places.len() as u64) as usize];
        &self.bytes[from as usize..to as usize]
    }

    /// The lengths of the shortest line and of the longest one.
    pub(crate) fn sizes(&self) -> RangeInclusive<usize> {
        let sizes = self.places.iter().map(|(from, to)| (to - from) as usize);
        let (least, most) = (sizes.clone().min(), sizes.max());
        least.unwrap_or_default()..=most.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Lines {
        Lines::new(text.into()).unwrap()
    }

    fn all(lines: &Lines) -> Vec<&[u8]> {
        let count = lines.count() as u64;
        (0..count).map(|number| lines.line(number)).collect()
    }

    #[test]
    fn a_line_is_what_stands_before_its_end() {
        for (text, expected) in [
            ("a\nbc\n", &["a", "bc"][..]),
            ("a\r\n\r\nb", &["a", "", "b"]),
            ("\r\r\n", &["\r"]),
            ("\n", &[""]),
        ] {
            let expected: Vec<_> = expected.iter().map(|it| it.as_bytes()).collect();
            assert_eq!(all(&lines(text)), expected, "{text:?}");
        }
        let three = lines("a\nbcd\n\n");
        assert_eq!(three.sizes(), 0..=3);
        assert_eq!(three.line(3), b"a", "after the last comes the first");
    }

    #[test]
    fn a_file_without_a_line_and_a_line_that_is_too_long_are_refused() {
        assert!(Lines::new(Vec::new()).unwrap_err().en.contains("empty"));
        let mut long = b"a\n".to_vec();
        long.resize(Lines::LONGEST + 3, b'x');
        let error = Lines::new(long).unwrap_err();
        assert!(error.en.starts_with("line 2 has 1048577 bytes"), "{error}");
    }

    #[test]
    fn a_seed_gives_one_order_with_every_line_in_it() {
        let text: String = (0..100).map(|number| format!("{number}\n")).collect();
        let shuffled = |seed| lines(&text).shuffled(seed);
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        let mut sorted = shuffled(1).places.to_vec();
        sorted.sort_unstable();
        assert_eq!(sorted, *lines(&text).places);
    }
}
