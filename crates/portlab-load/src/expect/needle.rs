//! A search in a stream, wherever its reads cut it.

use memchr::memmem::Finder;

/// Bytes that are searched for. They are also found when they come in several reads.
#[derive(Clone, Debug)]
pub struct Needle(Box<Finder<'static>>);

impl Needle {
    /// A needle of at least one byte.
    ///
    /// # Panics
    /// When `bytes` is empty.
    pub fn new(bytes: &[u8]) -> Self {
        assert!(!bytes.is_empty(), "a needle has at least one byte");
        Self(Box::new(Finder::new(bytes).into_owned()))
    }

    /// The bytes themselves.
    pub fn bytes(&self) -> &[u8] {
        self.0.needle()
    }

    /// Whether all of the needle is in `input`.
    pub(super) fn is_in(&self, input: &[u8]) -> bool {
        self.0.find(input).is_some()
    }

    /// Continues the search in `input`, after `matched` bytes of the needle have come. Returns how many bytes of
    /// `input` there are up to the end of the needle, if the needle ends in `input`.
    pub(super) fn find(&self, matched: &mut usize, input: &[u8]) -> Option<usize> {
        let (needle, before) = (self.bytes(), *matched);
        // An occurrence that began in an earlier read ends in the first bytes of this one.
        let seam = match before {
            0 => Vec::new(),
            _ => [&needle[..before], &input[..input.len().min(needle.len())]].concat(),
        };
        let end = |at| at + needle.len();
        let across = self.0.find(&seam).map(|at| end(at) - before);
        let found = across.or_else(|| self.0.find(input).map(end));
        let tail = match input.len() < needle.len() && before > 0 {
            true => &seam,
            false => input,
        };
        let is_begun = |length: &usize| tail.ends_with(&needle[..*length]);
        *matched = match found {
            Some(_) => needle.len(),
            None => (1..needle.len()).rev().find(is_begun).unwrap_or(0),
        };
        found
    }
}

impl PartialEq for Needle {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Needle {}
