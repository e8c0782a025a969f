//! Every block and every chart with invented figures, to look at:
//! `cargo run -p portlab-report --example demo -- DIRECTORY`.
//!
//! The figures are made up; nothing here was measured.

#![forbid(unsafe_code)]

mod figures;
mod texts;

use std::{env, fs, io, path::Path};

use portlab_report::{
    Lang,
    chart::{
        self, Axis, Bars, Drawing, Frame, Lines, Palette, Percentiles, Spacing, Strip, StripWords,
    },
    page::{self, Cell, Column, Mark, Page, Section, Sheet, Table},
};
use portlab_stats::units;

use figures::MODELS;
use texts::Texts;

fn main() -> io::Result<()> {
    let directory = env::args()
        .nth(1)
        .unwrap_or_else(|| "target/demo".to_owned());
    let directory = Path::new(&directory);
    fs::create_dir_all(directory)?;
    for (lang, texts) in [(Lang::En, &texts::EN), (Lang::Zh, &texts::ZH)] {
        let path = directory.join(format!("{lang}.html"));
        fs::write(path, Demo::new(lang, texts).page())?;
    }
    let demo = Demo::new(Lang::En, &texts::EN);
    for (name, draw) in Demo::CHARTS {
        let drawing = draw(&demo, &format!("file-{name}"), Frame::WIDE);
        fs::write(directory.join(format!("{name}.svg")), drawing.file())?;
    }
    Ok(())
}

struct Demo {
    lang: Lang,
    texts: &'static Texts,
    palette: Palette,
}

type Draw = fn(&Demo, &str, f64) -> Drawing;

impl Demo {
    const CHARTS: [(&str, Draw); 6] = [
        ("bars", |demo, id, width| {
            demo.bars(id, width, Spacing::FromZero)
        }),
        ("bars-log", |demo, id, width| {
            demo.bars(id, width, Spacing::Log)
        }),
        ("lines", |demo, id, width| {
            demo.lines(id, width, MODELS.len())
        }),
        ("bands", |demo, id, width| demo.lines(id, width, 3)),
        ("percentiles", Self::percentiles),
        ("strip", Self::strip),
    ];

    fn new(lang: Lang, texts: &'static Texts) -> Self {
        let palette = Palette::of(MODELS.iter().map(|model| model.name));
        Self {
            lang,
            texts,
            palette,
        }
    }

    fn bars(&self, id: &str, width: f64, spacing: Spacing) -> Drawing {
        let rows = figures::bars(&self.palette, self.texts);
        let axis = Axis::new(self.texts.cpu_axis, spacing, micros);
        let chart = Bars {
            rows: &rows,
            axis,
            key: Some(self.texts.key),
        };
        chart::bars(&self.frame(id, self.texts.cpu, width), &chart)
    }

    fn lines(&self, id: &str, width: f64, count: usize) -> Drawing {
        let series = figures::lines(&self.palette, count);
        let chart = Lines {
            series: &series,
            x: Axis::new(self.texts.connections_axis, Spacing::Log, units::short),
            y: Axis::new(self.texts.rate_axis, Spacing::FromZero, units::short),
            plot_height: 340.0,
        };
        chart::lines(&self.frame(id, self.texts.rate, width), &chart)
    }

    fn percentiles(&self, id: &str, width: f64) -> Drawing {
        let series = figures::quantiles(&self.palette);
        let chart = Percentiles {
            series: &series,
            x_label: self.texts.percentile_axis,
            y_label: self.texts.latency_axis,
            write: units::nanos,
            plot_height: 340.0,
        };
        chart::percentiles(&self.frame(id, self.texts.latency, width), &chart)
    }

    fn strip(&self, id: &str, width: f64) -> Drawing {
        let tracks = figures::tracks();
        let chart = Strip {
            tracks: &tracks,
            from_us: 0.0,
            to_us: 50_000.0,
            axis: Axis::new(self.texts.time_axis, Spacing::Linear, |us| {
                format!("{} ms", us / 1e3)
            }),
            most_tracks: 12,
            words: if self.lang == Lang::Zh {
                StripWords::ZH
            } else {
                StripWords::EN
            },
        };
        chart::strip(&self.frame(id, self.texts.strip, width), &chart)
    }

