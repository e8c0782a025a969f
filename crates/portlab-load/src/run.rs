//! A run, from its plan to its outcome.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use mio::{Poll, Waker};
use portlab_words::{Text, tr};

use crate::{
    Cause, Ended, Interval, Outcome, Phase, Plan,
    chat::Member,
    conn::Conn,
    coordinator::Coordinator,
    dialogue::Dialogue,
    stage::{Stage, Stages},
    tls::answers_hello,
    udp::Peer,
    worker::{Gauges, Share, WAKE, Worker, WorkerEvent, WorkerResult},
};

/// Watches a run from the thread that started it. Every method has a default that does nothing.
///
/// `begin` and `end` are called when measuring begins and ends, with all connections open: the CPU time that the server
/// uses between the two calls belongs to the messages between them.
pub trait Watch {
    /// All connections are made, or have failed; `_connected` of them are open. Returns whether to go on.
    fn connected(&mut self, _connected: usize) -> bool {
        true
    }
    /// Measuring begins.
    fn begin(&mut self) {}
    /// An interval is over; intervals follow each other without a gap. The call may come a moment later, that of the
    /// last interval after `end`.
    fn interval(&mut self, _interval: &Interval) {}
    /// The statistics of a thread have been added to the outcome: its errors, for example, are those so far.
    fn added(&mut self, _so_far: &Outcome) {}
    /// Measuring ends; messages go on until `end` returns.
    fn end(&mut self) {}
    /// All answers are in, or given up; the connections are still open, and idle.
    fn drained(&mut self) {}
    /// Time has passed (every 50 ms or so).
    fn tick(&mut self, _progress: &Progress) {}
    /// The new rate of an open loop, per second, if it is to change. Called after every tick.
    fn wanted_rate(&mut self) -> Option<f64> {
        None
    }
    /// Whether the run is to end now, with what it has.
    fn interrupted(&self) -> bool {
        false
    }
}

impl Watch for () {}

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// The share, in `[0, 1]`, of the warm-up and the measuring that is over; 0 while connecting.
    pub share: f64,
    /// Connections that have been made, or have failed.
    pub dialled: u64,
    /// While the last answers are waited for: how long at most from now on.
    pub waiting: Option<Duration>,
    /// Messages answered, those of the warm-up included.
    pub answered: u64,
    /// Errors.
    pub errors: u64,
}

/// Why a run could not be made at all: because of its plan, or because the system refused a thread, a poller or a timer.
pub type RunError = Text;

/// Carries out `plan`, watched by `watch`, and returns what was measured.
///
/// Connections that fail are counted as errors: a run in which all connections failed has an outcome too.
///
/// # Errors
/// When the plan can't be carried out on this machine.
///
/// # Panics
/// When a worker thread has panicked, which is a bug here.
pub fn run(plan: &Plan, watch: &mut dyn Watch) -> Result<Outcome, RunError> {
    plan.check()?;
    let started = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut plan = plan.clone();
    plan.threads = plan.threads.min(plan.connections);
    let outcome = match plan.script.chat {
        None if plan.is_udp() => run_dialogues::<Peer>(Arc::new(plan), watch),
        None => run_dialogues::<Conn>(Arc::new(plan), watch),
        // A chat has one history, which one thread checks.
        Some(_) => {
            plan.threads = 1;
            run_dialogues::<Member>(Arc::new(plan), watch)
        }
    };
    let started_unix_s = started.map_or(0, |since| since.as_secs());
    outcome
        .map(|outcome| Outcome {
            started_unix_s,
            ..outcome
        })
        .map_err(|error| {
            let why = Text::system(&error);
            tr!("can't start the load: {why}", "无法开始负载：{why:#}")
        })
}

