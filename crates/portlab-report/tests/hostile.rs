//! Records that no comparison and no load has written: each is refused with a message, or reported on in every
//! form. None makes a report panic.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::LazyLock,
};

use portlab_report::{
    Document, Notes, changes_markdown, changes_text, charts, csv, gate_findings, gate_markdown,
    gate_text, html, inert, load_csv, load_failures, markdown, text,
};
use portlab_stats::{
    gate::{builds, runs},
    load::{LoadRecord, fixture},
    read::{Stored, read, read_any_bytes},
    record::Record,
};
use portlab_words::Lang;
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

/// A record with something of everything.
const RECORD: &str = include_str!("../testdata/results.json");

/// As much of the record as has every key, and another build: a report on all of it takes long in a debug build.
static GOOD: LazyLock<Value> = LazyLock::new(|| {
    let mut record: Value = serde_json::from_str(RECORD).unwrap();
    let build = json!({"build": {"of": "iterative", "program": "../portlab", "version": "0.0.9"}});
    record["entrants"][1]["kind"] = build;
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
});

/// A load with something of everything.
static LOAD: LazyLock<Value> = LazyLock::new(|| {
    let mut record = serde_json::to_value(fixture::full("a text")).unwrap();
    record["intervals"].as_array_mut().unwrap().truncate(7);
    record
});

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

/// Reports on `record` in every form, and on what has changed to and from it. Terminals' forms come without colours.
fn report(record: &Record) -> Vec<String> {
    static GOOD_RECORD: LazyLock<Record> = LazyLock::new(|| read(&GOOD.to_string()).unwrap());
    let (record, good) = (&inert(record).unwrap(), &*GOOD_RECORD);
    let notes = Lang::ALL.map(|lang| Notes::of(record, lang));
    let [mut plain, mut styled] = [Vec::new(), Vec::new()];
    for notes in &notes {
        styled.push(text(notes, 100));
        plain.extend([markdown(notes), csv(notes), html(notes)]);
    }
    let charts = charts(&notes[0]).into_iter();
    plain.extend(charts.flat_map(|it| [it.name, it.wide.file()]));
    styled.push(text(&notes[1], 1));
    styled.extend([
        changes_text(good, record, Lang::Zh, 100),
        changes_text(record, good, Lang::En, 1),
    ]);
    plain.push(changes_markdown(record, record, Lang::En));
    // Runs are pairs in turn, so the last was made later.
    let [before, mut after] = [[good, record], [record, good]].map(|it| it.map(Clone::clone));
    after[1].started_unix_s = record.started_unix_s.saturating_add(1);
    let gates = [Ok(builds(record, 0.05)), runs(&before, &after, 0.05)];
    for gate in gates.iter().flatten() {
        for lang in Lang::ALL {
            styled.push(gate_text(gate, record, lang, 100));
            plain.push(gate_markdown(gate, record, lang));
        }
        plain.extend(gate_findings(gate, record, Lang::Zh));
    }
    let styled = styled
        .iter()
        .map(|it| anstream::adapter::strip_str(it).to_string());
    plain.extend(styled);
    plain.push(serde_json::to_string(record).unwrap());
    plain
}

/// Reports on `record` in every form, and on what has changed to and from it. What is written is read as the same.
fn report_on_load(record: &LoadRecord) -> Vec<String> {
    let (record, good) = (&inert(record).unwrap(), &fixture::full("a text"));
    let json = serde_json::to_string(record).unwrap();
    let read = read_any_bytes(json.as_bytes()).unwrap();
    assert_eq!(read, Stored::Load(Box::new(record.clone())));
    let mut forms = vec![json, load_csv(record)];
    forms.extend(load_failures(good, record, 0.05, Lang::Zh).unwrap_or_default());
    for document in [
        Document::of_load(record, Lang::Zh),
        Document::of_two_loads(record, good, Lang::En),
    ] {
        let said = anstream::adapter::strip_str(&document.text(1)).to_string();
        forms.extend([said, document.markdown(), document.html()]);
    }
    forms
}

/// What is wrong with the forms of a report on `length` bytes.
fn fault(forms: &[String], length: usize) -> Option<String> {
    let written: usize = forms.iter().map(String::len).sum();
    if written > 30 * length + 4_000_000 {
        return Some(format!("{written} bytes about {length}"));
    }
    let unsafe_at = forms
        .iter()
        .find_map(|it| it.find(|c| c != '\n' && is_unsafe(c)).map(|at| (it, at)));
    unsafe_at.map(|(form, at)| {
        let near: String = form[at..].chars().take(40).collect();
        format!("a report says {near:?}")
    })
}

