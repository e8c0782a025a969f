//! A report as a document: sections of blocks, in one language, written for a terminal, as Markdown or as a page.

use anstyle::Style;
use maud::{Markup, html};
use portlab_words::{
    Lang,
    style::{DIM, GOOD, HEAD, WARN},
    units::nanos,
};

use crate::{
    grid::{Grid, GridColumn, escaped},
    html::{
        charts::Chart,
        command, prose,
        shell::{Head, Section, shell},
    },
    markdown::code,
    text::{BAD, NARROWEST, PLAIN, filled},
};

/// A report that can be written in several forms.
#[derive(Clone, Debug)]
pub struct Document {
    pub(crate) lang: Lang,
    pub(crate) title: String,
    /// What it is about, in a line.
    pub(crate) lead: String,
    /// Key facts.
    pub(crate) chips: Vec<(&'static str, String)>,
    pub(crate) parts: Vec<Part>,
    /// The last line of the page.
    pub(crate) footer: String,
}

/// A section.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) blocks: Vec<Block>,
}

/// A part of a section. Cards and charts stand on the page only.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    /// Sentences.
    Prose(Vec<String>),
    /// What a reader must know, each with its tone.
    Points(Vec<(Tone, String)>),
    Cards(Vec<Card>),
    Chart(Box<Chart>),
    Table(Table),
    /// Names, and what is so named.
    Facts(Vec<(&'static str, String)>),
    Command(String),
}

/// A figure with its name.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) name: &'static str,
    pub(crate) figure: String,
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// How good a thing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Good,
    Warn,
    Bad,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// Its title; on the page, the table is folded away under it. A table without a title is always shown.
    pub(crate) folded: Option<String>,
    /// The heads; a column of words stands at the left.
    pub(crate) heads: Vec<(String, bool)>,
    pub(crate) rows: Vec<Vec<Entry>>,
}

/// A column of a table whose rows are made from `T`: its head in both languages, and its cell.
pub(crate) type Column<'a, T> = ((&'static str, &'static str), &'a dyn Fn(&T) -> Entry);

/// A cell of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) text: String,
    pub(crate) tone: Tone,
    /// Whether it is a number, which stands at the right.
    is_number: bool,
    /// The number by which a script sorts.
    pub(crate) sort: Option<f64>,
}

impl Document {
    /// The report for a terminal of `width` columns, at least [`NARROWEST`].
    pub fn text(&self, width: usize) -> String {
        let width = width.max(NARROWEST);
        let mut text = filled(&self.title, HEAD, width) + &filled(&self.lead, DIM, width);
        for part in &self.parts {
            let blocks = part.blocks.iter().map(|it| it.text(self.lang, width));
            let blocks: String = blocks.collect();
            if !blocks.is_empty() {
                let title = filled(part.title, HEAD, width);
                text += &format!("\n{title}{blocks}");
            }
        }
        text
    }

    /// The report as Markdown, with the tables of GitHub's dialect.
    pub fn markdown(&self) -> String {
        let mut page = format!("# {}\n\n{}\n", escaped(&self.title), escaped(&self.lead));
        for part in &self.parts {
            let blocks: Vec<String> = part.blocks.iter().filter_map(Block::markdown).collect();
            if !blocks.is_empty() {
                let title = escaped(part.title);
                page += &format!("\n## {title}\n\n{}", blocks.join("\n"));
            }
        }
        page
    }

    /// The charts of the page.
    pub fn charts(&self) -> Vec<Chart> {
        let blocks = self.parts.iter().flat_map(|part| &part.blocks);
        let charts = blocks.filter_map(|block| match block {
            Block::Chart(chart) => Some(chart.as_ref().clone()),
            _ => None,
        });
        charts.collect()
    }

