//! What was measured of each exchange of a dialogue file.

use portlab_stats::load::{ExchangeLine, Quantiles};

use crate::{Latency, Script};

/// What was measured of each exchange of a dialogue file, in its order; nothing without a file.
#[derive(Clone, Debug, Default)]
pub struct Exchanges(Vec<(ExchangeLine, Latency)>);

impl Exchanges {
    /// Of the exchanges of `script`, before the first message.
    pub(crate) fn of(script: &Script) -> Self {
        let exchanges = script.dialogue().map_or(&[][..], |it| it.exchanges());
        let lines = exchanges.iter().filter_map(|exchange| {
            let (line, message) = exchange.source.clone()?;
            let line = ExchangeLine {
                line: line as u64,
                message: message.to_string(),
                expect: exchange.expect.to_string(),
                latency_ns: Quantiles::default(),
                errors: 0,
            };
            Some((line, Latency::new()))
        });
        Self(lines.collect())
    }

    /// A message of the exchange with this index was due while measuring, and was answered after `nanos`.
    pub(crate) fn record(&mut self, exchange: u32, nanos: u64) {
        if let Some((_, latency)) = self.0.get_mut(exchange as usize) {
            latency.record(nanos);
        }
    }

    /// There was an error in the exchange with this index.
    pub(crate) fn count_error(&mut self, exchange: u32) {
        if let Some((line, _)) = self.0.get_mut(exchange as usize) {
            line.errors += 1;
        }
    }

    /// Adds the figures of another thread.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return;
        }
        for ((line, latency), (other, more)) in self.0.iter_mut().zip(&other.0) {
            latency.merge(more);
            line.errors += other.errors;
        }
    }

    /// The figures, in the order of the file.
    pub(crate) fn lines(&self) -> Vec<ExchangeLine> {
        let line = |(line, latency): &(ExchangeLine, Latency)| ExchangeLine {
            latency_ns: latency.quantiles(),
            ..line.clone()
        };
        self.0.iter().map(line).collect()
    }
}
