//! The coordinator: leads the threads of a run from stage to stage.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use crate::{
    ChatFindings, Ended, Fairness, Outcome, Pace, Plan, Progress, Watch,
    interval_merger::IntervalMerger,
    stage::{Stage, Stages},
    thread_state::nanos,
    worker::{Gauges, WorkerEvent, WorkerResult},
};

/// How long the coordinator waits for events at most.
const TICK: Duration = Duration::from_millis(50);

/// How long workers may take to notice that measuring is over.
const NOTICING: Duration = Duration::from_secs(1);

/// How long answers are waited for at most once the user has ended the run: closing the connections takes at most
/// 500 ms more, so the run ends within a second.
const WAIT_AFTER_INTERRUPT: Duration = Duration::from_millis(300);

/// Leads the workers from stage to stage, watches the clock, and adds up their statistics.
pub(crate) struct Coordinator<'a> {
    outcome: Outcome,
    plan: &'a Plan,
    stages: &'a Stages,
    events: Receiver<WorkerEvent>,
    gauges: Vec<Arc<Gauges>>,
    watch: &'a mut dyn Watch,
    began: Instant,
    /// For how long each thread has measured.
    measured: Vec<Duration>,
    intervals: IntervalMerger,
    metered_deliveries: u64,
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    TimeIsUp,
    AllIdle,
    Interrupted,
    TooManyErrors,
}

