//! The report as one page of HTML: blocks of [`page`](crate::page), charts of
//! [`chart`](crate::chart), and words of [`sentences`](crate::sentences), put together.
//!
//! | module | owns |
//! |---|---|
//! | `charts` | which charts a record has |
//! | `tables` | the table of a group |
//! | `place` | where in a workload, in words |
//! | `about` | the models, the machine, the timelines |

mod about;
mod charts;
mod place;
mod tables;

use maud::{Markup, html};
use portlab_stats::{
    analysis::{Group, groups},
    record::{Kind, Record, Text},
};

pub use charts::{Chart, charts};

use crate::{
    Lang,
    chart::Palette,
    page::{self, Card, Caution, Page, Section, Tone},
    sentences::{self, Findings, Part, Sentence, Summary},
};

/// Renders `record` as a page of HTML in `lang`: one file, which asks nothing of the network.
#[must_use]
pub fn html(record: &Record, lang: Lang) -> String {
    let all = groups(record);
    let report = Report {
        record,
        lang,
        palette: Palette::of(record.entrants.iter().map(|entrant| entrant.name.as_str())),
        summary: sentences::summary(record, lang),
    };
    let title = report.title();
    let chips = about::chips(record, lang);
    let chips: Vec<_> = chips
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let footer = about::footer(record, lang);
    let mut sections = vec![report.section("found", &FOUND, report.found())];
    let ids: Vec<String> = record
        .workloads
        .iter()
        .map(|it| format!("on-{}", it.name))
        .collect();
    for (workload, id) in record.workloads.iter().zip(&ids) {
        let of_it: Vec<&Group> = all
            .iter()
            .filter(|group| group.workload.name == workload.name)
            .collect();
        sections.push(Section {
            id,
            title: lang.pick(&workload.title),
            short: &workload.name,
            body: report.workload(&of_it),
        });
    }
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
    sections.push(report.section("where", &WHERE, about::machine(record, lang)));
    sections.push(report.section("command", &COMMAND, page::command(lang, &record.command)));
    page::shell(&Page {
        lang,
        title: &title,
        lead: lang.pick(&LEAD),
        chips: &chips,
        sections,
        footer: &footer,
    })
}

/// What all parts of the page look at.
pub(crate) struct Report<'a> {
    pub(crate) record: &'a Record,
    pub(crate) lang: Lang,
    pub(crate) palette: Palette,
    summary: Summary,
}

static LEAD: Text = Text::new(
    "Every measurement had a fresh server process, verified first, then loaded and metered; rounds were \
     shuffled. What can't be told apart shares a place.",
    "每次测量都使用全新的服务器进程：先校验，再加压、计量；各轮次序随机。分不出高下的并列。",
);
static FOUND: Text = Text::new("What was found", "结论");
static TIMELINES: Text = Text::new("Who worked, who waited", "谁在干活，谁在等待");
static MODELS: Text = Text::new("The models", "各模型");
static CAUTIONS: Text = Text::new("Before you believe it", "相信之前请注意");
static WHERE: Text = Text::new("Where it was measured", "测量环境");
static COMMAND: Text = Text::new("The command", "命令");

impl Report<'_> {
    fn title(&self) -> String {
        let takes_part = |kind: &Kind| matches!(kind, Kind::Model | Kind::Foreign { .. });
        let entrants = self.record.entrants.iter();
        let count = entrants.filter(|entrant| takes_part(&entrant.kind)).count();
        match (self.lang, count) {
            (Lang::En, 1) => "One server measured".to_owned(),
            (Lang::En, count) => format!("{count} servers, side by side"),
            (Lang::Zh, count) => format!("{count} 个服务器，并排比较"),
        }
    }

    fn section<'a>(&self, id: &'a str, title: &'static Text, body: Markup) -> Section<'a> {
        let title = self.lang.pick(title);
        Section {
            id,
            title,
            short: title,
            body,
        }
    }

    fn findings(&self, workload: &str) -> Option<&Findings> {
        self.summary
            .workloads
            .iter()
            .find(|found| found.workload == workload)
    }

    /// A card for each workload: what it asks, and the first thing there is to say.
    fn found(&self) -> Markup {
        let said: Vec<(String, String)> = self
            .record
            .workloads
            .iter()
            .map(|workload| {
                let first = self
                    .findings(&workload.name)
                    .and_then(|found| found.sentences.first());
                let nothing = || self.lang.pick(&NOTHING).to_owned();
                (
                    self.lang.pick(&workload.asks).to_owned(),
                    first.map_or_else(nothing, plain),
                )
            })
            .collect();
        let cards: Vec<Card> = said
            .iter()
            .map(|(asks, text)| Card {
                title: asks,
                figure: "",
                text,
                tone: Tone::Plain,
            })
            .collect();
        page::cards(&cards)
    }

    /// A workload: its question, what was found, its charts and its tables.
    fn workload(&self, groups: &[&Group]) -> Markup {
        let Some(first) = groups.first() else {
            return html! {};
        };
        let found = self.findings(&first.workload.name);
        let charts = charts::of_workload(self, groups);
        let tables = groups
            .iter()
            .map(|group| tables::table(self, groups, group));
        html! {
            div.prose {
                p.asks { (self.lang.pick(&first.workload.asks)) }
                @if let Some(found) = found {
                    @for sentence in &found.sentences { p { (marked_up(sentence)) } }
                }
            }
            @for chart in &charts {
                (page::figure(&chart.heading, &chart.wide, Some(&chart.narrow), &chart.caption))
            }
            @for (title, table) in tables { (page::fold(&title, &table)) }
        }
    }

    fn cautions(&self) -> Markup {
        let texts: Vec<String> = self.summary.cautions.iter().map(plain).collect();
        let cautions: Vec<Caution> = texts
            .iter()
            .map(|text| Caution {
                title: "",
                text,
                tone: Tone::Warn,
            })
            .collect();
        page::cautions(&cautions)
    }
}

static NOTHING: Text = Text::new(
    "Nothing that the statistics carry.",
    "统计上没有可以断言的结论。",
);

/// A sentence without marks.
fn plain(sentence: &Sentence) -> String {
    let text = sentence.parts.iter().map(|part| match part {
        Part::Text(text) | Part::Name(text) | Part::Figure(text) => text.as_str(),
    });
    text.collect()
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
