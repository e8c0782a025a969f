//! How sure a quantile, or a mean, of one run is.
//!
//! If the messages of a run were independent of each other, the order statistics would give the interval of a quantile:
//! of `n` messages the number below the true quantile has a binomial distribution, whatever the distribution of the
//! latency. They aren't independent: a queue, or a machine that stops for a moment, delays many messages in a row. So a
//! run counts as a smaller number of independent messages, its *effective size*: the parts of the run differ more than
//! the parts of independent messages would, and the effective size is smaller by the same factor.
//!
//! Sources: R. Woodruff, "Confidence intervals for medians and other position measures", 1952; E. Korn and B. Graubard,
//! "Confidence intervals for proportions with small expected number of positive counts estimated from survey data",
//! 1998; the spread of a ratio over parts: W. Cochran, "Sampling Techniques", 1977, chapter 6.

use crate::estimate::CONFIDENCE;

/// A part of a run: the sum of a figure, and what it is divided by (messages, or seconds).
pub type Part = (f64, f64);

/// From fewer parts than this, their spread can't be estimated.
pub const PARTS: usize = 5;

/// A figure of a whole run, with the interval that contains the true figure with [`CONFIDENCE`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The sum of all parts, divided by the sum of their divisors.
    pub value: f64,
    /// How far each end of the interval is from the value.
    pub error: f64,
}

impl Ratio {
    /// The ratio of all `parts` together; `None` if there are fewer than [`PARTS`], or nothing to divide by.
    pub fn of(parts: &[Part]) -> Option<Self> {
        let count = parts.len() as f64;
        let [above, below] = [0, 1].map(|at| parts.iter().map(|it| [it.0, it.1][at]).sum::<f64>());
        if parts.len() < PARTS || below <= 0.0 {
            return None;
        }
        let value = above / below;
        let squares = parts.iter().map(|(sum, of)| (sum - value * of).powi(2));
        let deviation = (count / (count - 1.0) * squares.sum::<f64>()).sqrt() / below;
        let error = student(count - 1.0) * deviation;
        Some(Self { value, error })
    }
}

/// The shares of a run's sorted messages, in `[0, 1]`, between which its true `quantile` lies with [`CONFIDENCE`]; `None`
/// for an end that so few messages don't have.
///
/// `quantile` is from 0.5 up to 1. Each of `parts` is a part of the run: how many of its messages are above the quantile,
/// and how many there are.
pub fn shares(count: u64, quantile: f64, parts: &[Part]) -> (Option<f64>, Option<f64>) {
    let above = 1.0 - quantile;
    let independent = NORMAL * (above * quantile / count.max(1) as f64).sqrt();
    let inflated = Ratio::of(parts).map_or(1.0, |it| (it.error / independent).powi(2));
    let size = (count as f64 / inflated.max(1.0)).floor().max(1.0);
    let (few, many) = ends(size, above);
    let high = few.map(|few| (size - few) / size);
    let low = (size - many + 1.0) / size;
    ((low > 0.0).then_some(low), high)
}

/// Of `draws` draws, each of which succeeds with `chance`, at most 0.5: the largest number that so many successes, or
/// fewer, are improbable (`None` if even 0 isn't), and the smallest number that so many, or more, are improbable.
fn ends(draws: f64, chance: f64) -> (Option<f64>, f64) {
    let variance = draws * chance * (1.0 - chance);
    if variance > LARGE {
        let (mean, reach) = (draws * chance, NORMAL * variance.sqrt());
        return (
            Some((mean - reach - 0.5).floor()),
            (mean + reach + 0.5).ceil(),
        );
    }
    let outside = (1.0 - CONFIDENCE) / 2.0;
    let mut exactly = (draws * (-chance).ln_1p()).exp();
    let (mut few, mut up_to, mut hits) = (None, exactly, 0.0);
    while up_to < 1.0 - outside && hits < draws {
        if up_to <= outside {
            few = Some(hits);
        }
        exactly *= (draws - hits) / (hits + 1.0) * chance / (1.0 - chance);
        hits += 1.0;
        up_to += exactly;
    }
    (few, hits + 1.0)
}