    /// The report as one page of HTML, which makes no request.
    pub fn html(&self) -> String {
        let sections = self.parts.iter().map(|part| Section {
            id: part.id,
            title: part.title,
            short: part.title,
            body: html! { @for block in &part.blocks { (block.html(self.lang)) } },
        });
        let head = Head {
            lang: self.lang,
            title: &self.title,
            lead: &self.lead,
            chips: self.chips.clone(),
            footer: self.footer.clone(),
        };
        shell(&head, &sections.collect::<Vec<_>>())
    }
}

impl Block {
    /// The block, unless nothing is in it.
    pub(crate) fn unless_empty(self) -> Vec<Self> {
        let is_empty = match &self {
            Self::Prose(sentences) => sentences.is_empty(),
            Self::Points(points) => points.is_empty(),
            Self::Cards(cards) => cards.is_empty(),
            Self::Table(table) => table.rows.is_empty(),
            Self::Facts(facts) => facts.is_empty(),
            Self::Command(command) => command.is_empty(),
            Self::Chart(_) => false,
        };
        if is_empty { Vec::new() } else { vec![self] }
    }

    pub(crate) fn chart(chart: Chart) -> Self {
        Self::Chart(Box::new(chart))
    }

    fn text(&self, lang: Lang, width: usize) -> String {
        match self {
            Self::Prose(sentences) => filled(&sentences.join(lang.pick(" ", "")), PLAIN, width),
            Self::Points(points) => {
                let points = points.iter();
                points
                    .map(|(tone, text)| filled(text, tone.style(), width))
                    .collect()
            }
            Self::Table(table) if table.folded.is_none() => table.grid().text(width).1,
            Self::Facts(facts) => {
                let colon = lang.pick(": ", "：");
                let facts = facts
                    .iter()
                    .map(|(name, value)| format!("{name}{colon}{value}"));
                facts.map(|fact| filled(&fact, PLAIN, width)).collect()
            }
            // A command that is broken can't be copied.
            Self::Command(command) => format!("{command}\n"),
            Self::Table(_) | Self::Cards(_) | Self::Chart(_) => String::new(),
        }
    }

    fn markdown(&self) -> Option<String> {
        let list = |lines: Vec<String>| -> String {
            lines.iter().map(|line| format!("- {line}\n")).collect()
        };
        Some(match self {
            Self::Prose(sentences) => escaped(&sentences.join(" ")) + "\n",
            Self::Points(points) => list(points.iter().map(|it| escaped(&it.1)).collect()),
            Self::Table(table) if table.folded.is_none() => table.grid().markdown(),
            Self::Facts(facts) => {
                let line = |(name, value): &(&str, String)| format!("{name}: {}", escaped(value));
                list(facts.iter().map(line).collect())
            }
            Self::Command(command) => code(command) + "\n",
            Self::Table(_) | Self::Cards(_) | Self::Chart(_) => return None,
        })
    }

    fn html(&self, lang: Lang) -> Markup {
        match self {
            Self::Prose(sentences) => prose([sentences.join(lang.pick(" ", ""))]),
            Self::Points(points) => html! {
                ul.cautions { @for (tone, text) in points { li class=[tone.class()] { (text) } } }
            },
            Self::Cards(cards) => html! {
                div.cards.figures { @for card in cards { (card.html()) } }
            },
            Self::Chart(chart) => chart.figure(),
            Self::Table(table) => match &table.folded {
                Some(title) => html! {
                    details.fold { summary { (title) } (table.html()) }
                },
                None => table.html(),
            },
            Self::Facts(facts) => html! {
                dl.facts { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
            },
            Self::Command(text) => command(text, lang),
        }
    }
}

impl Card {
    fn html(&self) -> Markup {
        let class = self
            .tone
            .class()
            .map_or("card plain".to_owned(), |it| format!("card {it}"));
        html! {
            article class=(class) { h3 { (self.name) } p.figure { (self.figure) } p { (self.text) } }
        }
    }
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => PLAIN,
            Self::Good => GOOD,
            Self::Warn => WARN,
            Self::Bad => BAD,
        }
    }

    /// What a cell has behind its other class.
    fn mark(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => " best",
            Self::Warn => " muted",
            Self::Bad => " worst",
        }
    }

    fn class(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("good"),
            Self::Warn => Some("warn"),
            Self::Bad => Some("bad"),
        }
    }
}

