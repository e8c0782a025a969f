//! Where mail waits until its receiver reads it: one policy, the same on every model.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

use portlab_service::{CloseReason, Mail};

/// What happens to mail that its receiver doesn't read.
///
/// No sender ever waits for a slow receiver, so the mail has to wait, and memory is limited.
///
/// Source: Redis's `client-output-buffer-limit`: a hard limit, and a softer one that may be passed for some seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow {
    /// What is done at a limit.
    pub policy: Policy,
    /// How many bytes may wait for one receiver.
    pub hard: usize,
    /// More bytes than this wait for at most `patience`.
    pub soft: usize,
    /// How long mail may stay above the soft limit.
    pub patience: Duration,
    /// How many bytes may wait for all receivers of a process together. The first 64 KiB of each receiver don't count.
    pub total: usize,
}

/// What is done when a receiver's mail passes a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The receiver gets the reason, and its connection is closed.
    Disconnect,
    /// The oldest mail is thrown away, and the receiver gets the number of lost pieces. Only the hard limit applies.
    DropOldest,
}

impl Policy {
    /// All policies.
    pub const ALL: [Self; 2] = [Self::Disconnect, Self::DropOldest];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disconnect => "disconnect",
            Self::DropOldest => "drop-oldest",
        }
    }
}

/// Counts of all mail, the same on every model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pieces of mail that were put into a mailbox, and not thrown away there.
    pub delivered: u64,
    /// Pieces that were thrown away in a mailbox, because the receiver read too slowly.
    pub missed: u64,
    /// Receivers whose connection was closed because they read too slowly.
    pub dropped: u64,
}

/// The mail of one receiver that it has not read.
#[derive(Debug)]
pub(crate) struct Mailbox {
    limits: Overflow,
    waiting: VecDeque<Mail>,
    /// The bytes of `waiting`, with [`WEIGHT`] for each piece.
    bytes: usize,
    /// Since when `bytes` is more than the soft limit.
    above_soft_since: Option<Instant>,
    /// Pieces thrown away that were not yet reported to the receiver.
    missed: u64,
    overflowed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Waits,
    /// The piece waits, and this number of older pieces was thrown away.
    Displaced(u64),
    /// The piece has passed a limit: the receiver is to be dropped, and this number of pieces was thrown away.
    Overflowed(u64),
    /// The mailbox has overflowed before, or the receiver has ended.
    Refused,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Mail(Mail),
    /// This number of pieces was thrown away before the next one.
    Missed(u64),
    /// Too much mail has come: the receiver is to be dropped.
    Overflow,
    Nothing,
}

/// What a piece counts in addition to its bytes: its entry in the queue.
const WEIGHT: usize = size_of::<Mail>();

impl Default for Overflow {
    /// Disconnect at 1 MiB, after 5 seconds above 256 KiB, or when 256 MiB wait in all.
    fn default() -> Self {
        Self {
            policy: Policy::Disconnect,
            hard: 1 << 20,
            soft: 256 << 10,
            patience: Duration::from_secs(5),
            total: 256 << 20,
        }
    }
}

/// The bytes that wait in all mailboxes of this process. The first [`FREE`] bytes of each don't count.
static TOTAL: AtomicUsize = AtomicUsize::new(0);

/// How many bytes may wait for a receiver without counting in [`TOTAL`]. The mail of a receiver that keeps up is less, and
/// changes no counter that all threads share.
const FREE: usize = 64 << 10;

/// A dropped mailbox is subtracted from [`TOTAL`].
impl Drop for Mailbox {
    fn drop(&mut self) {
        self.weigh(0);
    }
}

impl Mailbox {
    pub(crate) fn new(limits: Overflow) -> Self {
        Self {
            limits,
            waiting: VecDeque::new(),
            bytes: 0,
            above_soft_since: None,
            missed: 0,
            overflowed: false,
        }
    }

    /// Puts `mail` in, and applies the policy if a limit is passed.
    pub(crate) fn put(&mut self, mail: Mail) -> Put {
        if self.overflowed {
            return Put::Refused;
        }
        self.weigh(self.bytes + mail.0.len() + WEIGHT);
        self.waiting.push_back(mail);
        if self.limits.policy == Policy::DropOldest {
            return match self.make_room() {
                0 => Put::Waits,
                displaced => Put::Displaced(displaced),
            };
        }
        if self.is_too_much() {
            return self.overflow();
        }
        Put::Waits
    }

