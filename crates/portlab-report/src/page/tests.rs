//! What holds for every page.

use maud::html;

use super::*;
use crate::html::palette::Palette;
use portlab_chart::{Axis, Bars, Frame, Spacing, bars};

const WICKED: &str = "<script>alert(\"x\")&";

fn page(lang: Lang) -> String {
    let style = Palette::default().style("fork");
    let axis = Axis::new(WICKED, Spacing::Linear, |value| format!("{value:.0}"));
    let chart = Bars {
        rows: &[],
        axis,
        key: None,
    };
    let frame = Frame {
        id: "c",
        title: WICKED,
        description: WICKED,
        width: 800.0,
    };
    let drawing = bars(&frame, &chart);
    let caution = Caution {
        title: WICKED,
        text: WICKED,
        tone: Tone::Warn,
    };
    let column = Column {
        title: WICKED,
        meaning: WICKED,
        is_figures: true,
    };
    let sheet = Sheet {
        name: WICKED,
        style,
        family: WICKED,
        term: WICKED,
        idea: WICKED,
        facts: &[(WICKED, WICKED)],
    };
    let card = Card {
        title: WICKED,
        figure: WICKED,
        text: WICKED,
        tone: Tone::Bad,
    };
    let rows = vec![vec![
        Cell::model(WICKED, style),
        Cell::new(WICKED).marked(Mark::Best),
    ]];
    let body = html! {
        (cards(&[card])) (paragraphs(&[WICKED])) (facts(&[(WICKED, WICKED)])) (cautions(&[caution]))
        (command(lang, WICKED)) (figure(WICKED, &drawing, Some(&drawing), WICKED))
        (fold(WICKED, &table(&Table { caption: WICKED, columns: vec![column; 2], rows })))
        (sheets(&[sheet]))
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
        chips: &[(WICKED, WICKED)],
        sections: vec![section],
        footer: WICKED,
    })
}

#[test]
fn a_page_asks_nothing_of_the_network() {
    for lang in [Lang::En, Lang::Zh] {
        let page = page(lang);
        for word in ["http:", "https:", "//", "@import", "url(", " src="] {
            let page = page.replace("// A page opened from a file", "");
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
fn the_same_blocks_make_the_same_page() {
    assert_eq!(page(Lang::Zh), page(Lang::Zh));
}

#[test]
fn no_rule_of_the_page_meets_a_chart_by_chance() {
    let classes = |css: &str| {
        let words = css.split(|c: char| !(c.is_ascii_alphanumeric() || "-.".contains(c)));
        let classes = words.filter(|word| {
            word.starts_with('.') && !word[1..].starts_with(|c: char| c.is_ascii_digit())
        });
        classes
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (page, chart) = (classes(STYLE), classes(&portlab_chart::style_sheet()));
    let shared: Vec<_> = page.intersection(&chart).collect();
    assert!(shared.is_empty(), "{shared:?}");
}
