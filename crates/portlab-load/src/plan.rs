//! What a run is to do.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use portlab_sys::limits::raise_open_files;

use crate::{Expect, Pace, Ring, Say, Script};

/// Everything a run needs to know. Nothing is looked up later.
///
/// A run is `stop x pace x script` on `connections`; each part means the same whatever the others
/// are.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The port to load.
    pub target: SocketAddr,
    /// The proxy that connections are made to, instead of `target`.
    pub through: Option<Through>,
    /// How many connections are opened, at least one.
    pub connections: usize,
    /// How long they live, and how they end.
    pub life: Life,
    /// How many threads drive them, at least one; more than there are connections are not started.
    pub threads: usize,
    /// Whether the threads poll all the time instead of sleeping. An answer is then seen when it
    /// comes, and not when the machine has woken a thread, at the price of a core for each.
    pub spin: bool,
    /// When messages are sent.
    pub pace: Pace,
    /// Messages that a connection has in flight at most, at least one; in a closed loop, always.
    pub depth: usize,
    /// What is sent, and what counts as an answer.
    pub script: Script,
    /// Load before the measuring begins, so that buffers and caches have settled.
    pub warmup: Duration,
    /// When measuring ends.
    pub stop: Stop,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long an answer may take, from sending on, before its connection is given up.
    pub timeout: Duration,
    /// How long a stretch is that [`Watch::interval`](crate::Watch::interval) is told of.
    pub interval: Duration,
    /// What random lengths and Poisson arrivals follow from.
    pub seed: u64,
}

/// A proxy between the generator and the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Through {
    /// Where it listens: an address of the same family as the target's.
    pub addr: SocketAddr,
    /// What it does to what passes, in words.
    pub faults: String,
}

/// When measuring ends: at whichever comes first. With none of them, when it is interrupted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stop {
    /// After this time.
    pub after: Option<Duration>,
    /// After this many messages, over all connections. They are all measured: there is no warm-up.
    pub messages: Option<u64>,
    /// As soon as there are more errors than this.
    pub errors: Option<u64>,
}

impl Stop {
    /// After `time`.
    pub fn after(time: Duration) -> Self {
        Self {
            after: Some(time),
            ..Self::default()
        }
    }

    /// After `count` messages.
    pub fn messages(count: u64) -> Self {
        Self {
            messages: Some(count),
            ..Self::default()
        }
    }
}

/// How connections come and go. The default: all at once, from anywhere, for the whole run, ended
/// by a FIN.
#[derive(Clone, Debug, Default)]
pub struct Life {
    /// The time over which they are opened, evenly.
    pub ramp: Duration,
    /// After so many answers a connection is closed and another takes its place (churn).
    pub per_connection: Option<u64>,
    /// They are ended by a reset instead of a FIN.
    pub reset: bool,
    /// The local addresses that they come from, in turn; when empty, the system chooses.
    pub sources: Vec<IpAddr>,
}

/// A plan that this machine can't carry out.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    /// Too few file descriptors.
    #[error(
        "{connections} connections need {needed} open files and the hard limit is {limit}{} raise it for this \
         shell (sudo prlimit --pid $$ --nofile={needed}), or open a new shell if `ulimit -n` has lowered it in \
         this one; nofile in /etc/security/limits.conf raises it for good",
        at_most(limit.saturating_sub(needed - *connections as u64))
    )]
    OpenFiles {
        /// What was asked for.
        connections: usize,
        /// How many descriptors that takes.
        needed: u64,
        /// How many this process may have.
        limit: u64,
    },
    /// A number that must be at least one.
    #[error("{0} is 0; it must be at least 1")]
    Zero(&'static str),
    /// A rate that is none.
    #[error("invalid rate {0} per second: expected 0.001 to 10M")]
    Rate(String),
    /// More messages in flight than a connection keeps account of.
    #[error("invalid depth {0}: the most is {MAX_DEPTH}")]
    Depth(usize),
    /// More than one message in flight on a connection whose end is the answer.
    #[error("an answer that ends with its connection allows no depth of {0}; it must be 1")]
    CloseAndDepth(usize),
    /// Too few members for a chat.
    #[error(
        "too few members for the rooms ({members} for {rooms}): each room needs at least two, a sender and a receiver"
    )]
    TooFewMembers {
        /// Members in all.
        members: usize,
        /// Rooms.
        rooms: usize,
    },
    /// A source of another family than the target.
    #[error("{source_addr} can't be a source for {target}: one is IPv4 and the other IPv6")]
    Source {
        /// The source.
        source_addr: IpAddr,
        /// The target.
        target: SocketAddr,
    },
}