    /// Too much mail has come, here or at the sender's end of the line: throws all mail away.
    pub(crate) fn overflow(&mut self) -> Put {
        self.overflowed = true;
        let thrown_away = std::mem::take(&mut self.waiting).len();
        self.weigh(0);
        Put::Overflowed(thrown_away as u64)
    }

    /// Notes that `count` pieces were thrown away at the sender's end of the line, for the report to the receiver.
    pub(crate) fn miss(&mut self, count: u64) {
        self.missed += count;
    }

    pub(crate) fn take(&mut self) -> Found {
        if self.overflowed {
            return Found::Overflow;
        }
        if self.missed > 0 {
            return Found::Missed(std::mem::take(&mut self.missed));
        }
        let Some(mail) = self.waiting.pop_front() else {
            // Frees the memory that a burst has taken.
            if self.waiting.capacity() > ROOM {
                self.waiting = VecDeque::new();
            }
            return Found::Nothing;
        };
        self.weigh(self.bytes - mail.0.len() - WEIGHT);
        if self.bytes <= self.limits.soft {
            self.above_soft_since = None;
        }
        Found::Mail(mail)
    }

    pub(crate) fn is_overflowed(&self) -> bool {
        self.overflowed
    }

    fn weigh(&mut self, bytes: usize) {
        let (before, after) = (counted(self.bytes), counted(bytes));
        self.bytes = bytes;
        match after >= before {
            true if after == before => {}
            true => drop(TOTAL.fetch_add(after - before, Relaxed)),
            false => drop(TOTAL.fetch_sub(before - after, Relaxed)),
        }
    }

    /// Whether [`TOTAL`] is above its limit and this mailbox has a part in it.
    fn is_total_too_much(&self) -> bool {
        counted(self.bytes) > 0 && TOTAL.load(Relaxed) > self.limits.total
    }

    fn is_too_much(&mut self) -> bool {
        if self.is_total_too_much() {
            return true;
        }
        if self.bytes <= self.limits.soft {
            return false;
        }
        let since = *self.above_soft_since.get_or_insert_with(Instant::now);
        self.bytes > self.limits.hard || since.elapsed() > self.limits.patience
    }

    /// Throws the oldest pieces away until the rest fits. The last piece stays, even if it is too large.
    fn make_room(&mut self) -> u64 {
        let mut displaced = 0;
        while (self.bytes > self.limits.hard || self.is_total_too_much())
            && self.waiting.len() > 1
            && let Some(oldest) = self.waiting.pop_front()
        {
            self.weigh(self.bytes - oldest.0.len() - WEIGHT);
            displaced += 1;
        }
        self.missed += displaced;
        displaced
    }
}

/// The part of `bytes` that counts in [`TOTAL`].
fn counted(bytes: usize) -> usize {
    bytes.saturating_sub(FREE)
}

/// Entries that the queue of an idle receiver may keep allocated.
const ROOM: usize = 16;

impl Counts {
    /// Counts what became of a piece of mail, and of the pieces that it displaced.
    pub(crate) fn count(&mut self, put: Put) {
        match put {
            Put::Waits => self.delivered += 1,
            Put::Displaced(count) | Put::Overflowed(count) => {
                self.delivered += 1;
                self.throw_away(count);
            }
            Put::Refused => {}
        }
    }

    /// `count` pieces that counted as delivered were thrown away unread.
    pub(crate) fn throw_away(&mut self, count: u64) {
        self.delivered = self.delivered.saturating_sub(count);
        self.missed += count;
    }

