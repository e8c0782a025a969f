//! What follows from a cell, and what the traits cost.

use crate::{
    estimate::Estimate,
    measure::Measure,
    record::{Cell, Kind, Record},
};

/// From this share on the generator was the limit of a run: it computed in nine tenths of its threads' time, and the
/// rest went into switching.
pub const GENERATOR_LIMIT: f64 = 0.9;

/// The suffix of a control's name, by which it is paired with its model.
pub const CONTROL_SUFFIX: &str = "-textbook";
/// The suffix in older records.
const OLD_CONTROL_SUFFIX: &str = "-by-hand";

/// From this share of the latency on, the generator's own lateness makes an open loop's latencies unusable.
const LAG_LIMIT: f64 = 0.5;

/// A server that answers this share of what is due keeps up: at the end some are under way.
const KEEPS_UP: f64 = 0.99;
/// How many standard deviations a count may lie below what is expected.
const COUNTING_ERRORS: f64 = 4.0;

/// How many times the distance between the quartiles a measurement may lie outside them before it is
/// called an outlier (J. Tukey, "Exploratory Data Analysis", 1977).
const FENCE: f64 = 1.5;
/// The quartiles of fewer measurements are unreliable: every tenth would be called an outlier.
const LEAST_FOR_OUTLIERS: usize = 7;

impl Cell {
    /// One figure over this cell's rounds; `None` unless at least nine in ten rounds have the figure. A quantile that
    /// only some rounds have would describe those rounds alone; but one round in which the machine stalled must not
    /// hide the figure.
    ///
    /// All quantiles of a cell are medians over the same rounds, those that have the rarest quantile of the cell. In
    /// each round a p99.9 is at least the p99, so the medians are in that order.
    pub fn figure(&self, measure: Measure) -> Option<Estimate> {
        let knows = |measure: Measure| {
            let known = self.rounds.iter();
            let known = known.filter(|round| measure.of(self, round).is_some());
            known.count() * 10 >= self.rounds.len() * 9
        };
        let quantiles = [Measure::LatencyP999, Measure::LatencyP99];
        let rarest = quantiles.into_iter().find(|it| knows(*it));
        let rarest = rarest.filter(|_| measure.is_a_quantile());
        let in_common = self.rounds.iter().filter(|round| {
            let known = |measure: Measure| measure.of(self, round).is_some();
            rarest.is_none_or(known)
        });
        let known: Vec<f64> = in_common
            .filter_map(|round| measure.of(self, round))
            .collect();
        Estimate::of(known).filter(|_| knows(measure))
    }

    /// Whether the server kept up with the rate of an open loop; `None` of a closed loop.
    ///
    /// It did if each message that was due found a free connection, and if the answers of all rounds together are at
    /// least 99% of the due messages, less an allowance for chance: one standard deviation of a Poisson variable,
    /// because messages are under way when a round begins and when it ends. Older records have the rate only, and not
    /// the number of due messages; then the allowance is four standard deviations.
    pub fn kept_up(&self) -> Option<bool> {
        let due: f64 = self.due_messages().filter(|due| *due > 0.0)?;
        let counted = self.rounds.iter().all(|it| it.due_messages.is_some());
        let chance = if counted { 1.0 } else { COUNTING_ERRORS } * due.sqrt();
        let answered = self.rounds.iter().map(|round| round.messages as f64);
        let answered: f64 = answered.sum();
        let all_sent = self.rounds.iter().all(|it| it.due_not_sent == Some(0));
        Some(all_sent && answered >= due * KEEPS_UP - chance)
    }

    /// How many messages were due in all rounds of an open loop: counted, or by the rate; `None` of a
    /// closed loop.
    pub fn due_messages(&self) -> Option<f64> {
        let due = self.rounds.iter().map(|round| {
            let offered = round.offered_per_s.filter(|offered| *offered > 0.0)?;
            let by_rate = offered * round.elapsed_ms / 1e3;
            Some(round.due_messages.map_or(by_rate, |due| due as f64))
        });
        due.sum()
    }

    /// This cell's figure divided by `other`'s, round by round: both were measured shortly one after the other, while
    /// the machine was in the same state.
    pub fn ratio(&self, other: &Self, measure: Measure) -> Option<Estimate> {
        let ratios = self.rounds.iter().filter_map(|round| {
            let same = other.rounds.iter().find(|it| it.round == round.round)?;
            let (own, others) = (measure.of(self, round)?, measure.of(other, same)?);
            (own > 0.0 && others > 0.0).then_some(own / others)
        });
        Estimate::of(ratios)
    }

    /// Whether the generator was the limit in this cell, by its median: it computed nearly all the time, or its own
    /// lateness makes up much of the latency of an open loop.
    pub fn generator_was_the_limit(&self) -> bool {
        let shares = self.rounds.iter().map(|round| round.generator_cpu_share);
        let computed = Estimate::of(shares).is_some_and(|share| share.median >= GENERATOR_LIMIT);
        let late = self.rounds.iter().filter_map(|round| {
            let latency = round.latency_p99_ns.max(1) as f64;
            Some(round.pacing_lag_p99_ns? as f64 / latency)
        });
        computed || Estimate::of(late).is_some_and(|late| late.median >= LAG_LIMIT)
    }