/// The quantile of Student's distribution that leaves half of the rest up to [`CONFIDENCE`] above it. With [`PARTS`] or
/// more, the error of this expansion is below a hundredth.
///
/// Source: M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions", 26.7.5.
fn student(freedom: f64) -> f64 {
    let z = NORMAL;
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + first / freedom + second / freedom.powi(2) + third / freedom.powi(3)
}

/// The same quantile of the normal distribution.
const NORMAL: f64 = 1.959_964;

/// Above this variance, a binomial distribution is taken for a normal one.
const LARGE: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// From tables of Student's distribution.
    #[test]
    fn the_expansion_of_students_distribution_agrees_with_its_tables() {
        for (freedom, known) in [(4.0, 2.776), (9.0, 2.262), (19.0, 2.093), (39.0, 2.023)] {
            assert!((student(freedom) / known - 1.0).abs() < 0.01, "{freedom}");
        }
    }

    /// Known ranks: of 100 values the interval of the median is from the 40th to the 61st.
    #[test]
    fn independent_messages_have_the_interval_of_the_order_statistics() {
        assert_eq!(shares(100, 0.5, &[]), (Some(0.40), Some(0.61)));
        // Of 10,000 messages, 100 are above the p99, and 81 to 120 with 95%.
        let (low, high) = shares(10_000, 0.99, &[]);
        let above = [low, high].map(|it| ((1.0 - it.unwrap()) * 1e4).round());
        assert_eq!(above, [120.0, 80.0]);
        // The normal distribution continues the binomial one.
        let (low, high) = shares(11_000, 0.99, &[]);
        let above = [low, high].map(|it| ((1.0 - it.unwrap()) * 11e3).round());
        assert_eq!(above, [130.0, 89.0]);
    }

    #[test]
    fn few_messages_have_no_upper_end() {
        assert_eq!(shares(100, 0.99, &[]).1, None);
        // Of 368 messages none is above the p99 with a probability of 2.5%.
        assert_eq!(shares(360, 0.99, &[]).1, None);
        assert_eq!(shares(368, 0.99, &[]).1, Some(1.0));
        assert_eq!(shares(1, 0.5, &[]), (None, None));
    }

    #[test]
    fn parts_that_differ_widen_the_interval() {
        let alike = [(10.0, 1_000.0); 20];
        assert_eq!(shares(20_000, 0.99, &alike), shares(20_000, 0.99, &[]));
        // All messages above the quantile are in two of twenty parts.
        let mut burst = [(0.0, 1_000.0); 20];
        (burst[3].0, burst[11].0) = (100.0, 100.0);
        let (low, high) = shares(20_000, 0.99, &burst);
        assert!(low.unwrap() < 0.98 && high.is_none_or(|high| high > 0.998));
    }

    /// Parts of a run in which a stall makes many messages late: about 95% of the intervals contain the true quantile.
    #[test]
    fn intervals_contain_the_quantile_as_often_as_they_say() {
        let mut random = fastrand::Rng::with_seed(5);
        let (parts, each) = (40, 500);
        let covered = |stalls: bool, random: &mut fastrand::Rng| {
            let holds = (0..300).filter(|_| {
                // How many messages of a part are above the true p90, which a stall of a part doubles.
                let mut part = || {
                    let chance = match (stalls, random.bool()) {
                        (false, _) => 0.1,
                        (true, true) => 0.15,
                        (true, false) => 0.05,
                    };
                    let hits = (0..each).filter(|_| random.f64() < chance);
                    (hits.count() as f64, f64::from(each))
                };
                let parts: Vec<Part> = (0..parts).map(|_| part()).collect();
                let above = parts.iter().map(|it| it.0).sum::<f64>();
                let below = 1.0 - above / 20e3;
                let (low, high) = shares(20_000, 0.9, &parts);
                (low.unwrap()..=high.unwrap()).contains(&below)
            });
            holds.count() as f64 / 300.0
        };
        for stalls in [false, true] {
            let share = covered(stalls, &mut random);
            assert!((0.91..=0.99).contains(&share), "{stalls}: {share}");
        }
    }
}
