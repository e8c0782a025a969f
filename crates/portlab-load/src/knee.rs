//! The knee of a curve of latency against load.
//!
//! The knee is the rate with the most **power**: answers per second, divided by their latency (here its
//! p99). Below the knee more load costs little latency, above it latency grows faster than load. On
//! a diagram, a ray from the origin touches the curve at the knee. For a queue with one server and random
//! arrivals, the knee is at half of the server's highest rate; with equal service times, at 0.59 of it.
//!
//! Source: L. Kleinrock, "Power and deterministic rules of thumb for probabilistic problems in computer
//! communications", ICC 1979. "Kneedle" (V. Satopaa et al., 2011) finds knees of any curve, but first
//! scales both axes to the range that was measured: latency under overload has no bound, so the knee
//! would move with the last rung of the ladder. Power depends neither on the range nor on the units.

use portlab_stats::estimate::{Estimate, resampled_medians};

/// The result of a run at one rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Rung {
    /// Messages per second that were asked for.
    pub asked_per_s: f64,
    /// Messages per second that were answered.
    pub achieved_per_s: f64,
    /// Whether the server kept up with the rate.
    pub kept: bool,
    /// Whether the generator itself sent late, so that the latency says nothing about the server.
    pub late: bool,
    /// The 99th percentile of the latency, from when messages were due, in nanoseconds; 0 if nothing was answered.
    pub p99_ns: u64,
    /// The same for each part of the run, in order of time: the spread of the parts tells how sure the p99 is.
    pub parts_ns: Vec<u64>,
}

/// The knee of a ladder. Numbers are indices of rungs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Knee {
    /// The knee was found.
    At(KneeEstimate),
    /// The highest rate that says something about the server has the most power: the knee is there, or beyond.
    Beyond(KneeEstimate),
    /// The server did not keep up with the lowest rate, or no rate says anything about the server.
    Below,
    /// Latency doesn't rise with load: it was low at the first of these rungs, much higher at the second, and low again
    /// at the third, by more than chance. Something other than load raised the latency, so no knee is claimed.
    Uneven([usize; 3]),
}

/// A knee, and the rungs between which it probably is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KneeEstimate {
    /// The rung with the most power.
    pub rung: usize,
    /// The probability that this rung is the knee, given how the parts of each run differ.
    pub confidence: f64,
    /// The lowest rung of the interval that contains the knee with a probability of 95 %.
    pub first: usize,
    /// The highest rung of the interval.
    pub last: usize,
}

/// A knee is refused only if latency rises and falls again by at least this factor.
const UNEVEN: f64 = 2.0;
/// From fewer parts than this, the spread of a p99 can't be estimated. Then it is assumed to be a factor of [`UNSURE`].
const PARTS: usize = 3;
const UNSURE: f64 = 1.5;
/// The probability that the knee is outside of the interval.
const OUTSIDE: f64 = 0.05;

/// The knee of the curve that `rungs` show, at rising rates. A rung at which the generator was late is skipped.
pub fn knee(rungs: &[Rung]) -> Knee {
    let known = |&at: &usize| !rungs[at].late && rungs[at].p99_ns > 0;
    let known: Vec<usize> = (0..rungs.len()).filter(known).collect();
    let curve: Vec<Point> = known.iter().map(|&at| Point::of(&rungs[at])).collect();
    if let Some(places) = uneven(&curve) {
        return Knee::Uneven(places.map(|place| known[place]));
    }
    // If several rungs have the same power, the first one counts.
    let strong = (0..curve.len()).rev().filter(|&at| curve[at].power > 0.0);
    let strongest = strong.max_by(|&a, &b| curve[a].power.total_cmp(&curve[b].power));
    let Some(place) = strongest else {
        return Knee::Below;
    };
    let chances: Vec<f64> = (0..curve.len()).map(|at| chance(&curve, at)).collect();
    let first = first_beyond(chances.iter()).unwrap_or(place).min(place);
    let last = first_beyond(chances.iter().rev()).map_or(place, |back| curve.len() - 1 - back);
    let sure = KneeEstimate {
        rung: known[place],
        confidence: chances[place],
        first: known[first],
        last: known[last.max(place)],
    };
    // A later rung without answers also shows that the server's limit was passed.
    let later = |rung: &Rung| !rung.late;
    match rungs[sure.rung + 1..].iter().any(later) {
        true => Knee::At(sure),
        false => Knee::Beyond(sure),
    }
}

