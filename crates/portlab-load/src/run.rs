//! The phases of a run, in step over all threads.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use mio::{Poll, Waker};

use crate::{
    Outcome, Pattern, Plan, PlanError, Stop,
    stage::{Stage, Stages},
    worker::{News, Share, WAKE, Worker},
};

/// Watches a run from the thread that started it. Every method may do nothing.
///
/// `begin` and `end` stand at the two edges of what is measured, with all connections open, so that
/// what a server uses between them can be put against the messages between them.
pub trait Watch {
    /// All connections are made, or have failed; `connected` of them stand. Returns whether to go
    /// on.
    fn connected(&mut self, _connected: usize) -> bool {
        true
    }
    /// Measuring begins.
    fn begin(&mut self) {}
    /// Measuring ends; messages go on until `end` returns.
    fn end(&mut self) {}
    /// All answers are in, or given up; the connections are still open, and idle.
    fn drained(&mut self) {}
    /// Time has passed (every 50 ms or so): `share`, in `[0, 1]`, of the run is over.
    fn tick(&mut self, _share: f64) {}
    /// Whether the run is to end now, with what it has.
    fn interrupted(&self) -> bool {
        false
    }
}

impl Watch for () {}

/// Why a run could not be made at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The plan can't be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A thread or a poller was refused.
    #[error("can't start the load")]
    Io(#[from] io::Error),
}

/// How often the coordinator looks up.
const TICK: Duration = Duration::from_millis(50);

/// Carries out `plan`, with `watch` looking on, and returns what was measured.
///
/// Connections that fail are counted, not fatal: a run in which none could be made has an outcome
/// too, with no messages and the reasons in its tally.
///
/// # Errors
/// When the plan can't be carried out on this machine.
///
/// # Panics
/// When a worker thread has panicked, which is a bug here.
pub fn run(plan: &Plan, watch: &mut dyn Watch) -> Result<Outcome, RunError> {
    plan.check()?;
    let mut plan = plan.clone();
    plan.threads = plan.threads.min(plan.connections);
    let plan = Arc::new(plan);
    let polls = (0..plan.threads)
        .map(|_| Poll::new())
        .collect::<io::Result<Vec<_>>>()?;
    let wakers = polls.iter().map(|poll| Waker::new(poll.registry(), WAKE));
    let stages = Arc::new(Stages::new(wakers.collect::<io::Result<_>>()?));
    let (sender, news) = mpsc::channel();
    let pattern = Arc::new(Pattern::new());
    let began = Instant::now();
    let mut workers = Vec::new();
    let mut answered = Vec::new();
    for (index, poll) in polls.into_iter().enumerate() {
        let counter = Arc::new(AtomicU64::new(0));
        answered.push(Arc::clone(&counter));
        let worker = Worker::new(Share {
            plan: Arc::clone(&plan),
            pattern: Arc::clone(&pattern),
            stages: Arc::clone(&stages),
            news: sender.clone(),
            answered: counter,
            poll,
            index,
            began,
        });
        let thread = thread::Builder::new().name(format!("load-{index}"));
        let started = thread.spawn(move || worker.run());
        // Those who have started already would wait for ever.
        workers.push(started.inspect_err(|_| stages.announce(Stage::Close))?);
    }
    // The workers hold the other senders: when they have gone, nobody is waited for.
    drop(sender);
    let mut outcome = Coordinator {
        plan: &plan,
        stages: &stages,
        news,
        answered,
        watch,
    }
    .lead(began);
    for worker in workers {
        outcome.take_in(&worker.join().expect("a worker doesn't panic")?);
    }
    Ok(outcome)
}

/// What ends a stage before its time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heed {
    Interrupts,
    Nothing,
}

/// Leads the workers from stage to stage, and watches the clock.
struct Coordinator<'a> {
    plan: &'a Plan,
    stages: &'a Stages,
    news: Receiver<News>,
    /// Messages answered so far, by thread.
    answered: Vec<Arc<AtomicU64>>,
    watch: &'a mut dyn Watch,
}

