//! The parts of a result of a load that the program writes as it reads them: in its JSON, each is an object of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{one_line::in_one_line, record::Histogram};

/// Quantiles in nanoseconds, `null` when nothing was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the quantiles")]
pub struct Quantiles {
    /// How many were recorded.
    pub count: u64,
    pub mean: Option<f64>,
    pub p50: Option<u64>,
    pub p90: Option<u64>,
    pub p99: Option<u64>,
    pub p999: Option<u64>,
    pub max: Option<u64>,
}

/// The figures of an interval while measuring. Times count from the beginning of measuring.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct IntervalLine {
    /// When it began.
    pub from_ns: u64,
    /// When it ended.
    pub to_ns: u64,
    /// The rate of an open loop, which may have been changed during the run; `null` in a closed loop.
    pub rate_per_s: Option<f64>,
    /// Messages answered.
    pub messages: u64,
    /// The same per second.
    pub messages_per_s: f64,
    /// The median latency of these messages; `null` if there were none.
    pub latency_p50_ns: Option<u64>,
    /// The latency that 99 of 100 did not exceed.
    pub latency_p99_ns: Option<u64>,
    /// The longest latency.
    pub latency_max_ns: Option<u64>,
    /// Errors.
    pub errors: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Connections open at its end.
    pub open_connections: u64,
    /// Messages in flight at its end.
    pub in_flight: u64,
    /// The share of all threads' time that the generator was computing, from 0 to 1.
    pub generator_cpu_share: f64,
}

/// How often each time was measured: pairs of a time in nanoseconds, the upper end of a bucket that is two per cent wide,
/// and a count, in rising order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Histograms {
    /// Of `latency_ns`.
    #[serde(serialize_with = "in_one_line")]
    pub latency: Histogram,
    /// Of `uncorrected_latency_ns`; empty in a closed loop.
    #[serde(serialize_with = "in_one_line")]
    pub uncorrected_latency: Histogram,
    /// Of `connect_latency_ns`.
    #[serde(serialize_with = "in_one_line")]
    pub connect_latency: Histogram,
    /// Of `handshake_latency_ns`; `null` without TLS.
    #[serde(serialize_with = "in_one_line")]
    pub handshake_latency: Option<Histogram>,
}

/// How often a status of HTTP came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct StatusCount {
    /// The status.
    pub status: u16,
    /// How many answers had it.
    pub count: u64,
}

/// An answer that names another URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Redirect {
    /// Its status.
    pub status: u16,
    /// The value of its `Location`; characters that aren't text are escaped.
    pub location: String,
}

/// A first line of answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AnswerLine {
    /// Without its end, and at most 80 bytes of it; bytes that aren't text are escaped.
    pub line: String,
    /// Answers that began with it.
    pub count: u64,
    /// The error that the line reports by its protocol, in English, if it is one.
    pub error: Option<String>,
}

/// What was measured of an exchange of a dialogue file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ExchangeLine {
    /// The line of the message in the file, counted from 1.
    pub line: u64,
    /// The beginning of the message, as it stands in the file.
    pub message: String,
    /// What counted as its answer.
    pub expect: String,
    /// From when the message was due to the last byte of its answer: of those that became due while measuring.
    pub latency_ns: Quantiles,
    /// Errors, those of the warm-up included.
    pub errors: u64,
}

/// The figures of one of several targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TargetResult {
    /// The target.
    pub target: String,
    /// Messages answered while measuring.
    pub messages: u64,
    /// The same per second.
    pub messages_per_s: f64,
    /// As in the result of the run.
    pub latency_ns: Quantiles,
    /// Errors.
    pub errors: u64,
    /// Messages that were sent and not answered.
    pub unanswered: u64,
}

/// What became of UDP datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DatagramResult {
    /// Whether messages contained a number. Otherwise each datagram was taken for the answer to the oldest message, and
    /// the figures below, except `lost`, are unknown: 0.
    pub numbered: bool,
    /// Messages that became due while measuring.
    pub due: u64,
    /// Those without an answer within the timeout.
    pub lost: u64,
    /// The share of the messages that were lost, from 0 to 1.
    pub loss: f64,
    /// Answers that came again, those of the warm-up included, as in the next three figures.
    pub duplicates: u64,
    /// Answers that came after the answer to a later message of the same socket.
    pub reordered: u64,
    /// Answers that came after the timeout.
    pub late: u64,
    /// Datagrams that this machine dropped because the generator read them too late.
    pub dropped_here: u64,
}

/// The times in which no connection could be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OutageResult {
    /// How many there were.
    pub count: u64,
    /// How long they lasted, added up.
    pub length_ns: u64,
    /// Measured messages that were lost.
    pub messages_lost: u64,
    /// The first of them, at most 100.
    pub each: Vec<OutageLine>,
}

/// A time in which no connection could be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OutageLine {
    /// Which target was away.
    pub target: String,
    /// When it began, from the beginning of measuring; `null` if that was before.
    pub from_ns: Option<u64>,
    /// How long it lasted; if it had not ended, up to the end of measuring.
    pub length_ns: u64,
    /// Whether a connection was made before the run ended.
    pub ended: bool,
    /// Measured messages on their way on the connections that were lost.
    pub messages_lost: u64,
    /// Attempts to connect that failed.
    pub failed_attempts: u64,
}

/// What is known about the TLS of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TlsResult {
    /// The name that was sent to the server (SNI) and checked in its certificate; an IP address isn't sent.
    pub server_name: String,
    /// Whether certificates were checked.
    pub verified: bool,
    /// The version that the first connection agreed on: `TLS 1.3` or `TLS 1.2`; `null` if no handshake was completed.
    pub version: Option<String>,
    /// The cipher suite of the first connection.
    pub cipher: Option<String>,
    /// The protocol that was agreed on (ALPN); `null` without one.
    pub alpn: Option<String>,
    /// The certificate that came first, accepted or not.
    pub certificate: Option<Certificate>,
    /// Whether connections resumed sessions where the server allowed that.
    pub resumption: bool,
    /// Handshakes that were completed.
    pub handshakes: u64,
    /// Those that resumed the session of an earlier connection; the others were made in full.
    pub handshakes_resumed: u64,
    /// Answers that ended with their connection, without the alert that says so (close_notify): they may have been cut.
    pub answers_without_close_notify: u64,
}

/// The certificate of a server. Times are in UTC (RFC 3339).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Certificate {
    /// The owner: the common name, or the organisation; empty if it names neither.
    pub subject: String,
    /// The issuer, in the same form.
    pub issuer: String,
    /// Whether the owner and the issuer are the same.
    pub self_signed: bool,
    /// The names and IP addresses of servers that it is for, at most 16.
    pub names: Vec<String>,
    /// When it becomes valid.
    pub not_before: String,
    /// When it expires.
    pub not_after: String,
}

impl IntervalLine {
    /// How long it lasted, in seconds.
    pub fn length_s(&self) -> f64 {
        self.to_ns.saturating_sub(self.from_ns) as f64 / 1e9
    }
}
