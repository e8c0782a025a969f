//! One run per rate, and the knee of the curve.

/// What a run at one rate came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rung {
    /// Messages per second that were asked for.
    pub asked_per_s: f64,
    /// Messages per second that were answered.
    pub achieved_per_s: f64,
    /// Whether the server kept up with the rate.
    pub kept: bool,
    /// Whether the generator itself was late, so that its latency says nothing about the server.
    pub late: bool,
    /// The latency that 99 of 100 did not exceed, from when they were due, in nanoseconds.
    pub p99_ns: u64,
}

/// How many times the best rung's p99 a rung's may be, for its latency to count as flat.
pub const FLAT: u64 = 5;

/// `steps` rates from `from` to `to`, each the same number of times the last: what is of interest is
/// how latency grows with load, and that is seen on every scale.
#[must_use]
pub fn rungs(from: f64, to: f64, steps: usize) -> Vec<f64> {
    match steps {
        0 => Vec::new(),
        1 => vec![to],
        _ => (0..steps)
            .map(|step| from * (to / from).powf(step as f64 / (steps - 1) as f64))
            .collect(),
    }
}

/// The knee of the curve: the index of the last rung that kept its rate with a p99 of at most
/// [`FLAT`] times the best; where the generator itself was late, nothing is known. `None` when none
/// did. When it is the last of all, the knee lies beyond.
#[must_use]
pub fn knee(rungs: &[Rung]) -> Option<usize> {
    // The best, not the first: an idle machine sleeps deeper, and wakes later. Where nothing was
    // answered there is no p99.
    let best = rungs
        .iter()
        .map(|rung| rung.p99_ns)
        .filter(|p99_ns| *p99_ns > 0)
        .min()?;
    let flat = FLAT.saturating_mul(best);
    rungs
        .iter()
        .rposition(|rung| rung.kept && !rung.late && (1..=flat).contains(&rung.p99_ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(f64, f64, u64)]) -> Vec<Rung> {
        points
            .iter()
            .map(|&(asked_per_s, achieved_per_s, p99_ns)| Rung {
                asked_per_s,
                achieved_per_s,
                kept: achieved_per_s > 0.9 * asked_per_s,
                late: false,
                p99_ns,
            })
            .collect()
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
    fn the_knee_is_the_last_rung_before_latency_or_the_rate_gives_way() {
        // M/D/1 with a service time of 100 µs: it gives way towards 10,000/s.
        let queue = curve(&[
            (1e3, 1e3, 110_000),
            (3e3, 3e3, 150_000),
            (6e3, 6e3, 300_000),
            (9e3, 9e3, 900_000),
            (12e3, 10e3, 900_000_000),
        ]);
        assert_eq!(knee(&queue), Some(2));
        let not_kept = curve(&[(1e3, 1e3, 1_000), (2e3, 1.7e3, 1_200)]);
        assert_eq!(knee(&not_kept), Some(0));
        let beyond = curve(&[(1e3, 1e3, 2_000), (2e3, 2e3, 1_000)]);
        assert_eq!(knee(&beyond), Some(1));
        let noisy = curve(&[
            (1e3, 1e3, 60),
            (2e3, 2e3, 310),
            (3e3, 3e3, 65),
            (4e3, 3e3, 900),
        ]);
        assert_eq!(
            knee(&noisy),
            Some(2),
            "one slow rung among good ones is no knee"
        );
        let mut late = noisy.clone();
        late[2].late = true;
        assert_eq!(
            knee(&late),
            Some(0),
            "what the generator spoiled is no evidence"
        );
        let silent = curve(&[(1e3, 1e3, 60), (2e3, 0.0, 0)]);
        assert_eq!(knee(&silent), Some(0));
        let before = curve(&[(1e3, 5e2, 1_000), (2e3, 5e2, 1_000)]);
        assert_eq!((knee(&before), knee(&[])), (None, None));
    }
}