/// A thread's poller, its waker and its alarm.
const FILES_PER_THREAD: u64 = 3;
/// Descriptors that are open beside those: standard streams, a server's pipes, files of results.
const OTHER_FILES: u64 = 20;
/// The greatest depth: each message in flight takes 24 bytes.
const MAX_DEPTH: usize = 65_536;
/// The lowest rate, per second: a message in 17 minutes.
const MIN_RATE: f64 = 0.001;
/// The highest rate, per second: more than any loop here can send.
const MAX_RATE: f64 = 10e6;

/// How many connections there is room for, as a clause that ends with what else can be done.
fn at_most(connections: u64) -> String {
    match connections {
        0 => ", too low for any connection:".to_owned(),
        1 => ": use 1 connection at most, or".to_owned(),
        _ => format!(": use {connections} connections at most, or"),
    }
}

impl Plan {
    /// A plan with everything as usual: a closed loop of one connection, one thread, depth 1, an
    /// echo of 64 bytes, ten seconds after one of warm-up.
    pub fn new(target: SocketAddr) -> Self {
        Self {
            target,
            through: None,
            connections: 1,
            life: Life::default(),
            threads: 1,
            spin: false,
            pace: Pace::Closed,
            depth: 1,
            script: Script::echo(64),
            warmup: Duration::from_secs(1),
            stop: Stop::after(Duration::from_secs(10)),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            interval: Duration::from_secs(1),
            seed: 1,
        }
    }

    /// Checks what can be known before the run, raising the soft limit of open files if that helps.
    ///
    /// # Errors
    /// When a number is out of its range, or there are too few file descriptors.
    pub fn check(&self) -> Result<(), PlanError> {
        let numbers = [
            ("the number of connections", self.connections as u64),
            ("the number of threads", self.threads as u64),
            ("the depth", self.depth as u64),
            ("the message size", *self.script.say.sizes().start() as u64),
            ("the number of messages", self.stop.messages.unwrap_or(1)),
            (
                "the number of messages per connection",
                self.life.per_connection.unwrap_or(1),
            ),
            (
                "the number of bytes read per second",
                self.script.behaviour.read_per_s.unwrap_or(1),
            ),
            (
                "the length of an interval",
                self.interval.as_nanos().min(1) as u64,
            ),
        ];
        if let Some((name, _)) = numbers.iter().find(|(_, number)| *number == 0) {
            return Err(PlanError::Zero(name));
        }
        if self.depth > MAX_DEPTH {
            return Err(PlanError::Depth(self.depth));
        }
        if self.depth > 1 && self.script.expect == Expect::Close {
            return Err(PlanError::CloseAndDepth(self.depth));
        }
        if let Some(rate_per_s) = self.pace.rate_per_s()
            && !(MIN_RATE..=MAX_RATE).contains(&rate_per_s)
        {
            return Err(PlanError::Rate(rate_per_s.to_string()));
        }
        let stranger = |source: &&IpAddr| source.is_ipv4() != self.target.is_ipv4();
        if let Some(&source_addr) = self.life.sources.iter().find(stranger) {
            let target = self.target;
            return Err(PlanError::Source {
                source_addr,
                target,
            });
        }
        if let Some(chat) = &self.script.chat {
            if chat.rooms == 0 {
                return Err(PlanError::Zero("the number of rooms"));
            }
            let (members, rooms) = (self.connections, chat.rooms);
            if members < rooms * 2 {
                return Err(PlanError::TooFewMembers { members, rooms });
            }
        }
        let (needed, limit) = (self.open_files(), raise_open_files());
        if needed > limit {
            return Err(PlanError::OpenFiles {
                connections: self.connections,
                needed,
                limit,
            });
        }
        Ok(())
    }

    /// Where connections are made to.
    pub(crate) fn dialled(&self) -> SocketAddr {
        self.through.as_ref().map_or(self.target, |it| it.addr)
    }

    /// How many file descriptors the run takes.
    fn open_files(&self) -> u64 {
        let threads = self.threads.min(self.connections) as u64;
        (self.connections as u64)
            .saturating_add(threads.saturating_mul(FILES_PER_THREAD))
            .saturating_add(OTHER_FILES)
    }

    /// How many answers a connection gets before another takes its place; `None` when it stays.
    pub(crate) fn per_connection(&self) -> Option<u64> {
        match self.script.expect {
            Expect::Close => Some(1),
            _ => self.life.per_connection,
        }
    }

    /// Whether every byte of every answer is compared with what was sent.
    pub fn checks_every_byte(&self) -> bool {
        self.script.expect == Expect::Echo && self.pace != Pace::Idle && self.script.chat.is_none()
    }

