//! Properties of all pages.

use std::collections::BTreeSet;

use portlab_stats::{
    fixture::{cell, record},
    record::{Failed, Kind, Timeline, Track},
};
use portlab_words::{Lang, Text};

use super::*;

const HOSTILE: &str = "<script>alert(\"x\")&";

/// A page about a record whose texts are all hostile.
fn page(lang: Lang) -> String {
    let hostile = || HOSTILE.to_owned();
    let mut failed = cell("other", &[]);
    failed.failures.push(Failed {
        round: 1,
        reason: hostile().into(),
        unmetered: None,
    });
    let mut wrong = cell(&format!("{HOSTILE} wrong"), &[5.0; 3]);
    wrong.rounds[0].errors = 1;
    wrong.rounds[0].first_error = Some(hostile().into());
    let mut record = record(vec![cell(HOSTILE, &[4.0; 3]), wrong, failed]);
    for cell in &mut record.cells {
        cell.workload = hostile();
    }
    let workload = &mut record.workloads[0];
    (workload.name, workload.work) = (hostile(), hostile());
    (workload.title, workload.asks) = (Text::new(HOSTILE, HOSTILE), Text::new(HOSTILE, HOSTILE));
    record.entrants[2].kind = Kind::Foreign { command: hostile() };
    (record.command, record.portlab_version) = (hostile(), hostile());
    (record.environment.cpu, record.environment.kernel) = (hostile(), hostile());
    record.timelines.push(Timeline {
        model: hostile(),
        workload: hostile(),
        tracks: vec![Track {
            process: hostile(),
            thread: hostile(),
            slices: Vec::new(),
        }],
        connections: 1,
        length_us: 1.0,
        more_tracks: 0,
        in_steps: false,
    });
    html(&Notes::of(&record, lang))
}

#[test]
fn a_page_makes_no_request() {
    for lang in Lang::ALL {
        let page = page(lang);
        for word in [
            "http:", "https:", "//", "@import", "url(", " src=", "fetch(", "XMLHttp",
        ] {
            assert!(!page.contains(word), "the page has {word}");
        }
        // If a request slipped through, the browser refuses it.
        assert!(page.contains("default-src 'none'"));
    }
}

#[test]
fn text_is_never_markup() {
    let page = page(Lang::En);
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    assert!(!page.contains("alert(\"x\")"));
}

#[test]
fn a_cell_has_the_number_by_which_it_is_sorted_unless_its_text_is_that_number() {
    let page = page(Lang::En);
    let cells: Vec<_> = page.split("<td ").skip(1).collect();
    let number_of = |text: &str| {
        let cell = cells
            .iter()
            .find(|it| it.contains(&format!(">{text}</td>")));
        let number = cell.expect("a cell").split_once("data-sort=\"");
        number.and_then(|(_, rest)| rest.split('"').next())
    };
    assert_eq!(number_of("4.00 µs"), Some("4000"));
    assert_eq!(number_of("1"), None);
}

#[test]
fn a_chart_has_its_values_as_text() {
    let page = page(Lang::Zh);
    let figures = page.split("<figure").skip(1);
    let charts = figures.filter(|figure| figure.contains("class=\"pl\""));
    let (mut count, mut with_values) = (0, 0);
    for chart in charts {
        count += 1;
        // A strip without slices is a chart too.
        with_values += usize::from(chart.contains(" data-values=\""));
    }
    assert!(
        count > 1 && with_values == count,
        "{with_values} of {count}"
    );
    assert!(page.contains("中位数\n4.00\u{a0}µs"));
}

#[test]
fn a_page_says_its_language() {
    assert!(page(Lang::Zh).contains("<html lang=\"zh-Hans\">"));
    assert!(page(Lang::En).contains("<html lang=\"en\">"));
}

#[test]
fn the_page_and_the_charts_share_no_class() {
    let classes = |css: &str| -> BTreeSet<String> {
        let words = css.split(|c: char| !(c.is_ascii_alphanumeric() || "-.".contains(c)));
        let classes = words.filter(|word| {
            word.starts_with('.') && !word[1..].starts_with(|c: char| c.is_ascii_digit())
        });
        classes.map(str::to_owned).collect()
    };
    let (page, chart) = (
        classes(shell::STYLE),
        classes(&portlab_chart::style_sheet()),
    );
    let shared: Vec<_> = page.intersection(&chart).collect();
    assert!(shared.is_empty(), "{shared:?}");
}
