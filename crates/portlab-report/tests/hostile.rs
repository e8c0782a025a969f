//! Records that no comparison has written: each is refused with a message, or reported on in every
//! form. None makes a report panic.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use portlab_report::{
    Lang, changes_markdown, changes_text, charts, csv, html, markdown, notes::Notes, text,
};
use portlab_stats::{read::read, record::Record};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

/// A record with something of everything.
const RECORD: &str = include_str!("../testdata/results.json");

/// As much of the record as has every key: a report on all of it takes long in a debug build.
fn good() -> Value {
    let mut record: Value = serde_json::from_str(RECORD).unwrap();
    let cells = record["cells"].as_array_mut().unwrap();
    let mut kept: Vec<(Value, usize)> = Vec::new();
    cells.retain_mut(|cell| {
        let workload = cell["workload"].clone();
        let at = kept.iter().position(|(name, _)| *name == workload);
        let at = at.unwrap_or_else(|| {
            kept.push((workload, 0));
            kept.len() - 1
        });
        kept[at].1 += 1;
        cell["rounds"].as_array_mut().unwrap().truncate(3);
        if let Some(latencies) = cell.get_mut("latencies") {
            latencies.as_array_mut().unwrap().truncate(3);
        }
        kept[at].1 <= 2
    });
    record
}

/// The places of all values, as JSON pointers.
fn places(value: &Value, here: &str, into: &mut Vec<String>) {
    into.push(here.to_owned());
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                places(value, &format!("{here}/{key}"), into);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                places(value, &format!("{here}/{at}"), into);
            }
        }
        _ => {}
    }
}

/// What may become of a value.
#[derive(Clone, Copy, Debug)]
enum Change {
    Drop,
    Double,
    Negate,
    Empty,
    Put(fn() -> Value),
}

const CHANGES: &[Change] = &[
    Change::Drop,
    Change::Double,
    Change::Negate,
    Change::Empty,
    Change::Put(|| json!(null)),
    Change::Put(|| json!(0)),
    Change::Put(|| json!(1)),
    Change::Put(|| json!(u64::MAX)),
    Change::Put(|| json!(1_000_000_000_000_u64)),
    Change::Put(|| json!(1e300)),
    Change::Put(|| json!(5e-324)),
    Change::Put(|| json!("NaN")),
    Change::Put(|| json!("\u{1b}[2J\u{0}\r\n\u{202e}<script>|`*")),
    Change::Put(|| json!("")),
    Change::Put(|| json!([])),
    Change::Put(|| json!({})),
    Change::Put(|| json!([[1, 1], [2, 1]])),
];

impl Change {
    fn make(self, record: &mut Value, place: &str) {
        let (parent, key) = place.rsplit_once('/').unwrap_or_default();
        match self {
            Self::Drop | Self::Double => match record.pointer_mut(parent) {
                Some(Value::Object(members)) if matches!(self, Self::Drop) => {
                    members.remove(key);
                }
                Some(Value::Array(items)) => {
                    let at = key.parse::<usize>().unwrap().min(items.len());
                    match self {
                        Self::Drop if at < items.len() => drop(items.remove(at)),
                        Self::Double if at < items.len() => items.insert(at, items[at].clone()),
                        _ => {}
                    }
                }
                _ => {}
            },
            _ => {
                let Some(value) = record.pointer_mut(place) else {
                    return;
                };
                *value = match (self, value.take()) {
                    (Self::Put(new), _) => new(),
                    (Self::Negate, Value::Number(number)) => {
                        json!(-number.as_f64().unwrap())
                    }
                    (Self::Empty, Value::Array(_)) => json!([]),
                    (Self::Empty, Value::Object(_)) => json!({}),
                    (Self::Empty, Value::String(_)) => json!(""),
                    (_, other) => other,
                };
            }
        }
    }
}

/// Reports on `record` in every form, and on what has changed to and from it.
fn report(record: &Record) -> usize {
    let good = read(&good().to_string()).unwrap();
    let notes = Lang::ALL.map(|lang| Notes::of(record, lang));
    let mut forms: Vec<String> = notes
        .iter()
        .flat_map(|notes| [text(notes, 100), markdown(notes), csv(notes), html(notes)])
        .collect();
    forms.extend([
        changes_text(&good, record, 100),
        changes_text(record, &good, 100),
        changes_markdown(record, record),
    ]);
    let charts = charts(&notes[0]);
    forms.extend(charts.into_iter().map(|chart| chart.wide.file()));
    forms.iter().map(String::len).sum()
}

/// Whether `text` is reported on; `Err` when a report panics, and when a refusal says nothing.
fn tried(text: &str) -> Result<bool, String> {
    match read(text) {
        Ok(record) => catch_unwind(AssertUnwindSafe(|| report(&record)))
            .map(|_| true)
            .map_err(|_| "a report panics".to_owned()),
        Err(error) => {
            let said = error.to_string();
            match said.len() > 10 && !said.chars().any(is_unsafe) {
                true => Ok(false),
                false => Err(format!("a refusal says {said:?}")),
            }
        }
    }
}

/// Whether a character moves the cursor, or turns the text around.
fn is_unsafe(c: char) -> bool {
    c.is_control() || c == '\u{202e}'
}

/// Every key of the record, and everything that may become of it. Of the items of a list, the first
/// stands for the others.
#[test]
fn one_change_anywhere_is_refused_or_reported_on() {
    let good = good();
    let mut all = Vec::new();
    places(&good, "", &mut all);
    let is_first = |place: &&String| {
        let mut keys = place.split('/');
        keys.all(|key| key.parse::<usize>().is_err() || key == "0")
    };
    let mut faults = Vec::new();
    let (mut reported, mut refused) = (0, 0);
    for place in all.iter().filter(is_first).filter(|it| !it.is_empty()) {
        for change in CHANGES {
            let mut record = good.clone();
            change.make(&mut record, place);
            if record == good {
                continue;
            }
            match tried(&record.to_string()) {
                Ok(true) => reported += 1,
                Ok(false) => refused += 1,
                Err(fault) => faults.push(format!("{place} {change:?}: {fault}")),
            }
        }
    }
    println!("{reported} reported on, {refused} refused");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(reported > 100 && refused > 500, "{reported}, {refused}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Two or three changes that may hide each other.
    #[test]
    fn several_changes_anywhere_are_refused_or_reported_on(
        changes in prop::collection::vec((any::<Index>(), any::<Index>()), 2..4)
    ) {
        let mut record = good();
        for (place, change) in changes {
            let mut all = Vec::new();
            places(&record, "", &mut all);
            all.remove(0);
            let place = place.get(&all);
            change.get(CHANGES).make(&mut record, place);
        }
        prop_assert_eq!(tried(&record.to_string()).err(), None);
    }
}