/// `steps` rates from `from` to `to` for the rungs of a ladder. Each is the last one times the same factor, because
/// latency grows with load on every scale.
pub fn rungs(from: f64, to: f64, steps: usize) -> Vec<f64> {
    match steps {
        0 => Vec::new(),
        1 => vec![to],
        _ => (0..steps)
            .map(|step| from * (to / from).powf(step as f64 / (steps - 1) as f64))
            .collect(),
    }
}

impl Knee {
    /// The knee, or the rung beyond which it lies, unless none is claimed.
    pub fn estimate(self) -> Option<KneeEstimate> {
        match self {
            Self::At(sure) | Self::Beyond(sure) => Some(sure),
            Self::Below | Self::Uneven(_) => None,
        }
    }
}

/// A point of the curve.
struct Point {
    kept: bool,
    p99_ns: Estimate,
    power: f64,
    /// Each power that resampling the parts may give (bootstrap), in rising order, with its probability, and the
    /// probability of this power or a lower one.
    powers: Vec<(f64, f64, f64)>,
}

impl Point {
    fn of(rung: &Rung) -> Self {
        let mut parts_ns: Vec<f64> = rung.parts_ns.iter().map(|&part| part as f64).collect();
        if parts_ns.len() < PARTS {
            let p99 = rung.p99_ns as f64;
            parts_ns = vec![p99 / UNSURE, p99, p99 * UNSURE];
        }
        parts_ns.sort_by(f64::total_cmp);
        let p99_ns = Estimate::of(parts_ns.iter().copied());
        let p99_ns = p99_ns.expect("there are parts, and they are numbers");
        // If the server doesn't keep up, the queue and the latency grow without an end: the power is 0.
        let power = |p99_ns: f64| match rung.kept {
            true => rung.achieved_per_s / p99_ns.max(1.0),
            false => 0.0,
        };
        let mut medians = resampled_medians(&parts_ns);
        medians.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let powers = medians.into_iter().scan(0.0, |upto, (p99_ns, chance)| {
            *upto += chance;
            Some((power(p99_ns), chance, *upto))
        });
        Self {
            kept: rung.kept,
            p99_ns,
            power: power(p99_ns.median),
            powers: powers.collect(),
        }
    }

    /// The probability of a power that `is_lower`.
    fn chance_of(&self, is_lower: impl Fn(f64) -> bool) -> f64 {
        let lower = self.powers.partition_point(|(power, ..)| is_lower(*power));
        lower.checked_sub(1).map_or(0.0, |last| self.powers[last].2)
    }

    /// Whether latency is lower here than at `other`, by more than chance and at least by the factor [`UNEVEN`].
    fn is_far_below(&self, other: &Self) -> bool {
        let apart = self.p99_ns.high < other.p99_ns.low;
        let far = self.p99_ns.median * UNEVEN < other.p99_ns.median;
        self.kept && (!other.kept || (apart && far))
    }
}

/// The probability that the point at `at` has the most power, or is the first of several with the most power.
fn chance(curve: &[Point], at: usize) -> f64 {
    let (before, after) = (&curve[..at], &curve[at + 1..]);
    let powers = curve[at].powers.iter().filter(|(power, ..)| *power > 0.0);
    powers
        .map(|&(power, chance, _)| {
            let before = before.iter().map(|it| it.chance_of(|other| other < power));
            let after = after.iter().map(|it| it.chance_of(|other| other <= power));
            chance * before.chain(after).product::<f64>()
        })
        .sum()
}

