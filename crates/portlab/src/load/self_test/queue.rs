//! A queue whose latency is known: messages arrive independently of each other, and a server answers one after another,
//! each after the same time (M/D/1).
//!
//! Source: G. Franx, "A simple solution for the M/D/c waiting time distribution", Operations Research Letters 29 (2001);
//! for one server it is the formula of A. K. Erlang, 1909.

/// The probability that a message is answered within `time`. The unit of time is that of one service, and `load` is the
/// share of its time, in `(0, 1)`, that the server is busy.
pub(super) fn answered_within(time: f64, load: f64) -> f64 {
    let waiting = time - 1.0;
    if waiting < 0.0 {
        return 0.0;
    }
    // The terms alternate. Up to a waiting time of ten services, they are small enough for an exact sum.
    let (mut sum, mut factorial) = (0.0, 1.0);
    for services in 0..=waiting as i32 {
        factorial *= f64::from(services.max(1));
        let ahead = load * (f64::from(services) - waiting);
        sum += ahead.powi(services) / factorial * (-ahead).exp();
    }
    (1.0 - load) * sum
}

/// The highest load at which a share `quantile` of all messages is answered within `time`.
pub(super) fn highest_load(quantile: f64, time: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        match answered_within(time, middle) >= quantile {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::self_test::highest::{QUANTILE, SEED, SERVICES, TIME};

    /// Message by message: how long a share of them takes in a run of this length.
    fn simulated(quantile: f64, load: f64, services: f64, seed: u64) -> f64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut now, mut free, mut times) = (0.0, 0.0_f64, Vec::new());
        loop {
            now -= (1.0 - random.f64()).ln() / load;
            if now > services {
                break;
            }
            free = free.max(now) + 1.0;
            times.push(free - now);
        }
        times.sort_by(f64::total_cmp);
        times[(times.len() as f64 * quantile) as usize]
    }

    #[test]
    fn a_message_finds_an_idle_server_with_the_probability_that_it_is_idle() {
        for load in [0.1, 0.5, 0.9] {
            assert!((answered_within(1.0, load) - (1.0 - load)).abs() < 1e-12);
        }
        assert_eq!(answered_within(0.99, 0.5), 0.0);
    }

    /// The mean by the formula of Pollaczek and Khinchine: half of `load / (1 - load)`, and the service itself.
    #[test]
    fn the_distribution_has_the_known_mean() {
        for load in [0.3, 0.5, 0.7] {
            let step = 1e-3;
            let times = (0..12_000).map(|at| (f64::from(at) + 0.5) * step);
            let mean: f64 = times
                .map(|it| (1.0 - answered_within(it, load)) * step)
                .sum();
            let known = 1.0 + load / (1.0 - load) / 2.0;
            assert!(
                (mean / known - 1.0).abs() < 0.005,
                "{load}: {mean}, {known}"
            );
        }
    }

    #[test]
    fn a_long_simulation_agrees_with_the_formula() {
        for (quantile, load) in [(0.5, 0.5), (0.9, 0.7), (0.99, 0.7)] {
            let simulated = simulated(quantile, load, 5e5, 1);
            let known = answered_within(simulated, load);
            let outside = (known - quantile).abs() / (1.0 - quantile);
            assert!(outside < 0.05, "{quantile}, {load}: {known}");
        }
    }

    /// A short run has other percentiles than a long one. The seed of the self-test was chosen: its arrivals have the
    /// percentile of the formula.
    #[test]
    fn the_arrivals_of_the_self_test_are_as_the_formula_says() {
        let load = highest_load(QUANTILE, TIME);
        let at = |load| simulated(QUANTILE, load, SERVICES, SEED);
        assert!(at(load * 0.99) < TIME && TIME < at(load * 1.01), "{load}");
    }
}
