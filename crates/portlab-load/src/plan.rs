//! What a run is to do.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use portlab_sys::limits::raise_open_files;
use portlab_words::{Text, plural, tr};

use crate::{Expect, Framing, Pace, Payload, Ring, Script, Target, Tls, Url, leaving};

/// Everything that a run needs. Nothing is looked up later.
///
/// A run is `stop x pace x script` on `connections`; the parts are independent of each other.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is loaded, at least one target: connections are spread over the targets evenly.
    pub targets: Vec<Target>,
    /// The proxy that connections are made to, instead of the one target.
    pub through: Option<Through>,
    /// How connections are encrypted; `None` if they aren't.
    pub tls: Option<Tls>,
    /// How many connections are opened, at least one.
    pub connections: usize,
    /// How connections are opened and closed.
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
    /// How long the load goes on before measuring begins, so that buffers and caches have settled.
    pub warmup: Duration,
    /// When measuring ends.
    pub stop: Stop,
    /// How long a connection may take to be made, and then as long again for the handshake of TLS.
    pub connect_timeout: Duration,
    /// How long an answer may take, from sending on, before its connection is closed as failed.
    pub timeout: Duration,
    /// The length of an interval for [`Watch::interval`](crate::Watch::interval).
    pub interval: Duration,
    /// The seed of random lengths and Poisson arrivals.
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

/// When measuring ends: at the first of these limits. Without a limit, the run goes on until it is interrupted.
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

/// How connections are opened and closed. The default: all at once, from an address that the system chooses, open for
/// the whole run, closed by a FIN.
#[derive(Clone, Debug, Default)]
pub struct Life {
    /// The time over which they are opened, evenly.
    pub ramp: Duration,
    /// After so many answers a connection is closed and another takes its place (churn).
    pub per_connection: Option<u64>,
    /// They are closed by a reset instead of a FIN.
    pub reset: bool,
    /// A connection that the server closes is made again, as often as it takes.
    pub reconnect: bool,
    /// The local addresses that they come from, in turn; when empty, the system chooses.
    pub sources: Vec<IpAddr>,
}

/// Why a plan can't be carried out.
pub type PlanError = Text;

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

/// `connections` need `needed` open files, and this process may have `limit`.
fn too_few_files(connections: usize, needed: u64, limit: u64) -> Text {
    let fit = limit.saturating_sub(needed - connections as u64);
    let fits = match fit {
        0 => Text::new(", too low for any connection:", "，连一个连接都不够用："),
        _ => {
            let most = plural(fit, "connection");
            tr!(": use {most} at most, or", "：请最多使用 {fit} 个连接，或")
        }
    };
    let Text { en, zh } = fits;
    tr!(
        "{connections} connections need {needed} open files and the hard limit is {limit}{en} raise it for this \
         shell (sudo prlimit --pid $$ --nofile={needed}), or open a new shell if `ulimit -n` has lowered it in \
         this one; nofile in /etc/security/limits.conf raises it for good",
        "{connections} 个连接需要 {needed} 个打开的文件，而硬上限是 {limit}{zh}在这个 shell 中提高上限（sudo prlimit --pid \
         $$ --nofile={needed}）；如果是 `ulimit -n` 在这个 shell 中降低了上限，请打开新的 shell；要永久提高，请修改 \
         /etc/security/limits.conf 中的 nofile"
    )
}

