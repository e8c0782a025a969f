//! Servers that only exist in tests: their queues are computed.

use super::{Finding, Goal, Search, Shown, Trial};

/// A server with one queue before `workers`, each of which needs `service_ns` for a message. Messages arrive at random
/// (M/D/c), and sometimes the server is stopped for a while.
#[derive(Clone, Copy)]
pub(super) struct Simulated {
    pub(super) service_ns: f64,
    pub(super) workers: usize,
    /// How long a trial takes.
    pub(super) seconds: f64,
    /// The probability that the server is stopped for `STOP_NS` in a trial.
    pub(super) stops: f64,
    /// The rate from which on the generator is late.
    pub(super) generator_per_s: f64,
}

const STOP_NS: f64 = 200e6;

impl Simulated {
    pub(super) fn of_service(service_ns: f64) -> Self {
        Self {
            service_ns,
            workers: 1,
            seconds: 1.0,
            stops: 0.0,
            generator_per_s: f64::INFINITY,
        }
    }

    /// What a trial at `rate` shows, by Lindley's recursion.
    pub(super) fn shown(&self, rate: f64, random: &mut fastrand::Rng) -> Shown {
        let mut free = vec![0.0_f64; self.workers];
        let stop_at = match random.f64() < self.stops {
            true => random.f64() * self.seconds * 0.8e9,
            false => f64::INFINITY,
        };
        let (mut now, mut stopped, mut latencies) = (0.0, false, Vec::new());
        while now < self.seconds * 1e9 {
            now += -(1.0 - random.f64()).ln() / rate * 1e9;
            if now > stop_at && !stopped {
                stopped = true;
                free.iter_mut()
                    .for_each(|free| *free = free.max(now) + STOP_NS);
            }
            let next = free.iter_mut().min_by(|a, b| a.total_cmp(b)).unwrap();
            *next = next.max(now) + self.service_ns;
            latencies.push(*next - now);
        }
        latencies.sort_by(f64::total_cmp);
        let p99_ns = latencies[(latencies.len() as f64 * 0.99) as usize] as u64;
        let late = rate > self.generator_per_s;
        Shown {
            latencies: latencies.len() as u64,
            p99_ns: p99_ns + if late { STOP_NS as u64 } else { 0 },
            pacing_lag_p99_ns: if late { STOP_NS as u64 } else { 0 },
            generator_cpu_share: 0.5,
            ..Shown::default()
        }
    }

    /// The rate at which half of the trials hold, by plain simulation.
    pub(super) fn truth(&self, bound_ns: u64) -> f64 {
        let mut random = fastrand::Rng::with_seed(99);
        let quiet = Self {
            stops: 0.0,
            ..*self
        };
        let capacity = self.workers as f64 / self.service_ns * 1e9;
        let (mut low, mut high) = (capacity * 0.05, capacity * 2.0);
        for _ in 0..12 {
            let rate = f64::midpoint(low, high);
            let held = (0..15).filter(|_| {
                Finding::of(&quiet.shown(rate, &mut random), bound_ns) == Finding::Held
            });
            match held.count() > 7 {
                true => low = rate,
                false => high = rate,
            }
        }
        low
    }

    /// A whole search. The findings of the trials whose number is `wrong` are reversed.
    pub(super) fn search(
        &self,
        goal: Goal,
        bound_ns: u64,
        seed: u64,
        wrong: impl Fn(usize) -> bool,
    ) -> Search {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut search = Search::new(goal);
        while let Some(rate_per_s) = search.next_rate() {
            let mut finding = Finding::of(&self.shown(rate_per_s, &mut random), bound_ns);
            if wrong(search.trials().len()) {
                finding = match finding {
                    Finding::Held => Finding::Missed(super::Missed::Latency),
                    _ => Finding::Held,
                };
            }
            search.learn(Trial {
                rate_per_s,
                finding,
            });
        }
        search
    }
}
