//! What was measured of each exchange of a dialogue file.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Latency, Script, latency::Quantiles};

/// What was measured of each exchange of a dialogue file, in its order; nothing without a file.
#[derive(Clone, Debug, Default)]
pub struct Exchanges(Vec<Figures>);

#[derive(Clone, Debug, Default)]
struct Figures {
    latency: Latency,
    errors: u64,
}

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
        let exchanges = script.dialogue().map_or(0, |it| it.exchanges().len());
        Self(vec![Figures::default(); exchanges])
    }

    /// A message of the exchange with this index was due while measuring, and was answered after `nanos`.
    pub(crate) fn record(&mut self, exchange: u32, nanos: u64) {
        if let Some(figures) = self.0.get_mut(exchange as usize) {
            figures.latency.record(nanos);
        }
    }

    /// There was an error in the exchange with this index.
    pub(crate) fn count_error(&mut self, exchange: u32) {
        if let Some(figures) = self.0.get_mut(exchange as usize) {
            figures.errors += 1;
        }
    }

    /// Adds the figures of another thread.
    pub(crate) fn merge(&mut self, other: &Self) {
        let length = self.0.len().max(other.0.len());
        self.0.resize_with(length, Figures::default);
        for (figures, other) in self.0.iter_mut().zip(&other.0) {
            figures.latency.merge(&other.latency);
            figures.errors += other.errors;
        }
    }

    /// The figures, with the lines of the dialogue file that `script` is.
    pub(crate) fn lines(&self, script: &Script) -> Vec<ExchangeLine> {
        let exchanges = script.dialogue().map_or(&[][..], |it| it.exchanges());
        let figures = self.0.iter().zip(exchanges);
        let lines = figures.filter_map(|(figures, exchange)| {
            let (line, message) = exchange.source.clone()?;
            Some(ExchangeLine {
                line,
                message: message.to_string(),
                expect: exchange.expect.to_string(),
                latency_ns: figures.latency.clone(),
                errors: figures.errors,
            })
        });
        lines.collect()
    }
}
