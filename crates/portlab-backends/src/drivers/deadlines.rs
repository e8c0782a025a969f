//! The time limits of one connection, for every driver.

use std::time::{Duration, Instant};

use portlab_service::{Cut, Session};
use portlab_sys::stop;

use crate::Limits;

/// When a connection is to be closed, and when it may be read again.
///
/// A driver reports the events of the connection, and asks before each read and at the time of [`Deadlines::next`]. For a
/// service without messages and without a hub, the clock is read only if an idle timeout is set.
#[derive(Debug)]
pub(crate) struct Deadlines {
    limits: &'static Limits,
    /// When the last byte was sent or received.
    active_at: Option<Instant>,
    /// The number of the message of which a part has come, and its deadline.
    message: Option<(u64, Instant)>,
    /// How much the connection may post, as time: it grows with time, up to one second.
    credit: Duration,
    credited_at: Option<Instant>,
    /// The connection has posted more than it may, and is not read before this time.
    rests_until: Option<Instant>,
}

impl Deadlines {
    pub(crate) fn new(limits: &'static Limits) -> Self {
        let mut deadlines = Self {
            limits,
            active_at: None,
            message: None,
            credit: SECOND,
            credited_at: None,
            rests_until: None,
        };
        deadlines.moved();
        deadlines
    }

    /// Uses up the credit, so that each further post causes a rest.
    #[cfg(test)]
    pub(crate) fn spend_credit(&mut self) {
        self.credit = Duration::ZERO;
        self.credited_at = Some(Instant::now());
    }

    pub(crate) fn none() -> Self {
        static NONE: Limits = Limits {
            connections: usize::MAX,
            idle: None,
            message: None,
            posts_per_s: None,
            keepalive: None,
        };
        Self::new(&NONE)
    }

    /// Bytes were sent or received.
    #[inline]
    pub(crate) fn moved(&mut self) {
        if self.limits.idle.is_some() {
            self.active_at = Some(Instant::now());
        }
    }

    /// The session has handled input, and has this number of posts for the hub.
    pub(crate) fn handled(&mut self, session: &dyn Session, posts: usize) {
        self.moved();
        match (session.unfinished(), self.limits.message) {
            (Some(number), Some(limit)) => match self.message {
                Some((known, _)) if known == number => {}
                _ => self.message = Some((number, Instant::now() + limit)),
            },
            _ => self.message = None,
        }
        if posts > 0
            && let Some(rate) = self.limits.posts_per_s
        {
            self.charge(posts as u32, SECOND / rate.get());
        }
    }

    /// Whether the connection must not be read now, because it has posted more than it may. A stop of the server ends a
    /// rest.
    #[inline]
    pub(crate) fn rests(&mut self) -> bool {
        if let Some(until) = self.rests_until {
            let now = Instant::now();
            if until <= now || stop::is_set() {
                self.end_rest(now);
            }
        }
        self.rests_until.is_some()
    }

    /// From now on the connection is read again, and its time limits run again.
    fn end_rest(&mut self, now: Instant) {
        self.rests_until = None;
        self.moved();
        if let Some((_, at)) = &mut self.message {
            *at = (*at).max(now + GRACE);
        }
    }

    #[inline]
    pub(crate) fn overdue(&self) -> Option<Cut> {
        match self.is_timed() {
            true => self.overdue_at(Instant::now()),
            false => None,
        }
    }

    /// When the driver must ask again, if no event comes before.
    #[inline]
    pub(crate) fn next(&self) -> Option<Instant> {
        if !self.is_timed() {
            return None;
        }
        // A stop of the server ends a rest, so the driver checks for it from time to time.
        let rest = self
            .rests_until
            .map(|until| until.min(Instant::now() + LOOK));
        let all = [self.idle_at(), self.message_at(), rest];
        all.into_iter().flatten().min()
    }

    /// Whether a time limit runs. Usually none runs, and a message costs three comparisons.
    #[inline]
    fn is_timed(&self) -> bool {
        self.active_at.is_some() || self.message.is_some() || self.rests_until.is_some()
    }

    fn overdue_at(&self, now: Instant) -> Option<Cut> {
        if self.idle_at().is_some_and(|at| at <= now) {
            return Some(Cut::Idle);
        }
        let message = self.message_at().filter(|at| *at <= now);
        message.map(|_| Cut::Unfinished)
    }

    fn idle_at(&self) -> Option<Instant> {
        Some(self.not_while_it_rests(self.active_at? + self.limits.idle?))
    }

