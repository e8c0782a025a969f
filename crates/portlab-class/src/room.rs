//! What all parts of the page share.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use portlab_sys::interfaces::networks;
use portlab_words::Lang;
use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use crate::{
    console,
    events::STREAMS,
    kernel::Ports,
    lessons::Lessons,
    race::Control,
    stage::{Orders, Replay},
    topic::Topic,
    wall::Wall,
};

/// The page's shared state. Parts that have state of their own keep it behind a lock in a field here.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) lang: Lang,
    pub(crate) program: PathBuf,
    pub(crate) addr: SocketAddr,
    pub(crate) codes: Codes,
    topics: BTreeMap<&'static str, Topic>,
    /// To the thread that owns the servers.
    pub(crate) orders: Orders,
    /// To the thread that owns the console.
    pub(crate) console: console::Orders,
    /// The ports of servers and of the console.
    pub(crate) ports: Ports,
    /// The last pictures of the servers.
    pub(crate) replay: Replay,
    /// To the thread of races.
    pub(crate) race: Control,
    /// The verdicts of students.
    pub(crate) wall: Wall,
    pub(crate) lessons: Lessons,
    /// How many more streams of events may be opened.
    pub(crate) streams: Arc<Semaphore>,
    ends: watch::Sender<bool>,
}

/// Each topic's name. `/events?topics=a,b` watches some of them.
///
/// | topic | value |
/// |---|---|
/// | `lanes` | where the connections of the servers are, up to 20 times a second |
/// | `stage` | what runs: servers, dials, load, guests |
/// | `figures` | the figures of the load and of the servers, each second |
/// | `race` | a race, and what was measured after it |
/// | `console` | the reply console: its clients and last rows, up to 10 times a second |
/// | `kernel` | the sockets of the page's ports, twice a second |
/// | `wall` | the verdicts on the servers of students |
/// | `run` | a run of a lesson: its newest lines |
/// | `join` | the question that the class is asked, and how the vote stands |
pub(crate) const TOPICS: &[&str] = &[
    "lanes", "stage", "figures", "race", "console", "kernel", "wall", "run", "join",
];

/// The two codes of a page.
#[derive(Debug)]
pub(crate) struct Codes {
    /// For everything that starts, loads or stops something.
    pub(crate) teacher: String,
    /// For votes.
    pub(crate) join: String,
}

impl Room {
    pub(crate) fn new(lang: Lang, program: PathBuf, addr: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            lang,
            program,
            addr,
            codes: Codes::new()?,
            topics: TOPICS
                .iter()
                .map(|name| (*name, Topic::default()))
                .collect(),
            orders: Orders::default(),
            console: console::Orders::default(),
            ports: Ports::default(),
            replay: Replay::default(),
            race: Control::default(),
            wall: Wall::default(),
            lessons: Lessons::default(),
            streams: Arc::new(Semaphore::new(STREAMS)),
            ends: watch::Sender::new(false),
        })
    }

    /// The topic `name`, one of [`TOPICS`].
    pub(crate) fn topic(&self, name: &str) -> Option<(&'static str, &Topic)> {
        self.topics
            .get_key_value(name)
            .map(|(name, it)| (*name, it))
    }

    /// Publishes `value` under the topic `name`, one of [`TOPICS`].
    pub(crate) fn publish(&self, name: &str, value: &impl Serialize) {
        if let Some((_, topic)) = self.topic(name) {
            topic.publish(value);
        }
    }

    /// Whether a browser watches the topic `name`: a part with costly values may pause without one.
    pub(crate) fn is_watched(&self, name: &str) -> bool {
        self.topic(name)
            .is_some_and(|(_, topic)| topic.is_watched())
    }

    /// Becomes `true` when the page ends.
    pub(crate) fn ending(&self) -> watch::Receiver<bool> {
        self.ends.subscribe()
    }

    /// Ends the page: its streams, then its processes.
    pub(crate) fn end(&self) {
        self.ends.send_replace(true);
    }

    pub(crate) fn has_ended(&self) -> bool {
        *self.ends.borrow()
    }

    /// The addresses at which browsers find the page: this machine's own first, then those for other machines.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let ip = self.addr.ip();
        let mut ips = vec![ip];
        if ip.is_unspecified() {
            ips = vec![Ipv4Addr::LOCALHOST.into()];
            let found = networks().unwrap_or_default().into_iter().map(|it| it.addr);
            ips.extend(found.filter(|it| it.is_ipv4() && !it.is_loopback()));
        } else if self.is_wide() {
            ips.push(ip);
        }
        let port = self.addr.port();
        ips.into_iter()
            .map(|ip| SocketAddr::new(ip, port))
            .collect()
    }

    /// Whether other machines can reach the page.
    pub(crate) fn is_wide(&self) -> bool {
        !self.addr.ip().is_loopback()
    }
}

impl Codes {
    fn new() -> io::Result<Self> {
        let letters: String = random::<{ TEACHER + JOIN }>()?
            .iter()
            .map(|it| LETTERS[usize::from(*it) % 32])
            .collect();
        let (teacher, join) = letters.split_at(TEACHER);
        Ok(Self {
            teacher: teacher.to_owned(),
            join: join.to_owned(),
        })
    }
}

/// Random bytes of the kernel, which can't be guessed.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Characters that are read and typed without mistakes: 32, so that each has the same chance.
const LETTERS: [char; 32] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v',
    'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9', 'i',
];
/// Ten characters of five bits: too many to try.
const TEACHER: usize = 10;
/// Short enough for a blackboard: it keeps out the class next door, not an attacker.
const JOIN: usize = 4;
