//! The phases of a run, in step over all threads.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use mio::{Poll, Waker};

use crate::{
    Ended, Fairness, Interval, Outcome, Pace, Plan, PlanError,
    harvest::Harvest,
    stage::{Stage, Stages},
    worker::{Gauges, News, Share, WAKE, Worker},
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
    /// A stretch of what is measured is over; they follow each other without a gap. It may be told a
    /// moment later, the last one after `end`.
    fn interval(&mut self, _interval: &Interval) {}
    /// Measuring ends; messages go on until `end` returns.
    fn end(&mut self) {}
    /// All answers are in, or given up; the connections are still open, and idle.
    fn drained(&mut self) {}
    /// Time has passed (every 50 ms or so).
    fn tick(&mut self, _progress: &Progress) {}
    /// The rate that an open loop is to go on with, per second, if it is to change. Asked after
    /// every tick.
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
#[derive(Clone, Copy, Debug)]
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

/// Why a run could not be made at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The plan can't be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A thread, a poller or a timer was refused.
    #[error("can't start the load")]
    Io(#[from] io::Error),
}

/// How often the coordinator looks up.
const TICK: Duration = Duration::from_millis(50);

/// How long answers are waited for at most once the user has ended the run.
const IMPATIENCE: Duration = Duration::from_secs(1);

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
    let rate_per_s = match plan.pace {
        Pace::Open { rate_per_s, .. } => rate_per_s,
        Pace::Closed | Pace::Idle => 0.0,
    };
    let stages = Arc::new(Stages::new(wakers.collect::<io::Result<_>>()?, rate_per_s));
    let (sender, news) = mpsc::channel();
    let ring = Arc::new(plan.script.ring());
    let began = Instant::now();
    let (mut workers, mut threads, mut gauges) = (Vec::new(), Vec::new(), Vec::new());
    for (index, poll) in polls.into_iter().enumerate() {
        gauges.push(Arc::new(Gauges::default()));
        workers.push(Worker::new(Share {
            plan: Arc::clone(&plan),
            ring: Arc::clone(&ring),
            stages: Arc::clone(&stages),
            news: sender.clone(),
            gauges: Arc::clone(&gauges[index]),
            poll,
            index,
            began,
        })?);
    }
    for (index, worker) in workers.into_iter().enumerate() {
        let thread = thread::Builder::new().name(format!("load-{index}"));
        let started = thread.spawn(move || worker.run());
        // Those who have started already would wait for ever.
        threads.push(started.inspect_err(|_| {
            stages.announce(Stage::Close, 0);
        })?);
    }
    // The workers hold the other senders: when they have gone, nobody is waited for.
    drop(sender);
    let mut coordinator = Coordinator {
        outcome: Outcome::empty(plan.threads),
        first_turn: u64::MAX,
        threads: vec![Thread::default(); plan.threads],
        plan: &plan,
        stages: &stages,
        news,
        gauges,
        watch,
        began,
        measuring_since: 0,
        measured_until: None,
        interval_since: 0,
        boundaries: VecDeque::new(),
        gathered: Harvest::default(),
    };
    coordinator.lead();
    let mut served = Vec::new();
    for thread in threads {
        let farewell = thread.join().expect("a worker doesn't panic")?;
        served.extend(farewell.served.into_iter().flatten());
        coordinator.outcome.unanswered += farewell.unanswered;
        coordinator.outcome.due_not_sent += farewell.due_not_sent;
    }
    Ok(coordinator.conclude(&served))
}

/// Leads the workers from stage to stage, watches the clock, and puts together what they hand in.
struct Coordinator<'a> {
    outcome: Outcome,
    plan: &'a Plan,
    stages: &'a Stages,
    news: Receiver<News>,
    gauges: Vec<Arc<Gauges>>,
    watch: &'a mut dyn Watch,
    began: Instant,
    /// In nanoseconds since the run began.
    measuring_since: u64,
    /// When measuring has ended, until that is announced: one reading of the clock for both.
    measured_until: Option<u64>,
    /// When the current interval began.
    interval_since: u64,
    /// The turn in which measuring began; what was gathered before belongs to no interval.
    first_turn: u64,
    threads: Vec<Thread>,
    /// Where the intervals end that have not been told yet.
    boundaries: VecDeque<Boundary>,
    /// What has been handed in since the last interval was told.
    gathered: Harvest,
}

/// What is known of a worker.
#[derive(Clone, Copy, Debug, Default)]
struct Thread {
    /// Up to the beginning of which turn it has handed in.
    handed_in: u64,
    /// Connections open, and messages in flight, at that time.
    open: usize,
    in_flight: u64,
}

/// The end of an interval, in nanoseconds since the run began, and the turn that begins there.
#[derive(Clone, Copy, Debug)]
struct Boundary {
    from: u64,
    to: u64,
    turn: u64,
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    TimeIsUp,
    AllIdle,
    Interrupted,
    TooManyErrors,
}

