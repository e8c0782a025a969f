//! The measurements that an advice follows from, within a given time: each model at the rate of the question,
//! then with a driver that blocks, then the highest rate that each model handles.

mod highest;
mod point;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use portlab_backends::Backend;
use portlab_load::{ChatEncoding, PlanError};
use portlab_stats::{
    advice::{Candidate, Carries, Ceiling, Kind, Measured, Question, Shot, Shown, Work},
    estimate::Estimate,
    record::{Cell, NotRun, Pinning},
};
use portlab_words::{Text, tr};

use self::point::{At, Point, Stage, Taken};
use crate::{Experiment, Running, launch::keep_generator_apart};

/// A question, and the settings of the measurements that answer it.
#[derive(Clone)]
pub struct Inquiry {
    /// The program whose `serve` is measured.
    pub program: PathBuf,
    /// The question.
    pub question: Question,
    /// The models that are measured.
    pub models: Vec<&'static dyn Backend>,
    /// Workers of the pools that block; otherwise one for each connection.
    pub workers: Option<usize>,
    /// Threads of an async runtime.
    pub runtime_threads: Option<usize>,
    /// The processors of server and generator.
    pub pinning: Pinning,
    /// Processors of this machine.
    pub cores: usize,
    /// Memory of this machine.
    pub memory_bytes: u64,
    /// The encodings of a chat's members.
    pub encodings: Vec<ChatEncoding>,
    /// How long the whole inquiry may take.
    pub time: Duration,
    /// The seed of the order in each round.
    pub seed: u64,
}

impl Inquiry {
    /// Checks what can be known before the first server is started.
    ///
    /// # Errors
    /// If a number is out of its range, or there are too few file descriptors for the connections.
    pub fn check(&self) -> Result<(), PlanError> {
        self.models
            .first()
            .map_or(Ok(()), |model| self.whole(*model).check())
    }

    /// The measurement of `model` at the rate of the question. If there are several works, the measurement has the
    /// work that blocks, which needs the largest pool.
    fn whole(&self, model: &'static dyn Backend) -> Experiment {
        let works = &self.question.works;
        let blocks = works.iter().find(|work| work.kind == Kind::Block);
        let at = At {
            rate_per_s: self.question.rate_per_s,
            work: blocks.or(works.first()).copied(),
        };
        point::experiment(self, Duration::ZERO, model, at, Stage::Whole)
    }
}

/// What a model is measured for now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Now {
    /// At the rate of the question, in this round, from 1.
    AtRate(usize),
    /// With a handler that blocks.
    IfBlocked,
    /// At this rate per second, to find the highest.
    Searching(f64),
}

/// Watches an inquiry.
pub trait InquiryObserver {
    /// Called before each measurement of `model`. `share`, from 0, is the part of the time that is over; it may
    /// exceed 1.
    fn now(&mut self, model: &str, now: Now, share: f64);
    /// Whether to end with the measurements made so far. Once true, it stays true.
    fn interrupted(&self) -> bool;
}

/// Rounds at the rate of the question, if there is time.
const ROUNDS: usize = 5;
/// This many rounds are made even if they take more than their share of the time. A model that failed this
/// often is not measured again.
const LEAST_ROUNDS: usize = 2;
/// Rounds with a driver that blocks.
const BLOCKED_ROUNDS: usize = 2;
/// The shares of the time after which the rounds end, and the rounds with a driver that blocks.
const ROUNDS_SHARE: f64 = 0.45;
const BLOCKED_SHARE: f64 = 0.65;

/// Measures what the answer to `inquiry` follows from.
#[must_use]
pub fn inquire(
    inquiry: &Inquiry,
    running: &Running,
    observer: &mut dyn InquiryObserver,
) -> Measured {
    keep_generator_apart(&inquiry.pinning);
    let mut work = InquiryRun::new(inquiry, running, observer);
    let server_cores = work.server_cores;
    let mut cut_short = false;
    if inquiry.question.is_possible(server_cores) {
        work.at_the_rate();
        cut_short = work.budget.left().is_zero();
        work.if_blocked();
        work.highest_rates();
    }
    Measured {
        question: inquiry.question.clone(),
        server_cores,
        memory_bytes: inquiry.memory_bytes,
        what_if: work.what_if,
        cut_short,
        interrupted: work.observer.interrupted(),
        candidates: work.candidates,
    }
}