fn run_dialogues<C>(plan: Arc<Plan>, watch: &mut dyn Watch) -> io::Result<Outcome>
where
    C: Dialogue + Send + 'static,
    C::Shared: Send,
{
    let polls = (0..plan.threads)
        .map(|_| Poll::new())
        .collect::<io::Result<Vec<_>>>()?;
    let wakers = polls.iter().map(|poll| Waker::new(poll.registry(), WAKE));
    let rate_per_s = plan.pace.rate_per_s().unwrap_or(f64::INFINITY);
    let wakers = wakers.collect::<io::Result<_>>()?;
    let stages = Arc::new(Stages::new(wakers, rate_per_s, plan.stop.errors));
    let (sender, events) = mpsc::channel();
    let (ring, numbers) = (Arc::new(plan.script.ring()), Arc::default());
    let began = Instant::now();
    let (mut workers, mut threads, mut gauges) = (Vec::new(), Vec::new(), Vec::new());
    for (index, poll) in polls.into_iter().enumerate() {
        gauges.push(Arc::new(Gauges::default()));
        workers.push(Worker::<C>::new(Share {
            plan: Arc::clone(&plan),
            ring: Arc::clone(&ring),
            numbers: Arc::clone(&numbers),
            stages: Arc::clone(&stages),
            events: sender.clone(),
            gauges: Arc::clone(&gauges[index]),
            poll,
            index,
            began,
        })?);
    }
    for (index, worker) in workers.into_iter().enumerate() {
        let thread = thread::Builder::new().name(format!("load-{index}"));
        let alarm = Alarm(Some(sender.clone()));
        let started = thread.spawn(move || alarm.unless_fine(worker.run()));
        // Without this announcement, the threads that have started would wait for ever.
        threads.push(started.inspect_err(|_| {
            stages.announce(Stage::Close, 0);
        })?);
    }
    // The workers hold the other senders; the channel closes when all workers have ended.
    drop(sender);
    let mut coordinator = Coordinator::new(&plan, &stages, events, gauges, watch, began);
    coordinator.lead();
    let (mut served, mut all_sent) = (Vec::new(), true);
    for thread in threads {
        let result = thread.join().expect("a worker doesn't panic")?;
        served.extend(result.finished.served.iter().flatten().copied());
        all_sent &= result.has_sent_all;
        coordinator.take_in(result);
    }
    let mut outcome = coordinator.conclude(&served, all_sent);
    if outcome.ended == Ended::AllLost && outcome.endings.closed > 0 {
        let patience = plan.connect_timeout.min(Duration::from_secs(1));
        let found = plan.targets.iter().map(|target| target.listens(patience));
        // `Some(false)` is before `Some(true)`.
        outcome.endings.listens = found.min().flatten();
    }
    if wants_tls(&plan, &outcome) && answers_hello(&plan.dialled(0), PROBE) {
        outcome.tally.met_tls();
    }
    outcome.endings.speaks_tls = outcome.tally.speaks_tls();
    Ok(outcome)
}

/// How long a port may take to answer whether it speaks TLS.
const PROBE: Duration = Duration::from_millis(500);

/// Whether it is worth a connection to find out if the port speaks TLS: it said nothing to plain bytes, and closed, or
/// waited where a greeting was expected.
fn wants_tls(plan: &Plan, outcome: &Outcome) -> bool {
    let waited = outcome
        .tally
        .failures()
        .any(|it| (it.phase, it.cause) == (Phase::Greeting, Cause::TimedOut));
    let closed = outcome.endings.closed > 0;
    plan.tls.is_none() && outcome.answered == 0 && outcome.bytes_received == 0 && (waited || closed)
}

/// Reports to the coordinator when a worker fails, or panics: otherwise the coordinator would wait for that worker.
struct Alarm(Option<Sender<WorkerEvent>>);

impl Alarm {
    fn unless_fine(mut self, result: io::Result<WorkerResult>) -> io::Result<WorkerResult> {
        if result.is_ok() {
            self.0 = None;
        }
        result
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(events) = &self.0 {
            let _ = events.send(WorkerEvent::Failed);
        }
    }
}
