//! A set of small numbers that a signal handler may read.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// A fixed set of numbers below `64 * WORDS`, without locks and without allocation, so that it can
/// be used inside a signal handler. Its memory is touched only where numbers are.
pub(crate) struct Bits<const WORDS: usize>([AtomicU64; WORDS]);

impl<const WORDS: usize> Bits<WORDS> {
    pub(crate) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; WORDS])
    }

    /// Adds `number`; says whether there was room for it.
    pub(crate) fn insert(&self, number: usize) -> bool {
        match self.0.get(number / 64) {
            Some(word) => {
                word.fetch_or(1 << (number % 64), SeqCst);
                true
            }
            None => false,
        }
    }

    pub(crate) fn remove(&self, number: usize) {
        if let Some(word) = self.0.get(number / 64) {
            word.fetch_and(!(1 << (number % 64)), SeqCst);
        }
    }

    pub(crate) fn clear(&self) {
        for word in self.0.iter().filter(|word| word.load(SeqCst) != 0) {
            word.store(0, SeqCst);
        }
    }

    /// Calls `visit` with each number, smallest first.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(usize)) {
        for (index, word) in self.0.iter().enumerate() {
            let mut rest = word.load(SeqCst);
            while rest != 0 {
                visit(index * 64 + rest.trailing_zeros() as usize);
                rest &= rest - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn a_set_holds_what_was_put_in_and_not_taken_out() {
        static SET: Bits<4> = Bits::new();
        for number in [0, 63, 64, 255] {
            assert!(SET.insert(number));
        }
        assert!(!SET.insert(256), "there is no room for 256");
        SET.remove(63);
        SET.remove(1000);
        let mut seen = Vec::new();
        SET.for_each(|number| seen.push(number));
        assert_eq!(seen, [0, 64, 255]);
        SET.clear();
        SET.for_each(|number| panic!("{number} was left"));
    }
}