/// An inquiry under way.
struct InquiryRun<'a> {
    inquiry: &'a Inquiry,
    point: Point<'a>,
    observer: &'a mut dyn InquiryObserver,
    budget: Budget,
    random: fastrand::Rng,
    candidates: Vec<Candidate>,
    /// How often each candidate has failed.
    failures: Vec<usize>,
    server_cores: usize,
    what_if: Option<Work>,
}

impl<'a> InquiryRun<'a> {
    fn new(
        inquiry: &'a Inquiry,
        running: &'a Running,
        observer: &'a mut dyn InquiryObserver,
    ) -> Self {
        let server_cores = match &inquiry.pinning {
            Pinning::Apart { server_cpus, .. } => server_cpus.len(),
            Pinning::Together(_) => inquiry.cores,
        };
        let models = inquiry.models.iter();
        let cells = models.flat_map(|model| inquiry.whole(*model).cells());
        let candidates: Vec<_> = cells.map(candidate).collect();
        let of = |kind| {
            let mut works = inquiry.question.works.iter();
            works.find(move |work| work.kind == kind)
        };
        // If the question itself has a driver that blocks, this isn't measured a second time.
        let waits = of(Kind::Wait).filter(|_| of(Kind::Block).is_none());
        Self {
            point: Point::new(inquiry, running, server_cores),
            observer,
            budget: Budget::begin(inquiry.time),
            random: fastrand::Rng::with_seed(inquiry.seed),
            failures: vec![0; candidates.len()],
            candidates,
            server_cores,
            what_if: waits.map(|wait| Work {
                kind: Kind::Block,
                ..*wait
            }),
            inquiry,
        }
    }

    fn is_over(&self, share: f64) -> bool {
        self.observer.interrupted() || self.budget.share() >= share
    }

    /// The candidates that may handle the load, by their places.
    fn remaining(&self) -> Vec<usize> {
        let missed = |shots: &[Shot]| {
            let known = shots.iter().filter(|it| it.says() != Shown::Nothing);
            known.clone().count() >= 2 && known.clone().all(|it| it.says() != Shown::Held)
        };
        let may_handle = |at: &usize| {
            let candidate = &self.candidates[*at];
            candidate.carries == Carries::All && !missed(&candidate.shots)
        };
        (0..self.candidates.len()).filter(may_handle).collect()
    }

    /// The remaining candidates, the cheapest first: if the time is too short for all, the cheapest matter most.
    fn by_cost(&self) -> Vec<usize> {
        let cpu_us = |at: &usize| {
            let shots = self.candidates[*at].shots.iter();
            let costs = Estimate::of(shots.filter_map(|it| it.cpu_us_per_message));
            costs.map_or(f64::INFINITY, |cost| cost.median)
        };
        let mut remaining = self.remaining();
        remaining.sort_by(|a, b| cpu_us(a).total_cmp(&cpu_us(b)));
        remaining
    }

    /// Makes rounds over all models, in random order, at the rate of the question.
    fn at_the_rate(&mut self) {
        for round in 1..=ROUNDS {
            let begun = self.budget.share();
            self.point.look_around();
            let mut remaining = self.remaining();
            self.random.shuffle(&mut remaining);
            for at in remaining {
                if self.is_over(1.0) {
                    return;
                }
                self.tell(at, Now::AtRate(round));
                self.one_round(at, round);
            }
            // The next round is expected to take as long as this one.
            let next = self.budget.share() + (self.budget.share() - begun);
            if round >= LEAST_ROUNDS && next > ROUNDS_SHARE {
                return;
            }
        }
    }

