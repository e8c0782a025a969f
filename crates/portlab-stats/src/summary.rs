//! What follows from a cell, and what the traits cost.

use crate::{
    estimate::Estimate,
    measure::Measure,
    record::{Cell, Kind, Record},
};

/// From here on the generator is taken to have been the limit of a run: it computed in nine tenths
/// of its threads' time, and the rest went into switching.
pub const GENERATOR_LIMIT: f64 = 0.9;

/// The suffix of a control's name, by which it is paired with its model.
pub const CONTROL_SUFFIX: &str = "-by-hand";

/// An open loop whose own lateness makes up this share of the latency tells of itself.
const LAG_LIMIT: f64 = 0.5;

/// How many times the distance between the quartiles a measurement may lie outside them before it is
/// called an outlier (J. Tukey, "Exploratory Data Analysis", 1977).
const FENCE: f64 = 1.5;
/// Of fewer measurements the quartiles know too little: every tenth would be called an outlier.
const LEAST_FOR_OUTLIERS: usize = 7;

impl Cell {
    /// One figure over this cell's rounds; `None` unless nine in ten of them know it: a quantile that
    /// only some rounds know would be one of those rounds, and yet a single one that the machine stood
    /// still in is no reason to know nothing.
    #[must_use]
    pub fn figure(&self, measure: Measure) -> Option<Estimate> {
        let known = self
            .rounds
            .iter()
            .filter_map(|round| measure.of(self, round));
        let known: Vec<f64> = known.collect();
        let enough = known.len() * 10 >= self.rounds.len() * 9;
        Estimate::of(known).filter(|_| enough)
    }

    /// How many times `other`'s figure this cell's is, round by round: both were measured within
    /// moments of each other, and the machine's mood was the same.
    #[must_use]
    pub fn ratio(&self, other: &Self, measure: Measure) -> Option<Estimate> {
        let ratios = self.rounds.iter().filter_map(|round| {
            let same = other.rounds.iter().find(|it| it.round == round.round)?;
            let (own, others) = (measure.of(self, round)?, measure.of(other, same)?);
            (own > 0.0 && others > 0.0).then_some(own / others)
        });
        Estimate::of(ratios)
    }

    /// Whether the generator was the limit in this cell, by its median: it computed all the time, or
    /// was late itself for much of what an open loop shows as latency.
    #[must_use]
    pub fn generator_was_the_limit(&self) -> bool {
        let shares = self.rounds.iter().map(|round| round.generator_cpu_share);
        let computed = Estimate::of(shares).is_some_and(|share| share.median >= GENERATOR_LIMIT);
        let late = self.rounds.iter().filter_map(|round| {
            let latency = round.latency_p99_ns.max(1) as f64;
            Some(round.pacing_lag_p99_ns? as f64 / latency)
        });
        computed || Estimate::of(late).is_some_and(|late| late.median >= LAG_LIMIT)
    }

    /// The rounds whose figure lies far from the others. They stay in every figure.
    #[must_use]
    pub fn outliers(&self, measure: Measure) -> Vec<usize> {
        let figures = self.rounds.iter().filter_map(|round| {
            let figure = measure.of(self, round)?;
            Some((round.round, figure))
        });
        let figures: Vec<(usize, f64)> = figures.collect();
        let mut sorted: Vec<f64> = figures.iter().map(|(_, figure)| *figure).collect();
        sorted.sort_by(f64::total_cmp);
        if sorted.len() < LEAST_FOR_OUTLIERS {
            return Vec::new();
        }
        let quartile = |share: f64| {
            let place = share * (sorted.len() - 1) as f64;
            let (below, part) = (place as usize, place.fract());
            let next = sorted[(below + 1).min(sorted.len() - 1)];
            sorted[below] + (next - sorted[below]) * part
        };
        let (first, third) = (quartile(0.25), quartile(0.75));
        let reach = FENCE * (third - first);
        let inside = first - reach..=third + reach;
        let outside = figures
            .iter()
            .filter(|(_, figure)| !inside.contains(figure));
        outside.map(|(round, _)| *round).collect()
    }
}

/// What the traits cost a model: server CPU per message through them, in parts of that by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Overhead {
    /// The model.
    pub model: String,
    /// The number of connections.
    pub connections: usize,
    /// The ratio, round by round: both cells of a pair are measured in the same round.
    pub ratio: Estimate,
}

/// Pairs every control of `record` with its model.
#[must_use]
pub fn overheads(record: &Record) -> Vec<Overhead> {
    let is_control = |cell: &&Cell| {
        let entrant = record.entrant(&cell.model);
        entrant.is_some_and(|entrant| entrant.kind == Kind::Control)
    };
    let pair = |control: &Cell| {
        let model = control.model.strip_suffix(CONTROL_SUFFIX)?;
        let through = record.cells.iter().find(|cell| {
            cell.model == model && cell.workload == control.workload && cell.point == control.point
        })?;
        Some(Overhead {
            model: model.to_owned(),
            connections: control.point.connections,
            ratio: through.ratio(control, Measure::CpuPerMessage)?,
        })
    };
    let controls = record.cells.iter().filter(is_control);
    controls.filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{cell, costs};

    #[test]
    fn a_ratio_pairs_what_was_measured_in_the_same_round() {
        let (mut a, b) = (cell("a", &[2.0, 40.0, 6.0]), cell("b", &[1.0, 20.0, 3.0]));
        let ratio = a.ratio(&b, Measure::CpuPerMessage).unwrap();
        assert_eq!((ratio.low, ratio.median, ratio.high), (2.0, 2.0, 2.0));
        a.rounds.remove(1);
        assert_eq!(a.ratio(&b, Measure::CpuPerMessage).unwrap().count, 2);
        assert_eq!(a.ratio(&cell("c", &[]), Measure::CpuPerMessage), None);
    }

    #[test]
    fn a_figure_that_only_some_rounds_know_is_none() {
        let mut cell = cell("a", &[2.0, 4.0, 6.0]);
        assert!(cell.figure(Measure::LatencyP999).is_some());
        cell.rounds[1].latency_count = Some(999);
        assert_eq!(cell.figure(Measure::LatencyP999), None);
        assert!(cell.figure(Measure::LatencyP99).is_some());
    }

    #[test]
    fn what_lies_far_outside_is_an_outlier_and_stays_in_the_figure() {
        let cell = cell("a", &[5.0, 5.1, 5.2, 5.3, 9.0, 5.1, 5.2]);
        assert_eq!(cell.outliers(Measure::CpuPerMessage), [5]);
        assert_eq!(cell.figure(Measure::CpuPerMessage).unwrap().count, 7);
        assert!(
            costs(&[1.0, 1.0, 1.0, 1.0, 1.0, 9.0])
                .outliers(Measure::CpuPerMessage)
                .is_empty()
        );
    }

    #[test]
    fn a_generator_that_computes_all_the_time_or_is_late_itself_was_the_limit() {
        let mut cell = cell("a", &[2.0, 4.0, 6.0]);
        assert!(!cell.generator_was_the_limit());
        for round in &mut cell.rounds {
            round.pacing_lag_p99_ns = Some(round.latency_p99_ns / 2 + 1);
        }
        assert!(cell.generator_was_the_limit());
        for round in &mut cell.rounds {
            round.pacing_lag_p99_ns = Some(10);
            round.generator_cpu_share = 0.95;
        }
        assert!(cell.generator_was_the_limit());
    }
}
