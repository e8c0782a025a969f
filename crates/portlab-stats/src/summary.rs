//! What follows from a record.

use crate::record::{Cell, Record, Round};

/// From here on the generator is taken to have been the limit of a run: it computed in nine tenths
/// of its threads' time, and the rest went into switching.
pub const GENERATOR_LIMIT: f64 = 0.9;

/// The suffix of a control's name, by which it is paired with its model.
pub const CONTROL_SUFFIX: &str = "-by-hand";

/// One figure over the rounds of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The median.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

/// A figure that a cell is judged by.
pub type Measure = fn(&Round) -> f64;

impl Figure {
    /// The median and the range of `values`; `None` when there are none, or one is not a number.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        if values.iter().any(|value| value.is_nan()) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, min, max })
    }

    /// The range in parts of the median; 0 when the median is.
    #[must_use]
    pub fn spread(self) -> f64 {
        if self.median == 0.0 {
            0.0
        } else {
            (self.max - self.min) / self.median
        }
    }
}

impl Cell {
    /// One figure over this cell's rounds; `None` when it has none.
    #[must_use]
    pub fn figure(&self, measure: Measure) -> Option<Figure> {
        Figure::of(self.rounds.iter().map(measure))
    }

    /// Whether the generator was the limit in this cell, by its median.
    #[must_use]
    pub fn generator_was_the_limit(&self) -> bool {
        self.figure(|round| round.generator_cpu_share)
            .is_some_and(|share| share.median >= GENERATOR_LIMIT)
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
    pub ratio: Figure,
    /// How many rounds there were.
    pub rounds: usize,
}

/// Pairs every control of `record` with its model.
#[must_use]
pub fn overheads(record: &Record) -> Vec<Overhead> {
    let pair = |control: &Cell| {
        let model = control.model.strip_suffix(CONTROL_SUFFIX)?;
        let through = record
            .cells
            .iter()
            .find(|cell| cell.model == model && cell.connections == control.connections)?;
        let ratios: Vec<f64> = control
            .rounds
            .iter()
            .filter_map(|by_hand| {
                let same = through
                    .rounds
                    .iter()
                    .find(|round| round.round == by_hand.round)?;
                Some(same.server_cpu_us_per_message / by_hand.server_cpu_us_per_message)
            })
            .collect();
        Some(Overhead {
            model: model.to_owned(),
            connections: control.connections,
            rounds: ratios.len(),
            ratio: Figure::of(ratios)?,
        })
    };
    record.cells.iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_in_the_middle() {
        let figure = |values: &[f64]| Figure::of(values.iter().copied());
        assert_eq!(figure(&[]), None);
        assert_eq!(figure(&[1.0, f64::NAN]), None);
        assert_eq!(figure(&[3.0]).unwrap().median, 3.0);
        assert_eq!(
            figure(&[5.0, 1.0, 3.0]),
            Some(Figure {
                median: 3.0,
                min: 1.0,
                max: 5.0
            })
        );
        assert_eq!(figure(&[4.0, 1.0, 2.0, 100.0]).unwrap().median, 3.0);
        assert_eq!(figure(&[1.0, 2.0, 3.0]).unwrap().spread(), 1.0);
    }
}
