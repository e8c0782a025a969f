//! Connections that the server ended while it was still to answer.

use std::{fmt, io, time::Duration};

use portlab_words::units;

/// How, and when, the server ended connections that were still in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endings {
    /// Connections that it closed or reset.
    pub closed: u64,
    /// Answers on the one of these that had fewest, and on the one that had most.
    pub answers: Option<(u64, u64)>,
    /// When the first and the last were closed, in nanoseconds since the run began.
    closed_ns: Option<(u64, u64)>,
    /// Attempts to connect again that were refused.
    pub refused: u64,
    /// When the first and the last of them were.
    refused_ns: Option<(u64, u64)>,
    /// Whether something listened on the port when the run had lost every connection; `None` where that
    /// wasn't tried, or not found out.
    pub listens: Option<bool>,
    /// When measuring began; `None` if it never did.
    pub(crate) measuring_since: Option<u64>,
}

/// Connections that end within this time end together, as they do when a server stops.
const TOGETHER: Duration = Duration::from_millis(250);

/// Whether `error`, of a connection that was made, says that the server ended it. A network that fails
/// ends connections as well.
pub(crate) fn is_the_servers_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        error.kind(),
        ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof
    )
}

impl Endings {
    /// The server closed a connection with so many answers on it, at `now`.
    pub fn close(&mut self, answers: u64, now: u64) {
        self.merge(&Self {
            closed: 1,
            answers: Some((answers, answers)),
            closed_ns: Some((now, now)),
            ..Self::default()
        });
    }

    /// The server refused a connection that was to follow another, at `now`.
    pub(crate) fn refuse(&mut self, now: u64) {
        self.merge(&Self {
            refused: 1,
            refused_ns: Some((now, now)),
            ..Self::default()
        });
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        let least_and_most = |one: Option<(u64, u64)>, other| {
            let both = one.into_iter().chain(other);
            both.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
        };
        self.closed += other.closed;
        self.answers = least_and_most(self.answers, other.answers);
        self.closed_ns = least_and_most(self.closed_ns, other.closed_ns);
        self.refused += other.refused;
        self.refused_ns = least_and_most(self.refused_ns, other.refused_ns);
    }