/// Three points at which latency is low, high and low again. High latency at the first points doesn't count: the
/// processor of an idle machine takes longer to wake.
fn uneven(curve: &[Point]) -> Option<[usize; 3]> {
    let bumps = (0..curve.len()).flat_map(|bump| {
        let low = move |&place: &usize| curve[place].is_far_below(&curve[bump]);
        let before = (0..bump).rev().find(low)?;
        let after = (bump + 1..curve.len()).find(low)?;
        Some([before, bump, after])
    });
    bumps.max_by(|a, b| {
        let height = |bump: &[usize; 3]| curve[bump[1]].p99_ns.median;
        height(a).total_cmp(&height(b))
    })
}

/// The index at which the sum of `chances` exceeds half of [`OUTSIDE`].
fn first_beyond<'a>(mut chances: impl Iterator<Item = &'a f64>) -> Option<usize> {
    let mut sum = 0.0;
    chances.position(|chance| {
        sum += chance;
        sum > OUTSIDE / 2.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rungs whose p99 differs by at most a hundredth in the ten parts of the run.
    fn curve(points: &[(f64, f64, u64)]) -> Vec<Rung> {
        let rung = |&(asked_per_s, achieved_per_s, p99_ns): &(f64, f64, u64)| Rung {
            asked_per_s,
            achieved_per_s,
            kept: achieved_per_s > 0.9 * asked_per_s,
            late: false,
            p99_ns,
            parts_ns: [297, 298, 299, 300, 301, 302, 303, 297, 298, 299]
                .map(|part| p99_ns * part / 300)
                .into(),
        };
        points.iter().map(rung).collect()
    }

    fn at(rungs: &[Rung]) -> KneeEstimate {
        match knee(rungs) {
            Knee::At(sure) => sure,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rates_rise_by_equal_factors_and_end_where_they_should() {
        let rates = rungs(1_000.0, 16_000.0, 5);
        for (rate, expected) in rates.iter().zip([1e3, 2e3, 4e3, 8e3, 16e3]) {
            assert!((rate - expected).abs() < 1e-6, "{rates:?}");
        }
        assert_eq!(rungs(5.0, 7.0, 1), [7.0]);
    }

    #[test]
    fn the_knee_of_a_queue_is_where_power_is_greatest() {
        // M/D/1 with a service time of 100 µs: its limit is 10,000/s.
        let queue = curve(&[
            (1e3, 1e3, 110_000),
            (2e3, 2e3, 130_000),
            (4e3, 4e3, 190_000),
            (6e3, 6e3, 330_000),
            (9e3, 9e3, 900_000),
            (12e3, 10e3, 900_000_000),
        ]);
        let sure = at(&queue);
        assert_eq!((sure.rung, sure.first, sure.last), (2, 2, 2));
        assert!(sure.confidence > 0.99, "{sure:?}");
    }

    #[test]
    fn the_unit_and_the_range_of_the_ladder_change_nothing() {
        let points = [
            (1e3, 1e3, 110_000),
            (4e3, 4e3, 190_000),
            (9e3, 9e3, 900_000),
        ];
        let higher = [(20e3, 10e3, 50_000_000), (40e3, 10e3, 900_000_000)];
        let far: Vec<_> = points.iter().chain(&higher).copied().collect();
        assert_eq!((at(&curve(&points)).rung, at(&curve(&far)).rung), (1, 1));
    }

    /// If latency falls again at a higher rate, the load didn't raise it.
    #[test]
    fn no_knee_is_claimed_if_latency_rises_22_fold_and_falls_again() {
        let points = [
            (1e3, 1e3, 100_000),
            (2e3, 2e3, 105_000),
            (4e3, 4e3, 2_200_000),
            (8e3, 8e3, 150_000),
            (16e3, 16e3, 300_000),
        ];
        let refused = Knee::Uneven([1, 2, 3]);
        assert_eq!(knee(&curve(&points)), refused);
        // If the latency stays high, the knee is the rate before.
        let mut stays = points;
        (stays[3].2, stays[4].2) = (2_500_000, 4_000_000);
        assert_eq!(at(&curve(&stays)).rung, 1);
        // If the server doesn't keep up with one rate, but with a lower and a higher one, no knee is claimed either.
        let mut broken = points;
        broken[2] = (4e3, 1e3, 105_000);
        assert_eq!(knee(&curve(&broken)), refused);
    }

    /// The machine stopped once, in one part of ten.
    #[test]
    fn a_stall_in_one_part_of_a_run_does_not_move_the_knee() {
        let mut stalled = curve(&[
            (1e3, 1e3, 100_000),
            (2e3, 2e3, 105_000),
            (4e3, 4e3, 110_000),
            (8e3, 8e3, 150_000),
            (16e3, 13e3, 300_000_000),
        ]);
        (stalled[2].p99_ns, stalled[2].parts_ns[4]) = (2_200_000, 20_000_000);
        assert_eq!(at(&stalled).rung, 3);
    }

    #[test]
    fn an_unsure_knee_says_between_which_rates_it_is() {
        let mut queue = curve(&[
            (1e3, 1e3, 110_000),
            (4e3, 4e3, 190_000),
            (6e3, 6e3, 285_000),
            (9e3, 9e3, 1_900_000),
        ]);
        for rung in &mut queue[1..3] {
            let parts = [70, 80, 90, 100, 110, 125, 140];
            rung.parts_ns = parts.map(|part| rung.p99_ns * part / 100).into();
        }
        let sure = at(&queue);
        assert_eq!((sure.first, sure.last), (1, 2));
        assert!((0.3..0.8).contains(&sure.confidence), "{sure:?}");
        // Runs that are too short for several parts make the knee unsure as well.
        queue[1].parts_ns.clear();
        queue[2].parts_ns.clear();
        assert!(knee(&queue).estimate().unwrap().confidence < 0.8);
    }

    /// All 256 resamples of four parts at each of two rates.
    #[test]
    fn how_sure_a_knee_is_follows_from_every_resample_of_its_parts() {
        let mut rungs = curve(&[(1e3, 1e3, 100), (2e3, 2e3, 210)]);
        rungs[0].parts_ns = vec![90, 100, 110, 130];
        rungs[1].parts_ns = vec![170, 200, 240, 280];
        let medians = |parts: &[u64]| -> Vec<u64> {
            let of = |number: usize| {
                let mut parts = [1, 4, 16, 64].map(|power| parts[number / power % 4]);
                parts.sort_unstable();
                parts[1] + parts[2]
            };
            (0..256).map(of).collect()
        };
        let (low, high) = (medians(&rungs[0].parts_ns), medians(&rungs[1].parts_ns));
        let pairs = low
            .iter()
            .flat_map(|low| high.iter().map(move |high| (low, high)));
        let share = pairs.filter(|(low, high)| *low * 2 <= **high).count() as f64 / 65_536.0;
        let sure = knee(&rungs).estimate().unwrap();
        let confidence = if sure.rung == 0 { share } else { 1.0 - share };
        assert!(
            (sure.confidence - confidence).abs() < 1e-9,
            "{sure:?}, not {confidence}"
        );
    }

    #[test]
    fn latency_that_falls_at_first_does_not_hide_the_knee() {
        let waking = curve(&[
            (1e3, 1e3, 300_000),
            (2e3, 2e3, 120_000),
            (4e3, 4e3, 90_000),
            (8e3, 8e3, 900_000),
        ]);
        assert_eq!(at(&waking).rung, 2);
    }

    #[test]
    fn a_rung_that_says_nothing_about_the_server_is_never_the_knee() {
        let rising = curve(&[(1e3, 1e3, 2_000), (2e3, 2e3, 1_000)]);
        assert!(matches!(
            knee(&rising),
            Knee::Beyond(KneeEstimate { rung: 1, .. })
        ));
        let mut late = curve(&[(1e3, 1e3, 60), (2e3, 2e3, 65), (4e3, 4e3, 9_000)]);
        late[2].late = true;
        assert!(matches!(
            knee(&late),
            Knee::Beyond(KneeEstimate { rung: 1, .. })
        ));
        let silent = curve(&[(1e3, 1e3, 60), (2e3, 0.0, 0)]);
        assert_eq!(at(&silent).rung, 0);
        let too_much = curve(&[(1e3, 5e2, 1_000), (2e3, 5e2, 1_000)]);
        assert_eq!((knee(&too_much), knee(&[])), (Knee::Below, Knee::Below));
    }
}
