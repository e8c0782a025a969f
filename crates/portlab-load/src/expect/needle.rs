//! A search in a stream, wherever its reads cut it.

use memchr::memmem::Finder;

/// Bytes that are searched for. They are also found when they come in several reads.
#[derive(Clone, Debug)]
pub struct Needle {
    finder: Box<Finder<'static>>,
    /// At `i`: how many bytes at the end of the first `i + 1` bytes are also the beginning of the needle.
    fallback: Vec<usize>,
}

impl Needle {
    /// A needle of at least one byte.
    ///
    /// # Panics
    /// When `bytes` is empty.
    pub fn new(bytes: &[u8]) -> Self {
        assert!(!bytes.is_empty(), "a needle has at least one byte");
        let mut fallback = vec![0; bytes.len()];
        for at in 1..bytes.len() {
            fallback[at] = advance(bytes, &fallback, fallback[at - 1], bytes[at]);
        }
        let finder = Box::new(Finder::new(bytes).into_owned());
        Self { finder, fallback }
    }

    /// The bytes themselves.
    pub fn bytes(&self) -> &[u8] {
        self.finder.needle()
    }

    /// Whether all of the needle is in `input`.
    pub(super) fn is_in(&self, input: &[u8]) -> bool {
        self.finder.find(input).is_some()
    }

    /// Continues the search in `input`, after `matched` bytes of the needle have come. Returns how many bytes of
    /// `input` there are up to the end of the needle, if the needle ends in `input`.
    pub(super) fn find(&self, matched: &mut usize, input: &[u8]) -> Option<usize> {
        let mut at = 0;
        // An occurrence that began in an earlier read goes on byte by byte.
        while *matched > at {
            *matched = self.advance(*matched, *input.get(at)?);
            at += 1;
            if *matched == self.bytes().len() {
                return Some(at);
            }
        }
        // Any other begins in this read, at `from` or later.
        let from = at - *matched;
        if let Some(found) = self.finder.find(&input[from..]) {
            *matched = self.bytes().len();
            return Some(from + found + self.bytes().len());
        }
        let tail = from.max(input.len().saturating_sub(self.bytes().len() - 1));
        let step = |matched, byte: &u8| self.advance(matched, *byte);
        *matched = input[tail..].iter().fold(0, step);
        None
    }

    fn advance(&self, matched: usize, byte: u8) -> usize {
        advance(self.bytes(), &self.fallback, matched, byte)
    }
}

impl PartialEq for Needle {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Needle {}

/// How many bytes of `needle` match after `byte`, if `matched` bytes matched before.
///
/// Source: Knuth, Morris, Pratt, "Fast pattern matching in strings", 1977.
fn advance(needle: &[u8], fallback: &[usize], mut matched: usize, byte: u8) -> usize {
    while matched > 0 && needle[matched] != byte {
        matched = fallback[matched - 1];
    }
    matched + usize::from(needle[matched] == byte)
}
