//! What a model costs: its share of the machine's processors and memory.

use super::{Candidate, Measured, Resource, Shot, Shown};
use crate::{analysis::Floor, estimate::Estimate};

/// With fewer rounds than this, only a large difference is called one.
pub(super) const ROUNDS: usize = 5;
/// The assumed noise between equal servers: an advice measures no twins.
const FLOOR: f64 = 0.1;
/// The same with few rounds: three rounds all lie on one side of the true ratio by chance in one case of four.
const FLOOR_OF_FEW: f64 = 0.3;

/// What a model costs, round by round.
pub(super) struct Cost<'a> {
    pub(super) candidate: &'a Candidate,
    rounds: Vec<Round>,
}

/// What a model took in one round; shares are in `[0, 1]`.
struct Round {
    number: usize,
    cpu_share: f64,
    memory_share: f64,
    memory_bytes: f64,
}

impl Round {
    /// The dominant share.
    fn share(&self) -> f64 {
        self.cpu_share.max(self.memory_share)
    }
}

impl<'a> Cost<'a> {
    /// The cost of `candidate`. Its works were measured apart: their CPU times are added, and of their
    /// memory the largest counts.
    pub(super) fn of(measured: &Measured, candidate: &'a Candidate, works: usize) -> Option<Self> {
        let held = |shot: &&Shot| shot.says() == Shown::Held && shot.cpu_us_per_message.is_some();
        let shots: Vec<&Shot> = candidate.shots.iter().filter(held).collect();
        let mut numbers: Vec<usize> = shots.iter().map(|shot| shot.round).collect();
        numbers.dedup();
        let round = |&number: &usize| {
            let of = shots.iter().filter(|shot| shot.round == number);
            let cpu_us: f64 = of.clone().filter_map(|shot| shot.cpu_us_per_message).sum();
            let memory_bytes = of.clone().map(|shot| shot.peak_pss_bytes).max()? as f64;
            let cpu_share =
                cpu_us / 1e6 * measured.question.rate_per_s / measured.server_cores.max(1) as f64;
            (of.count() == works).then_some(Round {
                number,
                cpu_share,
                memory_share: memory_bytes / measured.memory_bytes.max(1) as f64,
                memory_bytes,
            })
        };
        let rounds: Vec<_> = numbers.iter().filter_map(round).collect();
        (!rounds.is_empty()).then_some(Self { candidate, rounds })
    }

    pub(super) fn model(&self) -> &str {
        &self.candidate.model
    }

    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        Estimate::of(self.rounds.iter().map(of)).map_or(f64::INFINITY, |it| it.median)
    }

    pub(super) fn cpu_share(&self) -> f64 {
        self.median(|round| round.cpu_share)
    }

    pub(super) fn memory_bytes(&self) -> f64 {
        self.median(|round| round.memory_bytes)
    }

    pub(super) fn p99_ns(&self) -> f64 {
        let shots = self.candidate.shots.iter();
        let p99s = shots.filter(|shot| shot.says() == Shown::Held);
        Estimate::of(p99s.map(|shot| shot.p99_ns as f64)).map_or(0.0, |p99| p99.median)
    }

    /// The dominant share.
    pub(super) fn share(&self) -> f64 {
        self.cpu_share()
            .max(self.median(|round| round.memory_share))
    }

    pub(super) fn resource(&self) -> Resource {
        match self.cpu_share() >= self.median(|round| round.memory_share) {
            true => Resource::Cpu,
            false => Resource::Memory,
        }
    }

    /// How many times as large a share as `other` it takes, round by round, each of its dominant resource.
    pub(super) fn times(&self, other: &Self) -> Option<Estimate> {
        self.ratio(other, Round::share)
    }

    pub(super) fn times_of(&self, other: &Self, resource: Resource) -> Option<Estimate> {
        self.ratio(other, |round| match resource {
            Resource::Cpu => round.cpu_share,
            Resource::Memory => round.memory_share,
        })
    }

    fn ratio(&self, other: &Self, of: impl Fn(&Round) -> f64) -> Option<Estimate> {
        let ratios = self.rounds.iter().filter_map(|round| {
            let same = other.rounds.iter().find(|it| it.number == round.number)?;
            let (own, others) = (of(round), of(same));
            (own > 0.0 && others > 0.0).then_some(own / others)
        });
        Estimate::of(ratios)
    }
}

/// Whether costs in this ratio differ by more than chance.
pub(super) fn differs(ratio: Estimate) -> bool {
    let share = match ratio.count >= ROUNDS {
        true => FLOOR,
        false => FLOOR_OF_FEW,
    };
    let floor = Floor {
        share,
        measured: false,
    };
    crate::analysis::differs(ratio, floor)
}
