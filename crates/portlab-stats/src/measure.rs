//! What entrants are compared by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::{Cell, Round};

/// A figure of a measurement.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Messages per second.
    MessagesPerS,
    /// Messages per second of the one connection that has many in flight.
    HeavyMessagesPerS,
    /// Messages per second of the server's CPU time: the rate divided by the processors used.
    MessagesPerCpuS,
    /// Processors that the server used: its CPU time, divided by the time.
    CpusUsed,
    /// The median latency, in nanoseconds.
    LatencyP50,
    /// The latency that 99 of 100 messages did not exceed, in nanoseconds.
    LatencyP99,
    /// The latency that 999 of 1000 messages did not exceed, in nanoseconds.
    LatencyP999,
    /// The server's CPU time per message, in nanoseconds.
    CpuPerMessage,
    /// The server's context switches per message.
    SwitchesPerMessage,
    /// The server's memory at its largest, in bytes.
    PeakMemory,
    /// What the server's memory grew by for each connection, in bytes. PSS is counted in pages, so
    /// less than a page for all connections together can't be measured: see [`Measure::resolution`].
    MemoryPerConnection,
    /// The server's threads.
    Threads,
    /// The server's processes.
    Processes,
}

/// Which of two figures is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
    /// Neither: the figure is shown and not ranked.
    Neither,
}

/// What memory is counted in.
const PAGE_BYTES: u64 = 4096;
/// With fewer latencies, the 99th percentile is simply the longest latency.
const LEAST_FOR_P99: u64 = 100;
/// The same for the 99.9th.
const LEAST_FOR_P999: u64 = 1_000;

impl Measure {
    /// All of them, in the order in which a table shows them.
    pub const ALL: [Self; 13] = [
        Self::MessagesPerS,
        Self::HeavyMessagesPerS,
        Self::MessagesPerCpuS,
        Self::CpusUsed,
        Self::LatencyP50,
        Self::LatencyP99,
        Self::LatencyP999,
        Self::CpuPerMessage,
        Self::SwitchesPerMessage,
        Self::PeakMemory,
        Self::MemoryPerConnection,
        Self::Threads,
        Self::Processes,
    ];

    /// The figure of `round`, one of `cell`'s; `None` if there is none, such as a quantile of too few latencies.
    pub fn of(self, cell: &Cell, round: &Round) -> Option<f64> {
        let latencies = round.latency_count.unwrap_or(round.messages);
        let quantile = |least, nanos: u64| (latencies >= least).then_some(nanos as f64);
        match self {
            Self::MessagesPerS => (round.messages > 0).then_some(round.messages_per_s),
            Self::HeavyMessagesPerS => round.heavy_messages_per_s,
            Self::MessagesPerCpuS => {
                let micros = round.server_cpu_us_per_message.filter(|it| *it > 0.0)?;
                Some(1e6 / micros)
            }
            Self::CpusUsed => {
                let heavy = round.heavy_messages_per_s.unwrap_or(0.0);
                let micros = round.server_cpu_us_per_message?;
                Some((round.messages_per_s + heavy) * micros / 1e6)
            }
            Self::LatencyP50 => quantile(1, round.latency_p50_ns),
            Self::LatencyP99 => quantile(LEAST_FOR_P99, round.latency_p99_ns),
            Self::LatencyP999 => quantile(LEAST_FOR_P999, round.latency_p999_ns),
            Self::CpuPerMessage => round.server_cpu_us_per_message.map(|micros| micros * 1e3),
            Self::SwitchesPerMessage => round.context_switches_per_message,
            Self::PeakMemory => Some(round.peak_pss_bytes as f64),
            Self::MemoryPerConnection => {
                let empty = round.empty_pss_bytes?;
                let grown = round.peak_pss_bytes.saturating_sub(empty).max(PAGE_BYTES);
                Some(grown as f64 / cell.point.connections.max(1) as f64)
            }
            Self::Threads => Some(round.threads as f64),
            Self::Processes => Some(round.processes as f64),
        }
    }

    /// The smallest figure of `cell` that can be measured: a page, divided by the connections. `None` if this measure has
    /// no such limit.
    pub fn resolution(self, cell: &Cell) -> Option<f64> {
        let connections = cell.point.connections.max(1) as f64;
        (self == Self::MemoryPerConnection).then_some(PAGE_BYTES as f64 / connections)
    }

    /// Whether `figure`, one of `cell`'s, lies at or below the [`Measure::resolution`]: then the true
    /// figure is somewhere below, and nothing is ranked by it.
    pub fn is_below_resolution(self, cell: &Cell, figure: f64) -> bool {
        let resolution = self.resolution(cell);
        resolution.is_some_and(|resolution| figure < resolution * 1.001)
    }

    /// Whether it is a quantile of latency.
    pub fn is_a_quantile(self) -> bool {
        matches!(
            self,
            Self::LatencyP50 | Self::LatencyP99 | Self::LatencyP999
        )
    }

    /// Which of two figures is the better one.
    pub fn better(self) -> Better {
        match self {
            Self::MessagesPerS | Self::MessagesPerCpuS => Better::Higher,
            Self::HeavyMessagesPerS | Self::CpusUsed | Self::Threads | Self::Processes => {
                Better::Neither
            }
            _ => Better::Lower,
        }
    }

    /// 1 if a larger figure is worse, -1 if a smaller one is.
    pub(crate) fn worse_sign(self) -> f64 {
        match self.better() {
            Better::Higher => -1.0,
            Better::Lower | Better::Neither => 1.0,
        }
    }

    /// Whether the figure is the generator's, and not the server's, if the generator was the limit.
    pub fn is_the_generators(self) -> bool {
        matches!(
            self,
            Self::MessagesPerS
                | Self::HeavyMessagesPerS
                | Self::CpusUsed
                | Self::LatencyP50
                | Self::LatencyP99
                | Self::LatencyP999
        )
    }
}