impl Table {
    /// A table that is always shown, with a row for each of `items`. A column without a text is left out.
    pub(crate) fn of<T>(lang: Lang, items: &[T], columns: &[Column<'_, T>]) -> Self {
        let mut table = Self {
            rows: vec![Vec::new(); items.len()],
            ..Self::default()
        };
        for ((en, zh), cell) in columns {
            let cells: Vec<Entry> = items.iter().map(cell).collect();
            if cells.iter().all(|it| it.text.is_empty()) {
                continue;
            }
            let has_words = !cells.iter().any(|it| it.is_number);
            table
                .heads
                .push((lang.pick(*en, *zh).to_owned(), has_words));
            for (row, cell) in table.rows.iter_mut().zip(cells) {
                row.push(cell);
            }
        }
        table
    }

    fn grid(&self) -> Grid {
        let columns = self
            .heads
            .iter()
            .enumerate()
            .map(|(at, (head, has_words))| GridColumn {
                head: head.clone(),
                has_words: *has_words,
                // On a narrow terminal, the last columns are left out first.
                weight: (at > 1).then(|| u8::MAX - at as u8),
            });
        let row = |row: &Vec<Entry>| {
            let cells = row.iter().map(|it| (it.text.clone(), it.tone.style()));
            cells.collect()
        };
        Grid {
            columns: columns.collect(),
            rows: self.rows.iter().map(row).collect(),
        }
    }

    /// A table of few figures is only as wide as it must be: a name and its figure stand together.
    fn width(&self) -> &'static str {
        let few = self.heads.len() <= 4 && self.heads.iter().skip(1).all(|(_, words)| !words);
        if few { " few" } else { "" }
    }

    fn html(&self) -> Markup {
        let num = |at: usize| (!self.heads[at].1).then_some("num");
        html! {
            div class={ "scroll" (self.width()) } tabindex="0" {
                table {
                    thead { tr {
                        @for (at, (head, _)) in self.heads.iter().enumerate() {
                            th scope="col" class=[num(at)] { (head) }
                        }
                    } }
                    tbody { @for row in &self.rows { tr {
                        @for (at, entry) in row.iter().enumerate() {
                            @if at == 0 { th scope="row" class=[num(at)] { (entry.text) } }
                            @else {
                                td class={ (num(at).unwrap_or("words")) (entry.tone.mark()) } data-sort=[entry.sort] {
                                    (entry.text)
                                }
                            }
                        }
                    } } }
                }
            }
        }
    }
}

impl Entry {
    /// A text.
    pub(crate) fn of(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// A figure as `write` writes it; a dash if there is none.
    pub(crate) fn figure(value: Option<f64>, write: impl Fn(f64) -> String) -> Self {
        Self {
            sort: value,
            ..Self::number(value.map_or_else(|| "–".to_owned(), write))
        }
    }

    /// A text that stands where numbers stand.
    pub(crate) fn number(text: String) -> Self {
        Self {
            text,
            is_number: true,
            ..Self::default()
        }
    }

    pub(crate) fn time(value: Option<u64>) -> Self {
        Self::figure(value.map(|it| it as f64), nanos)
    }

    pub(crate) fn count(count: u64) -> Self {
        Self {
            sort: Some(count as f64),
            ..Self::number(count.to_string())
        }
    }

    /// A number of errors: bad, unless it is 0.
    pub(crate) fn errors(count: u64) -> Self {
        let tone = if count > 0 { Tone::Bad } else { Tone::Plain };
        Self::count(count).with(tone)
    }

    pub(crate) fn with(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}
