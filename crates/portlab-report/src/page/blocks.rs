//! Cards, facts, cautions, a command, a figure.

use maud::{Markup, PreEscaped, Render, html};
use portlab_chart::Drawing;
use portlab_words::Lang;

/// Findings, each a question and a sentence, beside one another where there is room.
pub(crate) fn cards(cards: &[(&str, String)]) -> Markup {
    // No card is to stand alone in its row.
    let columns = match cards.len() {
        2 | 4 => "by2",
        _ => "by3",
    };
    html! {
        div class={ "cards " (columns) } {
            @for (title, text) in cards {
                article class="card plain" { h3 { (title) } p { (text) } }
            }
        }
    }
}

/// Paragraphs of plain text.
pub(crate) fn paragraphs(paragraphs: &[impl Render]) -> Markup {
    html! { div.prose { @for text in paragraphs { p { (text) } } } }
}

/// Names and values, such as the environment's.
pub(crate) fn facts(facts: &[(&str, String)]) -> Markup {
    html! {
        dl.facts { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
    }
}

/// What a reader must bear in mind.
pub(crate) fn cautions(cautions: &[String]) -> Markup {
    html! {
        ul.cautions { @for text in cautions { li.warn { (text) } } }
    }
}

/// A command, with a button that copies it.
pub(crate) fn command(lang: Lang, text: &str) -> Markup {
    let (copy, copied) = (lang.pick("Copy", "复制"), lang.pick("Copied", "已复制"));
    html! {
        div.command {
            pre { code { (text) } }
            button type="button" hidden data-copied=(copied) { (copy) }
        }
    }
}

/// A chart with its heading and its caption. Where the screen is narrow, `narrow` takes the place of `wide`.
pub(crate) fn figure(heading: &str, wide: &Drawing, narrow: &Drawing, caption: &str) -> Markup {
    html! {
        figure.chart {
            h3 { (heading) }
            div.wide { (PreEscaped(wide.inline())) }
            div.narrow { (PreEscaped(narrow.inline())) }
            @if !caption.is_empty() { figcaption { (caption) } }
        }
    }
}

/// Blocks that are folded away until they are asked for; on paper they are open.
pub(crate) fn fold(summary: &str, body: &Markup) -> Markup {
    html! { details.fold { summary { (summary) } (body) } }
}