    /// Whether this cell's figure lies below the [`Measure::resolution`].
    pub fn is_below(&self, measure: Measure) -> bool {
        measure.resolution(self).is_some()
            && self
                .figure(measure)
                .is_some_and(|it| measure.is_below_resolution(self, it.median))
    }

    /// The rounds whose figure lies far from the others. They stay in every figure.
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

/// The model whose control is called `name`.
pub fn control_of(name: &str) -> Option<&str> {
    name.strip_suffix(CONTROL_SUFFIX)
        .or_else(|| name.strip_suffix(OLD_CONTROL_SUFFIX))
}

/// What the traits cost a model: its server CPU per message, divided by that of its textbook twin.
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
pub fn overheads(record: &Record) -> Vec<Overhead> {
    let is_control = |cell: &&Cell| {
        let entrant = record.entrant(&cell.model);
        entrant.is_some_and(|entrant| entrant.kind == Kind::Control)
    };
    let pair = |control: &Cell| {
        let model = control_of(&control.model)?;
        let through = record
            .cells
            .iter()
            .find(|cell| cell.model == model && cell.is_beside(control))?;
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
    use crate::fixture::{cell, with_rounds};

    #[test]
    fn a_ratio_pairs_figures_of_the_same_round() {
        let (mut a, b) = (cell("a", &[2.0, 40.0, 6.0]), cell("b", &[1.0, 20.0, 3.0]));
        let ratio = a.ratio(&b, Measure::CpuPerMessage).unwrap();
        assert_eq!((ratio.low, ratio.median, ratio.high), (2.0, 2.0, 2.0));
        a.rounds.remove(1);
        assert_eq!(a.ratio(&b, Measure::CpuPerMessage).unwrap().count, 2);
        assert_eq!(a.ratio(&cell("c", &[]), Measure::CpuPerMessage), None);
    }

    #[test]
    fn a_figure_that_only_some_rounds_have_is_absent() {
        let mut cell = cell("a", &[2.0, 4.0, 6.0]);
        assert!(cell.figure(Measure::LatencyP999).is_some());
        cell.rounds[1].latency_count = Some(999);
        assert_eq!(cell.figure(Measure::LatencyP999), None);
        assert!(cell.figure(Measure::LatencyP99).is_some());
    }

    #[test]
    fn quantiles_of_a_cell_are_in_order() {
        let mut cell = cell("a", &[2.0; 11]);
        for (at, round) in cell.rounds.iter_mut().enumerate() {
            round.latency_p99_ns = 1_000 + 100 * at as u64;
            round.latency_p999_ns = round.latency_p99_ns + 10;
        }
        // Medians over different rounds would be 1,500 and 1,460.
        cell.rounds[10].latency_count = Some(999);
        let median = |measure| cell.figure(measure).unwrap().median;
        let both = [Measure::LatencyP99, Measure::LatencyP999].map(median);
        assert_eq!(both, [1_450.0, 1_460.0]);
    }

    #[test]
    fn a_server_keeps_up_if_all_was_sent_and_as_much_answered_as_chance_allows() {
        let open = |messages: u64, due_messages, due_not_sent| {
            let open = with_rounds(cell("a", &[2.0; 4]), |it| {
                (it.offered_per_s, it.elapsed_ms) = (Some(5_000.0), 200.0);
                (it.due_messages, it.due_not_sent) = (due_messages, Some(due_not_sent));
                it.messages = messages;
            });
            open.kept_up()
        };
        // 4,000 were due in all; 4 standard deviations are 253.
        assert_eq!(open(1_000, None, 0), Some(true));
        assert_eq!(open(940, None, 0), Some(true));
        assert_eq!(open(920, None, 0), Some(false));
        assert_eq!(open(1_000, None, 1), Some(false));
        assert_eq!(cell("a", &[2.0; 4]).kept_up(), None);
        // What was counted needs less allowance for chance: 3,840 were due.
        let counted = |messages| open(messages, Some(960), 0);
        assert_eq!([940, 930].map(counted), [Some(true), Some(false)]);
    }

    #[test]
    fn an_outlier_lies_far_from_the_others_and_stays_in_the_figure() {
        let cell = cell("a", &[5.0, 5.1, 5.2, 5.3, 9.0, 5.1, 5.2]);
        assert_eq!(cell.outliers(Measure::CpuPerMessage), [5]);
        assert_eq!(cell.figure(Measure::CpuPerMessage).unwrap().count, 7);
        let few = crate::fixture::cell("a", &[1.0, 1.0, 1.0, 1.0, 1.0, 9.0]);
        assert!(few.outliers(Measure::CpuPerMessage).is_empty());
    }

    #[test]
    fn a_generator_that_computes_all_the_time_or_is_late_itself_was_the_limit() {
        let cell = cell("a", &[2.0, 4.0, 6.0]);
        assert!(!cell.generator_was_the_limit());
        let late = with_rounds(cell.clone(), |it| {
            it.pacing_lag_p99_ns = Some(it.latency_p99_ns / 2 + 1);
        });
        let computing = with_rounds(cell, |it| {
            (it.pacing_lag_p99_ns, it.generator_cpu_share) = (Some(10), 0.95);
        });
        assert!(late.generator_was_the_limit() && computing.generator_was_the_limit());
    }
}
