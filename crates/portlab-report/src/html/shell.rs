//! What stands around the sections of the page.
//!
//! The page is light or dark as the reader's system is, and has a switch for it, whose state isn't stored. On paper the
//! page is light, everything folded is open, and no chart is split.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use portlab_words::{Lang, Text};

/// What stands above and beneath the sections.
#[derive(Clone, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) lang: Lang,
    /// The title.
    pub(crate) title: &'a str,
    /// What the page is about, in a sentence or two.
    pub(crate) lead: &'a str,
    /// Key facts, each with its name.
    pub(crate) chips: Vec<(&'a str, String)>,
    /// The last line.
    pub(crate) footer: String,
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
pub(crate) fn shell(head: &Head<'_>, sections: &[Section<'_>]) -> String {
    let (lang, title) = (head.lang, head.title);
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
                // The page makes no request; the browser enforces that.
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                link rel="icon" href="data:,";
                title { (title) }
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
                        h1 { (title) }
                        p.lead { (head.lead) }
                        // The script shows what only it makes possible.
                        p.help hidden data-toggle=(TOGGLE.pick(lang)) { (HELP.pick(lang)) }
                        dl.chips {
                            @for (name, value) in &head.chips { div { dt { (name) } dd { (value) } } }
                        }
                    }
                }
                div.frame {
                    nav.contents aria-label=(contents) {
                        p { (contents) }
                        ol {
                            @for section in sections {
                                li { a href={ "#" (section.id) } { (section.short) } }
                            }
                        }
                    }
                    main #main {
                        @for section in sections {
                            section id=(section.id) {
                                h2 { (section.title) }
                                (section.body)
                            }
                        }
                        footer { (head.footer) }
                    }
                }
                script { (PreEscaped(script())) }
            }
        }
    };
    page.into_string()
}

/// The script, without its comments and its indentation.
fn script() -> String {
    let lines = SCRIPTS.iter().flat_map(|script| script.lines());
    let lines = lines.map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

static TOGGLE: Text = Text::new("hide or show", "隐藏或显示");
static HELP: Text = Text::new(
    "Point at a chart to read its values, or press Tab and the arrow keys. Press a name in a chart to hide its line, and the head of \
     a table's column to sort.",
    "指向图表可读数值，也可按 Tab 和方向键；点图中的名称可隐藏该线；点表头可排序。",
);
pub(super) const STYLE: &str = include_str!("page.css");
const SCRIPTS: [&str; 3] = [
    include_str!("page.js"),
    include_str!("tables.js"),
    portlab_chart::SCRIPT,
];
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
