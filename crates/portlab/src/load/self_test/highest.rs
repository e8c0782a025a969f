//! The highest rate that meets a limit: the search of `--find`, with a server whose queue is known.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use portlab_load::{
    Arrivals, Condition, Finding, Goal, Highest, LoadResult, Pace, Parts, Plan, Search, Trial,
};
use portlab_words::{Text, tr, units};

use super::{
    bench::{Bench, written},
    known::Behaviour,
    open,
    queue::highest_load,
};

/// How long the server takes for a message.
const SERVICE: Duration = Duration::from_micros(400);
/// The percentile that the limit is set to.
pub(super) const QUANTILE: f64 = 0.9;
/// The limit, in times of one service.
pub(super) const TIME: f64 = 4.0;
/// How long a trial is, in times of one service.
pub(super) const SERVICES: f64 = 2_000.0;
/// The seed of the arrivals. It is the same in all trials: what differs between trials is the rate, and not chance.
pub(super) const SEED: u64 = 99;
/// The most trials that the search learns from, and the most that are made: one that says nothing is made again.
const TRIALS: usize = 12;
const ALL_TRIALS: usize = 16;
/// By what share the rate may differ from the known one.
const TOLERANCE: f64 = 0.05;

impl Bench {
    /// The server answers one message after another, each after the same time, so the rate that meets the limit is known.
    ///
    /// A message also takes some time to reach the server, and its answer to come back. That time is measured at a low
    /// rate, without a queue, and added to the limit.
    pub(super) fn highest(&mut self) -> anyhow::Result<()> {
        let server = self.start(Behaviour::Queue(SERVICE))?;
        let service_s = SERVICE.as_secs_f64();
        let plan = |rate_per_s| Plan {
            connections: 64,
            spin: true,
            seed: SEED,
            warmup: Duration::ZERO,
            ..open(server.addr, rate_per_s, SERVICE.mul_f64(SERVICES))
        };
        let alone = self.load(&plan(0.02 / service_s))?;
        let beside_ns = alone
            .latency
            .quantile_ns(0.5)
            .saturating_sub(SERVICE.as_nanos() as u64);
        let bound_ns = (TIME * service_s * 1e9) as u64 + beside_ns;
        let limits = Condition::must_hold(&format!("p90<{bound_ns}ns"))?;
        let mut search = Search::new(Goal {
            start_per_s: 0.55 / service_s,
            least_per_s: 0.3 / service_s,
            most_per_s: 1.0 / service_s,
            precision: Goal::PRECISION,
            confidence: Goal::CONFIDENCE,
            trials: TRIALS,
            blind: 0.0,
        });
        for _ in 0..ALL_TRIALS {
            let Some(rate_per_s) = search.next_rate() else {
                break;
            };
            let plan = poisson(plan(rate_per_s));
            let result = LoadResult::of(&plan, self.load(&plan)?, &[]);
            let finding = Finding::of_limits(&result.judged(&limits, &Parts::default()));
            if self.interrupted.load(Relaxed) {
                return Ok(());
            }
            if finding != Finding::Nothing {
                search.learn(Trial {
                    rate_per_s,
                    finding,
                });
            }
        }
        self.found(&search, highest_load(QUANTILE, TIME) / service_s)
    }

    /// Checks the rate that was found: the middle of its interval.
    fn found(&mut self, search: &Search, known: f64) -> anyhow::Result<()> {
        let range = known * (1.0 - TOLERANCE)..=known * (1.0 + TOLERANCE);
        let name = Text::new("highest rate for a p90", "满足 p90 的最高速率");
        match search.highest() {
            Highest::Between { low, high } => {
                self.figure(name, &range, (low * high).sqrt(), units::per_s)
            }
            _ => {
                let [low, high] = [range.start(), range.end()].map(|it| units::per_s(*it));
                let expected = tr!("{low} to {high}", "{low} 到 {high}");
                self.check(name, expected, written("–"), false)
            }
        }
    }
}

fn poisson(plan: Plan) -> Plan {
    let rate_per_s = plan.pace.rate_per_s().unwrap_or_default();
    let arrivals = Arrivals::Poisson;
    Plan {
        pace: Pace::Open {
            rate_per_s,
            arrivals,
        },
        ..plan
    }
}
