//! Where each connection of a server is, and what each thread does: computed from the events of the recorder alone.
//!
//! Nothing here has a clock. A thread does what its last event says until its next event, and a connection stays where
//! its last event put it. The accept queue is the kernel's, and the page asks the kernel.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use portlab_backends::live::{LiveEvent, LiveWhat, ProcessRole};
use serde::Serialize;

/// What a thread does. The names are those of the page's symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Doing {
    /// Waits in `accept`, or accepts.
    Accept,
    /// Waits for any event of any connection: in `epoll_wait`, or parked.
    Wait,
    /// Waits for bytes of one connection, in a call that blocks.
    Client,
    /// Reads.
    Read,
    /// Runs the handler, or computes for it.
    Handle,
    /// The handler blocks the thread.
    Block,
    /// Writes, or waits until the peer takes bytes.
    Write,
    /// Between two events.
    Run,
}

/// How many kinds of [`Doing`] there are.
const DOINGS: usize = 8;

/// Where a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// A thread serves it.
    Lane,
    /// It is open, and no thread is at it.
    Rest,
    /// A timer of its handler runs.
    Timer,
    /// Its job waits in the queue of a pool.
    Pool,
    /// It has ended.
    Gone,
}

/// A step of the picture, as one event made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "(u64, u32, Doing, u32, Place)")]
pub struct Move {
    /// When, on the monotonic clock, in microseconds.
    pub at_us: u64,
    /// The number of the lane.
    pub lane: u32,
    /// What the lane does from now on.
    pub doing: Doing,
    /// The number of the connection in the lane, or of the one that ends; 0 for none.
    pub conn: u32,
    /// Where this connection is from now on.
    pub place: Place,
}

/// Many moves are in a frame, so each is a short list in JSON.
impl From<Move> for (u64, u32, Doing, u32, Place) {
    fn from(it: Move) -> Self {
        (it.at_us, it.lane, it.doing, it.conn, it.place)
    }
}

/// A thread or a process with one thread.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Its number, from 1, in the order in which the lanes appeared.
    pub id: u32,
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// The thread's name, as the recorder has it.
    pub name: String,
    /// What it does.
    pub doing: Doing,
    /// The connection that it serves; 0 for none.
    conn: u64,
    /// Since when it does this, in nanoseconds.
    pub since_ns: u64,
    /// The time of each kind in this frame, and in the frames before.
    spent: [u64; DOINGS],
    past: VecDeque<[u64; DOINGS]>,
}

#[derive(Clone, Copy, Debug)]
struct Conn {
    number: u32,
    port: u16,
    place: Place,
    /// In how many lists of the kernel it was missing, one after the other.
    missing: u8,
    /// Whether the kernel holds bytes that the server has not read.
    unread: bool,
}

/// What the kernel says of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Listed {
    /// It waits to be accepted.
    pub waits: bool,
    /// The server has not read all of its bytes.
    pub has_unread: bool,
}

/// The picture of one server.
#[derive(Debug)]
pub struct Lanes {
    /// Whether connections go from the first process to others, so that its copy may be closed while they are served.
    forks: bool,
    lanes: BTreeMap<(u32, u32), Lane>,
    conns: HashMap<u64, Conn>,
    /// Connections that wait to be accepted, by the client's port.
    waiting: BTreeMap<u16, u32>,
    last_number: u32,
    last_lane: u32,
    moves: Vec<Move>,
    /// Writes that have sent something: with a small answer, one for each answer.
    pub answers: u64,
    /// Bytes that were read.
    pub bytes_in: u64,
}

/// The frames whose times are added up in the shares: a second of them.
pub const SHARED_FRAMES: usize = 20;

/// A connection that is missing in so many lists has ended.
const ENDED: u8 = 3;

impl Lanes {
    /// The picture of a server that has no connection yet. `forks`: connections go from its first process to others.
    pub fn new(forks: bool) -> Self {
        Self {
            forks,
            lanes: BTreeMap::new(),
            conns: HashMap::new(),
            waiting: BTreeMap::new(),
            last_number: 0,
            last_lane: 0,
            moves: Vec::new(),
            answers: 0,
            bytes_in: 0,
        }
    }