    /// Whether a swapped or repeated message would be noticed: not if all are alike.
    pub fn tells_messages_apart(&self) -> bool {
        let whole_rings = |size: &usize| size.is_multiple_of(Ring::RANDOM);
        self.checks_every_byte()
            && match &self.script.say {
                Say::Random(sizes) => sizes.start() != sizes.end() || !whole_rings(sizes.start()),
                Say::Always(_) => false,
            }
    }

    /// How many connections the threads before `index` drive.
    fn connections_before(&self, index: usize) -> u64 {
        let share = |index| Self::share(self.connections as u64, index, self.threads);
        (0..index).map(share).sum()
    }

    /// How many of `total` messages fall to thread `index`: in proportion to its connections, and
    /// none is dropped.
    pub(crate) fn share_by_connections(&self, total: u64, index: usize) -> u64 {
        let upto = |index| {
            let before = u128::from(self.connections_before(index)) * u128::from(total);
            (before / self.connections as u128) as u64
        };
        upto(index + 1) - upto(index)
    }

    /// How many of `total` connections fall to thread `index` of `threads`: the remainder goes to
    /// the first ones, and none is dropped.
    pub(crate) fn share(total: u64, index: usize, threads: usize) -> u64 {
        let (index, threads) = (index as u64, threads as u64);
        total / threads + u64::from(index < total % threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_open_files_are_told_with_what_fits_and_what_helps() {
        let error = |limit| {
            let error = PlanError::OpenFiles {
                connections: 100,
                needed: 123,
                limit,
            };
            error.to_string()
        };
        for (limit, room) in [
            (16, "is 16, too low for any connection: raise"),
            (24, "is 24: use 1 connection at most, or raise"),
            (64, "is 64: use 41 connections at most, or raise"),
        ] {
            let text = error(limit);
            for part in [room, "--nofile=123", "new shell"] {
                assert!(text.contains(part), "{part:?} is not in {text}");
            }
        }
    }
    use crate::Arrivals;

    fn plan() -> Plan {
        Plan::new("127.0.0.1:1".parse().unwrap())
    }

    #[test]
    fn shares_add_up_to_the_whole() {
        for (total, threads) in [(100, 3), (1, 4), (7, 7), (10_000, 6)] {
            let shares: Vec<_> = (0..threads)
                .map(|i| Plan::share(total, i, threads))
                .collect();
            assert_eq!(shares.iter().sum::<u64>(), total);
            assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
        }
    }

    #[test]
    fn messages_are_shared_in_proportion_to_connections() {
        for (connections, threads, total) in [(3, 2, 1_000), (10, 3, 7), (5, 5, 12)] {
            let plan = Plan {
                connections,
                threads,
                ..plan()
            };
            let shares: Vec<_> = (0..threads)
                .map(|index| plan.share_by_connections(total, index))
                .collect();
            assert_eq!(shares.iter().sum::<u64>(), total);
            for (index, share) in shares.into_iter().enumerate() {
                let own = Plan::share(connections as u64, index, threads);
                let fair = total as f64 * own as f64 / connections as f64;
                assert!((share as f64 - fair).abs() <= 1.0, "{share} of {fair}");
            }
        }
    }

    #[test]
    fn more_connections_than_descriptors_are_refused_with_the_remedy() {
        let plan = Plan {
            connections: usize::MAX,
            ..plan()
        };
        let error = plan.check().unwrap_err().to_string();
        assert!(error.contains("ulimit -n"), "{error}");
    }

    #[test]
    fn a_number_out_of_its_range_is_refused() {
        let open = |rate_per_s| Plan {
            pace: Pace::Open {
                rate_per_s,
                arrivals: Arrivals::Uniform,
            },
            ..plan()
        };
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 11e6] {
            assert!(
                matches!(open(rate).check(), Err(PlanError::Rate(_))),
                "{rate}"
            );
        }
        assert_eq!(open(10_000.0).check(), Ok(()));
        let deep = Plan {
            depth: 1 << 20,
            ..plan()
        };
        assert_eq!(deep.check(), Err(PlanError::Depth(1 << 20)));
        let mut closing = Plan { depth: 2, ..plan() };
        closing.script.expect = Expect::Close;
        assert_eq!(closing.check(), Err(PlanError::CloseAndDepth(2)));
        let mut from_elsewhere = plan();
        from_elsewhere.life.sources = vec!["::1".parse().unwrap()];
        assert!(matches!(
            from_elsewhere.check(),
            Err(PlanError::Source { .. })
        ));
    }
}
