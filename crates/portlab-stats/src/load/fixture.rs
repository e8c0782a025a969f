//! A small record of a load, for tests.

use serde_json::{Map, Value};

use super::{IntervalLine, LoadRecord, Quantiles};
use crate::record::Histogram;

/// All that doesn't depend on the latency.
const BLANK: &str = include_str!("../../testdata/load.json");

/// What a report can show beside that. `TEXT` and `TIMES` stand for any text, and for quantiles.
const MORE: &str = include_str!("../../testdata/load-more.json");

/// A load of four seconds over five connections, in intervals of a quarter of a second, in which a message takes
/// `latency_us`, or twice that, or ten times. Every second interval is a little slower.
pub fn load(latency_us: f64) -> LoadRecord {
    let mut record: LoadRecord =
        serde_json::from_str(BLANK).expect("the file has every key, as every test shows");
    record.intervals = (0..16).map(|at| interval(at, latency_us)).collect();
    let messages = record.intervals.iter().map(|it| it.messages).sum();
    record.messages = messages;
    record.messages_per_s = messages as f64 / 4.0;
    record.bytes_sent = messages * 64;
    record.bytes_received = messages * 64;
    record.verdict.samples = messages;
    record.latency_ns = quantiles(messages, latency_us);
    record.connect_latency_ns = quantiles(5, latency_us);
    let ns = |times: f64| (latency_us * times * 1e3) as u64;
    record.histograms.latency = Histogram(vec![
        (ns(1.0), messages * 8 / 10),
        (ns(2.0), messages / 5),
        (ns(10.0), messages / 100),
    ]);
    record.histograms.connect_latency = Histogram(vec![(ns(1.0), 5)]);
    record
}

/// A load with every section that a report can have; its texts are `text`.
pub fn full(text: &str) -> LoadRecord {
    let mut record = load(300.0);
    record.intervals[3].errors = 3;
    record.intervals[5].open_connections = 4;
    let histograms = &mut record.histograms;
    histograms.connect_latency = histograms.latency.clone();
    histograms.uncorrected_latency = histograms.latency.clone();
    histograms.handshake_latency = Some(histograms.latency.clone());
    let mut record = serde_json::to_value(&record).expect("a record is JSON");
    let texts = MORE.replace("\"TEXT\"", &Value::from(text).to_string());
    let more = texts.replace("TIMES", &record["latency_ns"].to_string());
    let Value::Object(members) = &mut record else {
        unreachable!("a record is an object");
    };
    let more: Map<String, Value> = serde_json::from_str(&more).expect("the file is JSON");
    members.extend(more);
    serde_json::from_value(record).expect("the file has the keys of a record")
}

fn quantiles(count: u64, latency_us: f64) -> Quantiles {
    let ns = |times: f64| Some((latency_us * times * 1e3) as u64);
    Quantiles {
        count,
        mean: Some(latency_us * 1.2e3),
        p50: ns(1.0),
        p90: ns(2.0),
        p99: ns(2.0),
        p999: ns(10.0),
        max: ns(10.0),
    }
}

fn interval(at: u64, latency_us: f64) -> IntervalLine {
    let slow = 1.0 + (at % 2) as f64 / 50.0;
    let per_s = 5e6 / latency_us / slow;
    let ns = |times: f64| Some((latency_us * times * 1e3) as u64);
    IntervalLine {
        from_ns: at * 250_000_000,
        to_ns: (at + 1) * 250_000_000,
        rate_per_s: None,
        messages: (per_s / 4.0) as u64,
        messages_per_s: per_s,
        latency_p50_ns: ns(slow),
        latency_p99_ns: ns(2.0 * slow),
        latency_max_ns: ns(10.0),
        errors: 0,
        bytes_sent: (per_s * 16.0) as u64,
        bytes_received: (per_s * 16.0) as u64,
        open_connections: 5,
        in_flight: 5,
        generator_cpu_share: 0.25,
    }
}
