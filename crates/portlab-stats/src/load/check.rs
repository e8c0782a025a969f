//! Checks the values of a record of a load that was read from a file: a report may rely on every rule here.

use portlab_words::{Text, tr};
use serde_json::Value;

use super::LoadRecord;
use crate::{
    check::{Checked, LONGEST_TEXT, wrong},
    record::Histogram,
};

/// The largest number of a record, eleven days in nanoseconds: the sum of [`MOST_ITEMS`] of them doesn't overflow.
pub const MOST_NUMBER: f64 = 1e15;
/// The most items of a list.
pub const MOST_ITEMS: usize = 5_000;

/// Checks every number, text and list of `value`, which stands at `key`.
///
/// # Errors
/// The first that no load produces.
pub(crate) fn check_values(value: &Value, key: &str) -> Checked {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            if number.abs() <= MOST_NUMBER || key == "seed" {
                return Ok(());
            }
            let expected = tr!("at most {MOST_NUMBER:e}", "最多 {MOST_NUMBER:e}");
            wrong(key, number, &expected)
        }
        Value::String(text) if text.len() > LONGEST_TEXT => {
            let expected = tr!("at most {LONGEST_TEXT} bytes", "最多 {LONGEST_TEXT} 字节");
            wrong(key, text.len(), &expected)
        }
        Value::Array(items) if items.len() > MOST_ITEMS => {
            let expected = tr!("at most {MOST_ITEMS} elements", "最多 {MOST_ITEMS} 项");
            wrong(key, items.len(), &expected)
        }
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(at, item)| check_values(item, &format!("{key}[{at}]")))
        }
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            let dot = if key.is_empty() { "" } else { "." };
            check_values(value, &format!("{key}{dot}{name}"))
        }),
        Value::String(_) | Value::Null | Value::Bool(_) => Ok(()),
    }
}

/// Checks what the types of `record` don't say.
///
/// # Errors
/// The first value that breaks a rule.
pub(crate) fn check(record: &LoadRecord) -> Checked {
    let mut before = 0;
    for (at, interval) in record.intervals.iter().enumerate() {
        if interval.from_ns < before || interval.to_ns < interval.from_ns {
            let expected = Text::new("intervals in order of time", "按时间先后排列的间隔");
            return wrong(
                &format!("intervals[{at}].from_ns"),
                interval.from_ns,
                &expected,
            );
        }
        before = interval.to_ns;
    }
    let histograms = &record.histograms;
    let handshakes = histograms.handshake_latency.as_ref();
    let named = [
        ("latency", Some(&histograms.latency)),
        ("uncorrected_latency", Some(&histograms.uncorrected_latency)),
        ("connect_latency", Some(&histograms.connect_latency)),
        ("handshake_latency", handshakes),
    ];
    let named = named.into_iter().filter_map(|(name, it)| Some((name, it?)));
    for (name, Histogram(pairs)) in named {
        let fall = pairs.windows(2).position(|pair| pair[0].0 >= pair[1].0);
        if let Some(at) = fall.map(|at| at + 1) {
            let expected = Text::new("times in rising order, each once", "时间从小到大，各一次");
            let key = format!("histograms.{name}[{at}]");
            return wrong(&key, pairs[at].0, &expected);
        }
    }
    Ok(())
}
