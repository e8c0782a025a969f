//! Known delays, and what the generator measures of them.

use std::{net::SocketAddr, ops::RangeInclusive, time::Duration};

use portlab_load::Plan;
use portlab_stats::estimate::Estimate;
use portlab_words::{Text, tr, units};

use super::{
    ERRORS,
    bench::{Bench, written},
    known::{AtQuantiles, Behaviour, QUANTILES, at_and_beyond},
};
use crate::args::{DIM, lang};

/// By what share a percentile may differ from the known delay, in addition to the lateness of both processes.
const TOLERANCE: f64 = 0.02;
/// How often a known delay is measured.
const ROUNDS: usize = 5;

impl Bench {
    /// Checks every percentile from p50 to p99 against the known latency, in the median of some rounds, each with a fresh
    /// server.
    ///
    /// The known latency is measured by the server's own clock: if the machine keeps the server from answering in time, the
    /// generator is right to report that. First it is checked that the server took about the time `told`.
    ///
    /// A message takes longer than that if the generator was late to send it, or late to read its answer. The lag is the
    /// lateness of sending, and reading is taken to be as late. If one in a hundred latencies is above a time, then the
    /// server, the sending or the reading was that late for a third of them at least. So a percentile is at most the sum
    /// of the server's time and of the lag that a third as many messages exceed.
    ///
    /// Other programs disturb the generator too. So if a check would fail, as many rounds are measured again, and those
    /// count in which the generator waited least for a processor. They are chosen by that wait, and not by their results.
    pub(super) fn percentiles(
        &mut self,
        behaviour: Behaviour,
        told: Duration,
        plan: impl Fn(SocketAddr) -> Plan,
    ) -> anyhow::Result<()> {
        let mut rounds = self.rounds(behaviour, &plan)?;
        let mut figures = figures(&rounds, told);
        if figures.iter().any(|(_, range, got)| !range.contains(got)) {
            rounds.extend(self.rounds(behaviour, &plan)?);
            rounds.sort_by_key(|round| round.waited);
            let (all, waited) = (rounds.len(), units::time(rounds[ROUNDS].waited));
            rounds.truncate(ROUNDS);
            let text = tr!(
                lang(),
                "measured again: of {all} rounds, those in which the generator waited less than {waited} for a \
                 processor",
                "重新测量：{all} 轮中，取生成器等处理器的时间少于 {waited} 的几轮"
            );
            self.say(&format!("  {DIM}{text}{DIM:#}"))?;
            figures = self::figures(&rounds, told);
        }
        for (name, range, got) in figures {
            self.figure(name, &range, got, units::nanos)?;
        }
        self.count(ERRORS, 0, rounds.iter().map(|round| round.errors).sum())
    }

    fn rounds(
        &mut self,
        behaviour: Behaviour,
        plan: impl Fn(SocketAddr) -> Plan,
    ) -> anyhow::Result<Vec<Round>> {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let server = self.start(behaviour)?;
            // The server's quantiles include every message, so the generator's must too.
            let plan = Plan {
                warmup: Duration::ZERO,
                ..plan(server.addr)
            };
            let outcome = self.load(&plan)?;
            rounds.push(Round {
                known: server.own_quantiles()?,
                got: at_and_beyond(&outcome.latency)[0],
                lag: at_and_beyond(&outcome.pacing_lag)[1],
                waited: outcome.generator_waited.iter().sum(),
                errors: outcome.tally.total(),
            });
        }
        Ok(rounds)
    }
}

/// The results of one round with a known delay.
struct Round {
    /// The server's latencies by its own clock.
    known: [AtQuantiles; 2],
    /// The latencies that the generator measured.
    got: AtQuantiles,
    /// Beyond which times its lag was.
    lag: AtQuantiles,
    /// How long it waited for a processor.
    waited: Duration,
    errors: u64,
}

/// A percentile: its name, the range in which it must be, and its value, in nanoseconds.
type Percentile = (Text, RangeInclusive<f64>, f64);

/// The figures of `rounds` to check, with a server that delays each answer by `told`.
fn figures(rounds: &[Round], told: Duration) -> Vec<Percentile> {
    let around = |known: f64| known * (1.0 - TOLERANCE)..=known * (1.0 + TOLERANCE);
    let at = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure));
    let own = Text::new("p50 by the server's clock", "服务端自己测得的 p50");
    let own = (
        own,
        around(told.as_nanos() as f64),
        at(&|round| round.known[0][0]),
    );
    let quantiles = QUANTILES.into_iter().enumerate().map(|(index, quantile)| {
        let low = *around(at(&|round| round.known[0][index])).start();
        let high = *around(at(&|round| round.known[1][index])).end();
        let lag = at(&|round| round.lag[index]);
        let name = written(format!("p{:.0}", quantile * 100.0));
        (name, low..=high + lag, at(&|round| round.got[index]))
    });
    std::iter::once(own).chain(quantiles).collect()
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    Estimate::of(values).map_or(f64::NAN, |figure| figure.median)
}
