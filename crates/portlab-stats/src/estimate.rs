//! A figure over several measurements, and how sure it is.
//!
//! The interval is the bootstrap's: what the median might have been, had chance drawn other
//! measurements from those that were seen (B. Efron, "Bootstrap methods: another look at the
//! jackknife", 1979). For a median no simulation is needed: its distribution over all resamples has a
//! closed form (J. Maritz and R. Jarrett, "A note on estimating the variance of the sample median",
//! 1978), so that the same measurements always have the same interval, and no seed is needed.

/// How sure an interval is.
pub const CONFIDENCE: f64 = 0.95;

/// A median, and the interval that it lies in with [`CONFIDENCE`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median.
    pub median: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The smallest that was measured.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// How many measurements there were.
    pub count: usize,
}

impl Estimate {
    /// The median of `values` and its interval; `None` when there are none, or one is not a number.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        if values.is_empty() || values.iter().any(|value| value.is_nan()) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let (low, high) = interval(resampled_medians(&values));
        Some(Self {
            median: median(&values),
            low,
            high,
            min: values[0],
            max: values[values.len() - 1],
            count: values.len(),
        })
    }

    /// The median of `values` divided by that of `others`, for measurements that aren't pairs; `None` as in
    /// [`Estimate::of`], and if a value isn't above 0.
    pub fn of_ratio(
        values: impl IntoIterator<Item = f64>,
        others: impl IntoIterator<Item = f64>,
    ) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        let mut others: Vec<f64> = others.into_iter().collect();
        let is_whole = |side: &[f64]| !side.is_empty() && side.iter().all(|&value| value > 0.0);
        if !is_whole(&values) || !is_whole(&others) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        others.sort_by(f64::total_cmp);
        let below = likely(resampled_medians(&others));
        let pairs = likely(resampled_medians(&values))
            .into_iter()
            .flat_map(|above| {
                let over = move |&(value, weight): &(f64, f64)| (above.0 / value, above.1 * weight);
                below.iter().map(over).collect::<Vec<_>>()
            });
        let (low, high) = interval(pairs.collect());
        Some(Self {
            median: median(&values) / median(&others),
            low,
            high,
            min: values[0] / others[others.len() - 1],
            max: values[values.len() - 1] / others[0],
            count: values.len().min(others.len()),
        })
    }

    /// Whether `value` may be the median.
    pub fn contains(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Half the interval's width, divided by the median; 0 if the median is 0.
    pub fn uncertainty(self) -> f64 {
        if self.median == 0.0 {
            0.0
        } else {
            (self.high - self.low) / 2.0 / self.median.abs()
        }
    }
}

/// The median of `sorted`, which must not be empty.
pub(crate) fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

/// The medians whose probability matters. Many values have very many pairs in the middle, most with a probability near 0.
/// If many medians are left, neighbours are put together.
fn likely(mut medians: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    const LEAST_WEIGHT: f64 = 1e-9;
    const MOST_MEDIANS: usize = 1_000;
    medians.retain(|(_, weight)| *weight > LEAST_WEIGHT);
    medians.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let together = medians.len().div_ceil(MOST_MEDIANS).max(1);
    let neighbours = medians.chunks(together);
    let as_one = |of: &[(f64, f64)]| (of[of.len() / 2].0, of.iter().map(|it| it.1).sum());
    neighbours.map(as_one).collect()
}

/// The interval of a median, given its distribution over all resamples.
fn interval(mut medians: Vec<(f64, f64)>) -> (f64, f64) {
    medians.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let outside = (1.0 - CONFIDENCE) / 2.0;
    let quantile = |share: f64| {
        let mut below = 0.0;
        let reaches = |&&(_, weight): &&(f64, f64)| {
            below += weight;
            below >= share
        };
        let found = medians.iter().find(reaches).or(medians.last());
        found.map_or(f64::NAN, |&(value, _)| value)
    };
    (quantile(outside), quantile(1.0 - outside))
}

