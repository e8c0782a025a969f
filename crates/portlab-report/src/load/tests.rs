//! Properties of all reports on loads.

use portlab_stats::load::{Ended, LoadRecord, Loop, Quantiles, Word, fixture};
use portlab_words::Lang;

use super::*;

const HOSTILE: &str = "<script>alert(\"x\")&";

fn full() -> LoadRecord {
    fixture::full(HOSTILE)
}

#[test]
fn a_page_makes_no_request_and_text_is_never_markup() {
    for lang in Lang::ALL {
        let page = Document::of_load(&full(), lang).html();
        assert_eq!(page.matches("<script").count(), 1, "the page's own");
        assert!(!page.contains("alert(\"x\")"));
        let page = page.replace("// A page opened from a file", "");
        for word in ["http:", "https:", "@import", "url(", " src=", "fetch("] {
            assert!(!page.contains(word), "the page has {word}");
        }
        assert!(page.contains(&format!("<html lang=\"{}\">", lang.tag())));
    }
}

#[test]
fn a_report_has_a_chart_for_all_that_there_is_and_for_nothing_else() {
    let names = |record: &LoadRecord| {
        let charts = Document::of_load(record, Lang::En).charts().into_iter();
        charts.map(|it| it.name).collect::<Vec<_>>()
    };
    let usual = ["throughput", "latency", "percentiles", "histogram"];
    assert_eq!(names(&fixture::load(300.0)), usual);
    let all = [
        "throughput",
        "latency",
        "errors",
        "open",
        "percentiles",
        "histogram",
        "connecting",
    ];
    assert_eq!(names(&full()), all);
    let mut idle = fixture::load(300.0);
    idle.pace = Loop::Idle;
    idle.latency_ns = Quantiles::default();
    assert!(names(&idle).is_empty());
}

#[test]
fn a_report_has_a_section_for_all_that_there_is_and_for_nothing_else() {
    let ids = |record: &LoadRecord| {
        let parts = Document::of_load(record, Lang::En).parts;
        parts.iter().map(|it| it.id).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        ids(&fixture::load(300.0)),
        "found time latency connections sent generator command"
    );
    assert_eq!(
        ids(&full()),
        "found time latency errors answers targets steps datagrams connections tls sent generator command"
    );
    let said = Document::of_load(&full(), Lang::En).text(200);
    for fact in [
        "lost: 1.00%: 10 of 1000",
        "out of order: 5",
        "2 in 1.00 s together, the longest 500 ms; messages lost in them: 4",
        "still away at the end",
        "9, of which 4 resumed a session",
        "not followed",
        "pause before a message: 1.00 µs to 2.00 µs",
    ] {
        assert!(said.contains(fact), "{fact}: {said}");
    }
}

#[test]
fn a_run_in_which_nothing_was_measured_is_reported_in_every_form() {
    let mut record = fixture::load(300.0);
    (record.elapsed_ns, record.messages) = (0, 0);
    (record.latency_ns, record.connect_latency_ns) = Default::default();
    (record.intervals, record.histograms) = Default::default();
    record.ended = Ended::AllLost;
    record.verdict.word = Word::No;
    for lang in Lang::ALL {
        let document = Document::of_load(&record, lang);
        let said = document.text(80);
        let expected = lang.pick("ended before measuring began", "测量开始前运行就结束了");
        assert!(said.contains(expected), "{said}");
        assert!(document.markdown().contains(expected) && document.html().contains(expected));
    }
    assert_eq!(load_csv(&record).lines().count(), 1);
}

#[test]
fn no_line_is_wider_than_the_terminal_except_the_command() {
    for (width, lang) in [(40, Lang::En), (80, Lang::Zh), (120, Lang::En)] {
        let said = Document::of_load(&full(), lang).text(width);
        let plain = anstream::adapter::strip_str(&said).to_string();
        for line in plain.lines() {
            let columns = unicode_width::UnicodeWidthStr::width(line);
            assert!(columns <= width || line == HOSTILE, "{columns}: {line}");
        }
    }
}

#[test]
fn two_loads_are_compared_in_every_form_and_judged() {
    let (before, now) = (fixture::load(300.0), fixture::load(360.0));
    for lang in Lang::ALL {
        let document = Document::of_two_loads(&before, &now, lang);
        let worse = lang.pick(
            "Worse now: throughput (−17%), latency p50 (+20%)",
            "变差：吞吐量（−17%）、延迟 p50（+20%）",
        );
        assert!(
            document.markdown().contains(worse),
            "{}",
            document.markdown()
        );
        assert!(document.html().contains(worse) && document.charts().len() == 2);
    }
    let judged = |before, now, bar| load_failures(before, now, bar, Lang::En);
    let failed = judged(&before, &now, 0.1).unwrap();
    assert!(
        failed[0].contains("throughput: worse by 17%, more than 10%"),
        "{failed:?}"
    );
    assert!(judged(&before, &now, 0.25).unwrap().is_empty());
    assert!(judged(&now, &before, 0.0).unwrap().is_empty());
    let mut short = now.clone();
    short.intervals.truncate(3);
    assert!(judged(&before, &short, 0.1).is_err());
    let broken = judged(&before, &full(), 1.0).unwrap();
    assert!(broken[0].contains("3 errors"), "{broken:?}");
}

#[test]
fn runs_that_are_not_alike_are_compared_with_a_caution() {
    let (before, mut now) = (fixture::load(300.0), fixture::load(300.0));
    let said = |now: &LoadRecord| Document::of_two_loads(&before, now, Lang::En).markdown();
    assert!(said(&now).contains("No change that these runs could see"));
    assert!(!said(&now).contains("aren't alike"));
    now.connections = 50;
    assert!(
        said(&now).contains("connections was 5, and is 50"),
        "{}",
        said(&now)
    );
}

#[test]
fn what_failed_is_said_first() {
    let said = Document::of_load(&full(), Lang::En).markdown();
    let first = said.split("Latency").next().unwrap_or_default();
    for part in [
        "There were 3 errors.",
        "with care",
        "failed, but not surely",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
}
