//! The figures over time as CSV. The columns of `portlab load --csv` that a record has have the same names.

use portlab_stats::load::{IntervalLine, LoadRecord};

/// The columns.
const HEAD: [&str; 13] = [
    "from_s",
    "to_s",
    "rate_per_s",
    "messages",
    "messages_per_s",
    "latency_p50_ns",
    "latency_p99_ns",
    "latency_max_ns",
    "open_connections",
    "in_flight",
    "errors",
    "bytes_sent",
    "bytes_received",
];

/// Writes a line for each interval of `record`.
pub fn load_csv(record: &LoadRecord) -> String {
    let rows = record.intervals.iter().map(|it| row(it).join(","));
    let lines = [HEAD.join(",")].into_iter().chain(rows);
    lines.map(|line| line + "\n").collect()
}

fn row(it: &IntervalLine) -> [String; 13] {
    // An empty field where nothing was recorded.
    let maybe = |value: Option<u64>| value.map_or(String::new(), |it| it.to_string());
    let seconds = |ns: u64| format!("{:.3}", ns as f64 / 1e9);
    [
        seconds(it.from_ns),
        seconds(it.to_ns),
        it.rate_per_s.map_or(String::new(), |rate| rate.to_string()),
        it.messages.to_string(),
        format!("{:.1}", it.messages_per_s),
        maybe(it.latency_p50_ns),
        maybe(it.latency_p99_ns),
        maybe(it.latency_max_ns),
        it.open_connections.to_string(),
        it.in_flight.to_string(),
        it.errors.to_string(),
        it.bytes_sent.to_string(),
        it.bytes_received.to_string(),
    ]
}