/// Whether `text` is reported on; `Err` when a report panics, and when a refusal says nothing.
fn tried(text: &str) -> Result<bool, String> {
    let reported = |stored: &Stored| match stored {
        Stored::Comparison(record) => report(record),
        Stored::Load(record) => report_on_load(record),
    };
    match read_any_bytes(text.as_bytes()) {
        Ok(stored) => match catch_unwind(AssertUnwindSafe(|| reported(&stored))) {
            Ok(forms) => fault(&forms, text.len()).map_or(Ok(true), Err),
            Err(_) => Err("a report panics".to_owned()),
        },
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
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Every key of the record, and everything that may become of it. Of the items of a list, the first
/// stands for the others.
#[test]
fn one_change_anywhere_is_refused_or_reported_on() {
    change_each_place(&GOOD, 1);
}

#[test]
fn one_change_anywhere_in_a_load_is_refused_or_reported_on() {
    // A load has many keys, and the fuzz target `loads` tries them too: each key gets a third of the changes, in turn.
    change_each_place(&LOAD, 3);
}

/// Tries changes at each place of `good`: of every so many changes, one.
fn change_each_place(good: &Value, every: usize) {
    let mut all = Vec::new();
    places(good, "", &mut all);
    let is_first = |place: &&String| {
        let mut keys = place.split('/');
        keys.all(|key| key.parse::<usize>().is_err() || key == "0")
    };
    let mut faults = Vec::new();
    let (mut reported, mut refused) = (0, 0);
    let places = all.iter().filter(is_first).filter(|it| !it.is_empty());
    for (at, place) in places.enumerate() {
        for change in CHANGES.iter().skip(at % every).step_by(every) {
            let mut record = good.clone();
            change.make(&mut record, place);
            if record == *good {
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

/// A value of the same kind as `value`, or of any.
fn another(value: &Value, (real, count, text, kind): (f64, u64, String, u8)) -> Value {
    match (value, kind) {
        (_, 0) => json!([real]),
        (Value::Number(_), 1) => json!(-real),
        (Value::Number(old), 2) => json!(old.as_f64().unwrap_or(0.0) * real),
        (Value::Number(old), _) if old.is_u64() => json!(count >> (count % 64)),
        (Value::Number(_), _) => json!(real),
        (Value::String(old), 1) => json!(old.clone() + &text),
        (Value::String(_), _) => json!(text),
        (Value::Array(items), 1) => json!(items[..items.len() / 2]),
        (Value::Array(items), _) => json!([&items[..], &items[..]].concat()),
        (Value::Bool(old), _) => json!(!old),
        (other, _) => other.clone(),
    }
}

/// A newer portlab may write more keys, and an older one wrote fewer: those of TLS, HTTP, outages, targets and datagrams came
/// with version 0.2.0.
#[test]
fn a_load_with_more_keys_or_fewer_is_read() {
    let mut record = LOAD.clone();
    record["tls"]["another"] = json!({"key": [1]});
    record["another"] = json!(1.5e300);
    assert_eq!(tried(&record.to_string()), Ok(true));
    let members = record.as_object_mut().unwrap();
    for key in [
        "tls",
        "handshake_latency_ns",
        "method",
        "statuses",
        "redirect",
        "steps",
        "think_ns",
        "reconnect",
        "outages",
        "targets",
        "datagrams",
        "limits",
        "members",
        "rooms",
        "delivery_ns",
        "first_violations",
    ] {
        members.remove(key);
    }
    record["histograms"]
        .as_object_mut()
        .unwrap()
        .remove("handshake_latency");
    assert_eq!(tried(&record.to_string()), Ok(true));
    for (text, reason) in [("NaN", "damaged"), ("-1", "seed"), ("1e400", "damaged")] {
        let seed = LOAD["seed"].to_string();
        let wrong = LOAD
            .to_string()
            .replace(&format!("\"seed\":{seed}"), &format!("\"seed\":{text}"));
        let error = read_any_bytes(wrong.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Up to three changes that may hide each other.
    #[test]
    fn several_changes_anywhere_are_refused_or_reported_on(
        changes in prop::collection::vec((any::<Index>(), any::<Index>()), 0..2),
        values in prop::collection::vec((any::<Index>(), any::<(f64, u64, String, u8)>()), 1..3),
        is_load: bool,
    ) {
        let mut record = if is_load { LOAD.clone() } else { GOOD.clone() };
        let any_place = |record: &Value, at: Index| {
            let mut all = Vec::new();
            places(record, "", &mut all);
            all.swap_remove(1 + at.index(all.len() - 1))
        };
        for (at, change) in changes {
            let place = any_place(&record, at);
            change.get(CHANGES).make(&mut record, &place);
        }
        for (at, with) in values {
            let place = any_place(&record, at);
            let value = record.pointer_mut(&place).unwrap();
            *value = another(value, with);
        }
        prop_assert_eq!(tried(&record.to_string()).err(), None);
    }
}
