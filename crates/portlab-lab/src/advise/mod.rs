//! Measuring what an advice is made of: every model at one point, then with a driver that blocks, then
//! the highest rate that each can bear; all of it within a time.

mod budget;
mod highest;
mod point;

use std::{path::PathBuf, time::Duration};

use portlab_backends::Backend;
use portlab_load::{PlanError, Tongue};
use portlab_stats::{
    advice::{Candidate, Carries, Ceiling, Kind, Measured, Question, Shot, Shown, Work},
    estimate::Estimate,
    record::{Cell, NotRun, Pinning},
};

use self::{
    budget::Budget,
    point::{At, Point, Stage, Taken},
};
use crate::{Experiment, Running, launch::keep_generator_apart};

/// What is to be found out, and with what.
#[derive(Clone)]
pub struct Inquiry {
    /// The program whose `serve` is measured.
    pub program: PathBuf,
    /// What is asked.
    pub question: Question,
    /// The models that are asked about.
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
    /// What members of a chat speak.
    pub tongues: Vec<Tongue>,
    /// How long all of it may take.
    pub time: Duration,
    /// The seed of the order in each round.
    pub seed: u64,
}

impl Inquiry {
    /// Checks what can be known before the first server is started.
    ///
    /// # Errors
    /// When a number is out of its range, or there are too few file descriptors for the connections.
    pub fn check(&self) -> Result<(), PlanError> {
        self.models
            .first()
            .map_or(Ok(()), |model| self.whole(*model).check())
    }

    /// What `model` is asked; of several works the one that blocks, for which its pool is largest.
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

/// What is being measured now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Now<'a> {
    /// A model at the rate that was asked for.
    AtRate {
        /// Its name.
        model: &'a str,
        /// Which round, from 1.
        round: usize,
    },
    /// A model whose handler blocks.
    IfBlocked {
        /// Its name.
        model: &'a str,
    },
    /// A model at another rate, to find the highest.
    Searching {
        /// Its name.
        model: &'a str,
        /// Messages per second.
        rate_per_s: f64,
    },
}

/// Watches an inquiry.
pub trait Audience {
    /// This is measured now; a share, in `[0, 1]`, of the time is over.
    fn now(&mut self, now: Now<'_>, share: f64);
    /// Whether to end now, with what is known; if so, from then on.
    fn interrupted(&self) -> bool;
}

/// Rounds at the rate that was asked for, if there is time.
const ROUNDS: usize = 5;
/// Rounds that are made in any case.
const LEAST_ROUNDS: usize = 2;
/// Rounds with a driver that blocks.
const BLOCKED_ROUNDS: usize = 2;
/// The share of the time by whose end the rounds are over; and the rounds with a driver that blocks.
const ROUNDS_SHARE: f64 = 0.45;
const BLOCKED_SHARE: f64 = 0.65;

/// Measures what `inquiry` asks for.
#[must_use]
pub fn inquire(inquiry: &Inquiry, running: &Running, audience: &mut dyn Audience) -> Measured {
    keep_generator_apart(&inquiry.pinning);
    let mut work = Inquest::new(inquiry, running, audience);
    let server_cores = work.server_cores;
    if inquiry.question.is_possible(server_cores) {
        work.at_the_rate();
        work.if_blocked();
        work.highest_rates();
    }
    Measured {
        question: inquiry.question.clone(),
        server_cores,
        memory_bytes: inquiry.memory_bytes,
        what_if: work.what_if,
        cut_short: work.cut_short,
        interrupted: work.audience.interrupted(),
        candidates: work.candidates,
    }
}

/// An inquiry under way.
struct Inquest<'a> {
    inquiry: &'a Inquiry,
    point: Point<'a>,
    audience: &'a mut dyn Audience,
    budget: Budget,
    random: fastrand::Rng,
    candidates: Vec<Candidate>,
    /// How often each candidate has failed.
    failures: Vec<usize>,
    server_cores: usize,
    what_if: Option<Work>,
    cut_short: bool,
}

impl<'a> Inquest<'a> {
    fn new(inquiry: &'a Inquiry, running: &'a Running, audience: &'a mut dyn Audience) -> Self {
        let server_cores = match &inquiry.pinning {
            Pinning::Apart { server_cpus, .. } => server_cpus.len(),
            Pinning::Together(_) => inquiry.cores,
        };
        let candidates: Vec<_> = inquiry
            .models
            .iter()
            .flat_map(|model| inquiry.whole(*model).cells())
            .map(candidate)
            .collect();
        let of = |kind| {
            let mut works = inquiry.question.works.iter();
            works.find(move |work| work.kind == kind)
        };
        // A driver that was said to block needs no guess at what happens if it does.
        let waits = of(Kind::Wait).filter(|_| of(Kind::Block).is_none());
        Self {
            point: Point::new(inquiry, running, server_cores),
            audience,
            budget: Budget::begin(inquiry.time),
            random: fastrand::Rng::with_seed(inquiry.seed),
            failures: vec![0; candidates.len()],
            candidates,
            server_cores,
            what_if: waits.map(|wait| Work {
                kind: Kind::Block,
                ..*wait
            }),
            cut_short: false,
            inquiry,
        }
    }