    /// Changes the picture as `event` says.
    pub fn apply(&mut self, event: &LiveEvent) {
        let (key, doing) = (self.lane_of(event), doing(event));
        self.spend(key, event, doing);
        let ends = !event.begins;
        match event.what {
            LiveWhat::Accept if ends => self.open(event),
            LiveWhat::Read if ends => self.bytes_in += event.extra,
            LiveWhat::Write if ends => self.answers += u64::from(event.extra > 0),
            _ => {}
        }
        let place = match event.what {
            LiveWhat::Timer => Place::Timer,
            LiveWhat::Queued => Place::Pool,
            LiveWhat::Close => Place::Gone,
            _ => Place::Lane,
        };
        if place == Place::Gone && self.forks && event.role == ProcessRole::Server {
            return;
        }
        let has_conn = event.conn != 0 && event.what != LiveWhat::Hub;
        let number = if has_conn {
            self.put(event.conn, place)
        } else {
            0
        };
        let inside = if place == Place::Lane && has_conn {
            event.conn
        } else {
            0
        };
        self.leave(key, inside, event.conn);
        if let Some(lane) = self.lanes.get_mut(&key) {
            // A loop that finds no event begins to wait again: nothing is to be seen.
            if doing == Doing::Wait && lane.doing == doing {
                return;
            }
            lane.doing = doing;
            lane.conn = inside;
            self.moves.push(Move {
                at_us: event.at_ns / 1_000,
                lane: lane.id,
                doing,
                conn: number,
                place,
            });
        }
        if place == Place::Gone {
            self.conns.remove(&event.conn);
        }
    }

    /// Takes the connections of the kernel's list, by the clients' ports.
    ///
    /// Such a connection stands in the accept queue until the event of its `accept` comes. A connection that is missing in
    /// several lists has ended without an event: its process was killed. (The kernel may leave one out of a list.)
    pub fn take_kernel(&mut self, listed: &BTreeMap<u16, Listed>) {
        for conn in self.conns.values_mut() {
            let found = listed.get(&conn.port);
            let is_there = conn.port == 0 || found.is_some();
            conn.unread = found.is_some_and(|it| it.has_unread);
            conn.missing = if is_there { 0 } else { conn.missing + 1 };
        }
        self.conns.retain(|_, conn| conn.missing < ENDED);
        for lane in self.lanes.values_mut() {
            if lane.conn != 0 && !self.conns.contains_key(&lane.conn) {
                lane.conn = 0;
            }
        }
        let accepted: BTreeSet<u16> = self.conns.values().map(|it| it.port).collect();
        self.waiting
            .retain(|port, _| listed.contains_key(port) && !accepted.contains(port));
        for (&port, it) in listed {
            if it.waits && !accepted.contains(&port) && !self.waiting.contains_key(&port) {
                let number = self.next_number();
                self.waiting.insert(port, number);
            }
        }
    }

    /// Removes the lanes whose threads `lives` doesn't find.
    pub fn retain(&mut self, lives: impl Fn(u32, u32) -> bool) {
        let ended = |(pid, tid): &(u32, u32)| !lives(*pid, *tid);
        let ended: Vec<_> = self.lanes.keys().copied().filter(ended).collect();
        for key in ended {
            self.leave(key, 0, 0);
            self.lanes.remove(&key);
        }
    }

    /// The lanes, in the order of their numbers, each with the number of the connection that it serves; 0 for none.
    pub fn lanes(&self) -> impl Iterator<Item = (&Lane, u32)> {
        let mut lanes: Vec<_> = self.lanes.values().collect();
        lanes.sort_by_key(|lane| lane.id);
        let number = |conn| self.conns.get(&conn).map_or(0, |it: &Conn| it.number);
        lanes.into_iter().map(move |lane| (lane, number(lane.conn)))
    }

