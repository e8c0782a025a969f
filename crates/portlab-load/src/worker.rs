//! One thread's readiness loop over its share of the connections.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::Sender,
    },
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token, event, net::TcpStream};
use portlab_sys::clock::thread_cpu;

use crate::{
    Cause, Latency, Pattern, Phase, Plan, Stop, Tally,
    conn::{Broken, Conn},
    stage::{Stage, Stages},
};

/// What one thread brings home.
#[derive(Debug, Default)]
pub(crate) struct Harvest {
    pub(crate) connect_latency: Latency,
    pub(crate) latency: Latency,
    pub(crate) messages: u64,
    pub(crate) unanswered: u64,
    pub(crate) tally: Tally,
    pub(crate) cpu: Duration,
}

/// What a worker tells the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Every connection is made or has failed; this many are made.
    Connected(usize),
    /// Nothing is left to do in this stage: every message has been answered, or every connection is
    /// lost.
    Idle(Stage),
}

/// One thread's share of a run.
pub(crate) struct Worker {
    pub(crate) plan: Arc<Plan>,
    pattern: Arc<Pattern>,
    pub(crate) stages: Arc<Stages>,
    pub(crate) news: Sender<News>,
    /// Messages answered so far, for the coordinator to look at.
    answered: Arc<AtomicU64>,
    total: u64,
    pub(crate) poll: Poll,
    pub(crate) conns: Vec<Slot>,
    /// How many messages may still be asked; `None` when the clock decides.
    budget: Option<u64>,
    /// Connections that are open, and messages in flight on all of them.
    pub(crate) open: usize,
    in_flight: u64,
    pub(crate) index: usize,
    pub(crate) began: Instant,
    /// Where answers pass through, whichever connection they are for.
    buffer: Box<[u8]>,
    pub(crate) harvest: Harvest,
    /// The stage that this worker has entered.
    stage: Stage,
    measuring_since: u64,
    cpu_before: Duration,
}

/// A connection's place.
#[derive(Debug)]
pub(crate) enum Slot {
    /// Its turn to connect hasn't come.
    Waiting,
    /// Since this moment.
    Connecting(TcpStream, u64),
    Open(Conn),
    /// It has failed or ended.
    Gone,
}

/// How often a worker looks up, even when nothing happens.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// The waker's token.
pub(crate) const WAKE: Token = Token(usize::MAX);

/// What a worker is given.
pub(crate) struct Share {
    pub(crate) plan: Arc<Plan>,
    pub(crate) pattern: Arc<Pattern>,
    pub(crate) stages: Arc<Stages>,
    pub(crate) news: Sender<News>,
    pub(crate) answered: Arc<AtomicU64>,
    pub(crate) poll: Poll,
    pub(crate) index: usize,
    pub(crate) began: Instant,
}

impl Worker {
    pub(crate) fn new(share: Share) -> Self {
        let Share {
            plan,
            pattern,
            stages,
            news,
            answered,
            poll,
            index,
            began,
        } = share;
        let connections = Plan::share(plan.connections as u64, index, plan.threads);
        let budget = match plan.stop {
            Stop::After(_) => None,
            Stop::Messages(total) => Some(Plan::share(total, index, plan.threads)),
        };
        Self {
            conns: (0..connections).map(|_| Slot::Waiting).collect(),
            budget,
            open: 0,
            in_flight: 0,
            buffer: vec![0; Pattern::REACH].into(),
            harvest: Harvest::default(),
            stage: Stage::Connect,
            measuring_since: 0,
            cpu_before: Duration::ZERO,
            plan,
            pattern,
            stages,
            news,
            answered,
            poll,
            index,
            began,
            total: 0,
        }
    }

    /// Goes through all stages with the others, and returns what was measured.
    pub(crate) fn run(mut self) -> io::Result<Harvest> {
        self.connect()?;
        let mut events = Events::with_capacity(1024);
        let mut told_idle_in = Stage::Connect;
        let mut looked = self.now();
        loop {
            self.follow();
            if self.stage == Stage::Close {
                break;
            }
            if self.is_idle() && told_idle_in != self.stage {
                told_idle_in = self.stage;
                // Only fails when the coordinator has gone.
                let _ = self.news.send(News::Idle(self.stage));
            }
            self.wait(&mut events)?;
            for event in &events {
                if event.token() != WAKE {
                    self.ready(event);
                }
            }
            self.answered.store(self.total, Relaxed);
            let now = self.now();
            if now - looked > TICK.as_nanos() as u64 {
                looked = now;
                self.give_up_on_the_silent(now);
            }
        }
        self.harvest.unanswered += self.in_flight;
        Ok(self.harvest)
    }

