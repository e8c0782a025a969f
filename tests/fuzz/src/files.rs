//! Files that may come from another person: records, traces, lessons' texts.

use portlab_lessons::script::{Script, fill, placeholders};
use portlab_report::{Document, Notes, csv, html, load_csv, load_failures, markdown, text};
use portlab_stats::{
    fixture::cell,
    read::{self, Stored},
    record::Record,
    trace::{Trace, Writer},
};
use portlab_words::Lang;

/// A record is refused with a reason that has no control characters, or it can be written and read without a change.
pub(crate) fn records(input: &[u8]) {
    match read::read_bytes(input) {
        Ok(record) => {
            let written = serde_json::to_string(&record).expect("a record has string keys");
            assert_eq!(read::read(&written).ok(), Some(record), "{written}");
        }
        Err(error) => {
            let reason = error.to_string();
            assert!(!reason.contains(char::is_control), "{reason:?}");
        }
    }
}

/// Every record that is read can be reported on, in every form and both languages.
pub(crate) fn reports(input: &[u8]) {
    let Ok(record) = read::read_bytes(input) else {
        return;
    };
    let report = |record: &Record| {
        for lang in Lang::ALL {
            let notes = Notes::of(record, lang);
            for written in [
                text(&notes, 80),
                markdown(&notes),
                csv(&notes),
                html(&notes),
            ] {
                assert!(!written.is_empty());
            }
        }
    };
    report(&record);
}

/// Every record of a load that is read can be reported on and compared, in every form and both languages.
pub(crate) fn loads(input: &[u8]) {
    let Ok(Stored::Load(record)) = read::read_any_bytes(input) else {
        return;
    };
    assert!(!load_csv(&record).is_empty());
    for lang in Lang::ALL {
        for document in [
            Document::of_load(&record, lang),
            Document::of_two_loads(&record, &record, lang),
        ] {
            for written in [document.text(80), document.markdown(), document.html()] {
                assert!(!written.is_empty());
            }
        }
        // A load isn't worse than itself.
        let failures = load_failures(&record, &record, 0.05, lang).unwrap_or_default();
        assert_eq!(failures, Vec::<String>::new());
    }
}

/// A trace is refused, or it can be written and read without a change.
pub(crate) fn traces(input: &[u8]) {
    let Ok(trace) = Trace::read(input) else {
        return;
    };
    let strip = trace.strip(trace.middle(5_000_000), &cell("threads", &[]));
    assert!(strip.tracks.len() <= trace.slices.len(), "{strip:?}");
    let written = write(&trace).expect("a write to memory succeeds");
    let read = Trace::read(&written[..]).map_err(|error| error.to_string());
    // Times are read from decimal numbers; the first hundred days are exact.
    let ends = trace.slices.iter().map(|slice| slice.end_ns);
    let ends = ends.chain(
        trace
            .spans
            .iter()
            .map(|span| span.end_ns.max(span.start_ns)),
    );
    let samples = trace.counters.iter().flat_map(|counter| &counter.samples);
    let latest = ends.chain(samples.map(|sample| sample.0)).max();
    match latest.unwrap_or(0) <= 100 * 24 * 3600 * 1_000_000_000 {
        true => assert_eq!(read, Ok(trace)),
        false => assert!(read.is_ok(), "{read:?}"),
    }
}

fn write(trace: &Trace) -> std::io::Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::new())?;
    for process in &trace.processes {
        writer.process(process.pid, &process.name)?;
        for thread in &process.threads {
            writer.thread(process.pid, thread.tid, &thread.name)?;
        }
    }
    trace.slices.iter().try_for_each(|it| writer.slice(it))?;
    trace.spans.iter().try_for_each(|it| writer.span(it))?;
    for counter in &trace.counters {
        for (at_ns, value) in &counter.samples {
            writer.sample(1, &counter.name, *at_ns, *value)?;
        }
    }
    writer.finish(&trace.about)
}

/// A lesson's text is refused, or every step has its claims and a right answer, and filling in a value makes no text longer.
pub(crate) fn lessons(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let file = "while True:\n    pass\nend()\n";
    let Ok(script) = Script::parse(text, &[("a.py", file)]) else {
        return;
    };
    for shown in script.texts() {
        let values = placeholders(shown).len();
        let filled = fill(shown, |_| Some("x"));
        assert!(filled.len() <= shown.len(), "{values} values in {shown:?}");
    }
    for step in &script.steps {
        assert!(!step.claims.is_empty() && script.step(&step.key).is_some());
        assert!({ step.ask.iter() }.all(|ask| ask.right < ask.options.len()));
    }
}
