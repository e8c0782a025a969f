//! The time limits of one connection, whatever drives it.

use std::time::{Duration, Instant};

use portlab_service::{Cut, Session};
use portlab_sys::stop;

use crate::limits::Limits;

/// When a connection is to be closed, and when it may be read again.
///
/// A driver tells what happens on the connection, and asks before it reads and when [`Deadlines::next`]
/// has come. Nothing here looks at the clock for a service without messages and without a hub, unless an
/// idle timeout is set.
#[derive(Debug)]
pub(crate) struct Deadlines {
    limits: &'static Limits,
    /// When the last byte went either way.
    active_at: Option<Instant>,
    /// The number of the message of which a part has come, and when it is to have ended.
    message: Option<(u64, Instant)>,
    /// How much it may say: refilled as time passes, up to what one second allows.
    credit: Duration,
    credited_at: Option<Instant>,
    /// It has said more than it may.
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

    /// From now on each post has to be paid for.
    #[cfg(test)]
    pub(crate) fn spend_credit(&mut self) {
        self.credit = Duration::ZERO;
        self.credited_at = Some(Instant::now());
    }

    /// No time limits.
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

    /// Bytes went either way.
    #[inline]
    pub(crate) fn moved(&mut self) {
        if self.limits.idle.is_some() {
            self.active_at = Some(Instant::now());
        }
    }

    /// The session has handled input, and has so many posts for the hub.
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

    /// Whether it must not be read now, because it has said more than it may. A server that stops lets
    /// it finish.
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

    /// What the connection could not send while it rested can come from now on.
    fn end_rest(&mut self, now: Instant) {
        self.rests_until = None;
        self.moved();
        if let Some((_, at)) = &mut self.message {
            *at = (*at).max(now + GRACE);
        }
    }

    /// Why it is to be closed now, if it is.
    #[inline]
    pub(crate) fn overdue(&self) -> Option<Cut> {
        match self.is_timed() {
            true => self.overdue_at(Instant::now()),
            false => None,
        }
    }

    /// The next moment at which there is something to do, if nothing happens before.
    #[inline]
    pub(crate) fn next(&self) -> Option<Instant> {
        if !self.is_timed() {
            return None;
        }
        // A server that stops ends a rest, so it is looked at now and then.
        let rest = self
            .rests_until
            .map(|until| until.min(Instant::now() + LOOK));
        let all = [self.idle_at(), self.message_at(), rest];
        all.into_iter().flatten().min()
    }

    /// Whether any time limit runs. Usually none does, and a message costs three comparisons.
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

    /// The time that a connection rests does not count against it.
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
            // The rest pays for these posts, so credit is counted from its end.
            self.credited_at = Some(until);
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);
/// Between two looks at a rest.
const LOOK: Duration = Duration::from_millis(100);
/// How long a message has, at least, after its connection has rested.
const GRACE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use portlab_service::{Cx, Flow};

    use super::*;

    /// A session in the middle of its message `0`.
    struct Amid(Option<u64>);

    impl Session for Amid {
        fn on_data(&mut self, _input: &[u8], _cx: &mut Cx<'_>) -> Flow {
            Flow::CONTINUE
        }

        fn unfinished(&self) -> Option<u64> {
            self.0
        }
    }

    fn limits(limits: Limits) -> &'static Limits {
        Box::leak(Box::new(limits))
    }

    #[test]
    fn nothing_is_due_without_limits() {
        let mut deadlines = Deadlines::new(limits(Limits {
            message: None,
            posts_per_s: None,
            ..Limits::default()
        }));
        deadlines.handled(&Amid(Some(1)), 1_000_000);
        assert_eq!((deadlines.next(), deadlines.overdue()), (None, None));
        assert!(!deadlines.rests());
    }

    #[test]
    fn a_message_keeps_the_deadline_of_its_beginning() {
        let mut deadlines = Deadlines::new(limits(Limits::default()));
        deadlines.handled(&Amid(Some(1)), 0);
        let first = deadlines.next().expect("a message has begun");
        deadlines.handled(&Amid(Some(1)), 0);
        assert_eq!(deadlines.next(), Some(first), "one more byte of it");
        deadlines.handled(&Amid(Some(2)), 1);
        assert!(deadlines.next() >= Some(first), "the next message");
        deadlines.handled(&Amid(None), 1);
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn what_is_due_says_why() {
        let now = limits(Limits {
            idle: Some(Duration::ZERO),
            message: Some(Duration::ZERO),
            ..Limits::default()
        });
        assert_eq!(Deadlines::new(now).overdue(), Some(Cut::Idle));
        let no_idle = limits(Limits { idle: None, ..*now });
        let mut deadlines = Deadlines::new(no_idle);
        assert_eq!(deadlines.overdue(), None);
        deadlines.handled(&Amid(Some(1)), 0);
        assert_eq!(deadlines.overdue(), Some(Cut::Unfinished));
    }

    #[test]
    fn a_second_of_lines_is_free_and_more_is_paid_with_time() {
        let mut deadlines = Deadlines::new(limits(Limits {
            posts_per_s: NonZeroU32::new(100),
            ..Limits::default()
        }));
        let begin = Instant::now();
        deadlines.handled(&Amid(None), 100);
        assert!(!deadlines.rests());
        deadlines.handled(&Amid(None), 300);
        assert!(deadlines.rests());
        let rests = deadlines.rests_until.expect("it rests") - begin;
        // Three seconds, less what was refilled since the beginning.
        assert!(rests > Duration::from_secs(2), "{rests:?}");
    }

    #[test]
    fn a_rest_counts_against_neither_limit() {
        let limit = Duration::from_secs(2);
        let mut deadlines = Deadlines::new(limits(Limits {
            idle: Some(limit),
            message: Some(limit),
            posts_per_s: NonZeroU32::new(1),
            ..Limits::default()
        }));
        deadlines.handled(&Amid(Some(1)), 60);
        std::thread::sleep(limit);
        assert_eq!((deadlines.rests(), deadlines.overdue()), (true, None));
        deadlines.end_rest(Instant::now());
        assert_eq!((deadlines.rests(), deadlines.overdue()), (false, None));
    }
}