    fn is_over(&self, share: f64) -> bool {
        self.audience.interrupted() || self.budget.share() >= share
    }

    /// The candidates that may still bear the load.
    fn alive(&self) -> Vec<usize> {
        let missed = |shots: &[Shot]| {
            let known = shots.iter().filter(|it| it.says() != Shown::Nothing);
            known.clone().count() >= 2 && known.clone().all(|it| it.says() != Shown::Held)
        };
        let alive = |at: &usize| {
            let candidate = &self.candidates[*at];
            candidate.carries == Carries::All && !missed(&candidate.shots)
        };
        (0..self.candidates.len()).filter(alive).collect()
    }

    /// The same, the cheapest first: if the time is too short for all, they are what matters.
    fn by_cost(&self) -> Vec<usize> {
        let cpu_us = |at: &usize| {
            let shots = self.candidates[*at].shots.iter();
            let costs = Estimate::of(shots.filter_map(|it| it.cpu_us_per_message));
            costs.map_or(f64::INFINITY, |cost| cost.median)
        };
        let mut alive = self.alive();
        alive.sort_by(|a, b| cpu_us(a).total_cmp(&cpu_us(b)));
        alive
    }

    /// Rounds over all models, shuffled, at the rate that was asked for.
    fn at_the_rate(&mut self) {
        for round in 1..=ROUNDS {
            let begun = self.budget.share();
            self.point.look_around();
            let mut alive = self.alive();
            self.random.shuffle(&mut alive);
            for at in alive {
                if self.is_over(1.0) {
                    self.cut_short = !self.audience.interrupted();
                    return;
                }
                let model = self.inquiry.models[at].sheet().name;
                self.audience
                    .now(Now::AtRate { model, round }, self.budget.share());
                self.one_round(at, round);
            }
            // As long as the last one, so long will the next one be.
            let next = self.budget.share() + (self.budget.share() - begun);
            if round >= LEAST_ROUNDS && next > ROUNDS_SHARE {
                return;
            }
        }
    }

    /// A model in one round: with each of the works.
    fn one_round(&mut self, at: usize, round: usize) {
        let works = self.inquiry.question.each_work();
        for (number, work) in works.into_iter().enumerate() {
            let at_rate = At {
                rate_per_s: self.inquiry.question.rate_per_s,
                work,
            };
            match self.take(at, round, at_rate) {
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
                Taken::Interrupted => return,
            }
        }
    }

    fn take(&mut self, at: usize, round: usize, at_rate: At) -> Taken {
        let model = self.inquiry.models[at];
        // Where a handler blocks, a model that stands still is found out by few, and at little cost.
        if let Some(block) = at_rate.work.filter(|work| work.kind == Kind::Block) {
            let little = self.point.little(block, at_rate.rate_per_s);
            let stage = Stage::Little;
            match self
                .point
                .take(model, round, little, stage, &self.budget, self.audience)
            {
                Taken::Shot(shot) if shot.shown == Shown::Held => {}
                missed => return missed,
            }
        }
        let stage = Stage::Whole;
        self.point
            .take(model, round, at_rate, stage, &self.budget, self.audience)
    }

    /// What if the driver blocks instead of waiting?
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
                let model = self.inquiry.models[at].sheet().name;
                self.audience
                    .now(Now::IfBlocked { model }, self.budget.share());
                let at_rate = At {
                    rate_per_s: self.inquiry.question.rate_per_s,
                    work: Some(block),
                };
                if let Taken::Shot(shot) = self.take(at, round, at_rate) {
                    self.candidates[at].blocked.push(shot);
                }
            }
        }
    }
}

/// What is known of a model before it is measured.
fn candidate(cell: Cell) -> Candidate {
    Candidate {
        model: cell.model,
        workers: cell.workers,
        carries: match cell.not_run {
            None => Carries::All,
            Some(NotRun::ServesOne) => Carries::One,
            Some(NotRun::ServesFewer(most)) => Carries::Few(most),
            Some(_) => Carries::NoHub,
        },
        shots: Vec::new(),
        blocked: Vec::new(),
        ceiling: Ceiling::NotSearched,
    }
}