    /// Enters the stage that the coordinator has announced.
    fn follow(&mut self) {
        let stage = self.stages.now();
        if stage == self.stage {
            return;
        }
        let last = std::mem::replace(&mut self.stage, stage);
        match stage {
            Stage::Connect | Stage::Close => {}
            Stage::WarmUp => self.first_messages(),
            Stage::Measure => {
                self.forget_the_warm_up();
                self.measuring_since = self.now();
                self.cpu_before = thread_cpu();
                if last == Stage::Connect {
                    self.first_messages();
                }
            }
            Stage::Drain if last == Stage::Measure => {
                self.harvest.cpu = thread_cpu() - self.cpu_before;
            }
            // The run was ended before its measuring began.
            Stage::Drain => self.forget_the_warm_up(),
        }
    }

    /// What was answered while warming up doesn't count.
    fn forget_the_warm_up(&mut self) {
        self.harvest.messages = 0;
        self.harvest.latency = Latency::default();
        self.measuring_since = u64::MAX;
    }

    /// Fills every connection with as many messages as it is to have in flight.
    fn first_messages(&mut self) {
        for slot in 0..self.conns.len() {
            let now = self.now();
            let Slot::Open(conn) = &mut self.conns[slot] else {
                continue;
            };
            for _ in 0..self.plan.depth {
                if take_one(&mut self.budget) {
                    conn.ask(self.plan.size, now);
                    self.in_flight += 1;
                }
            }
            if let Err(broken) = conn.send(&self.pattern) {
                self.lose(slot, broken);
            }
        }
    }

    /// A connection has something to read, or room to write.
    fn ready(&mut self, event: &event::Event) {
        let slot = event.token().0;
        if let Err(broken) = self.converse(slot, event.is_read_closed()) {
            self.lose(slot, broken);
        }
    }

    /// Takes in the answers there are, and sends a message for each.
    fn converse(&mut self, slot: usize, closed: bool) -> Result<(), Broken> {
        let Slot::Open(conn) = &mut self.conns[slot] else {
            return Ok(());
        };
        let size = self.plan.size;
        while let Some(read) = conn.receive(&self.pattern, &mut self.buffer)? {
            // Read fresh: a time kept from the beginning of the round would flatter the later ones.
            let now = self.began.elapsed().as_nanos() as u64;
            let mut length = read;
            while let Some(asked) = conn.complete(&mut length, size) {
                self.in_flight -= 1;
                self.total += 1;
                match self.stage {
                    Stage::Drain if asked < self.measuring_since => {}
                    Stage::Drain => self.harvest.latency.record(now - asked),
                    _ => {
                        self.harvest.messages += 1;
                        self.harvest.latency.record(now - asked);
                        if take_one(&mut self.budget) {
                            conn.ask(size, now);
                            self.in_flight += 1;
                        }
                    }
                }
            }
            conn.send(&self.pattern)?;
            // A read that didn't fill the buffer has emptied the socket, unless the end is near.
            if read < self.buffer.len() && !closed {
                return Ok(());
            }
        }
        // Room to write may be what the poller has told.
        conn.send(&self.pattern)
    }

    fn lose(&mut self, slot: usize, broken: Broken) {
        broken.count_in(&mut self.harvest.tally);
        if let Slot::Open(conn) = std::mem::replace(&mut self.conns[slot], Slot::Gone) {
            self.open -= 1;
            self.in_flight -= conn.in_flight() as u64;
            self.harvest.unanswered += conn.in_flight() as u64;
        }
    }

    /// Gives up connections whose oldest message has waited too long.
    fn give_up_on_the_silent(&mut self, now: u64) {
        let patience = self.plan.timeout.as_nanos() as u64;
        for slot in 0..self.conns.len() {
            let Slot::Open(conn) = &self.conns[slot] else {
                continue;
            };
            if conn
                .oldest()
                .is_some_and(|asked| now.saturating_sub(asked) > patience)
            {
                self.lose(slot, Broken::Because(Phase::Receive, Cause::TimedOut));
            }
        }
    }

    /// Whether there is nothing left to wait for: all answers are in and no message is to follow,
    /// or every connection is lost.
    fn is_idle(&self) -> bool {
        let over = self.budget == Some(0) || self.stage == Stage::Drain;
        self.stage != Stage::Connect && (self.open == 0 || over && self.in_flight == 0)
    }

    pub(crate) fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        match self.poll.poll(events, Some(TICK)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }

    /// Nanoseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }
}

/// Takes one from what may still be asked; says whether there was one.
fn take_one(budget: &mut Option<u64>) -> bool {
    match budget {
        None => true,
        Some(0) => false,
        Some(left) => {
            *left -= 1;
            true
        }
    }
}