    /// The numbers of the connections at `place`, in their order.
    pub fn at(&self, place: Place) -> Vec<u32> {
        let conns = self.conns.values().filter(|it| it.place == place);
        let mut numbers: Vec<_> = conns.map(|it| it.number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The numbers of the connections that wait to be accepted, in their order.
    pub fn waiting(&self) -> Vec<u32> {
        let mut numbers: Vec<_> = self.waiting.values().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    /// The numbers of the connections that have sent bytes which the server has not read, in their order.
    pub fn unread(&self) -> Vec<u32> {
        let conns = self.conns.values().filter(|it| it.unread);
        let mut numbers: Vec<_> = conns.map(|it| it.number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The number of the connection whose client has this port.
    pub fn number_of(&self, port: u16) -> Option<u32> {
        let accepted = self.conns.values().find(|it| it.port == port);
        accepted
            .map(|it| it.number)
            .or_else(|| self.waiting.get(&port).copied())
    }

    /// The moves since the last call.
    pub fn take_moves(&mut self) -> Vec<Move> {
        std::mem::take(&mut self.moves)
    }

    /// Ends a frame at `now_ns`: the times of its kinds are now part of the shares.
    pub fn end_frame(&mut self, now_ns: u64) {
        for lane in self.lanes.values_mut() {
            lane.spent[lane.doing as usize] += now_ns.saturating_sub(lane.since_ns);
            lane.since_ns = now_ns.max(lane.since_ns);
            lane.past.push_back(std::mem::take(&mut lane.spent));
            if lane.past.len() > SHARED_FRAMES {
                lane.past.pop_front();
            }
        }
    }

    fn lane_of(&mut self, event: &LiveEvent) -> (u32, u32) {
        let key = (event.pid, event.tid);
        let last_lane = &mut self.last_lane;
        self.lanes.entry(key).or_insert_with(|| {
            *last_lane += 1;
            Lane {
                id: *last_lane,
                pid: event.pid,
                tid: event.tid,
                name: event.name(),
                doing: Doing::Run,
                conn: 0,
                since_ns: event.at_ns.saturating_sub(event.duration_ns),
                spent: [0; DOINGS],
                past: VecDeque::new(),
            }
        });
        key
    }

    /// Adds the time since the lane's last event to what the lane did: until the event's action began, what it did
    /// before.
    fn spend(&mut self, key: (u32, u32), event: &LiveEvent, now: Doing) {
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        let began = event
            .at_ns
            .saturating_sub(event.duration_ns)
            .max(lane.since_ns);
        lane.spent[lane.doing as usize] += began - lane.since_ns;
        let done = if event.begins { lane.doing } else { now };
        lane.spent[done as usize] += event.at_ns.saturating_sub(began);
        lane.since_ns = event.at_ns.max(lane.since_ns);
    }

    /// A connection was accepted. If the picture has it in the accept queue, it keeps its number.
    fn open(&mut self, event: &LiveEvent) {
        let port = event.peer_port().unwrap_or_default();
        let known = self.waiting.remove(&port);
        let number = known.unwrap_or_else(|| self.next_number());
        let place = Place::Lane;
        self.conns.insert(
            event.conn,
            Conn {
                number,
                port,
                place,
                missing: 0,
                unread: false,
            },
        );
    }

    /// Puts a connection at `place`. Returns its number. A connection without a known begin gets one here: the page
    /// may have lost the event.
    fn put(&mut self, conn: u64, place: Place) -> u32 {
        if !self.conns.contains_key(&conn) {
            if place == Place::Gone {
                return 0;
            }
            let number = self.next_number();
            self.conns.insert(
                conn,
                Conn {
                    number,
                    port: 0,
                    place,
                    missing: 0,
                    unread: false,
                },
            );
        }
        self.conns.get_mut(&conn).map_or(0, |it| {
            it.place = place;
            it.number
        })
    }

    /// The lane turns to another connection: the one before rests, unless the event has put it somewhere.
    fn leave(&mut self, key: (u32, u32), next: u64, moved: u64) {
        let before = self.lanes.get(&key).map_or(0, |lane| lane.conn);
        if before == 0 || before == next || before == moved {
            return;
        }
        let is_elsewhere = self
            .lanes
            .iter()
            .any(|(at, lane)| *at != key && lane.conn == before);
        if let Some(conn) = self.conns.get_mut(&before)
            && conn.place == Place::Lane
            && !is_elsewhere
        {
            conn.place = Place::Rest;
        }
    }

    fn next_number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }
}

impl Lane {
    /// The shares of each kind of [`Doing`], in percent, over the last second.
    pub fn shares(&self) -> [u8; DOINGS] {
        let mut sums = [0_u64; DOINGS];
        for frame in &self.past {
            for (sum, time) in sums.iter_mut().zip(frame) {
                *sum += time;
            }
        }
        let all = sums.iter().sum::<u64>().max(1);
        sums.map(|it| u8::try_from(it * 100 / all).unwrap_or(100))
    }
}

/// What a thread does after `event`.
fn doing(event: &LiveEvent) -> Doing {
    match (event.what, event.begins) {
        (LiveWhat::Accept, _) => Doing::Accept,
        (LiveWhat::Wait, true) if event.conn == 0 => Doing::Wait,
        (LiveWhat::Wait | LiveWhat::Read, true) => Doing::Client,
        (LiveWhat::Read, false) => Doing::Read,
        (LiveWhat::Write, _) => Doing::Write,
        (LiveWhat::Block, true) => Doing::Block,
        (LiveWhat::Handle | LiveWhat::Hub, _) => Doing::Handle,
        (LiveWhat::Wait | LiveWhat::Block, false)
        | (LiveWhat::Timer | LiveWhat::Queued | LiveWhat::Taken | LiveWhat::Close, _) => Doing::Run,
    }
}
