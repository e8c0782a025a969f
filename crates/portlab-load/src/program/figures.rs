//! What was measured of each exchange of a dialogue file.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Latency, Script, latency::Quantiles};

/// What was measured of each exchange of a dialogue file, in its order; nothing without a file.
#[derive(Clone, Debug, Default)]
pub struct Exchanges(Vec<ExchangeLine>);

/// What was measured of an exchange of a dialogue file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeLine {
    /// The line of the message in the file, counted from 1.
    pub line: usize,
    /// The beginning of the message, as it stands in the file.
    pub message: String,
    /// What counted as its answer.
    pub expect: String,
    /// From when the message was due to the last byte of its answer: of those that became due while measuring.
    #[schemars(with = "Quantiles")]
    pub latency_ns: Latency,
    /// Errors, those of the warm-up included.
    pub errors: u64,
}

impl Exchanges {
    /// Of the exchanges of `script`, before the first message.
    pub(crate) fn of(script: &Script) -> Self {
        let exchanges = script.dialogue().map_or(&[][..], |it| it.exchanges());
        let lines = exchanges.iter().filter_map(|exchange| {
            let (line, message) = exchange.source.clone()?;
            Some(ExchangeLine {
                line,
                message: message.to_string(),
                expect: exchange.expect.to_string(),
                latency_ns: Latency::new(),
                errors: 0,
            })
        });
        Self(lines.collect())
    }

    /// A message of the exchange with this index was due while measuring, and was answered after `nanos`.
    pub(crate) fn record(&mut self, exchange: u32, nanos: u64) {
        if let Some(line) = self.0.get_mut(exchange as usize) {
            line.latency_ns.record(nanos);
        }
    }

    /// There was an error in the exchange with this index.
    pub(crate) fn count_error(&mut self, exchange: u32) {
        if let Some(line) = self.0.get_mut(exchange as usize) {
            line.errors += 1;
        }
    }

    /// Adds the figures of another thread.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return;
        }
        for (line, other) in self.0.iter_mut().zip(&other.0) {
            line.latency_ns.merge(&other.latency_ns);
            line.errors += other.errors;
        }
    }

    /// The figures, in the order of the file.
    pub(crate) fn lines(&self) -> &[ExchangeLine] {
        &self.0
    }
}
