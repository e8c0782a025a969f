//! The knee of a curve of latency against load.
//!
//! The knee is the rate with the most **power**: answers per second, divided by their latency (here its
//! p99). Below it more load costs little latency, above it latency grows faster than what is gained. On
//! a diagram it is where a ray from the origin touches the curve. For a queue with one server and random
//! arrivals it lies at half of what the server can do, for equal service times at 0.59 of it.
//!
//! Source: L. Kleinrock, "Power and deterministic rules of thumb for probabilistic problems in computer
//! communications", ICC 1979. "Kneedle" (V. Satopaa et al., 2011) finds knees of any curve, but first
//! scales both axes to the range that was measured: latency under overload has no bound, so the knee
//! would move with the last rung of the ladder. Power doesn't know the range, nor the units.

use portlab_stats::estimate::{Estimate, resampled_medians};

/// What a run at one rate came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Rung {
    /// Messages per second that were asked for.
    pub asked_per_s: f64,
    /// Messages per second that were answered.
    pub achieved_per_s: f64,
    /// Whether the server kept up with the rate.
    pub kept: bool,
    /// Whether the generator itself was late, so that its latency says nothing about the server.
    pub late: bool,
    /// The latency that 99 of 100 did not exceed, from when they were due, in nanoseconds; 0 when
    /// nothing was answered.
    pub p99_ns: u64,
    /// The same for each part of the run, in order of time: how far they differ is how sure it is.
    pub parts_ns: Vec<u64>,
}

/// What a ladder shows of its knee. Numbers are indices of rungs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Knee {
    /// It was found.
    At(Sure),
    /// The highest rate that says anything has the most power: the knee is there, or beyond.
    Beyond(Sure),
    /// The lowest rate was too much already, or nothing is known of it.
    Below,
    /// Latency doesn't rise with load: it was low at the first of these rungs, much higher at the second, and low
    /// again at the third, by more than chance. Something other than load raised the latency, so no knee is
    /// claimed.
    Uneven([usize; 3]),
}

/// A knee, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sure {
    /// The rung with the most power.
    pub rung: usize,
    /// The probability that it is this one, given how the parts of each run differ.
    pub confidence: f64,
    /// The lowest rung that may be it, with 95 %.
    pub first: usize,
    /// The highest one.
    pub last: usize,
}

/// A knee is refused only if latency rises and falls again by at least this factor.
const UNEVEN: f64 = 2.0;
/// Fewer parts than this don't show how sure a p99 is. Then it is taken to be unsure by [`UNSURE`].
const PARTS: usize = 3;
const UNSURE: f64 = 1.5;
/// The probability beside the interval, on both sides together.
const OUTSIDE: f64 = 0.05;

/// The knee of the curve that `rungs` show, at rising rates. A rung at which the generator was late is
/// passed over.
pub fn knee(rungs: &[Rung]) -> Knee {
    let known = |&at: &usize| !rungs[at].late && rungs[at].p99_ns > 0;
    let known: Vec<usize> = (0..rungs.len()).filter(known).collect();
    let curve: Vec<Point> = known.iter().map(|&at| Point::of(&rungs[at])).collect();
    if let Some(places) = uneven(&curve) {
        return Knee::Uneven(places.map(|place| known[place]));
    }
    // Of several with the same power, the first.
    let strong = (0..curve.len()).rev().filter(|&at| curve[at].power > 0.0);
    let strongest = strong.max_by(|&a, &b| curve[a].power.total_cmp(&curve[b].power));
    let Some(place) = strongest else {
        return Knee::Below;
    };
    let chances: Vec<f64> = (0..curve.len()).map(|at| chance(&curve, at)).collect();
    let first = first_beyond(chances.iter()).unwrap_or(place).min(place);
    let last = first_beyond(chances.iter().rev()).map_or(place, |back| curve.len() - 1 - back);
    let sure = Sure {
        rung: known[place],
        confidence: chances[place],
        first: known[first],
        last: known[last.max(place)],
    };
    // A rung without answers shows that the one before was the last.
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
    /// The rung that is the knee, or beyond which it lies.
    pub fn sure(self) -> Option<Sure> {
        match self {
            Self::At(sure) | Self::Beyond(sure) => Some(sure),
            Self::Below | Self::Uneven(_) => None,
        }
    }
}

