//! Where each connection of a server is, and what each thread does: computed from the events of the recorder alone.
//!
//! Nothing here has a clock. A thread does what its last event says until its next event, and a connection stays where
//! its last event put it. The accept queue is the kernel's, and the kernel is asked (`server.rs`).

use std::collections::{BTreeMap, HashMap, VecDeque};

use portlab_backends::live::{LiveEvent, LiveWhat, ProcessRole};
use serde::Serialize;

/// What a thread does. The names are those of the page's symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Doing {
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
pub(crate) enum Place {
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
pub(crate) struct Move {
    /// When, on the monotonic clock, in microseconds.
    pub(crate) at_us: u64,
    /// The number of the lane.
    pub(crate) lane: u32,
    /// What the lane does from now on.
    pub(crate) doing: Doing,
    /// The number of the connection in the lane, or of the one that ends; 0 for none.
    pub(crate) conn: u32,
    /// Where this connection is from now on.
    pub(crate) place: Place,
}

/// Many moves are in a frame, so each is a short list in JSON.
impl From<Move> for (u64, u32, Doing, u32, Place) {
    fn from(it: Move) -> Self {
        (it.at_us, it.lane, it.doing, it.conn, it.place)
    }
}

/// A thread or a process with one thread.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    pub(crate) id: u32,
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    pub(crate) name: String,
    pub(crate) doing: Doing,
    /// The connection that it serves; 0 for none.
    conn: u64,
    /// Since when it does this, in nanoseconds.
    pub(crate) since_ns: u64,
    /// The time of each kind in this frame, and in the frames before.
    spent: [u64; DOINGS],
    past: VecDeque<[u64; DOINGS]>,
}

#[derive(Clone, Copy, Debug)]
struct Conn {
    number: u32,
    port: u16,
    place: Place,
}

/// The picture of one server.
#[derive(Debug)]
pub(crate) struct Lanes {
    /// Whether connections go from the first process to others, so that its copy may be closed while they are served.
    forks: bool,
    lanes: BTreeMap<(u32, u32), Lane>,
    conns: HashMap<u64, Conn>,
    /// Connections that wait to be accepted, by the client's port.
    waiting: BTreeMap<u16, u32>,
    last_number: u32,
    last_lane: u32,
    moves: Vec<Move>,
    /// Answers, and bytes that were read.
    pub(crate) answers: u64,
    pub(crate) bytes_in: u64,
}

/// The frames whose times are added up in the shares: a second of them.
pub(crate) const SHARED_FRAMES: usize = 20;

impl Lanes {
    pub(crate) fn new(forks: bool) -> Self {
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
    pub(crate) fn apply(&mut self, event: &LiveEvent) {
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

    /// The connections that the kernel has made and the server has not accepted, by the clients' ports.
    pub(crate) fn set_waiting(&mut self, ports: impl IntoIterator<Item = u16>) {
        let mut waiting = BTreeMap::new();
        for port in ports {
            let known = self.waiting.get(&port).copied();
            let accepted = self.conns.values().any(|it| it.port == port);
            if !accepted {
                let number = known.unwrap_or_else(|| self.next_number());
                waiting.insert(port, number);
            }
        }
        self.waiting = waiting;
    }

    /// Removes the lanes whose threads `lives` doesn't find.
    pub(crate) fn retain(&mut self, lives: impl Fn(u32, u32) -> bool) {
        let ended = |(pid, tid): &(u32, u32)| !lives(*pid, *tid);
        let ended: Vec<_> = self.lanes.keys().copied().filter(ended).collect();
        for key in ended {
            self.leave(key, 0, 0);
            self.lanes.remove(&key);
        }
    }

    /// The connections whose clients have none of `ports` have ended without an event: their process was killed.
    pub(crate) fn keep_conns(&mut self, lives: impl Fn(u16) -> bool) {
        self.conns.retain(|_, conn| lives(conn.port));
        for lane in self.lanes.values_mut() {
            if lane.conn != 0 && !self.conns.contains_key(&lane.conn) {
                lane.conn = 0;
            }
        }
    }

    pub(crate) fn lanes(&self) -> impl Iterator<Item = (&Lane, u32)> {
        let mut lanes: Vec<_> = self.lanes.values().collect();
        lanes.sort_by_key(|lane| lane.id);
        let number = |conn| self.conns.get(&conn).map_or(0, |it: &Conn| it.number);
        lanes.into_iter().map(move |lane| (lane, number(lane.conn)))
    }

    /// The numbers of the connections at `place`, in their order.
    pub(crate) fn at(&self, place: Place) -> Vec<u32> {
        let conns = self.conns.values().filter(|it| it.place == place);
        let mut numbers: Vec<_> = conns.map(|it| it.number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The numbers of the connections that wait to be accepted, in their order.
    pub(crate) fn waiting(&self) -> Vec<u32> {
        let mut numbers: Vec<_> = self.waiting.values().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    /// The number of the connection whose client has this port.
    pub(crate) fn number_of(&self, port: u16) -> Option<u32> {
        let accepted = self.conns.values().find(|it| it.port == port);
        accepted
            .map(|it| it.number)
            .or_else(|| self.waiting.get(&port).copied())
    }

    /// The moves since the last call.
    pub(crate) fn take_moves(&mut self) -> Vec<Move> {
        std::mem::take(&mut self.moves)
    }

    /// Ends a frame at `now_ns`: the times of its kinds are now part of the shares.
    pub(crate) fn end_frame(&mut self, now_ns: u64) {
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
    pub(crate) fn shares(&self) -> [u8; DOINGS] {
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
