//! What a model takes of the machine.

use super::{Candidate, Measured, Resource, Shot, Shown};
use crate::{analysis::Floor, estimate::Estimate};

/// Fewer rounds than this are few.
pub(super) const ROUNDS: usize = 5;
/// Without twins the noise between servers is assumed: nothing smaller is called a difference.
const FLOOR: f64 = 0.1;
/// The same of few rounds: of three, all lie on one side by chance in one case of four.
const FLOOR_OF_FEW: f64 = 0.3;

/// What a model takes of the machine, round by round.
pub(super) struct Cost<'a> {
    pub(super) candidate: &'a Candidate,
    /// Round, share of the processors, share of the memory, bytes.
    rounds: Vec<(usize, f64, f64, f64)>,
}

impl<'a> Cost<'a> {
    /// A message's work is done in parts that were measured apart: CPU times add up, memory doesn't.
    pub(super) fn of(measured: &Measured, candidate: &'a Candidate, works: usize) -> Option<Self> {
        let held = |shot: &&Shot| shot.says() == Shown::Held && shot.cpu_us_per_message.is_some();
        let shots: Vec<&Shot> = candidate.shots.iter().filter(held).collect();
        let mut numbers: Vec<usize> = shots.iter().map(|shot| shot.round).collect();
        numbers.dedup();
        let round = |&number: &usize| {
            let of = shots.iter().filter(|shot| shot.round == number);
            let cpu_us: f64 = of.clone().filter_map(|shot| shot.cpu_us_per_message).sum();
            let bytes = of.clone().map(|shot| shot.peak_pss_bytes).max()? as f64;
            let cpu_share =
                cpu_us / 1e6 * measured.question.rate_per_s / measured.server_cores.max(1) as f64;
            let share = bytes / measured.memory_bytes.max(1) as f64;
            (of.count() == works).then_some((number, cpu_share, share, bytes))
        };
        let rounds: Vec<_> = numbers.iter().filter_map(round).collect();
        (!rounds.is_empty()).then_some(Self { candidate, rounds })
    }

    pub(super) fn model(&self) -> &str {
        &self.candidate.model
    }

    fn median(&self, of: impl Fn(&(usize, f64, f64, f64)) -> f64) -> f64 {
        Estimate::of(self.rounds.iter().map(of)).map_or(f64::INFINITY, |it| it.median)
    }

    pub(super) fn cpu_share(&self) -> f64 {
        self.median(|round| round.1)
    }

    pub(super) fn memory_bytes(&self) -> f64 {
        self.median(|round| round.3)
    }

    pub(super) fn p99_ns(&self) -> f64 {
        let shots = self.candidate.shots.iter();
        let p99s = shots.filter(|shot| shot.says() == Shown::Held);
        Estimate::of(p99s.map(|shot| shot.p99_ns as f64)).map_or(0.0, |p99| p99.median)
    }

    /// The dominant share.
    pub(super) fn share(&self) -> f64 {
        self.cpu_share().max(self.median(|round| round.2))
    }

    pub(super) fn resource(&self) -> Resource {
        match self.cpu_share() >= self.median(|round| round.2) {
            true => Resource::Cpu,
            false => Resource::Memory,
        }
    }

    /// How many times as much as `other` it takes, round by round. Where the dominant resources differ, each
    /// counts by its own.
    pub(super) fn times(&self, other: &Self) -> Option<Estimate> {
        let of = |round: &(usize, f64, f64, f64)| round.1.max(round.2);
        self.ratio(other, of)
    }

    pub(super) fn times_of(&self, other: &Self, resource: Resource) -> Option<Estimate> {
        self.ratio(other, |round| match resource {
            Resource::Cpu => round.1,
            Resource::Memory => round.2,
        })
    }

    fn ratio(&self, other: &Self, of: impl Fn(&(usize, f64, f64, f64)) -> f64) -> Option<Estimate> {
        let ratios = self.rounds.iter().filter_map(|round| {
            let same = other.rounds.iter().find(|it| it.0 == round.0)?;
            let (own, others) = (of(round), of(same));
            (own > 0.0 && others > 0.0).then_some(own / others)
        });
        Estimate::of(ratios)
    }
}

/// Whether `ratio` is more than chance.
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
