//! The notes as one page of HTML, which makes no request, with charts of [`portlab_chart`].
//!
//! | module | owns |
//! |---|---|
//! | `charts` | which charts a record has |
//! | `palette` | the colour, the dash and the marker of each model |
//! | `tables` | a table of the notes |
//! | `timelines` | what each thread did |
//! | `about` | the models and the machine |
//! | `shell` | what stands around the sections: head, title, contents, style sheet |

mod about;
pub(crate) mod charts;
pub(crate) mod palette;
pub(crate) mod shell;
mod tables;
#[cfg(test)]
mod tests;
mod timelines;

use maud::{Markup, Render, html};
use portlab_words::{Lang, Text};

pub use charts::{Chart, charts};

use self::{
    palette::Palette,
    shell::{Head, Section, shell},
};
use crate::notes::{Notes, OfWorkload, Part, Sentence};

/// Writes `notes` as a page of HTML: one file, which makes no request.
pub fn html(notes: &Notes) -> String {
    let report = Report::of(notes);
    let (record, lang) = (notes.record, notes.lang);
    let mut sections = vec![report.section("found", &FOUND, report.found())];
    let ids = notes.workloads.iter().map(|it| format!("on-{}", it.name));
    let ids: Vec<String> = ids.collect();
    for (workload, id) in notes.workloads.iter().zip(&ids) {
        sections.push(Section {
            id,
            title: workload.title,
            short: workload.name,
            body: report.workload(workload),
        });
    }
    sections.push(report.section("signs", &SIGNS, report.signs()));
    if !record.timelines.is_empty() {
        sections.push(report.section("timelines", &TIMELINES, timelines::timelines(record, lang)));
    }
    if record
        .entrants
        .iter()
        .any(|entrant| entrant.sheet.is_some())
    {
        sections.push(report.section("models", &MODELS, about::sheets(&report)));
    }
    sections.push(report.section("cautions", &CAUTIONS, report.cautions()));
    sections.push(report.section("where", &WHERE, about::machine(notes)));
    sections.push(report.section("command", &COMMAND, command(&record.command, lang)));
    let head = Head {
        lang,
        title: &notes.heading.title,
        lead: LEAD.pick(lang),
        chips: about::chips(notes),
        footer: about::footer(record, lang),
    };
    shell(&head, &sections)
}

/// What all parts of the page are made from.
pub(crate) struct Report<'a> {
    pub(crate) notes: &'a Notes<'a>,
    pub(crate) palette: Palette<'a>,
}

static LEAD: Text = Text::new(
    "Every measurement had a fresh server process, verified first, then loaded and metered; rounds were \
     shuffled. Servers that can't be told apart share a place.",
    "每次测量都使用全新的服务端进程：先核对，再加负载并计量；各轮顺序随机。分不出高下的并列。",
);
static FOUND: Text = Text::new("What was found", "结论");
static SIGNS: Text = Text::new("What the signs mean", "符号说明");
static TIMELINES: Text = Text::new("What each thread did", "每个线程在做什么");
static MODELS: Text = Text::new("The models", "各模型");
static CAUTIONS: Text = Text::new("Cautions", "注意事项");
static WHERE: Text = Text::new("Where it was measured", "测量环境");
static COMMAND: Text = Text::new("The command", "命令");

impl<'a> Report<'a> {
    fn of(notes: &'a Notes<'a>) -> Self {
        Self {
            palette: Palette::of(&notes.record.entrants),
            notes,
        }
    }

    fn section<'b>(&self, id: &'b str, title: &'static Text, body: Markup) -> Section<'b> {
        let title = title.pick(self.notes.lang);
        Section {
            id,
            title,
            short: title,
            body,
        }
    }

    /// A card for each workload: what it asks, and the first thing there is to say.
    fn found(&self) -> Markup {
        let nothing = self.notes.lang.pick(
            "The statistics don't support any statement.",
            "统计上得不出任何结论。",
        );
        let first = |workload: &OfWorkload| {
            let first = workload.findings.first().map(|it| it.sentence.plain());
            first.unwrap_or_else(|| nothing.to_owned())
        };
        // Two or four cards stand in pairs, so that their last row is full.
        let columns = match self.notes.workloads.len() {
            2 | 4 => "by2",
            _ => "by3",
        };
        html! {
            (prose(&self.notes.conclusion))
            div class={ "cards " (columns) } {
                @for workload in &self.notes.workloads {
                    article class="card plain" { h3 { (workload.asks) } p { (first(workload)) } }
                }
            }
        }
    }

    /// A workload: its question, what was found, its charts and its tables.
    fn workload(&self, workload: &OfWorkload) -> Markup {
        let charts = charts::of_workload(self, workload);
        html! {
            div.prose {
                p.asks { (workload.asks) }
                @for finding in &workload.findings { p { (marked_up(&finding.sentence)) } }
            }
            @for chart in &charts { (chart.figure()) }
            @for table in &workload.tables { (tables::table(self, table)) }
        }
    }

    /// What the signs mean that stand in a table of the page.
    fn signs(&self) -> Markup {
        let seen = tables::seen(self.notes);
        let signs = self.notes.legend.iter().filter(|sign| seen.needs(sign));
        prose(signs.map(|sign| sign.sentence.plain()))
    }

    fn cautions(&self) -> Markup {
        let cautions = self.notes.cautions.iter().map(|caution| &caution.sentence);
        let checked = self.notes.heading.checked.iter();
        let texts = checked.chain(cautions).map(Sentence::plain);
        html! { ul.cautions { @for text in texts { li.warn { (text) } } } }
    }
}

/// A command, with a button that copies it.
pub(crate) fn command(command: &str, lang: Lang) -> Markup {
    let (copy, copied) = (lang.pick("Copy", "复制"), lang.pick("Copied", "已复制"));
    html! {
        div.command {
            pre { code { (command) } }
            button type="button" hidden data-copied=(copied) { (copy) }
        }
    }
}

/// Paragraphs of plain text.
pub(crate) fn prose(paragraphs: impl IntoIterator<Item: Render>) -> Markup {
    html! { div.prose { @for text in paragraphs { p { (text) } } } }
}

/// A sentence in which names are code and figures stand out.
fn marked_up(sentence: &Sentence) -> Markup {
    html! {
        @for part in &sentence.parts {
            @match part {
                Part::Text(text) => (text),
                Part::Name(name) => { code { (name) } },
                Part::Figure(figure) => { b { (figure) } },
            }
        }
    }
}
