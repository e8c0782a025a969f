//! The rates of open loops, which follow from closed loops before the first round.

use portlab_stats::record::{Rate, Record};
use portlab_words::Text;

use crate::{Experiment, MeasureError, Observer, Running, measure::measure};

/// The rate of an open loop is the rate of a closed loop, multiplied by this.
const PART: f64 = 0.5;

/// Measures each cell whose rate follows from a closed loop once in a closed loop, and records the result. A cell
/// that fails has no rate, and isn't measured again.
pub(crate) fn find_rates(
    experiment: &Experiment,
    record: &mut Record,
    running: &Running,
    observer: &mut dyn Observer,
) {
    for place in 0..record.cells.len() {
        let cell = &record.cells[place];
        let follows = matches!(cell.point.rate, Some(Rate::Common | Rate::HalfOfBest));
        // A cell that has failed stays without a rate, even if the comparison is resumed: the common rate of the
        // other cells must not change between rounds.
        if cell.not_run.is_some() || !follows || cell.best_per_s.is_some() || cell.has(0) {
            continue;
        }
        // The same entrant may have been measured for another rate.
        let known = record.cells.iter().find_map(|other| {
            let same = cell.has_same_closed_loop(other);
            other.best_per_s.filter(|_| same)
        });
        if observer.interrupted() {
            return;
        }
        let best = match known {
            Some(best) => Ok(best),
            None => {
                observer.tries(cell);
                let measured = measure(experiment, cell, (0, None), &running.mark, observer);
                measured.map(|(round, _)| round.messages_per_s)
            }
        };
        let cell = &mut record.cells[place];
        match best {
            Ok(best) => cell.best_per_s = Some(best),
            Err(MeasureError::Interrupted) => return,
            Err(error) => {
                cell.failures.push(error.in_round(0));
                observer.failed(&record.cells[place], &error);
            }
        }
    }
}

/// The rate that the cell at `place` is loaded with; `None` for a closed loop.
///
/// # Errors
/// If the rate in a closed loop is unknown.
pub(crate) fn rate_of(record: &Record, place: usize) -> Result<Option<f64>, Text> {
    let unknown = Text::new(
        "not measured: its highest rate is unknown",
        "没有测量：不知道它的最高速率",
    );
    let cell = &record.cells[place];
    match cell.point.rate {
        None => Ok(None),
        Some(Rate::PerS(rate)) => Ok(Some(rate)),
        Some(Rate::HalfOfBest) => {
            let best = cell.best_per_s.ok_or(unknown)?;
            Ok(Some((best * PART).round()))
        }
        Some(Rate::Common) => {
            let others = record.cells.iter().filter(|other| cell.is_beside(other));
            let weakest = others.filter_map(|other| other.best_per_s).reduce(f64::min);
            let weakest = weakest.ok_or(unknown)?;
            Ok(Some(rounded_down(weakest * PART)))
        }
    }
}

/// The largest of 1, 2, 5, 10, 20, 50, ... that is at most `rate`: a short number, which is mostly the same in
/// the next comparison.
fn rounded_down(rate: f64) -> f64 {
    let decade = 10_f64.powf(rate.max(1.0).log10().floor());
    let steps = [5.0, 2.0, 1.0];
    let step = steps.into_iter().find(|step| step * decade <= rate);
    step.unwrap_or(1.0) * decade
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::fixture::{cell, record};

    #[test]
    fn rates_are_rounded_down_to_1_2_or_5_times_a_power_of_ten() {
        let rounded = [1.0, 1.9, 2.0, 4_999.0, 5_000.0, 99_999.0, 0.3].map(rounded_down);
        assert_eq!(rounded, [1.0, 1.0, 2.0, 2_000.0, 5_000.0, 50_000.0, 1.0]);
    }

    #[test]
    fn the_common_rate_follows_from_the_slowest_entrant_and_other_rates_from_each_entrant() {
        let mut cells = vec![cell("strong", &[]), cell("weak", &[])];
        (cells[0].best_per_s, cells[1].best_per_s) = (Some(90_000.0), Some(12_000.0));
        let mut record = record(cells);
        let rates = |record: &Record| [0, 1].map(|place| rate_of(record, place).unwrap());
        assert_eq!(rates(&record), [None, None]);
        let mut with = |rate| {
            for cell in &mut record.cells {
                cell.point.rate = Some(rate);
            }
            rates(&record)
        };
        assert_eq!(with(Rate::PerS(7.0)), [Some(7.0); 2]);
        assert_eq!(with(Rate::Common), [Some(5_000.0); 2]);
        assert_eq!(with(Rate::HalfOfBest), [Some(45_000.0), Some(6_000.0)]);
        record.cells[0].best_per_s = None;
        assert!(rate_of(&record, 0).is_err());
    }
}
