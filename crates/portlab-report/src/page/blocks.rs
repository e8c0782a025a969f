//! Cards, facts, cautions, a command, a figure.

use maud::{Markup, PreEscaped, html};
use portlab_chart::Drawing;
use portlab_words::Lang;

/// What a block says by its colour; its words say it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// Good.
    Good,
    /// To be taken with care.
    Warn,
    /// Wrong.
    Bad,
}

/// A finding.
#[derive(Clone, Debug, Default)]
pub struct Card<'a> {
    /// What it is about, such as `Least CPU per message`.
    pub title: &'a str,
    /// The answer, large, such as a model's name.
    pub figure: &'a str,
    /// A sentence or two.
    pub text: &'a str,
    /// Its tone.
    pub tone: Tone,
}

/// A caution.
#[derive(Clone, Debug)]
pub struct Caution<'a> {
    /// What it is about, in a few words.
    pub title: &'a str,
    /// What to bear in mind.
    pub text: &'a str,
    /// [`Tone::Warn`] when it bears on the conclusions, [`Tone::Bad`] when it spoils them.
    pub tone: Tone,
}

/// Findings, beside one another where there is room.
pub fn cards(cards: &[Card<'_>]) -> Markup {
    // No card is to stand alone in its row.
    let columns = match cards.len() {
        2 | 4 => "by2",
        _ => "by3",
    };
    html! {
        div class={ "cards " (columns) } {
            @for card in cards {
                article class={ "card " (card.tone.class()) } {
                    h3 { (card.title) }
                    @if !card.figure.is_empty() { p.figure { (card.figure) } }
                    @if !card.text.is_empty() { p { (card.text) } }
                }
            }
        }
    }
}

/// Paragraphs of plain text.
pub fn paragraphs(paragraphs: &[&str]) -> Markup {
    html! { div.prose { @for text in paragraphs { p { (text) } } } }
}

/// Names and values, such as the environment's.
pub fn facts(facts: &[(&str, &str)]) -> Markup {
    html! {
        dl.facts { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
    }
}

/// Cautions.
pub fn cautions(cautions: &[Caution<'_>]) -> Markup {
    html! {
        ul.cautions {
            @for caution in cautions {
                li class=(caution.tone.class()) { strong { (caution.title) } " " (caution.text) }
            }
        }
    }
}

/// A command, with a button that copies it.
pub fn command(lang: Lang, text: &str) -> Markup {
    let (copy, copied) = (lang.pick("Copy", "复制"), lang.pick("Copied", "已复制"));
    html! {
        div.command {
            pre { code { (text) } }
            button type="button" hidden data-copied=(copied) { (copy) }
        }
    }
}

/// A chart with its heading and its caption. Where the screen is narrow, `narrow` takes its place.
pub fn figure(heading: &str, wide: &Drawing, narrow: Option<&Drawing>, caption: &str) -> Markup {
    let class = if narrow.is_some() { "wide" } else { "always" };
    html! {
        figure.chart {
            @if !heading.is_empty() { h3 { (heading) } }
            div class=(class) { (PreEscaped(wide.inline())) }
            @if let Some(narrow) = narrow { div.narrow { (PreEscaped(narrow.inline())) } }
            @if !caption.is_empty() { figcaption { (caption) } }
        }
    }
}

/// Blocks that are folded away until they are asked for; on paper they are open.
pub fn fold(summary: &str, body: &Markup) -> Markup {
    html! { details.fold { summary { (summary) } (body) } }
}

impl Tone {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}