impl Coordinator<'_> {
    /// Goes through all stages. Whatever happens, it ends by announcing the last one.
    fn lead(&mut self, began: Instant) -> Outcome {
        let mut outcome = Outcome::empty(self.plan.threads);
        outcome.connected = self.wait_for_connections();
        outcome.connect_phase = began.elapsed();
        if outcome.connected > 0 && self.watch.connected(outcome.connected) {
            self.measure(&mut outcome);
        }
        outcome.interrupted = self.watch.interrupted();
        self.stages.announce(Stage::Close);
        outcome
    }

    fn wait_for_connections(&mut self) -> usize {
        let (mut connected, mut waiting) = (0, self.plan.threads);
        while waiting > 0 && !self.watch.interrupted() {
            match self.news.recv_timeout(TICK) {
                Ok(News::Connected(count)) => {
                    connected += count;
                    waiting -= 1;
                }
                Ok(News::Idle(_)) => {}
                Err(RecvTimeoutError::Timeout) => self.watch.tick(0.0),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        connected
    }

    fn measure(&mut self, outcome: &mut Outcome) {
        let mut warmup = Duration::ZERO;
        let mut limit = None;
        // A run that counts its messages measures them all, from the first one on.
        if let Stop::After(duration) = self.plan.stop {
            (warmup, limit) = (self.plan.warmup, Some(duration));
        }
        if !warmup.is_zero() {
            self.stages.announce(Stage::WarmUp);
            self.stay(Some(warmup), Duration::ZERO, Heed::Interrupts);
        }
        if !self.watch.interrupted() {
            self.measure_between_marks(outcome, limit, warmup);
        }
        self.stages.announce(Stage::Drain);
        // An answer has as much time now as it had before, also when the user has ended the run.
        self.stay(
            Some(self.plan.timeout),
            warmup + outcome.elapsed,
            Heed::Nothing,
        );
        self.watch.drained();
    }

    fn measure_between_marks(
        &mut self,
        outcome: &mut Outcome,
        limit: Option<Duration>,
        warmup: Duration,
    ) {
        // The same order at both edges, so that what one look takes is taken off at the other.
        self.watch.begin();
        let before = self.total_answered();
        self.stages.announce(Stage::Measure);
        let since = Instant::now();
        self.stay(limit, warmup, Heed::Interrupts);
        self.watch.end();
        outcome.metered_messages = self.total_answered() - before;
        self.stages.announce(Stage::Drain);
        outcome.elapsed = since.elapsed();
    }

    /// Waits for `limit`, or until every worker has nothing left to do, or the run is interrupted,
    /// if that is heeded. `over` is how much time has been spent before.
    fn stay(&mut self, limit: Option<Duration>, over: Duration, heed: Heed) {
        let since = Instant::now();
        let stage = self.stages.now();
        let mut busy = self.plan.threads;
        while busy > 0 && !(heed == Heed::Interrupts && self.watch.interrupted()) {
            let left = limit.map_or(TICK, |limit| limit.saturating_sub(since.elapsed()));
            if left.is_zero() {
                return;
            }
            match self.news.recv_timeout(left.min(TICK)) {
                // A word about an earlier stage may still have been on its way.
                Ok(News::Idle(of)) => busy -= usize::from(of == stage),
                Ok(News::Connected(_)) => {}
                Err(RecvTimeoutError::Timeout) => {
                    let share = self.share(over + since.elapsed());
                    self.watch.tick(share);
                }
                // Every worker has gone, which joining them will explain.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// How much of the run is over, in `[0, 1]`.
    fn share(&self, elapsed: Duration) -> f64 {
        let share = match self.plan.stop {
            Stop::Messages(total) => self.total_answered() as f64 / total as f64,
            Stop::After(duration) => {
                elapsed.as_secs_f64() / (self.plan.warmup + duration).as_secs_f64()
            }
        };
        share.min(1.0)
    }

    fn total_answered(&self) -> u64 {
        self.answered
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }
}
