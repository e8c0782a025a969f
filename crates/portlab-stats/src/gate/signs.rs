//! A sign-flip test of several rows of paired differences at once.
//!
//! If two programs are equal, chance decides in each pair which of them has the larger figure, so both
//! signs of the difference are equally probable. The test flips the signs of whole pairs, in all possible
//! ways or in many random ways, and counts how often the statistic becomes as large as the one measured
//! (R. A. Fisher, "The design of experiments", 1935, section 21). The statistic of a row is Wilcoxon's sum
//! of signed ranks, which an outlier can't dominate (F. Wilcoxon, "Individual comparisons by ranking
//! methods", 1945).
//!
//! Several rows are tested against the **largest** statistic among all of them, flipped together: the
//! probability that chance makes any row at all significant is the level of the test, however the rows
//! depend on each other (P. H. Westfall and S. S. Young, "Resampling-based multiple testing", 1993).

/// With up to so many pairs, all patterns of signs are tried.
const MOST_EXACT: usize = 13;
/// With more pairs, so many random patterns are tried, and the measured one, so that no probability is 0
/// (B. Phipson and G. K. Smyth, "Permutation p-values should never be zero", 2010).
const DRAWS: u64 = 9_999;
/// Fixed, so that the same rows always have the same probabilities.
const SEED: u64 = 0x5167_6E73;

/// For each of `rows`, the probability that chance alone makes the statistic of any row as large as this
/// row's: near 0 if most differences are above 0. All rows have one difference for each pair, in the same
/// order; `None` if a pair has no difference.
pub(super) fn probabilities(rows: &[Vec<Option<f64>>]) -> Vec<f64> {
    let ranked: Vec<Vec<f64>> = rows.iter().map(|row| signed_ranks(row)).collect();
    let measured: Vec<f64> = ranked.iter().map(|row| row.iter().sum()).collect();
    let pairs = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut reached = vec![0_u64; rows.len()];
    let mut count = |flipped: &dyn Fn(usize) -> bool| {
        let sum = |row: &Vec<f64>| -> f64 {
            let signs = row.iter().enumerate();
            signs
                .map(|(at, rank)| if flipped(at) { -rank } else { *rank })
                .sum()
        };
        let largest = ranked.iter().map(sum).fold(f64::NEG_INFINITY, f64::max);
        for (reached, measured) in reached.iter_mut().zip(&measured) {
            // Sums of the same ranks in another order differ in their last digit.
            *reached += u64::from(largest >= measured - 1e-9);
        }
    };
    let patterns = if pairs <= MOST_EXACT {
        for pattern in 0..1_usize << pairs {
            count(&|at| pattern >> at & 1 == 1);
        }
        1 << pairs
    } else {
        let mut random = fastrand::Rng::with_seed(SEED);
        let mut signs = vec![false; pairs];
        count(&|_| false);
        for _ in 0..DRAWS {
            signs.fill_with(|| random.bool());
            count(&|at| signs[at]);
        }
        DRAWS + 1
    };
    let share = |reached: u64| reached as f64 / patterns as f64;
    reached.into_iter().map(share).collect()
}

/// The number of pairs that have enough patterns of signs for `rows` rows to reach the probability `level`.
pub(super) fn pairs_needed(rows: usize, level: f64) -> usize {
    let patterns = rows.max(1) as f64 / level;
    patterns.log2().ceil() as usize
}