/// What the median of a resample of `sorted`, which must not be empty, may be, with the probability of
/// each. Medians whose probability is below 10^-14 are left out.
pub fn resampled_medians(sorted: &[f64]) -> Vec<(f64, f64)> {
    let count = sorted.len();
    let middle = count / 2;
    let ways = Ways::of(count);
    let share = |of: usize| of as f64 / count as f64;
    // The number of draws up to a value in the middle has a standard deviation of half of this root. Eight such deviations
    // contain all draws that matter.
    let reach = 4 * (count.isqrt() + 1);
    let near = middle.saturating_sub(reach)..count.min(middle + reach + 1);
    // P(the k-th smallest of a resample is at most the i-th value): at least k of n draws are.
    let at_most = |k: usize, i: usize| -> f64 {
        let hits = k..=count.min(middle + 2 * reach);
        hits.map(|hits| ways.exactly(hits, share(i))).sum()
    };
    if count % 2 == 1 {
        let weight = |i: usize| at_most(middle + 1, i + 1) - at_most(middle + 1, i);
        return near.map(|i| (sorted[i], weight(i))).collect();
    }
    // Of an even number, the two in the middle: as many draws up to value i as from value j on, one
    // at least of each. Logarithms, because the factors leave the range of a float.
    let half = middle as f64;
    let one_at_least =
        |all: f64, others: f64| half * all.ln() + (-(others / all).powf(half)).ln_1p();
    let lower = |i: usize| one_at_least(share(i + 1), share(i));
    let upper = |j: usize| one_at_least(share(count - j), share(count - j - 1));
    let mut medians = Vec::new();
    for i in near.clone() {
        let mut same = at_most(middle, i + 1) - at_most(middle, i);
        for j in i + 1..near.end {
            let weight = (ways.ln(middle) + lower(i) + upper(j)).exp();
            medians.push((f64::midpoint(sorted[i], sorted[j]), weight));
            same -= weight;
        }
        medians.push((sorted[i], same.max(0.0)));
    }
    medians
}

/// In how many ways some of a number of draws can succeed.
struct Ways {
    /// The logarithms of the factorials of 0 and of every number up to that of the draws.
    ln_factorials: Vec<f64>,
}

impl Ways {
    fn of(draws: usize) -> Self {
        let mut ln_factorials = vec![0.0];
        for number in 1..=draws {
            ln_factorials.push(ln_factorials[number - 1] + (number as f64).ln());
        }
        Self { ln_factorials }
    }

    /// The logarithm of the number of ways in which `hits` succeed.
    fn ln(&self, hits: usize) -> f64 {
        let draws = self.ln_factorials.len() - 1;
        let ln = |number: usize| self.ln_factorials[number];
        ln(draws) - ln(hits) - ln(draws - hits)
    }

