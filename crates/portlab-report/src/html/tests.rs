//! What holds for every page.

use std::collections::BTreeSet;

use portlab_stats::{
    fixture::{cell, record},
    record::{Failed, Kind, Timeline, Track},
};
use portlab_words::{Lang, Text};

use super::*;

const WICKED: &str = "<script>alert(\"x\")&";

/// A page about a record, each text of which is wicked.
fn page(lang: Lang) -> String {
    let wicked = || WICKED.to_owned();
    let mut failed = cell("other", &[]);
    failed.failures.push(Failed {
        round: 1,
        reason: wicked().into(),
        unmetered: None,
    });
    let mut wrong = cell(&format!("{WICKED} wrong"), &[5.0; 3]);
    wrong.rounds[0].errors = 1;
    wrong.rounds[0].first_error = Some(wicked().into());
    let mut record = record(vec![cell(WICKED, &[4.0; 3]), wrong, failed]);
    for cell in &mut record.cells {
        cell.workload = wicked();
    }
    let workload = &mut record.workloads[0];
    (workload.name, workload.work) = (wicked(), wicked());
    (workload.title, workload.asks) = (Text::new(WICKED, WICKED), Text::new(WICKED, WICKED));
    record.entrants[2].kind = Kind::Foreign { command: wicked() };
    (record.command, record.portlab_version) = (wicked(), wicked());
    (record.environment.cpu, record.environment.kernel) = (wicked(), wicked());
    record.timelines.push(Timeline {
        model: wicked(),
        workload: wicked(),
        tracks: vec![Track {
            process: wicked(),
            thread: wicked(),
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
fn a_page_asks_nothing_of_the_network() {
    for lang in Lang::ALL {
        let page = page(lang).replace("// A page opened from a file", "");
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
fn a_page_says_its_language() {
    assert!(page(Lang::Zh).contains("<html lang=\"zh-Hans\">"));
    assert!(page(Lang::En).contains("<html lang=\"en\">"));
}

#[test]
fn no_rule_of_the_page_meets_a_chart_by_chance() {
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