/// What a rung shows.
struct Point {
    kept: bool,
    p99_ns: Estimate,
    power: f64,
    /// Each power that it might have, had chance chosen other parts (bootstrap), in rising order, with
    /// the probability of it, and of it or a lower one.
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
        // A queue that grows as long as it is loaded has no latency, and no power.
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

    /// Whether latency is surely lower here than at `other`, by a factor that matters.
    fn is_far_below(&self, other: &Self) -> bool {
        let apart = self.p99_ns.high < other.p99_ns.low;
        let far = self.p99_ns.median * UNEVEN < other.p99_ns.median;
        self.kept && (!other.kept || (apart && far))
    }
}

/// The probability that the point at `at` has the most power, or is the first of those that do.
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

/// Three places at which latency is low, high and low again. Latency that only falls from the first place on
/// doesn't count: an idle machine sleeps deeper, and wakes later.
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

/// The place at which the sum of `chances` exceeds what may be outside of the interval on one side.
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

    /// Rungs whose p99 is the same in ten parts of the run, but for a hundredth.
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

    fn at(rungs: &[Rung]) -> Sure {
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
        // M/D/1 with a service time of 100 µs: it gives way towards 10,000/s.
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
    fn a_latency_that_rises_22_fold_in_the_middle_and_falls_again_is_no_knee() {
        let points = [
            (1e3, 1e3, 100_000),
            (2e3, 2e3, 105_000),
            (4e3, 4e3, 2_200_000),
            (8e3, 8e3, 150_000),
            (16e3, 16e3, 300_000),
        ];
        let refused = Knee::Uneven([1, 2, 3]);
        assert_eq!(knee(&curve(&points)), refused);
        // One that stays is where the knee is past.
        let mut stays = points;
        (stays[3].2, stays[4].2) = (2_500_000, 4_000_000);
        assert_eq!(at(&curve(&stays)).rung, 1);
        // A rate that the server didn't keep, between two that it kept, is refused as well.
        let mut broken = points;
        broken[2] = (4e3, 1e3, 105_000);
        assert_eq!(knee(&curve(&broken)), refused);
    }

    /// The machine stopped once, in one part of ten.
    #[test]
    fn a_stall_in_a_part_of_a_run_moves_no_knee() {
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
        // Too short a run to be divided is unsure as well.
        queue[1].parts_ns.clear();
        queue[2].parts_ns.clear();
        assert!(knee(&queue).sure().unwrap().confidence < 0.8);
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
        let sure = knee(&rungs).sure().unwrap();
        let confidence = if sure.rung == 0 { share } else { 1.0 - share };
        assert!(
            (sure.confidence - confidence).abs() < 1e-9,
            "{sure:?}, not {confidence}"
        );
    }

    #[test]
    fn latency_that_falls_at_first_is_an_idle_machine_waking() {
        let waking = curve(&[
            (1e3, 1e3, 300_000),
            (2e3, 2e3, 120_000),
            (4e3, 4e3, 90_000),
            (8e3, 8e3, 900_000),
        ]);
        assert_eq!(at(&waking).rung, 2);
    }

    #[test]
    fn what_is_not_known_is_no_knee() {
        let rising = curve(&[(1e3, 1e3, 2_000), (2e3, 2e3, 1_000)]);
        assert!(matches!(knee(&rising), Knee::Beyond(Sure { rung: 1, .. })));
        let mut late = curve(&[(1e3, 1e3, 60), (2e3, 2e3, 65), (4e3, 4e3, 9_000)]);
        late[2].late = true;
        assert!(matches!(knee(&late), Knee::Beyond(Sure { rung: 1, .. })));
        let silent = curve(&[(1e3, 1e3, 60), (2e3, 0.0, 0)]);
        assert_eq!(at(&silent).rung, 0);
        let too_much = curve(&[(1e3, 5e2, 1_000), (2e3, 5e2, 1_000)]);
        assert_eq!((knee(&too_much), knee(&[])), (Knee::Below, Knee::Below));
    }
}
