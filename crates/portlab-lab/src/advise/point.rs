//! One measurement of one model, at one rate.

use std::{
    thread,
    time::{Duration, Instant},
};

use portlab_backends::{Backend, Serves, Sheet};
use portlab_load::{Finding, Missed, Shown as Figures};
use portlab_stats::{
    advice::{Kind, Shot, Shown, Work},
    record::{self, Round},
};
use portlab_words::{Text, tr};

use super::{Budget, Inquiry, InquiryObserver};
use crate::{
    Experiment, MeasureError, Observer, Running,
    experiment::{Entrant, Part},
    measure::{LONGER, measure},
    meter::{pressure_now, pressure_share},
    workloads,
};

/// The load of a measurement.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) rate_per_s: f64,
    pub(super) work: Option<Work>,
}

/// How many connections a measurement has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A few, briefly: a model that misses the bound here misses it with all connections too.
    Little,
    /// All connections of the question.
    Whole,
}

/// The result of a measurement.
#[derive(Debug)]
pub(super) enum Taken {
    Shot(Shot),
    /// The server failed, for this reason.
    Failed(Text),
    /// No message was answered, and there was no error: perhaps no message was due.
    Nothing,
    /// The user or the end of the time interrupted the measurement.
    CutOff,
}

/// The parts that all measurements have in common.
pub(super) struct Point<'a> {
    inquiry: &'a Inquiry,
    running: &'a Running,
    server_cores: usize,
    duration: Duration,
    /// The share of the time in which other programs waited for a processor while this run was idle; known
    /// only if server and generator share processors.
    others_wait_share: Option<f64>,
}

/// The most workers of a pool, unless the user asked for more: each may be a process.
const MOST_WORKERS: usize = 512;
/// How long a server is loaded before it is measured.
const WARMUP: Duration = Duration::from_millis(100);
/// A measurement is this many times as long as the bound, so that a growing queue exceeds the bound.
const BOUNDS: u32 = 10;
/// The shortest and the longest measurement.
const SHORTEST: Duration = Duration::from_millis(300);
const LONGEST: Duration = Duration::from_secs(1);
/// A measurement is longer if it has fewer messages than this: too few for a p99.
const MESSAGES: f64 = 200.0;
const LONGEST_FOR_MESSAGES: f64 = 2.0;
/// How long a measurement may take in addition to measuring.
const TIMEOUT: Duration = Duration::from_secs(12);
/// With this many connections it is measured whether a handler that blocks delays the others.
const FEW: usize = 100;
const LITTLE: Duration = Duration::from_millis(300);
/// How long the pressure of an idle run is measured.
const LOOK: Duration = Duration::from_millis(300);

impl<'a> Point<'a> {
    pub(super) fn new(inquiry: &'a Inquiry, running: &'a Running, server_cores: usize) -> Self {
        let question = &inquiry.question;
        let bound = Duration::from_nanos(question.within_ns) * BOUNDS;
        let messages =
            Duration::from_secs_f64((MESSAGES / question.rate_per_s).min(LONGEST_FOR_MESSAGES));
        Self {
            inquiry,
            running,
            server_cores,
            duration: bound.clamp(SHORTEST, LONGEST).max(messages),
            others_wait_share: None,
        }
    }

    /// Reads the machine's pressure while this run is idle. If server and generator share processors, only
    /// this shows other programs.
    pub(super) fn look_around(&mut self) {
        if let record::Pinning::Together(_) = self.inquiry.pinning {
            let begin = pressure_now();
            thread::sleep(LOOK);
            let looks = begin.zip(pressure_now());
            self.others_wait_share = looks.and_then(|(begin, end)| pressure_share(begin, end));
        }
    }

    /// The bound, as a share of a measurement's time.
    pub(super) fn blind(&self) -> f64 {
        self.inquiry.question.within_ns as f64 / self.duration.as_nanos() as f64
    }

    /// How long a measurement takes at most, unless it has to be repeated.
    pub(super) fn longest(&self) -> Duration {
        self.duration * 2 + Duration::from_secs(1)
    }

    /// A small load that a server with one thread can't handle if each message blocks it: three times the rate
    /// of one thread for each processor, and at most the rate of the question.
    pub(super) fn little(&self, block: Work, rate_per_s: f64) -> At {
        let one = 1e9 / block.time_ns.max(1) as f64;
        At {
            rate_per_s: rate_per_s.min(one * 3.0 * self.server_cores as f64),
            work: Some(block),
        }
    }

    /// Measures `model` once.
    pub(super) fn take(
        &self,
        model: &'static dyn Backend,
        round: usize,
        at: At,
        stage: Stage,
        budget: &Budget,
        observer: &dyn InquiryObserver,
    ) -> Taken {
        let experiment = experiment(self.inquiry, self.duration, model, at, stage);
        let cells = experiment.cells();
        let timeout = TIMEOUT + self.duration * LONGER;
        let deadline = Instant::now() + timeout.min(budget.left());
        let mut clock = Clock { observer, deadline };
        let rate = Some(at.rate_per_s);
        let mark = &self.running.mark;
        match measure(&experiment, &cells[0], (round, rate), mark, &mut clock) {
            Ok((round, _)) => Taken::Shot(self.shot(&round)),
            // This isn't a failure: at a low rate, it may be that no message was due.
            Err(MeasureError::NoMessages(_)) => Taken::Nothing,
            Err(MeasureError::Interrupted) if observer.interrupted() || budget.left().is_zero() => {
                Taken::CutOff
            }
            Err(MeasureError::Interrupted) => {
                let seconds = timeout.as_secs();
                Taken::Failed(tr!(
                    "not measured within {seconds} s",
                    "{seconds} s 内没有测完"
                ))
            }
            Err(error) => Taken::Failed(Text::of(error)),
        }
    }