    /// Whether the server ended none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.closed == 0 && self.refused == 0
    }

    /// How many answers the server allows on a connection: it has closed several, each after the same
    /// number of them.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        let (least, most) = self.answers?;
        (least == most && self.closed > 1 && least > 0).then_some(least)
    }

    /// Whether it closed several, all at once.
    #[must_use]
    pub fn together(&self) -> bool {
        let lasted = self.closed_ns.map(|(first, last)| last - first);
        self.closed > 1 && lasted.is_some_and(|ns| Duration::from_nanos(ns) <= TOGETHER)
    }

    /// When the first and the last connection were closed, from when measuring began; `None` if that
    /// was before, or never.
    #[must_use]
    pub fn closed_at(&self) -> Option<(Duration, Duration)> {
        let (first, last) = self.closed_ns?;
        Some((self.since(first)?, self.since(last)?))
    }

    /// The same of the first attempt to connect that was refused.
    #[must_use]
    pub fn refused_at(&self) -> Option<Duration> {
        self.since(self.refused_ns?.0)
    }

    /// Says what the server did, and what to do about it; whether `all` connections were lost with
    /// that, and were `idle`.
    pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>, all: bool, idle: bool) -> fmt::Result {
        if self.closed > 0 {
            self.write_closed(f, idle)?;
            if all {
                f.write_str(", and so the run ended before its time")?;
            }
        }
        if self.refused > 0 {
            self.write_refused(f)?;
        }
        f.write_str(": ")?;
        let again = "start it again, then repeat the run";
        let (least, most) = self.answers.unwrap_or_default();
        let least = least.max(1);
        match (self.limit(), most) {
            _ if self.refused > 0 && !all => f.write_str(
                "nothing listened there for a while; the figures contain that, so repeat the run",
            ),
            _ if self.refused > 0 || self.listens == Some(false) => {
                write!(f, "nothing listens there any more; {again}")
            }
            _ if idle => {
                f.write_str("it has an idle timeout or a limit on connections, or it stopped")
            }
            (_, 0) => f.write_str("is it a server of this protocol, and has it room for so many?"),
            (Some(limit), _) => write!(
                f,
                "it seems to allow so many on a connection; use --per-connection {limit}"
            ),
            _ if self.together() => write!(
                f,
                "it was restarted or has closed them all at once; repeat the run, and if it happens \
                 again, use --per-connection {least}"
            ),
            _ => write!(
                f,
                "if it allows no more on a connection, use --per-connection {least}; if it stopped, \
                 {again}"
            ),
        }
    }

    /// The same of a chat, whose members get no answers.
    pub(crate) fn write_of_a_chat(&self, f: &mut fmt::Formatter<'_>, all: bool) -> fmt::Result {
        self.write_closed(f, true)?;
        f.write_str(match all {
            true => {
                ", and so the run ended before its time: it stopped, restarted or crashed; start it \
                 again, then repeat the run"
            }
            false => ": it drops members that read too slowly (its --output-limit), or it lost a process",
        })
    }

    fn write_closed(&self, f: &mut fmt::Formatter<'_>, idle: bool) -> fmt::Result {
        let (least, most) = self.answers.unwrap_or_default();
        match self.closed {
            1 => f.write_str("the server closed a connection")?,
            closed => write!(f, "the server closed {closed} connections")?,
        }
        match (least, most) {
            _ if idle => {}
            (_, 0) => f.write_str(" before any answer")?,
            _ if least < most => write!(f, " after {least} to {most} answers")?,
            _ => {
                let answers = if most == 1 { "answer" } else { "answers" };
                let each = if self.closed > 1 { " each" } else { "" };
                write!(f, " after {most} {answers}{each}")?;
            }
        }
        match self.closed_at() {
            None => f.write_str(", the first before measuring began"),
            Some((first, _)) if self.closed == 1 || self.together() => {
                write!(f, ", {} after measuring began", units::time(first))
            }
            Some((first, last)) => {
                let (first, last) = (units::time(first), units::time(last));
                write!(f, ", from {first} to {last} after measuring began")
            }
        }
    }

    fn write_refused(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = match self.closed {
            0 => "the server",
            _ => "; it",
        };
        let times = match self.refused {
            1 => "once".to_owned(),
            count => format!("{count} times"),
        };
        write!(f, "{it} refused new connections ({times}")?;
        match self.refused_at() {
            Some(at) => write!(f, ", from {} on)", units::time(at))?,
            None => f.write_str(", from before measuring began)")?,
        }
        Ok(())
    }

    fn since(&self, moment_ns: u64) -> Option<Duration> {
        let since = moment_ns.checked_sub(self.measuring_since?)?;
        Some(Duration::from_nanos(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_have_seen_adds_up() {
        let (mut one, mut other) = (Endings::default(), Endings::default());
        one.close(1_000, 7_000);
        other.close(990, 9_000);
        other.close(1_000, 8_000);
        other.refuse(9_500);
        one.merge(&other);
        one.merge(&Endings::default());
        assert_eq!((one.closed, one.refused), (3, 1));
        assert_eq!(one.answers, Some((990, 1_000)));
        assert_eq!(one.closed_ns, Some((7_000, 9_000)));
        assert_eq!(one.refused_ns, Some((9_500, 9_500)));
        assert_eq!((one.limit(), one.closed_at()), (None, None));
        one.measuring_since = Some(8_000);
        assert_eq!(one.closed_at(), None);
        assert_eq!(one.refused_at(), Some(Duration::from_nanos(1_500)));
    }

    #[test]
    fn what_the_server_did_is_told_with_what_to_type() {
        struct Told(Endings, bool, bool);
        impl fmt::Display for Told {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.write(f, self.1, self.2)
            }
        }
        let told = |closed: &[(u64, u64)], refused: bool, all: bool, idle: bool| {
            let mut endings = Endings::default();
            for (answers, ms) in closed {
                endings.close(*answers, 1_000_000_000 + ms * 1_000_000);
            }
            if refused {
                endings.refuse(6_000_000_000);
            }
            endings.measuring_since = Some(1_000_000_000);
            Told(endings, all, idle).to_string()
        };
        for (told, expected) in [
            (
                told(&[(1_000, 10), (1_000, 900)], false, true, false),
                "the server closed 2 connections after 1000 answers each, from 10.0 ms to 900 ms after \
                 measuring began, and so the run ended before its time: it seems to allow so many on a \
                 connection; use --per-connection 1000",
            ),
            (
                told(&[(900, 10), (1_000, 20)], false, true, false),
                "the server closed 2 connections after 900 to 1000 answers, 10.0 ms after measuring \
                 began, and so the run ended before its time: it was restarted or has closed them all \
                 at once; repeat the run, and if it happens again, use --per-connection 900",
            ),
            (
                told(&[(1, 10)], true, false, false),
                "the server closed a connection after 1 answer, 10.0 ms after measuring began; it \
                 refused new connections (once, from 5.00 s on): nothing listened there for a while; the \
                 figures contain that, so repeat the run",
            ),
            (
                told(&[(7, 10)], false, false, false),
                "the server closed a connection after 7 answers, 10.0 ms after measuring began: if it \
                 allows no more on a connection, use --per-connection 7; if it stopped, start it \
                 again, then repeat the run",
            ),
            (
                told(&[(0, 10), (0, 20)], false, false, true),
                "the server closed 2 connections, 10.0 ms after measuring began: it has an idle timeout \
                 or a limit on connections, or it stopped",
            ),
        ] {
            assert_eq!(told, expected);
        }
        let gone = Endings {
            closed: 2,
            answers: Some((50, 50)),
            listens: Some(false),
            ..Endings::default()
        };
        let told = Told(gone, true, false).to_string();
        let expected = "nothing listens there any more; start it again, then repeat the run";
        assert!(told.ends_with(expected), "{told}");
    }

    #[test]
    fn a_limit_is_seen_where_several_end_after_the_same_number_of_answers() {
        let of = |answers: &[u64]| {
            let mut endings = Endings::default();
            answers
                .iter()
                .for_each(|answers| endings.close(*answers, 1));
            endings.limit()
        };
        assert_eq!(of(&[50, 50]), Some(50));
        assert_eq!(of(&[50]), None);
        assert_eq!(of(&[50, 51]), None);
        assert_eq!(of(&[0, 0]), None);
    }
}