impl Coordinator<'_> {
    /// Goes through all stages. Whatever happens, it ends by announcing the last one.
    fn lead(&mut self) {
        let why = self.wait_for_connections();
        self.outcome.connect_phase = self.began.elapsed();
        let stands = self.outcome.connected > 0;
        if why == Why::AllIdle && stands && self.watch.connected(self.outcome.connected) {
            self.measure();
        } else {
            self.note_end(why);
        }
        self.stages.announce(Stage::Close, self.now());
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    fn note_end(&mut self, why: Why) {
        self.outcome.ended = match why {
            Why::Interrupted => Ended::Interrupted,
            Why::TooManyErrors => Ended::TooManyErrors,
            Why::TimeIsUp => Ended::Done,
            Why::AllIdle if self.is_complete() => Ended::Done,
            Why::AllIdle => Ended::NobodyLeft,
        };
    }

    /// Whether all the messages that were ordered have been answered.
    fn is_complete(&self) -> bool {
        let total = self.plan.stop.messages;
        total.is_some_and(|total| self.answered() >= total)
    }

    fn wait_for_connections(&mut self) -> Why {
        let mut waiting = self.plan.threads;
        while waiting > 0 {
            match self.news.recv_timeout(TICK) {
                Ok(News::Connected(count)) => {
                    self.outcome.connected += count;
                    waiting -= 1;
                }
                Ok(other) => self.hear(other),
                Err(RecvTimeoutError::Timeout) => {
                    self.tick(0.0, None);
                    if self.watch.interrupted() {
                        return Why::Interrupted;
                    }
                    if self.has_too_many_errors() {
                        return Why::TooManyErrors;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Why::AllIdle
    }

    fn measure(&mut self) {
        let warmup = self.warmup();
        let mut why = Why::TimeIsUp;
        if !warmup.is_zero() {
            self.stages.announce(Stage::WarmUp, self.now());
            why = self.stay(Some(warmup), Duration::ZERO, true);
        }
        if self.watch.interrupted() {
            why = Why::Interrupted;
        }
        if why == Why::TimeIsUp {
            why = self.measure_between_marks(warmup);
        }
        self.note_end(why);
        let cut_short = matches!(why, Why::Interrupted | Why::TooManyErrors);
        let stage = if why == Why::TooManyErrors || self.plan.pace == Pace::Closed {
            Stage::Drain
        } else {
            Stage::CatchUp
        };
        self.announce_at(stage, self.now());
        // An answer has as much time now as it had before.
        let patience = if cut_short {
            self.plan.timeout.min(IMPATIENCE)
        } else {
            self.plan.timeout
        };
        let over = warmup.saturating_add(self.outcome.elapsed);
        let why = self.stay(Some(patience), over, !cut_short);
        if why == Why::Interrupted {
            self.outcome.ended = Ended::Interrupted;
        }
        self.watch.drained();
    }

    /// A run that counts its messages measures them all, from the first one on.
    fn warmup(&self) -> Duration {
        match self.plan.stop.messages {
            Some(_) => Duration::ZERO,
            None => self.plan.warmup,
        }
    }

    fn measure_between_marks(&mut self, warmup: Duration) -> Why {
        // The same order at both edges, so that what one look takes is taken off at the other.
        self.watch.begin();
        let before = self.answered();
        self.measuring_since = self.now();
        self.interval_since = self.measuring_since;
        let before_it = self.stages.announce(Stage::Measure, self.measuring_since);
        self.first_turn = before_it.number + 1;
        let why = self.stay(self.plan.stop.after, warmup, true);
        self.watch.end();
        self.outcome.metered_messages = self.answered() - before;
        let until = self.now();
        self.outcome.elapsed = Duration::from_nanos(until - self.measuring_since);
        self.measured_until = Some(until);
        why
    }

    /// Announces `stage`, or its next turn, as of `now`; an interval ends there if measuring went on
    /// until then.
    fn announce_at(&mut self, stage: Stage, now: u64) {
        let now = self.measured_until.take().unwrap_or(now);
        let ended = self.stages.announce(stage, now);
        if ended.stage == Stage::Measure {
            self.boundaries.push_back(Boundary {
                from: self.interval_since,
                to: now,
                turn: ended.number + 1,
            });
            self.interval_since = now;
        }
    }

    /// Waits for `limit`, or until every worker has nothing left to do, or the run is to end, if
    /// that is `heeded`. `over` is how much time has been spent before.
    fn stay(&mut self, limit: Option<Duration>, over: Duration, heeded: bool) -> Why {
        let since = Instant::now();
        let stage = self.stages.now().stage;
        let mut next_interval = self.plan.interval;
        let mut busy = self.plan.threads;
        while busy > 0 {
            if heeded && self.watch.interrupted() {
                return Why::Interrupted;
            }
            if heeded && self.has_too_many_errors() {
                return Why::TooManyErrors;
            }
            let elapsed = since.elapsed();
            let left = limit.map_or(TICK, |limit| limit.saturating_sub(elapsed));
            if left.is_zero() {
                return Why::TimeIsUp;
            }
            let mut nap = left.min(TICK);
            if stage == Stage::Measure {
                if elapsed >= next_interval {
                    self.announce_at(stage, self.now());
                    while next_interval <= elapsed {
                        next_interval += self.plan.interval;
                    }
                }
                nap = nap.min(next_interval - elapsed);
            }
            match self.news.recv_timeout(nap) {
                // A word about an earlier stage may still have been on its way.
                Ok(News::Idle(of)) => busy -= usize::from(of == stage),
                Ok(other) => self.hear(other),
                Err(RecvTimeoutError::Timeout) => {
                    let waiting = limit.filter(|_| stage > Stage::Measure);
                    let waiting = waiting.map(|limit| limit.saturating_sub(since.elapsed()));
                    self.tick(self.share(over.saturating_add(since.elapsed())), waiting);
                }
                // Every worker has gone, which joining them will explain.
                Err(RecvTimeoutError::Disconnected) => return Why::AllIdle,
            }
        }
        Why::AllIdle
    }

    fn tick(&mut self, share: f64, waiting: Option<Duration>) {
        let sum = |gauge: fn(&Gauges) -> u64| self.gauges.iter().map(|gauges| gauge(gauges)).sum();
        let progress = Progress {
            share,
            waiting,
            dialled: sum(|gauges| gauges.dialled.load(Relaxed)),
            answered: sum(|gauges| gauges.answered.load(Relaxed)),
            errors: sum(|gauges| gauges.errors.load(Relaxed)),
        };
        self.watch.tick(&progress);
        if matches!(self.plan.pace, Pace::Open { .. })
            && let Some(rate) = self.watch.wanted_rate()
        {
            self.outcome.rate_changed_to = Some(rate);
            self.stages.set_rate(rate);
        }
    }

    /// How much of the run is over, in `[0, 1]`: of its time or of its messages, whichever is
    /// further.
    fn share(&self, elapsed: Duration) -> f64 {
        let by_count = self
            .plan
            .stop
            .messages
            .map_or(0.0, |total| self.answered() as f64 / total as f64);
        let by_time = self.plan.stop.after.map_or(0.0, |duration| {
            elapsed.as_secs_f64() / (self.warmup().as_secs_f64() + duration.as_secs_f64())
        });
        by_count.max(by_time).min(1.0)
    }

    fn answered(&self) -> u64 {
        let answered = self.gauges.iter();
        answered.map(|gauges| gauges.answered.load(Relaxed)).sum()
    }

    fn has_too_many_errors(&self) -> bool {
        let errors: u64 = self
            .gauges
            .iter()
            .map(|gauges| gauges.errors.load(Relaxed))
            .sum();
        self.plan.stop.errors.is_some_and(|most| errors > most)
    }

    /// Takes in what a worker says.
    fn hear(&mut self, news: News) {
        if let News::HandedIn {
            thread,
            upto,
            harvest,
        } = news
        {
            let state = &mut self.threads[thread];
            (state.handed_in, state.open, state.in_flight) =
                (upto, harvest.open, harvest.in_flight);
            self.outcome.generator_cpu[thread] += harvest.cpu;
            if upto <= self.first_turn {
                self.outcome.take_in(&harvest);
            } else {
                self.gathered.merge(&harvest);
                self.tell_intervals();
            }
        }
    }

    /// Tells of the intervals for which every thread has handed in.
    fn tell_intervals(&mut self) {
        let handed_in = self.threads.iter().map(|thread| thread.handed_in);
        let upto = handed_in.min().unwrap_or(0);
        while let Some(&Boundary { from, to, turn }) = self.boundaries.front()
            && turn <= upto
        {
            self.boundaries.pop_front();
            let gathered = self.take_in_gathered();
            let open = self.threads.iter().map(|thread| thread.open).sum();
            self.outcome.alive = open;
            let since_measuring = |at: u64| Duration::from_nanos(at - self.measuring_since);
            let length = Duration::from_nanos((to - from).max(1));
            let available = length.as_secs_f64() * self.plan.threads as f64;
            let interval = Interval {
                from: since_measuring(from),
                to: since_measuring(to),
                messages: gathered.messages,
                errors: gathered.tally.total(),
                open,
                in_flight: self.threads.iter().map(|thread| thread.in_flight).sum(),
                generator_cpu_share: (gathered.cpu.as_secs_f64() / available).min(1.0),
                latency: gathered.latency,
                uncorrected: gathered.uncorrected,
                pacing_lag: gathered.lag,
            };
            self.watch.interval(&interval);
        }
    }

    /// Adds what has been handed in to the outcome, and returns it.
    fn take_in_gathered(&mut self) -> Harvest {
        let gathered = std::mem::take(&mut self.gathered);
        self.outcome.take_in(&gathered);
        gathered
    }

    /// Puts together what is left, when all workers have gone.
    fn conclude(mut self, served: &[u64]) -> Outcome {
        while let Ok(news) = self.news.try_recv() {
            self.hear(news);
        }
        self.take_in_gathered();
        self.outcome.fairness = Fairness::of(served);
        // All that could be sent has been: a message that was lost with its connection is counted
        // as unanswered, but the others have done their part.
        if self.outcome.ended == Ended::NobodyLeft && self.outcome.alive > 0 {
            self.outcome.ended = Ended::Done;
        }
        self.outcome
    }
}
