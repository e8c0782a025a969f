//! The probability of each rate to be the highest, given the findings of the trials.
//!
//! A trial at rate r holds with a probability that falls from near 1 to near 0 as r passes the highest rate h: a
//! logistic curve in ln r. The probability never reaches 1 or 0: a machine that stops for a moment spoils a trial that
//! would have held (a *lapse*), and a short trial may hold by chance. The rate of lapses and the width of the curve
//! depend on the machine and the server, so both are estimated together with h, each from a few values: if trials
//! contradict each other, a high rate of lapses becomes probable, and the interval stays wide.

/// The probability that a trial far below the highest rate is spoiled; and the probability of each value before the
/// first trial.
const LAPSES: [(f64, f64); 3] = [(0.02, 0.5), (0.1, 0.3), (0.3, 0.2)];
/// The probability that a trial far above the highest rate holds.
const LUCK: f64 = 0.01;
/// How wide the curve is, in ln of the rate; and the probability of each value before the first trial.
const WIDTHS: [(f64, f64); 3] = [(0.01, 0.5), (0.04, 0.3), (0.12, 0.2)];
/// Cells to one step of the precision.
const CELLS: f64 = 4.0;
/// Before the first trial: the probability that the rate is below `least`, and the probability that it is above `most`.
const OUTSIDE: f64 = 0.1;

const SHAPES: usize = LAPSES.len() * WIDTHS.len();

/// The probability of every rate to be the highest.
#[derive(Clone, Debug)]
pub(super) struct Belief {
    /// Rising. The first one stands for all rates below it, the last one for all rates above it.
    rates: Vec<f64>,
    /// The probability of each rate with each shape of the curve.
    weights: Vec<[f64; SHAPES]>,
}

impl Belief {
    /// Before the first trial: all rates from `least` to `most` have the same probability on a logarithmic scale.
    pub(super) fn new(least: f64, most: f64, precision: f64) -> Self {
        let (first, last) = (least.ln(), most.ln());
        let cells = ((last - first) / precision.ln_1p() * CELLS).ceil().max(1.0);
        let width = (last - first) / cells;
        let inside = (0..cells as usize).map(|cell| (first + (cell as f64 + 0.5) * width).exp());
        let rates: Vec<f64> = std::iter::once(least)
            .chain(inside)
            .chain(std::iter::once(most))
            .collect();
        let count = rates.len();
        let weight = |cell: usize| match cell {
            0 => OUTSIDE,
            cell if cell + 1 == count => OUTSIDE,
            _ => (1.0 - 2.0 * OUTSIDE) / cells,
        };
        let shapes: [f64; SHAPES] = std::array::from_fn(|shape| {
            LAPSES[shape % LAPSES.len()].1 * WIDTHS[shape / LAPSES.len()].1
        });
        let weights = (0..count).map(|cell| shapes.map(|shape| shape * weight(cell)));
        Self {
            weights: weights.collect(),
            rates,
        }
    }

    /// Updates the probabilities after a trial at `rate` that `held` or not (Bayes).
    pub(super) fn learn(&mut self, rate: f64, held: bool) {
        let last = self.rates.len() - 1;
        let mut total = 0.0;
        for (cell, (highest, weights)) in self.rates.iter().zip(&mut self.weights).enumerate() {
            let distance = match cell {
                0 => f64::NEG_INFINITY,
                cell if cell == last => f64::INFINITY,
                _ => (highest / rate).ln(),
            };
            for (shape, weight) in weights.iter_mut().enumerate() {
                let holds = holds(distance, shape);
                *weight *= if held { holds } else { 1.0 - holds };
                total += *weight;
            }
        }
        for weight in self.weights.iter_mut().flatten() {
            *weight /= total;
        }
    }

    /// The rate that the highest rate doesn't exceed with the probability `share`.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let mut below = 0.0;
        let reaches = |weights: &[f64; SHAPES]| {
            below += weights.iter().sum::<f64>();
            below >= share
        };
        let cell = self.weights.iter().position(reaches);
        self.rates[cell.unwrap_or(self.rates.len() - 1)]
    }

    /// The interval that contains the highest rate with the probability `confidence`; the rest is divided evenly between
    /// both sides.
    pub(super) fn interval(&self, confidence: f64) -> (f64, f64) {
        let outside = (1.0 - confidence) / 2.0;
        (self.quantile(outside), self.quantile(1.0 - outside))
    }
}

/// The probability that a trial holds whose rate is `distance` below the highest, in ln.
fn holds(distance: f64, shape: usize) -> f64 {
    let (lapse, width) = (
        LAPSES[shape % LAPSES.len()].0,
        WIDTHS[shape / LAPSES.len()].0,
    );
    let below = 1.0 / (1.0 + (-distance / width).exp());
    LUCK + (1.0 - LUCK - lapse) * below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_the_first_trial_every_factor_has_the_same_probability() {
        let belief = Belief::new(1.0, 10_000.0, 0.1);
        assert!((belief.quantile(0.5) / 100.0 - 1.0).abs() < 0.05);
        assert_eq!(belief.quantile(0.05), 1.0);
        assert!((belief.quantile(0.99) - 10_000.0).abs() < 1e-6);
    }

    #[test]
    fn a_trial_moves_belief_and_a_contrary_one_moves_it_back() {
        let mut belief = Belief::new(1.0, 10_000.0, 0.1);
        belief.learn(100.0, true);
        assert!(belief.quantile(0.1) > 80.0);
        belief.learn(1_000.0, false);
        let middle = belief.quantile(0.5);
        assert!((100.0..1_000.0).contains(&middle), "{middle}");
        (0..4).for_each(|_| belief.learn(1_000.0, true));
        assert!(belief.quantile(0.5) > 1_000.0);
    }
}