    fn message_at(&self) -> Option<Instant> {
        Some(self.not_while_it_rests(self.message?.1))
    }

    /// The time of a rest doesn't count in time limits.
    fn not_while_it_rests(&self, at: Instant) -> Instant {
        self.rests_until.map_or(at, |until| at.max(until + GRACE))
    }

    fn charge(&mut self, posts: u32, each: Duration) {
        let now = Instant::now();
        let last = self.credited_at.replace(now).unwrap_or(now);
        let credit = (self.credit + (now - last)).min(SECOND);
        let price = each * posts;
        self.credit = credit.saturating_sub(price);
        if price > credit {
            let until = now + (price - credit);
            self.rests_until = Some(until);
            // The rest already accounts for these posts, so credit grows from the end of the rest on.
            self.credited_at = Some(until);
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);
/// The time between two checks for a stop during a rest.
const LOOK: Duration = Duration::from_millis(100);
/// How much time a message has at least after a rest of its connection.
const GRACE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use portlab_service::{Cx, Flow};

    use super::*;

    /// A session that has received a part of this message.
    struct HasPartOf(Option<u64>);

    impl Session for HasPartOf {
        fn on_data(&mut self, _input: &[u8], _cx: &mut Cx<'_>) -> Flow {
            Flow::CONTINUE
        }

        fn unfinished(&self) -> Option<u64> {
            self.0
        }
    }

    fn deadlines(limits: Limits) -> Deadlines {
        Deadlines::new(Box::leak(Box::new(limits)))
    }

    #[test]
    fn nothing_is_due_without_limits() {
        let mut deadlines = deadlines(Limits {
            message: None,
            posts_per_s: None,
            ..Limits::default()
        });
        deadlines.handled(&HasPartOf(Some(1)), 1_000_000);
        assert_eq!((deadlines.next(), deadlines.overdue()), (None, None));
        assert!(!deadlines.rests());
    }

    #[test]
    fn more_bytes_of_a_message_do_not_move_its_deadline() {
        let mut deadlines = deadlines(Limits::default());
        deadlines.handled(&HasPartOf(Some(1)), 0);
        let first = deadlines.next().expect("a message has begun");
        deadlines.handled(&HasPartOf(Some(1)), 0);
        assert_eq!(deadlines.next(), Some(first), "one more byte of it");
        deadlines.handled(&HasPartOf(Some(2)), 1);
        assert!(deadlines.next() >= Some(first), "the next message");
        deadlines.handled(&HasPartOf(None), 1);
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn a_limit_that_has_passed_gives_its_reason() {
        let now = Limits {
            idle: Some(Duration::ZERO),
            message: Some(Duration::ZERO),
            ..Limits::default()
        };
        assert_eq!(deadlines(now).overdue(), Some(Cut::Idle));
        let mut deadlines = deadlines(Limits { idle: None, ..now });
        assert_eq!(deadlines.overdue(), None);
        deadlines.handled(&HasPartOf(Some(1)), 0);
        assert_eq!(deadlines.overdue(), Some(Cut::Unfinished));
    }

    #[test]
    fn the_posts_of_one_second_are_free_and_more_are_followed_by_a_rest() {
        let mut deadlines = deadlines(Limits {
            posts_per_s: NonZeroU32::new(100),
            ..Limits::default()
        });
        let begin = Instant::now();
        deadlines.handled(&HasPartOf(None), 100);
        assert!(!deadlines.rests());
        deadlines.handled(&HasPartOf(None), 300);
        assert!(deadlines.rests());
        let rests = deadlines.rests_until.expect("it rests") - begin;
        // Three seconds, less what was refilled since the beginning.
        assert!(rests > Duration::from_secs(2), "{rests:?}");
    }

    #[test]
    fn the_time_of_a_rest_counts_in_neither_limit() {
        let limit = Duration::from_secs(2);
        let mut deadlines = deadlines(Limits {
            idle: Some(limit),
            message: Some(limit),
            posts_per_s: NonZeroU32::new(1),
            ..Limits::default()
        });
        deadlines.handled(&HasPartOf(Some(1)), 60);
        std::thread::sleep(limit);
        assert_eq!((deadlines.rests(), deadlines.overdue()), (true, None));
        deadlines.end_rest(Instant::now());
        assert_eq!((deadlines.rests(), deadlines.overdue()), (false, None));
    }
}