impl<'a> Coordinator<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        stages: &'a Stages,
        events: Receiver<WorkerEvent>,
        gauges: Vec<Arc<Gauges>>,
        watch: &'a mut dyn Watch,
        began: Instant,
    ) -> Self {
        Self {
            outcome: Outcome::empty(plan.threads),
            plan,
            stages,
            events,
            gauges,
            watch,
            began,
            measured: vec![Duration::ZERO; plan.threads],
            intervals: IntervalMerger::new(plan.threads),
            metered_deliveries: 0,
        }
    }

    /// Goes through all stages. The last one is announced in any case, because the workers wait for it.
    pub(crate) fn lead(&mut self) {
        let why = self.wait_for_connections();
        self.outcome.connected = self.sum(|gauges| &gauges.made) as usize;
        self.outcome.connect_phase = self.began.elapsed();
        let can_begin = match self.plan.script.chat {
            None => self.outcome.connected > 0,
            Some(_) => self.outcome.connected == self.plan.connections,
        };
        if why == Why::AllIdle && can_begin && self.watch.connected(self.outcome.connected) {
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
            Why::AllIdle => Ended::AllLost,
        };
    }

    /// Whether the run counts its messages and all of them have been answered.
    fn is_complete(&self) -> bool {
        let total = self.plan.stop.messages;
        total.is_some_and(|total| self.answered() >= total)
    }

    fn wait_for_connections(&mut self) -> Why {
        let mut waiting = self.plan.threads;
        while waiting > 0 {
            match self.events.recv_timeout(TICK) {
                Ok(WorkerEvent::Connected) => waiting -= 1,
                Ok(WorkerEvent::TooManyErrors) => return Why::TooManyErrors,
                Ok(WorkerEvent::Failed) => break,
                Ok(other) => self.take_event(other),
                Err(RecvTimeoutError::Timeout) => {
                    self.tick(0.0, None);
                    if self.watch.interrupted() {
                        return Why::Interrupted;
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
        // The last message that was measured has the whole timeout, and a message that is sent while catching up has
        // the rest of it.
        let patience = if cut_short {
            self.plan.timeout.min(WAIT_AFTER_INTERRUPT)
        } else {
            self.plan.timeout
        };
        let over = warmup.saturating_add(self.outcome.elapsed);
        let why = self.stay(Some(patience), over, !cut_short);
        if matches!(why, Why::Interrupted | Why::TooManyErrors) {
            self.note_end(why);
        }
        if self.plan.script.has_last_steps() && self.outcome.ended != Ended::TooManyErrors {
            self.announce_at(Stage::LastSteps, self.now());
            self.stay(Some(patience), over, !cut_short);
        }
        self.watch.drained();
    }

    /// The length of the warm-up. A run that counts its messages has none: it measures all of them.
    fn warmup(&self) -> Duration {
        match self.plan.stop.messages {
            Some(_) => Duration::ZERO,
            None => self.plan.warmup,
        }
    }

    fn measure_between_marks(&mut self, warmup: Duration) -> Why {
        // The watch reads the server's clocks just before and just after measuring, while the load goes on. Both
        // readings are in the same order, so their own cost cancels out.
        self.watch.begin();
        let (before, delivered) = (self.answered(), self.delivered());
        let since = self.now();
        let before_it = self.stages.announce(Stage::Measure, since);
        self.intervals.begin(before_it.number + 1, since);
        let why = self.stay(self.plan.stop.after, warmup, true);
        self.announce_at(Stage::WindDown, self.now());
        self.wait_until_measured();
        self.watch.end();
        self.outcome.metered_messages = self.answered() - before;
        self.metered_deliveries = self.delivered() - delivered;
        why
    }

    /// Waits until every worker has sent what it measured, for a second at most.
    fn wait_until_measured(&mut self) {
        let since = Instant::now();
        let turn = self.stages.now().number;
        while !self.intervals.is_complete_before(turn) && since.elapsed() < NOTICING {
            match self.events.recv_timeout(TICK) {
                // Joining the thread gives the reason.
                Ok(WorkerEvent::Failed) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(other) => self.take_event(other),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        self.outcome.elapsed = self.measured();
    }

    /// The time that was measured: the mean over the threads. Each thread counts its messages between two moments of
    /// its own.
    fn measured(&self) -> Duration {
        let all: Duration = self.measured.iter().sum();
        all / u32::try_from(self.plan.threads).unwrap_or(u32::MAX)
    }

    /// Announces `stage`, or its next turn, as of `now`; if the last stage was measuring, an interval ends.
    fn announce_at(&mut self, stage: Stage, now: u64) {
        let ended = self.stages.announce(stage, now);
        if ended.stage == Stage::Measure {
            let rate_per_s = self.stages.rate_per_s();
            self.intervals
                .end_interval(ended.number + 1, now, rate_per_s);
        }
    }

    /// Waits for `limit`, or until every worker has nothing left to do. If the stage `may_be_cut`, an interrupt or too
    /// many errors end it as well. `over` is the time of the stages before, for the progress.
    fn stay(&mut self, limit: Option<Duration>, over: Duration, may_be_cut: bool) -> Why {
        let since = Instant::now();
        let stage = self.stages.now().stage;
        let mut next_interval = self.plan.interval;
        let mut busy = self.plan.threads;
        while busy > 0 {
            if may_be_cut && self.watch.interrupted() {
                return Why::Interrupted;
            }
            if may_be_cut && self.stages.has_too_many_errors() {
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
            match self.events.recv_timeout(nap) {
                // An event of an earlier stage may still have been in the channel.
                Ok(WorkerEvent::Idle(of)) => busy -= usize::from(of == stage),
                // Joining the thread gives the reason.
                Ok(WorkerEvent::Failed) => return Why::AllIdle,
                Ok(other) => self.take_event(other),
                Err(RecvTimeoutError::Timeout) => {
                    let waiting = limit.filter(|_| stage > Stage::Measure);
                    let waiting = waiting.map(|limit| limit.saturating_sub(since.elapsed()));
                    self.tick(self.share(over.saturating_add(since.elapsed())), waiting);
                }
                // Every worker has ended; joining them gives the reason.
                Err(RecvTimeoutError::Disconnected) => return Why::AllIdle,
            }
        }
        Why::AllIdle
    }

    fn tick(&mut self, share: f64, waiting: Option<Duration>) {
        let progress = Progress {
            share,
            waiting,
            dialled: self.sum(|gauges| &gauges.dialled),
            answered: self.answered(),
            errors: self.stages.errors(),
        };
        self.watch.tick(&progress);
        // After measuring, a new rate has no effect.
        let sends = self.stages.now().stage <= Stage::Measure;
        if matches!(self.plan.pace, Pace::Open { .. })
            && sends
            && let Some(rate) = self.watch.wanted_rate()
        {
            self.outcome.rate_changed_to = Some(rate);
            self.stages.set_rate(rate);
        }
    }

    /// How much of the run is over, in `[0, 1]`: of its time or of its messages, whichever is further.
    fn share(&self, elapsed: Duration) -> f64 {
        let stop = self.plan.stop;
        let by_count = |total: u64| self.answered() as f64 / total as f64;
        let by_count = stop.messages.map_or(0.0, by_count);
        let whole = |after: Duration| self.warmup().as_secs_f64() + after.as_secs_f64();
        let by_time = stop
            .after
            .map_or(0.0, |after| elapsed.as_secs_f64() / whole(after));
        by_count.max(by_time).min(1.0)
    }

    fn answered(&self) -> u64 {
        self.sum(|gauges| &gauges.answered)
    }

    fn delivered(&self) -> u64 {
        self.sum(|gauges| &gauges.delivered)
    }

    /// The sum of a gauge over all workers.
    fn sum(&self, gauge: fn(&Gauges) -> &AtomicU64) -> u64 {
        let gauges = self.gauges.iter();
        gauges.map(|gauges| gauge(gauges).load(Relaxed)).sum()
    }

    /// Adds the statistics that a worker has sent.
    fn take_event(&mut self, event: WorkerEvent) {
        if let WorkerEvent::Stats(thread, upto, stats) = event {
            self.measured[thread] += stats.measured;
            self.outcome.generator_cpu[thread] += stats.cpu;
            self.outcome.generator_ran[thread] += stats.ran;
            self.outcome.generator_waited[thread] += stats.waited;
            self.outcome.generator_stalled[thread] += stats.stalled;
            self.outcome.take_in(&stats);
            self.watch.added(&self.outcome);
            self.intervals.take_in(thread, upto, &stats);
            while let Some(interval) = self.intervals.next() {
                self.outcome.alive = interval.open;
                self.outcome.series.add(&interval);
                self.watch.interval(&interval);
            }
        }
    }

    /// Adds the results of a worker that has ended.
    pub(crate) fn take_in(&mut self, result: WorkerResult) {
        self.outcome.unanswered += result.unanswered;
        self.outcome.due_not_sent += result.due_not_sent;
        self.outcome.answers.merge(&result.finished.answers);
        self.outcome.exchanges.merge(&result.finished.exchanges);
        self.outcome.endings.merge(&result.endings);
        self.outcome.outages.merge(&result.outages);
        if let Some(datagrams) = result.finished.datagrams {
            let all = self.outcome.datagrams.get_or_insert_default();
            all.merge(&datagrams);
        }
        if let Some(chat) = result.finished.chat {
            self.outcome.chat = Some(ChatFindings {
                metered_deliveries: self.metered_deliveries,
                ..chat.conclude(self.outcome.interrupted())
            });
        }
    }

    /// Completes the outcome when all workers have ended: `served` are the answers by connection, and `all_sent`
    /// says whether every thread has sent all of its messages.
    pub(crate) fn conclude(mut self, served: &[u64], all_sent: bool) -> Outcome {
        while let Ok(event) = self.events.try_recv() {
            self.take_event(event);
        }
        self.outcome.elapsed = self.measured();
        self.outcome.fairness = Fairness::of(served);
        self.outcome.answered = self.answered();
        self.outcome.endings.answered = self.outcome.answered;
        if !self.outcome.elapsed.is_zero() {
            let began = self.stages.began(Stage::Measure);
            self.outcome.endings.measuring_since = Some(began);
            self.outcome.outages.measuring = (began, began + nanos(self.outcome.elapsed));
        }
        self.outcome.take_time_by(self.plan);
        // If all messages were sent, the run is complete: one that was lost with its connection counts as unanswered.
        if self.outcome.ended == Ended::AllLost && all_sent {
            self.outcome.ended = Ended::Done;
        }
        self.outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Arrivals, Stop, run};
    use std::{
        io::{Read, Write},
        net::{SocketAddr, TcpListener},
        thread,
    };

    /// An echo server for so many connections.
    fn echo(connections: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().take(connections).flatten() {
                thread::spawn(move || {
                    let (mut stream, mut buffer) = (stream, [0; 4096]);
                    while let Ok(length @ 1..) = stream.read(&mut buffer) {
                        stream.write_all(&buffer[..length]).unwrap();
                    }
                });
            }
        });
        addr
    }

    /// A slow meter: when its first reading was done, and when its second began.
    struct SlowMeter(Vec<Instant>);

    const READING: Duration = Duration::from_millis(60);

    impl Watch for SlowMeter {
        fn begin(&mut self) {
            thread::sleep(READING);
            self.0.push(Instant::now());
        }

        fn end(&mut self) {
            self.0.push(Instant::now());
            thread::sleep(READING);
        }
    }

    fn measured(connections: usize, threads: usize, rate_per_s: f64) -> (Outcome, SlowMeter) {
        let plan = Plan {
            connections,
            threads,
            pace: Pace::Open {
                rate_per_s,
                arrivals: Arrivals::Uniform,
            },
            depth: 64,
            warmup: Duration::from_millis(20),
            stop: Stop::after(Duration::from_millis(100)),
            ..Plan::new(echo(connections))
        };
        let mut meter = SlowMeter(Vec::new());
        let outcome = run(&plan, &mut meter).unwrap();
        assert!(outcome.tally.total() == 0, "{outcome:?}");
        (outcome, meter)
    }

    #[test]
    fn the_time_that_a_meter_takes_is_not_measured() {
        let (outcome, meter) = measured(2, 2, 1_000.0);
        let between = meter.0[1] - meter.0[0];
        let elapsed = outcome.elapsed;
        assert!(
            !elapsed.is_zero() && elapsed <= between,
            "{elapsed:?} of {between:?}"
        );
    }

    #[test]
    fn an_open_loop_counts_the_messages_that_became_due_in_the_time_measured() {
        for threads in [1, 3] {
            let (outcome, _) = measured(3, threads, 20_000.0);
            let expected = 20_000.0 * outcome.elapsed.as_secs_f64();
            let due = outcome.due() as f64;
            // Each thread may count one message more or less at the edges of its time.
            assert!(
                (due - expected).abs() <= threads as f64,
                "{due}, not {expected}"
            );
        }
    }
}
