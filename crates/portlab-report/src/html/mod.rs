//! The notes as one page of HTML: blocks of [`page`](crate::page) and charts of [`portlab_chart`], put together.
//!
//! | module | owns |
//! |---|---|
//! | `charts` | which charts a record has |
//! | `palette` | the colour, the dash and the marker of each model |
//! | `tables` | a table of the notes as a block |
//! | `about` | the models, the machine, the timelines |

mod about;
mod charts;
pub(crate) mod palette;
mod tables;

use maud::{Markup, html};
use portlab_words::Text;

pub use charts::{Chart, charts};

use palette::Palette;

use crate::{
    notes::{Notes, OfWorkload, Part, Sentence},
    page::{self, Page, Section},
};

/// Writes `notes` as a page of HTML: one file, which asks nothing of the network.
#[must_use]
pub fn html(notes: &Notes) -> String {
    let report = Report::of(notes);
    let (record, lang) = (notes.record, notes.lang);
    let footer = about::footer(record, lang);
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
        sections.push(report.section("timelines", &TIMELINES, about::timelines(record, lang)));
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
    sections.push(report.section("command", &COMMAND, page::command(lang, &record.command)));
    page::shell(&Page {
        lang,
        title: &notes.heading.title,
        lead: LEAD.pick(lang),
        chips: &about::chips(notes),
        sections,
        footer: &footer,
    })
}

/// What all parts of the page look at.
pub(crate) struct Report<'a> {
    pub(crate) notes: &'a Notes<'a>,
    pub(crate) palette: Palette<'a>,
}

static LEAD: Text = Text::new(
    "Every measurement had a fresh server process, verified first, then loaded and metered; rounds were \
     shuffled. What can't be told apart shares a place.",
    "每次测量都使用全新的服务器进程：先校验，再加压、计量；各轮次序随机。分不出高下的并列。",
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
            "统计上没有可以断言的结论。",
        );
        let cards = self.notes.workloads.iter().map(|workload| {
            let first = workload.findings.first().map(|it| it.sentence.plain());
            (workload.asks, first.unwrap_or_else(|| nothing.to_owned()))
        });
        html! {
            (page::paragraphs(&self.notes.conclusion))
            (page::cards(&cards.collect::<Vec<_>>()))
        }
    }

    /// A workload: its question, what was found, its charts and its tables.
    fn workload(&self, workload: &OfWorkload) -> Markup {
        let charts = charts::of_workload(self, workload);
        let tables = workload
            .tables
            .iter()
            .map(|table| tables::table(self, table));
        html! {
            div.prose {
                p.asks { (workload.asks) }
                @for finding in &workload.findings { p { (marked_up(&finding.sentence)) } }
            }
            @for chart in &charts {
                (page::figure(&chart.heading, &chart.wide, &chart.narrow, &chart.caption))
            }
            @for (title, table) in tables { (page::fold(&title, &table)) }
        }
    }

    /// What the signs mean that stand in a table of the page.
    fn signs(&self) -> Markup {
        let seen = tables::seen(self.notes);
        let signs = self.notes.legend.iter().filter(|sign| seen.needs(sign));
        let signs: Vec<String> = signs.map(|sign| sign.sentence.plain()).collect();
        page::paragraphs(&signs)
    }

    fn cautions(&self) -> Markup {
        let cautions = self.notes.cautions.iter().map(|caution| &caution.sentence);
        let checked = self.notes.heading.checked.iter();
        let texts: Vec<String> = checked.chain(cautions).map(Sentence::plain).collect();
        page::cautions(&texts)
    }
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
