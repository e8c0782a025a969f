//! One server of the page: its process, its lanes, and what the kernel says of its port.

use std::{fs, net::SocketAddr, path::Path, process::ExitStatus, time::Duration};

use portlab_backends::{
    Sheet,
    live::{LINES, Reader},
};
use portlab_lab::Server;
use portlab_sys::{
    clock::monotonic_ns,
    meter,
    sockets::{Socket, State},
};
use portlab_words::Text;
use serde::Serialize;

use super::{
    dials::Dials,
    guests::Guest,
    load::{Figures, Load},
};
use crate::lanes::{Doing, Lanes, Listed, Move, Place};

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) sheet: &'static Sheet,
    pub(crate) addr: SocketAddr,
    pub(crate) load: Option<Load>,
    pub(crate) guests: Vec<Guest>,
    pub(crate) lanes: Lanes,
    server: Server,
    reader: Reader,
    lost: u64,
    /// The number of all answers at the end of each frame of the last second.
    past_answers: Vec<u64>,
    /// When the CPU time was read last, and what it was.
    cpu: (u64, std::time::Duration),
}

/// More messages per second than this are shown as shares.
const FOLLOWED_PER_S: u64 = 1_000;
/// Moves of one frame that a browser gets: further ones are left out, and the places are right nevertheless.
const MOST_MOVES: usize = 400;

/// The picture of a server at one moment, for browsers. Lists are short: `[1, 2]` in place of objects.
#[derive(Debug, Serialize)]
pub(crate) struct Frame {
    model: &'static str,
    /// Whether shares are shown in place of events.
    is_fast: bool,
    answers: u64,
    bytes_in: u64,
    /// Events that the page didn't get in time.
    lost: u64,
    lanes: Vec<LaneView>,
    /// Connections that the kernel has made and the server has not accepted.
    queue: Vec<u32>,
    pool: Vec<u32>,
    timer: Vec<u32>,
    rest: Vec<u32>,
    /// Connections with bytes that no thread has read, by the kernel's list.
    unread: Vec<u32>,
    moves: Vec<Move>,
    /// The guests, by their numbers.
    guests: Vec<(u32, super::guests::Kind)>,
}

#[derive(Debug, Serialize)]
struct LaneView {
    id: u32,
    pid: u32,
    tid: u32,
    name: String,
    doing: Doing,
    conn: u32,
    /// Percent of the last second, in the order of [`Doing`]; only if events come too fast to be followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    shares: Option<[u8; 8]>,
}

/// The figures of a server and of its load.
#[derive(Debug, Serialize)]
pub(crate) struct Meters {
    model: &'static str,
    load: Option<Figures>,
    cpu_percent: Option<f64>,
    threads: u64,
    processes: u64,
    pss_bytes: u64,
}

impl Running {
    pub(crate) fn start(
        program: &Path,
        sheet: &'static Sheet,
        dials: &Dials,
        root: Option<&Path>,
    ) -> Result<Self, Text> {
        if let Some(why) = sheet.obstacle() {
            return Err(why);
        }
        let reader = Reader::create(LINES).map_err(|it| Text::system(&it))?;
        let mut options = dials.serve_options(sheet, root);
        options.push(format!("--live={}", reader.path().display()));
        let server = Server::start(program, options).map_err(Text::of)?;
        Ok(Self {
            sheet,
            addr: server.addr(),
            load: None,
            guests: Vec::new(),
            lanes: Lanes::new(sheet.forks()),
            server,
            reader,
            lost: 0,
            past_answers: Vec::new(),
            cpu: (0, std::time::Duration::ZERO),
        })
    }

    pub(crate) fn pid(&self) -> i32 {
        self.server.pid()
    }

    /// How the server has ended, if it has ended by itself.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.server.wait(Duration::ZERO).ok().flatten()
    }

    /// Takes the events since the last call into the picture.
    pub(crate) fn take_events(&mut self) {
        let lanes = &mut self.lanes;
        self.lost += self.reader.read(|event| lanes.apply(&event));
    }

    /// Takes what the kernel says: which connections wait to be accepted, and which have ended.
    pub(crate) fn take_sockets(&mut self, all: &[Socket]) {
        let port = self.addr.port();
        let own = all
            .iter()
            .filter(|it| it.local.port() == port && it.remote.port() != 0);
        let of_kernel = own.map(|it| {
            let waits = it.state == State::Established && it.inode == 0;
            let has_unread = it.unread > 0;
            (it.remote.port(), Listed { waits, has_unread })
        });
        self.lanes.take_kernel(&of_kernel.collect());
    }

    /// Removes the lanes of threads that have ended.
    pub(crate) fn drop_ended_lanes(&mut self) {
        self.lanes
            .retain(|pid, tid| fs::exists(format!("/proc/{pid}/task/{tid}")).unwrap_or(true));
    }

    /// The picture now, with the moves since the last frame.
    pub(crate) fn frame(&mut self) -> Frame {
        self.lanes.end_frame(monotonic_ns());
        self.past_answers.push(self.lanes.answers);
        if self.past_answers.len() > super::FRAMES_PER_S {
            self.past_answers.remove(0);
        }
        let first = self.past_answers.first().copied().unwrap_or_default();
        let is_fast = self.lanes.answers - first > FOLLOWED_PER_S;
        let mut moves = self.lanes.take_moves();
        moves.truncate(if is_fast { 0 } else { MOST_MOVES });
        let number_of = |guest: &Guest| Some((self.lanes.number_of(guest.port)?, guest.kind));
        Frame {
            model: self.sheet.name,
            is_fast,
            answers: self.lanes.answers,
            bytes_in: self.lanes.bytes_in,
            lost: self.lost,
            queue: self.lanes.waiting(),
            pool: self.lanes.at(Place::Pool),
            timer: self.lanes.at(Place::Timer),
            rest: self.lanes.at(Place::Rest),
            unread: self.lanes.unread(),
            guests: self.guests.iter().filter_map(number_of).collect(),
            moves,
            lanes: self
                .lanes
                .lanes()
                .map(|(lane, conn)| LaneView {
                    id: lane.id,
                    pid: lane.pid,
                    tid: lane.tid,
                    name: lane.name.clone(),
                    doing: lane.doing,
                    conn,
                    shares: is_fast.then(|| lane.shares()),
                })
                .collect(),
        }
    }

    pub(crate) fn meters(&mut self) -> Meters {
        let usage = meter::usage(self.pid()).ok();
        let now = monotonic_ns();
        let (before, cpu_before) = self.cpu;
        let cpu = usage.as_ref().map_or(cpu_before, |it| it.cpu);
        self.cpu = (now, cpu);
        let passed = now.saturating_sub(before) as f64;
        let used = cpu.saturating_sub(cpu_before).as_nanos() as f64;
        Meters {
            model: self.sheet.name,
            load: self.load.as_ref().and_then(Load::figures),
            cpu_percent: (before > 0).then_some(used / passed * 100.0),
            threads: usage.as_ref().map_or(0, |it| it.threads),
            processes: usage.as_ref().map_or(0, |it| it.processes),
            pss_bytes: meter::pss_bytes(self.pid()).unwrap_or_default(),
        }
    }
}
