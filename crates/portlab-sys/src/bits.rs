//! A set of small numbers that a signal handler may read.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// A fixed set of numbers below `64 * WORDS`, without locks and without allocation, so that it can
/// be used inside a signal handler. Its memory is touched only where numbers are.
pub(crate) struct Bits<const WORDS: usize>([AtomicU64; WORDS]);

impl<const WORDS: usize> Bits<WORDS> {
    pub(crate) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; WORDS])
    }

    /// Adds `number`. Returns false if the set has no room for it.
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
    use super::{AtomicU64, Bits, SeqCst};

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

    /// The handshake of `stop.rs`, in every order of its steps. One thread adds a socket, and then checks whether a stop
    /// was requested. The other thread requests the stop, and then shuts all sockets of the set. All atomics are
    /// sequentially consistent, so each run is one of these orders.
    #[test]
    fn a_socket_that_is_watched_while_the_signal_comes_is_shut_in_every_order() {
        for order in 0..16_u32 {
            if order.count_ones() != 2 {
                continue;
            }
            let (watched, stopping) = (Bits::<1>::new(), AtomicU64::new(0));
            let (mut new, mut handler) = (0, 0);
            let mut shut = 0;
            for step in 0..4 {
                let is_new = order >> step & 1 == 1;
                match (is_new, if is_new { new } else { handler }) {
                    (true, 0) => assert!(watched.insert(7)),
                    (true, _) => shut += stopping.load(SeqCst),
                    (false, 0) => stopping.store(1, SeqCst),
                    (false, _) => watched.for_each(|fd| shut += u64::from(fd == 7)),
                }
                *(if is_new { &mut new } else { &mut handler }) += 1;
            }
            assert!(shut > 0, "{order:04b}: nothing shuts the socket");
        }
    }
}