    pub(crate) fn closed(&mut self, reason: CloseReason) {
        self.dropped += u64::from(reason == CloseReason::TooSlow);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(length: usize) -> Mail {
        Mail(vec![b'x'; length].into())
    }

    /// A mailbox in which `pieces` pieces of 100 bytes are the hard limit.
    fn mailbox(policy: Policy, pieces: usize, patience: Duration) -> Mailbox {
        Mailbox::new(Overflow {
            policy,
            hard: pieces * (100 + WEIGHT),
            soft: (100 + WEIGHT) * 2,
            patience,
            total: usize::MAX,
        })
    }

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn mail_is_taken_in_the_order_in_which_it_was_put() {
        let mut mailbox = mailbox(Policy::Disconnect, 10, LONG);
        let puts = [1, 2, 3].map(|length| mailbox.put(mail(length)));
        assert_eq!(puts, [Put::Waits; 3]);
        for length in [1, 2, 3] {
            assert_eq!(mailbox.take(), Found::Mail(mail(length)));
        }
        assert_eq!((mailbox.take(), mailbox.bytes), (Found::Nothing, 0));
    }

    #[test]
    fn at_the_hard_limit_all_mail_is_thrown_away_and_the_receiver_is_dropped() {
        let mut mailbox = mailbox(Policy::Disconnect, 10, LONG);
        let mut counts = Counts::default();
        for _ in 0..20 {
            counts.count(mailbox.put(mail(100)));
        }
        assert_eq!(mailbox.take(), Found::Overflow);
        // Nothing is kept for a receiver that is dropped.
        assert_eq!(mailbox.waiting.capacity(), 0);
        assert_eq!((counts.delivered, counts.missed), (0, 11));
    }

    #[test]
    fn the_soft_limit_may_be_passed_for_some_time() {
        let mut mailbox = mailbox(Policy::Disconnect, 10, Duration::ZERO);
        let puts = [(); 2].map(|()| mailbox.put(mail(100)));
        assert_eq!(puts, [Put::Waits; 2]);
        // From now on the soft limit is passed, and without patience one more piece is too much.
        let third = mailbox.put(mail(100));
        std::thread::sleep(Duration::from_millis(1));
        let puts = [third, mailbox.put(mail(100))];
        assert!(puts.contains(&Put::Overflowed(3)) || puts.contains(&Put::Overflowed(4)));
        let mut patient = self::mailbox(Policy::Disconnect, 10, LONG);
        let puts = [(); 10].map(|()| patient.put(mail(100)));
        assert_eq!(puts, [Put::Waits; 10]);
        assert_eq!(patient.take(), Found::Mail(mail(100)));
        (0..7).for_each(|_| drop(patient.take()));
        // When a receiver has caught up, its time above the soft limit starts again.
        assert_eq!(patient.above_soft_since, None);
    }

    #[test]
    fn above_the_total_limit_the_receivers_with_much_waiting_mail_are_dropped() {
        // One piece of mail in thousands of mailboxes counts gigabytes and takes a megabyte, so that mail of other tests in
        // this process changes nothing.
        const TOTAL_LIMIT: usize = 4 << 30;
        let limits = Overflow {
            hard: usize::MAX,
            soft: usize::MAX,
            patience: LONG,
            total: TOTAL_LIMIT,
            policy: Policy::Disconnect,
        };
        let large = mail(1 << 20);
        let mut greedy: Vec<_> = (0..3).map(|_| Mailbox::new(limits)).collect();
        let mut modest = Mailbox::new(limits);
        let mut fill = |count: usize| {
            let puts = (0..count).map(|at| greedy[at % 3].put(large.clone()));
            puts.filter(|put| matches!(put, Put::Overflowed(_))).count()
        };
        assert_eq!(fill(3 << 10), 0, "three of four gigabytes");
        assert_ne!(fill(2 << 10), 0, "five of four gigabytes");
        assert_eq!(modest.put(mail(FREE / 2)), Put::Waits);
        drop(greedy);
        // Dropped mailboxes leave the total.
        assert!(TOTAL.load(Relaxed) < TOTAL_LIMIT / 4);
    }

    #[test]
    fn dropping_the_oldest_tells_how_many_pieces_are_missing() {
        let mut mailbox = mailbox(Policy::DropOldest, 10, Duration::ZERO);
        let mut counts = Counts::default();
        for _ in 0..25 {
            counts.count(mailbox.put(mail(100)));
        }
        counts.count(mailbox.put(mail(99)));
        assert_eq!(mailbox.take(), Found::Missed(16));
        let mut found = 0;
        while let Found::Mail(_) = mailbox.take() {
            found += 1;
        }
        assert_eq!((found, counts.delivered, counts.missed), (10, 10, 16));
    }
}