    fn frame<'a>(&'a self, id: &'a str, title: &'a str, width: f64) -> Frame<'a> {
        Frame {
            id,
            title,
            description: self.texts.description,
            width,
        }
    }

    fn figure(&self, name: &str, heading: &str, caption: &str) -> maud::Markup {
        let (_, draw) = Self::CHARTS
            .into_iter()
            .find(|(known, _)| *known == name)
            .unwrap_or(Self::CHARTS[0]);
        let wide = draw(self, &format!("w-{name}"), Frame::WIDE);
        let narrow = draw(self, &format!("n-{name}"), Frame::PHONE);
        page::figure(heading, &wide, Some(&narrow), caption)
    }

    fn page(&self) -> String {
        let texts = self.texts;
        let section = |id, title, short, body| Section {
            id,
            title,
            short,
            body,
        };
        let blocks = |blocks: Vec<maud::Markup>| maud::html! { @for block in &blocks { (block) } };
        let sections = vec![
            section(
                "findings",
                texts.findings,
                texts.findings,
                blocks(vec![
                    page::cards(&texts.cards),
                    page::paragraphs(texts.prose),
                ]),
            ),
            section(
                "cpu",
                texts.cpu,
                texts.cpu_short,
                blocks(vec![
                    self.figure("bars", texts.cpu, texts.cpu_caption),
                    page::fold(texts.as_table, &self.table()),
                    self.figure("bars-log", texts.log, ""),
                ]),
            ),
            section(
                "rate",
                texts.rate,
                texts.rate_short,
                blocks(vec![
                    self.figure("lines", texts.rate, texts.rate_caption),
                    self.figure("bands", texts.bands, ""),
                ]),
            ),
            section(
                "latency",
                texts.latency,
                texts.latency_short,
                blocks(vec![
                    self.figure("percentiles", texts.latency, texts.latency_caption),
                    self.table(),
                ]),
            ),
            section(
                "strip",
                texts.strip,
                texts.strip_short,
                self.figure("strip", "", texts.strip_caption),
            ),
            section("models", texts.models, texts.models, self.sheets()),
            section(
                "cautions",
                texts.cautions_title,
                texts.cautions_title,
                page::cautions(&texts.cautions),
            ),
            section(
                "environment",
                texts.environment,
                texts.environment,
                page::facts(texts.facts),
            ),
            section(
                "command",
                texts.command,
                texts.command,
                page::command(self.lang, texts::COMMAND),
            ),
        ];
        page::shell(&Page {
            lang: self.lang,
            title: texts.title,
            lead: texts.lead,
            chips: texts.chips,
            sections,
            footer: texts.footer,
        })
    }

    fn table(&self) -> maud::Markup {
        let column = |title| Column {
            title,
            meaning: "",
            is_figures: true,
        };
        let mut columns = vec![Column {
            is_figures: false,
            ..column(self.texts.model)
        }];
        columns.extend(self.texts.columns.map(column));
        let rows = MODELS.iter().enumerate().map(|(at, model)| {
            let mut row = vec![Cell::model(model.name, self.palette.style(model.name))];
            if model.cpu_us == 0.0 {
                row.push(Cell::remark(self.texts.not_run, self.texts.columns.len()));
                return row;
            }
            let mark = [
                Mark::Best,
                Mark::WithTheBest,
                Mark::None,
                Mark::WithTheWorst,
                Mark::Worst,
            ];
            let mark =
                |offset: usize| mark[[2, 2, 0, 2, 1, 2, 2, 3, 2, 4, 2, 2, 2][(at + offset) % 13]];
            row.push(Cell::new(units::short(model.rate)).marked(mark(0)));
            row.push(Cell::new(units::nanos(model.p50_us * 1e3)).marked(mark(2)));
            row.push(Cell::new(units::nanos(model.p50_us * 4.3e3)));
            row.push(Cell::new(units::nanos(model.p50_us * 17e3)));
            row.push(Cell::new(micros(model.cpu_us)).marked(mark(5)));
            row.push(Cell::new(units::bytes(model.cpu_us * 7e5)));
            row
        });
        page::table(&Table {
            caption: self.texts.table_caption,
            columns,
            rows: rows.collect(),
        })
    }

    fn sheets(&self) -> maud::Markup {
        let sheets = self.texts.sheets.iter().map(|sheet| Sheet {
            name: sheet.name,
            style: self.palette.style(sheet.name),
            family: sheet.family,
            term: sheet.term,
            idea: sheet.idea,
            facts: sheet.facts,
        });
        page::sheets(&sheets.collect::<Vec<_>>())
    }
}

fn micros(us: f64) -> String {
    units::nanos(us * 1e3)
}