    /// The probability that exactly `hits` succeed, each draw with probability `chance`.
    fn exactly(&self, hits: usize, chance: f64) -> f64 {
        let misses = self.ln_factorials.len() - 1 - hits;
        // 0 to the power of 0 is 1.
        let ln_power = |chance: f64, times: usize| match times {
            0 => 0.0,
            _ => times as f64 * chance.ln(),
        };
        (self.ln(hits) + ln_power(chance, hits) + ln_power(1.0 - chance, misses)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(values: &[f64]) -> Estimate {
        Estimate::of(values.iter().copied()).unwrap()
    }

    #[test]
    fn the_median_is_the_middle_value() {
        assert_eq!(Estimate::of([]), None);
        assert_eq!(Estimate::of([1.0, f64::NAN]), None);
        assert_eq!(estimate(&[3.0]).median, 3.0);
        assert_eq!(estimate(&[5.0, 1.0, 3.0]).median, 3.0);
        assert_eq!(estimate(&[4.0, 1.0, 2.0, 100.0]).median, 3.0);
        let one = estimate(&[3.0]);
        assert_eq!((one.low, one.high, one.count), (3.0, 3.0, 1));
    }

    /// Counts every resample of three and of four values.
    #[test]
    fn the_distribution_of_the_median_is_that_of_all_resamples() {
        for values in [vec![1.0, 2.0, 4.0], vec![1.0, 2.0, 4.0, 8.0]] {
            let n = values.len();
            let all = n.pow(n as u32);
            let mut counted = std::collections::BTreeMap::new();
            for number in 0..all {
                let mut digits = number;
                let mut resample: Vec<f64> = (0..n)
                    .map(|_| {
                        let value = values[digits % n];
                        digits /= n;
                        value
                    })
                    .collect();
                resample.sort_by(f64::total_cmp);
                *counted.entry((median(&resample) * 2.0) as u64).or_insert(0) += 1;
            }
            let mut computed = std::collections::BTreeMap::new();
            for (value, weight) in resampled_medians(&values) {
                *computed.entry((value * 2.0) as u64).or_insert(0.0) += weight;
            }
            for (value, count) in counted {
                let share = f64::from(count) / all as f64;
                assert!((computed[&value] - share).abs() < 1e-12, "{n}: {value}");
            }
        }
    }

    /// As many as a record may have: some factors are too large for a float, and the test must not take long.
    #[test]
    fn the_median_of_very_many_has_an_interval_too() {
        for count in [1_000, 1_031, 65_534, 65_535] {
            let values: Vec<f64> = (1..=count).map(f64::from).collect();
            let sum: f64 = resampled_medians(&values).iter().map(|it| it.1).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{count}: {sum}");
            let it = estimate(&values);
            // By the normal approximation of the binomial distribution: 1.96 times half the root.
            let half = 1.96 * f64::from(count).sqrt() / 2.0;
            let width = (it.high - it.low) / 2.0;
            assert!((width - half).abs() < 1.0, "{count}: {width}, {half}");
            assert!((it.low + it.high - 2.0 * it.median).abs() < 2.0, "{it:?}");
            // Two such medians vary by the root of 2 times as much.
            let twice = values.iter().map(|value| 2.0 * value);
            let ratio = Estimate::of_ratio(twice, values.clone()).unwrap();
            let width = (ratio.high - ratio.low) / ratio.median / 2.0 * it.median;
            assert!(
                (width / half / 2.0_f64.sqrt() - 1.0).abs() < 0.02,
                "{count}: {ratio:?}"
            );
        }
    }

    /// Draws resamples, as the bootstrap is usually done.
    #[test]
    fn the_interval_equals_that_of_random_resamples() {
        let values: Vec<f64> = (1..=15).map(f64::from).collect();
        let exact = estimate(&values);
        let mut random = fastrand::Rng::with_seed(7);
        let mut medians: Vec<f64> = (0..20_000)
            .map(|_| {
                let mut resample: Vec<f64> = (0..15).map(|_| values[random.usize(..15)]).collect();
                resample.sort_by(f64::total_cmp);
                median(&resample)
            })
            .collect();
        medians.sort_by(f64::total_cmp);
        assert_eq!((exact.low, exact.high), (medians[500], medians[19_499]));
        assert_eq!((exact.low, exact.high), (4.0, 12.0));
    }

    #[test]
    fn a_ratio_is_that_of_the_medians_and_as_unsure_as_both() {
        let ratio = Estimate::of_ratio([2.0, 4.0, 6.0], [1.0, 2.0, 3.0]).unwrap();
        assert_eq!(ratio.median, 2.0);
        // One in 27 resamples of each side has the smallest median only; together, few have both.
        assert_eq!((ratio.low, ratio.high), (2.0 / 3.0, 6.0));
        let sure = Estimate::of_ratio([3.0; 9], [2.0; 9]).unwrap();
        assert!((sure.low - 1.5).abs() < 1e-12 && (sure.high - 1.5).abs() < 1e-12);
        assert_eq!(Estimate::of_ratio([1.0], []), None);
        assert_eq!(Estimate::of_ratio([1.0], [0.0]), None);
    }

    /// Draws samples from a known distribution: about 95% of their intervals contain its median.
    #[test]
    fn intervals_contain_the_median_as_often_as_they_say() {
        let mut random = fastrand::Rng::with_seed(1);
        let held = |count: usize, random: &mut fastrand::Rng| {
            let trials = 2_000;
            let holds = (0..trials).filter(|_| {
                // Skewed, with its median at 0.
                let sample = (0..count).map(|_| (random.f64() * 2.0).ln());
                Estimate::of(sample).unwrap().contains(0.0)
            });
            holds.count() as f64 / f64::from(trials)
        };
        // Intervals of few measurements are a little too narrow: a known property of the bootstrap, and one reason for
        // the noise floor.
        for (count, least) in [(7, 0.85), (15, 0.90), (30, 0.92)] {
            let share = held(count, &mut random);
            assert!((least..0.99).contains(&share), "{count}: {share}");
        }
    }
}