/// The ranks of the differences' sizes with the differences' signs, scaled so that their squares add up to
/// 1: then rows of different lengths can be compared. A difference of 0, or none, has rank 0; equal
/// differences have the mean of their ranks.
fn signed_ranks(row: &[Option<f64>]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = row
        .iter()
        .enumerate()
        .filter_map(|(at, difference)| Some((at, (*difference)?)))
        .filter(|(_, difference)| *difference != 0.0)
        .collect();
    order.sort_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()));
    let mut ranks = vec![0.0; row.len()];
    let mut begin = 0;
    for equals in order.chunk_by(|(_, a), (_, b)| a.abs() == b.abs()) {
        let end = begin + equals.len();
        let rank = (begin + 1 + end) as f64 / 2.0;
        for (at, difference) in equals {
            ranks[*at] = rank.copysign(*difference);
        }
        begin = end;
    }
    let length = ranks.iter().map(|rank| rank * rank).sum::<f64>().sqrt();
    if length > 0.0 {
        ranks.iter_mut().for_each(|rank| *rank /= length);
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(differences: impl IntoIterator<Item = f64>) -> Vec<Option<f64>> {
        differences.into_iter().map(Some).collect()
    }

    /// Of 1 to 10, the subsets that add up to 5 at most are 10 of 1024, and those up to 4 are 7: the
    /// one-sided 1 % of Wilcoxon's published table for ten pairs.
    #[test]
    fn one_row_has_the_probabilities_of_wilcoxons_table() {
        let with_negative = |rank: usize| {
            let sign = |at: usize| if at == rank { -1.0 } else { 1.0 };
            probabilities(&[row((1..=10).map(|at| at as f64 * sign(at)))])[0]
        };
        assert_eq!(with_negative(5), 10.0 / 1024.0);
        assert_eq!(with_negative(4), 7.0 / 1024.0);
        assert_eq!(with_negative(0), 1.0 / 1024.0);
        assert_eq!(probabilities(&[row([1.0; 5])]), [1.0 / 32.0]);
        // Zeros, and missing values, show no tendency.
        assert_eq!(probabilities(&[row([0.0; 8]), vec![None; 8]]), [1.0, 1.0]);
        assert!(probabilities(&[]).is_empty());
    }

    #[test]
    fn random_signs_find_what_all_patterns_find() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut rows = vec![
            row((0..13).map(|_| random.f64() - 0.25)),
            row((0..13).map(|_| random.f64() - 0.4)),
        ];
        let exact = probabilities(&rows);
        // One pair more that has no difference: the same test, by drawing.
        rows.iter_mut().for_each(|row| row.push(None));
        for (exact, drawn) in exact.iter().zip(probabilities(&rows)) {
            // Five standard deviations of a share of 10,000 draws.
            let apart = 5.0 * (exact * (1.0 - exact) / DRAWS as f64).sqrt() + 1e-4;
            assert!((exact - drawn).abs() < apart, "{exact} {drawn}");
        }
    }

    #[test]
    fn the_probability_of_a_row_ignores_units_and_grows_with_more_rows() {
        let one = row([0.1, 0.2, -0.05, 0.3, 0.4, 0.25, 0.6, 0.7]);
        let other = row([-0.1, 0.2, 0.3, -0.4, 0.5, -0.6, 0.1, 0.2]);
        let alone = probabilities(std::slice::from_ref(&one))[0];
        let scaled = one.iter().map(|it| it.map(|it| it * 1e3)).collect();
        assert_eq!(probabilities(&[scaled]), [alone]);
        let among = probabilities(&[one.clone(), other])[0];
        assert!(among > alone && among <= 2.0 * alone, "{alone} {among}");
        // A copy of a row adds no further chance of a false alarm.
        assert_eq!(probabilities(&[one.clone(), one]), [alone; 2]);
    }

    #[test]
    fn pairs_are_enough_when_all_of_them_agree() {
        assert_eq!(pairs_needed(1, 0.01), 7);
        for rows in [1, 2, 5, 12] {
            let pairs = pairs_needed(rows, 0.01);
            let mut random = fastrand::Rng::with_seed(9);
            let mut all = vec![row((0..pairs).map(|_| random.f64() + 0.1))];
            all.extend((1..rows).map(|_| row((0..pairs).map(|_| random.f64() - 0.5))));
            assert!(probabilities(&all)[0] <= 0.01, "{rows}");
        }
    }

    /// Four rows that share much of their noise, which has heavy tails, and nothing else: one family in
    /// a hundred has a significant row.
    #[test]
    fn chance_is_significant_as_often_as_the_level_says() {
        let mut random = fastrand::Rng::with_seed(11);
        let mut heavy = || (std::f64::consts::PI * (random.f64() - 0.5)).tan();
        let families = 3_000;
        let found = (0..families).filter(|_| {
            let common: Vec<f64> = (0..10).map(|_| heavy()).collect();
            let rows: Vec<_> = (0..4)
                .map(|_| row(common.iter().map(|it| it + heavy())))
                .collect();
            probabilities(&rows).iter().any(|it| *it <= 0.01)
        });
        let found = found.count();
        // 30 are expected; four standard deviations are 22.
        assert!((8..=52).contains(&found), "{found}");
    }
}
