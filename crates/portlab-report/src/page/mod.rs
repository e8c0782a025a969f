//! The page of a report: one file of HTML that asks nothing of the network. Blocks take plain data
//! and text, in whatever language, and return markup; [`shell`] puts them together.
//!
//! | module | owns |
//! |---|---|
//! | `blocks` | cards, facts, cautions, a command, a figure |
//! | `table` | a table that scrolls in its own room |
//!
//! The page follows whether the reader's screen is light or dark, and has a switch for it that
//! remembers nothing. On paper it is light, everything folded is open, and no chart is split.

mod blocks;
mod table;
#[cfg(test)]
mod tests;

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(crate) use blocks::{cards, cautions, command, facts, figure, fold, paragraphs};
pub(crate) use table::{Cell, Column, Mark, table};

use portlab_words::Lang;

/// A page.
#[derive(Clone, Debug)]
pub(crate) struct Page<'a> {
    /// The language of its text.
    pub(crate) lang: Lang,
    /// The title, in the window's bar too.
    pub(crate) title: &'a str,
    /// A sentence or two beneath the title.
    pub(crate) lead: &'a str,
    /// Key facts, each a name and its value.
    pub(crate) chips: &'a [(&'a str, String)],
    /// The sections, which the table of contents lists.
    pub(crate) sections: Vec<Section<'a>>,
    /// What stands beneath everything.
    pub(crate) footer: &'a str,
}

/// A section.
#[derive(Clone, Debug)]
pub(crate) struct Section<'a> {
    /// The id that links point to, unique on the page: ASCII letters, digits and hyphens.
    pub(crate) id: &'a str,
    /// Its title.
    pub(crate) title: &'a str,
    /// Its title in the table of contents, where there is little room.
    pub(crate) short: &'a str,
    /// Its blocks.
    pub(crate) body: Markup,
}

/// Writes the whole page.
pub(crate) fn shell(page: &Page<'_>) -> String {
    let lang = page.lang;
    let contents = lang.pick("Contents", "目录");
    let theme = lang.pick("Theme: as the system", "主题：跟随系统");
    let light = lang.pick("Theme: light", "主题：浅色");
    let dark = lang.pick("Theme: dark", "主题：深色");
    let css = [
        portlab_chart::variables(),
        STYLE.to_owned(),
        portlab_chart::style_sheet(),
    ]
    .concat();
    let page = html! {
        (DOCTYPE)
        html lang=(lang.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // Nothing may be asked of the network: the browser holds us to it.
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                link rel="icon" href="data:,";
                title { (page.title) }
                style { (PreEscaped(css)) }
            }
            body {
                a.skip href="#main" { (lang.pick("Skip to the report", "跳到正文")) }
                header.top {
                    div.inner {
                        div.bar {
                            span.brand { "portlab" }
                            button.theme type="button" hidden
                                data-auto=(theme) data-light=(light) data-dark=(dark) {
                                (theme)
                            }
                        }
                        h1 { (page.title) }
                        @if !page.lead.is_empty() { p.lead { (page.lead) } }
                        @if !page.chips.is_empty() {
                            dl.chips {
                                @for (name, value) in page.chips { div { dt { (name) } dd { (value) } } }
                            }
                        }
                    }
                }
                div.frame {
                    nav.contents aria-label=(contents) {
                        p { (contents) }
                        ol {
                            @for section in &page.sections {
                                li { a href={ "#" (section.id) } { (section.short) } }
                            }
                        }
                    }
                    main #main {
                        @for section in &page.sections {
                            section id=(section.id) {
                                h2 { (section.title) }
                                (section.body)
                            }
                        }
                        footer { (page.footer) }
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
