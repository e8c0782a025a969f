//! The head of the last answer that a thread has read.

use super::{Head, head::Body};
use crate::answers::Sorted;

/// The head of the last answer that a thread has read: most often the next one begins with the same bytes, until the
/// second in its `Date` changes. Comparing them takes a few nanoseconds, and parsing some hundred.
#[derive(Debug, Default)]
pub(crate) struct LastHead {
    bytes: Vec<u8>,
    head: Option<(Head, Sorted)>,
}

impl LastHead {
    /// Keeps a head, of which `bytes` are the bytes.
    pub(crate) fn keep(&mut self, bytes: &[u8], head: Head, sorted: Sorted) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.head = Some((head, sorted));
    }

    /// If `input` begins with a complete answer that has this head: the head, the answer's body, and what follows the
    /// answer.
    pub(crate) fn answer<'a>(&self, input: &'a [u8]) -> Option<(Head, Sorted, &'a [u8], &'a [u8])> {
        let (head, sorted) = self.head?;
        let Body::Length(length) = head.body else {
            return None;
        };
        let rest = input.strip_prefix(&*self.bytes)?;
        let (body, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        Some((head, sorted, body, rest))
    }
}