impl Plan {
    /// A plan with everything as usual: a closed loop of one connection, one thread, depth 1, an
    /// echo of 64 bytes, ten seconds after one of warm-up.
    pub fn new(target: impl Into<Target>) -> Self {
        Self {
            targets: vec![target.into()],
            through: None,
            tls: None,
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
        let per_connection = self.life.per_connection.unwrap_or(1);
        let read_per_s = self.script.behaviour.read_per_s.unwrap_or(1);
        let interval = self.interval.as_nanos().min(1) as u64;
        let rooms = self.script.chat.as_ref().map(|it| it.rooms);
        let size = *self.script.sizes().start();
        let numbers = [
            ("connections", "连接数", self.connections as u64),
            ("threads", "线程数", self.threads as u64),
            ("messages in flight", "深度", self.depth as u64),
            ("bytes in a message", "消息长度", size as u64),
            ("messages", "消息数", self.stop.messages.unwrap_or(1)),
            (
                "messages per connection",
                "每个连接的消息数",
                per_connection,
            ),
            ("bytes read per second", "每秒读取的字节数", read_per_s),
            ("nanoseconds in an interval", "间隔的长度", interval),
            ("rooms", "聊天室数", rooms.unwrap_or(1) as u64),
        ];
        if let Some((en, zh, _)) = numbers.iter().find(|(.., number)| *number == 0) {
            return Err(tr!(
                "the number of {en} is 0; it must be at least 1",
                "{zh}是 0；至少应为 1"
            ));
        }
        let depth = self.depth;
        if depth > MAX_DEPTH {
            return Err(tr!(
                "invalid depth {depth}: the most is {MAX_DEPTH}",
                "深度 {depth} 无效：最大为 {MAX_DEPTH}"
            ));
        }
        if let Some(rate_per_s) = self.pace.rate_per_s()
            && !(MIN_RATE..=MAX_RATE).contains(&rate_per_s)
        {
            return Err(tr!(
                "invalid rate {rate_per_s} per second: expected 0.001 to 10M",
                "速率每秒 {rate_per_s} 无效：应为 0.001 到 10M"
            ));
        }
        for target in self.targets.iter().filter_map(Target::addr) {
            let is_other = |source: &&IpAddr| source.is_ipv4() != target.is_ipv4();
            if let Some(source) = self.life.sources.iter().find(is_other) {
                return Err(tr!(
                    "{source} can't be a source for {target}: one is IPv4 and the other IPv6",
                    "{source} 不能作为连接 {target} 的源地址：一个是 IPv4，另一个是 IPv6"
                ));
            }
        }
        if self.targets.len() > self.connections {
            let (targets, connections) = (self.targets.len(), self.connections);
            return Err(tr!(
                "{targets} targets need a connection each, and there are {connections}; use more --connections",
                "{targets} 个目标各需要一个连接，而只有 {connections} 个；请增加 --connections"
            ));
        }
        if self.script.chat.is_some() && self.targets.len() > 1 {
            return Err(Text::new(
                "a chat's rooms are on one server; give one target",
                "聊天室在一个服务端上；请只写一个目标",
            ));
        }
        let members = self.connections;
        if let Some(rooms) = rooms.filter(|rooms| members < rooms * 2) {
            return Err(tr!(
                "too few members for the rooms ({members} for {rooms}): each room needs at least two, a sender and \
                 a receiver",
                "成员太少（{rooms} 个聊天室只有 {members} 个成员）：每个聊天室至少要两个成员，一个发送，一个接收"
            ));
        }
        self.check_udp()?;
        self.check_script()?;
        let (needed, limit) = (self.open_files(), raise_open_files());
        match needed > limit {
            true => Err(too_few_files(self.connections, needed, limit)),
            false => Ok(()),
        }
    }

    /// Checks that what is sent fits to the rest of the plan.
    fn check_script(&self) -> Result<(), PlanError> {
        let depth = self.depth;
        if depth > 1
            && let Some(Text { en, zh }) = self.script.needs_turns()
        {
            return Err(tr!(
                "{en} allows no depth of {depth}; it must be 1",
                "{zh}时，深度不能是 {depth}；只能是 1"
            ));
        }
        let is_datagram = |expect: &Expect| expect.framing == Framing::Datagram;
        if self.script.exchanges().any(|it| is_datagram(it.1)) && !self.is_udp() {
            return Err(Text::new(
                "--expect datagram is for UDP; give a target such as udp://127.0.0.1:9090, or say where an answer ends",
                "--expect datagram 用于 UDP；请写 udp://127.0.0.1:9090 这样的目标，或说明响应怎样结束",
            ));
        }
        Ok(())
    }

    /// The index of the target that the run's connection `number` loads.
    pub(crate) fn target_of(&self, number: usize) -> usize {
        number % self.targets.len()
    }

    /// Whether another connection takes the place of one that has ended.
    pub(crate) fn replaces(&self) -> bool {
        self.per_connection().is_some() || self.life.reconnect
    }

    /// Where the run's connection `number` is made to.
    pub(crate) fn dialled(&self, number: usize) -> Target {
        match &self.through {
            Some(through) => Target::Tcp(through.addr),
            None => self.targets[self.target_of(number)].clone(),
        }
    }

    /// Whether no message leaves this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.targets.iter().all(Target::is_local)
    }

    /// The targets, in words.
    pub fn targets_text(&self) -> String {
        let targets: Vec<_> = match self.script.http() {
            Some(http) => http.urls.iter().map(Url::to_string).collect(),
            None => self.targets.iter().map(Target::to_string).collect(),
        };
        targets.join(" ")
    }