    /// Measures a model with each of the works.
    fn one_round(&mut self, at: usize, round: usize) {
        let works = self.inquiry.question.each_work();
        for (number, work) in works.into_iter().enumerate() {
            match self.take_unless_held_up(at, round, self.at_rate(work)) {
                Taken::Shot(shot) => self.candidates[at].shots.push(Shot {
                    round,
                    work: number,
                    ..shot
                }),
                Taken::Failed(why) => {
                    self.failures[at] += 1;
                    if self.failures[at] >= LEAST_ROUNDS {
                        self.candidates[at].carries = Carries::Failed(why);
                    }
                    return;
                }
                Taken::Nothing | Taken::CutOff => return,
            }
        }
    }

    /// The load of the question, with one of its works.
    fn at_rate(&self, work: Option<Work>) -> At {
        let rate_per_s = self.inquiry.question.rate_per_s;
        At { rate_per_s, work }
    }

    fn tell(&mut self, at: usize, now: Now) {
        let model = self.inquiry.models[at].sheet().name;
        self.observer.now(model, now, self.budget.share());
    }

    fn take(&self, at: usize, round: usize, at_rate: At, stage: Stage) -> Taken {
        let model = self.inquiry.models[at];
        self.point
            .take(model, round, at_rate, stage, &self.budget, self.observer)
    }

    /// Measures a model with all connections. If a handler blocks, a short measurement with few connections comes first:
    /// it shows whether the handler delays the other connections.
    fn take_unless_held_up(&self, at: usize, round: usize, at_rate: At) -> Taken {
        if let Some(block) = at_rate.work.filter(|work| work.kind == Kind::Block) {
            let little = self.point.little(block, at_rate.rate_per_s);
            match self.take(at, round, little, Stage::Little) {
                Taken::Shot(shot) if shot.shown == Shown::Held => {}
                missed => return missed,
            }
        }
        self.take(at, round, at_rate, Stage::Whole)
    }

    /// Makes rounds with a driver that blocks instead of waiting.
    fn if_blocked(&mut self) {
        let Some(block) = self.what_if else {
            return;
        };
        for round in 1..=BLOCKED_ROUNDS {
            for at in self.by_cost() {
                let missed = |shot: &Shot| !matches!(shot.says(), Shown::Held | Shown::Nothing);
                if self.candidates[at].blocked.iter().any(missed) {
                    continue;
                }
                if self.is_over(BLOCKED_SHARE) {
                    return;
                }
                self.tell(at, Now::IfBlocked);
                let at_rate = self.at_rate(Some(block));
                if let Taken::Shot(shot) = self.take_unless_held_up(at, round, at_rate) {
                    self.candidates[at].blocked.push(shot);
                }
            }
        }
    }
}

/// A model before it is measured.
fn candidate(cell: Cell) -> Candidate {
    Candidate {
        model: cell.model,
        workers: cell.workers,
        carries: match cell.not_run {
            None => Carries::All,
            Some(NotRun::ServesOne) => Carries::One,
            Some(NotRun::ServesFewer(most)) => Carries::Few(most),
            Some(NotRun::NoUring) => Carries::Failed(Text::new(
                "io_uring is forbidden here",
                "这里禁用了 io_uring",
            )),
            Some(NotRun::FewStacks(most)) => Carries::Failed(tr!(
                "a process may have {most} stacks here (vm.max_map_count)",
                "这里一个进程最多有 {most} 个栈（vm.max_map_count）"
            )),
            Some(NotRun::MostProcesses(most)) => Carries::Processes(most),
            Some(_) => Carries::NoHub,
        },
        shots: Vec::new(),
        blocked: Vec::new(),
        ceiling: Ceiling::NotSearched,
    }
}

/// A time, and how much of it is left.
#[derive(Clone, Copy, Debug)]
struct Budget {
    began: Instant,
    time: Duration,
}

/// Reserved for servers that take long to stop.
const RESERVE: Duration = Duration::from_secs(3);

impl Budget {
    fn begin(time: Duration) -> Self {
        Self {
            began: Instant::now(),
            time: time.saturating_sub(RESERVE).max(time / 2),
        }
    }

    /// The share that is over, from 0; more than 1 if the time is exceeded.
    fn share(&self) -> f64 {
        self.began.elapsed().as_secs_f64() / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// The time that is left; 0 if there is none.
    fn left(&self) -> Duration {
        self.time.saturating_sub(self.began.elapsed())
    }
}
