//! What holds for every page.

use std::collections::BTreeSet;

use maud::html;
use portlab_chart::{Axis, Bars, Frame, Marker, Spacing, Style, bars};

use super::*;

const WICKED: &str = "<script>alert(\"x\")&";

fn page(lang: Lang) -> String {
    let style = Style {
        colour: 1,
        dash: 0,
        marker: Marker::Square,
    };
    let chart = Bars {
        rows: &[],
        axis: Axis::new(WICKED, Spacing::Linear, |value| format!("{value:.0}")),
        key: None,
    };
    let frame = Frame {
        id: "c",
        title: WICKED,
        description: WICKED,
        width: 800.0,
    };
    let drawing = bars(&frame, &chart);
    let column = Column {
        title: WICKED,
        meaning: WICKED,
        is_figures: true,
    };
    let cell = |style| Cell {
        text: WICKED.to_owned(),
        mark: Mark::Best,
        style,
        columns: 1,
    };
    let wicked = || WICKED.to_owned();
    let body = html! {
        (cards(&[(WICKED, wicked())])) (paragraphs(&[WICKED])) (facts(&[(WICKED, wicked())]))
        (cautions(&[wicked()])) (command(lang, WICKED)) (figure(WICKED, &drawing, &drawing, WICKED))
        (fold(WICKED, &table(&[column, column], &[vec![cell(Some(style)), cell(None)]])))
    };
    let section = Section {
        id: "all",
        title: WICKED,
        short: WICKED,
        body,
    };
    shell(&Page {
        lang,
        title: WICKED,
        lead: WICKED,
        chips: &[(WICKED, wicked())],
        sections: vec![section],
        footer: WICKED,
    })
}

#[test]
fn a_page_asks_nothing_of_the_network() {
    for lang in Lang::ALL {
        let page = page(lang).replace("// A page opened from a file", "");
        for word in ["http:", "https:", "//", "@import", "url(", " src="] {
            assert!(!page.contains(word), "the page has {word}");
        }
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
    let (page, chart) = (classes(STYLE), classes(&portlab_chart::style_sheet()));
    let shared: Vec<_> = page.intersection(&chart).collect();
    assert!(shared.is_empty(), "{shared:?}");
}