    /// How many file descriptors the run takes.
    fn open_files(&self) -> u64 {
        let threads = self.threads.min(self.connections) as u64;
        let leaving = self.tls.as_ref().map_or(0, |_| leaving::MOST as u64);
        (self.connections as u64)
            .saturating_add(threads.saturating_mul(FILES_PER_THREAD + leaving))
            .saturating_add(OTHER_FILES)
    }

    /// How many answers a connection gets before another takes its place; `None` when it stays.
    pub(crate) fn per_connection(&self) -> Option<u64> {
        match self.script.dialogue() {
            Some(dialogue) => dialogue.messages(),
            None if self.script.closes() => Some(1),
            None => self.life.per_connection,
        }
    }

    /// Whether every byte of every answer is compared with what was sent.
    pub fn checks_every_byte(&self) -> bool {
        let echoed = |expect: &Expect| expect.framing == Framing::Echo;
        self.script.exchanges().all(|(_, expect)| echoed(expect))
            && self.pace != Pace::Idle
            && self.script.chat.is_none()
    }

    /// Whether a swapped or repeated message would be noticed, because messages differ.
    pub fn tells_messages_apart(&self) -> bool {
        let whole_rings = |size: &usize| size.is_multiple_of(Ring::RANDOM);
        self.checks_every_byte()
            && match self.script.exchange(0).0 {
                Payload::Random(sizes) => {
                    sizes.start() != sizes.end() || !whole_rings(sizes.start())
                }
                Payload::Always(_) => false,
                Payload::Template(template) => template.differs(),
            }
    }

    /// How many connections the threads before `index` drive.
    fn connections_before(&self, index: usize) -> u64 {
        let share = |index| Self::share(self.connections as u64, index, self.threads);
        (0..index).map(share).sum()
    }

    /// How many of `total` messages thread `index` sends, in proportion to its connections. The shares add up to
    /// `total`.
    pub(crate) fn share_by_connections(&self, total: u64, index: usize) -> u64 {
        let upto = |index| {
            let before = u128::from(self.connections_before(index)) * u128::from(total);
            (before / self.connections as u128) as u64
        };
        upto(index + 1) - upto(index)
    }

    /// How many of `total` connections thread `index` of `threads` drives: the first threads drive one more if there is
    /// a remainder.
    pub(crate) fn share(total: u64, index: usize, threads: usize) -> u64 {
        let (index, threads) = (index as u64, threads as u64);
        total / threads + u64::from(index < total % threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arrivals;

    fn plan() -> Plan {
        Plan::new(std::net::SocketAddr::from(([127, 0, 0, 1], 1)))
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
    fn too_few_open_files_are_told_with_what_fits_and_what_helps() {
        for (limit, room) in [
            (16, "is 16, too low for any connection: raise"),
            (24, "is 24: use 1 connection at most, or raise"),
            (64, "is 64: use 41 connections at most, or raise"),
        ] {
            let text = too_few_files(100, 123, limit).to_string();
            for part in [room, "--nofile=123", "new shell"] {
                assert!(text.contains(part), "{part:?} is not in {text}");
            }
        }
    }

    #[test]
    fn a_plan_out_of_its_range_is_refused_with_the_reason() {
        let refused = |change: &dyn Fn(&mut Plan)| {
            let mut plan = plan();
            change(&mut plan);
            plan.check()
                .map_or_else(|error| error.to_string(), |()| String::new())
        };
        let open = |rate_per_s| {
            refused(&|plan| {
                plan.pace = Pace::Open {
                    rate_per_s,
                    arrivals: Arrivals::Uniform,
                };
            })
        };
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 11e6] {
            assert!(open(rate).starts_with("invalid rate"), "{rate}");
        }
        let closing =
            |plan: &mut Plan| (plan.depth, plan.script.expect) = (2, Framing::Close.into());
        let from_elsewhere = |plan: &mut Plan| plan.life.sources = vec!["::1".parse().unwrap()];
        for (found, part) in [
            (open(10_000.0), ""),
            (refused(&|plan| plan.connections = usize::MAX), "ulimit -n"),
            (
                refused(&|plan| plan.threads = 0),
                "the number of threads is 0",
            ),
            (
                refused(&|plan| plan.depth = 1 << 20),
                "depth 1048576: the most",
            ),
            (refused(&closing), "no depth of 2"),
            (refused(&from_elsewhere), "::1 can't be a source"),
        ] {
            assert!(
                found.contains(part) && found.is_empty() == part.is_empty(),
                "{found}"
            );
        }
    }
}