    /// The share of its runnable time that server or generator waited for a processor because of other
    /// programs. If they share processors, they wait for each other; if a server has more threads than
    /// processors, its threads wait for each other.
    fn wait_share(&self, round: &Round) -> Option<f64> {
        if matches!(self.inquiry.pinning, record::Pinning::Together(_)) {
            return self.others_wait_share;
        }
        let alone = round.threads <= self.server_cores as u64;
        let server = round.server_wait_share.filter(|_| alone);
        let shares = [server, round.generator_wait_share];
        shares.into_iter().flatten().max_by(f64::total_cmp)
    }

    fn shot(&self, round: &Round) -> Shot {
        let question = &self.inquiry.question;
        let figures = Figures {
            latencies: round.latency_count.unwrap_or(round.messages),
            p99_ns: round.latency_p99_ns,
            errors: round.errors,
            due_not_sent: round.due_not_sent.unwrap_or(0),
            pacing_lag_p99_ns: round.pacing_lag_p99_ns.unwrap_or(0),
            generator_cpu_share: round.generator_cpu_share,
        };
        // A chat's round counts deliveries, and the question counts messages.
        let receivers = question.members.map_or(1, |members| members.max(2) - 1) as f64;
        Shot {
            round: round.round,
            work: 0,
            shown: match Finding::of(&figures, question.within_ns) {
                Finding::Held => Shown::Held,
                Finding::Nothing => Shown::Nothing,
                // No message was due and there were no errors, so no message was sent.
                Finding::Missed(Missed::Answers) if figures.due_not_sent == 0 => Shown::Nothing,
                Finding::Missed(Missed::Errors) => Shown::Errors,
                Finding::Missed(Missed::Answers | Missed::Unsent) => Shown::Unsent,
                Finding::Missed(Missed::Latency) => Shown::TooSlow,
            },
            p99_ns: round.latency_p99_ns,
            latencies: figures.latencies,
            cpu_us_per_message: round.server_cpu_us_per_message.map(|cpu| cpu * receivers),
            peak_pss_bytes: round.peak_pss_bytes,
            wait_share: self.wait_share(round),
        }
    }
}

/// A comparison that has `model` and one point only.
pub(super) fn experiment(
    inquiry: &Inquiry,
    duration: Duration,
    model: &'static dyn Backend,
    at: At,
    stage: Stage,
) -> Experiment {
    let Inquiry {
        question, pinning, ..
    } = inquiry;
    let (connections, duration) = match stage {
        Stage::Whole => (question.connections, duration),
        Stage::Little => (question.connections.min(FEW), LITTLE),
    };
    let workload = match (question.members, question.churn) {
        (Some(_), _) => "chat",
        (None, true) => "churn",
        (None, false) => "rate",
    };
    let members = question
        .members
        .unwrap_or(connections)
        .clamp(1, connections);
    let point = record::Point {
        connections,
        size_bytes: question.size_bytes,
        workers_asked: workers(inquiry, model.sheet(), at.work),
        rate: Some(record::Rate::PerS(at.rate_per_s)),
    };
    let part = Part {
        workload: workloads::find(workload).expect("the table of workloads has it"),
        work: at.work.map_or("none".to_owned(), in_words),
        work_time: Duration::from_nanos(at.work.map_or(0, |work| work.time_ns)),
        depth: 1,
        rooms: (connections / members).max(1),
        encodings: inquiry.encodings.clone(),
        duration,
        warmup: WARMUP,
        points: vec![point],
    };
    Experiment {
        program: inquiry.program.clone(),
        setup: record::Setup {
            suite: None,
            rounds: 1,
            load_threads: 1,
            seed: inquiry.seed,
            baseline: None,
        },
        entrants: vec![Entrant::ours(model)],
        parts: vec![part],
        runtime_threads: inquiry.runtime_threads,
        start_timeout: TIMEOUT,
        pinning: pinning.clone(),
    }
}

/// The workers of a model that are asked for. Unless the user gave a number, there is one for each
/// connection if a worker serves one connection, or runs jobs that block; otherwise the model decides.
fn workers(inquiry: &Inquiry, sheet: &Sheet, work: Option<Work>) -> Option<usize> {
    let question = &inquiry.question;
    let carries_one = sheet.serves == Serves::Workers && !question.churn;
    let fits = question.connections <= MOST_WORKERS;
    let blocks = work.is_some_and(|work| work.kind == Kind::Block);
    let of_connections = (carries_one && fits || blocks).then_some(question.connections);
    inquiry
        .workers
        .or(of_connections.map(|count| count.min(MOST_WORKERS)))
}

fn in_words(work: Work) -> String {
    let kind = match work.kind {
        Kind::Wait => "wait",
        Kind::Block => "block",
        Kind::Cpu => "cpu",
    };
    format!("{kind}:{}ns", work.time_ns)
}

/// Interrupts a measurement that takes too long.
struct Clock<'a> {
    observer: &'a dyn InquiryObserver,
    deadline: Instant,
}

impl Observer for Clock<'_> {
    fn interrupted(&self) -> bool {
        self.observer.interrupted() || Instant::now() > self.deadline
    }
}
