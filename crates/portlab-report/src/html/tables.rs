//! The table of a group.

use maud::Markup;
use portlab_stats::{
    analysis::{Column as Figures, Group, differs},
    measure::Measure,
    record::{Cell as Measured, Kind, Text},
};

use super::{Report, place::place};
use crate::{
    columns::{measures, write_interval, write_of, write_ratio},
    page::{self, Cell, Column, Mark, Table},
    sentences::names,
};

static MODEL: Text = Text::new("server", "服务器");
static RANK: Text = Text::new("place", "名次");
static INTERVAL: Text = Text::new("95% interval", "95% 置信区间");
static NOT_RUN: Text = Text::new("not run", "未运行");
static FAILED: Text = Text::new("failed", "失败");
static FIGURES: Text = Text::new("The figures", "全部数字");

/// The title and the table of `group`, one of `groups`.
pub(super) fn table(report: &Report, groups: &[&Group], group: &Group) -> (String, Markup) {
    let lang = report.lang;
    let counts = group.workload.counts;
    let measures = measures(group.workload);
    let columns: Vec<Figures> = measures.iter().map(|&it| group.column(it)).collect();
    let labels: Vec<_> = measures
        .iter()
        .map(|&it| names::measure(it, counts))
        .collect();
    let baseline = report.record.setup.baseline.as_deref().unwrap_or_default();
    let ratio = format!("× {baseline}");
    let figures = |title, meaning| Column {
        title,
        meaning,
        is_figures: true,
    };
    let mut heads = vec![
        Column {
            title: lang.pick(&MODEL),
            ..Column::default()
        },
        figures(lang.pick(&RANK), ""),
    ];
    for (at, label) in labels.iter().enumerate() {
        heads.push(figures(lang.pick(&label.short), lang.pick(&label.title)));
        if at == 0 {
            heads.push(figures(lang.pick(&INTERVAL), ""));
            if group.baseline().is_some() {
                heads.push(figures(&ratio, ""));
            }
        }
    }
    let width = heads.len();
    let rows = group.cells.iter().enumerate().map(|(at, cell)| {
        let name = Cell::model(&cell.model, report.palette.style(&cell.model));
        match remark(report, cell) {
            Some(text) => vec![name, Cell::remark(&text, width - 1)],
            None => row(group, name, (at, cell), &columns),
        }
    });
    let title = format!(
        "{}{}{}",
        lang.pick(&FIGURES),
        match lang {
            crate::Lang::En => ": ",
            crate::Lang::Zh => "：",
        },
        place(groups, &group.point, lang)
    );
    let table = Table {
        caption: "",
        columns: heads,
        rows: rows.collect(),
    };
    (title, page::table(&table))
}

/// What stands in place of figures, where there are none.
fn remark(report: &Report, cell: &Measured) -> Option<String> {
    let lang = report.lang;
    if let Some(why) = &cell.not_run {
        let why = names::not_run(why, cell.point.connections);
        return Some(format!("{}: {}", lang.pick(&NOT_RUN), lang.pick(&why)));
    }
    let failure = cell.failures.first().filter(|_| cell.rounds.is_empty())?;
    Some(format!("{}: {}", lang.pick(&FAILED), failure.reason))
}

fn row(
    group: &Group,
    name: Cell,
    (at, cell): (usize, &Measured),
    columns: &[Figures],
) -> Vec<Cell> {
    let is_second = group
        .entrant(cell)
        .is_some_and(|it| matches!(it.kind, Kind::Twin { .. } | Kind::Control));
    let rank = columns.first().and_then(|column| column.ranks[at]);
    let mut row = vec![
        name,
        Cell::new(rank.map_or_else(String::new, |rank| rank.to_string())),
    ];
    for (place, column) in columns.iter().enumerate() {
        let measure = column.measure;
        let Some(figure) = column.figures[at] else {
            let empties = if place == 0 {
                2 + usize::from(group.baseline().is_some())
            } else {
                1
            };
            row.extend((0..empties).map(|_| Cell::new("–").marked(Mark::Muted)));
            continue;
        };
        let mark = match column.ranks[at] {
            _ if is_second => Mark::Muted,
            Some(1) if column.tells_apart() => Mark::Best,
            rank if rank.is_some() && rank == column.last() && column.tells_apart() => Mark::Worst,
            _ => Mark::None,
        };
        let limited = measure.is_the_generators() && cell.generator_was_the_limit();
        let sign = if limited { "*" } else { "" };
        row.push(Cell::new(write_of(measure, cell, figure.median) + sign).marked(mark));
        if place == 0 {
            row.push(Cell::new(write_interval(measure, figure.low, figure.high)));
            if let Some(baseline) = group.baseline() {
                row.push(ratio(group, cell, baseline, measure));
            }
        }
    }
    row
}

fn ratio(group: &Group, cell: &Measured, baseline: &Measured, measure: Measure) -> Cell {
    if cell.model == baseline.model {
        return Cell::new("1");
    }
    let Some(ratio) = cell.ratio(baseline, measure) else {
        return Cell::new("–").marked(Mark::Muted);
    };
    let text = write_ratio(measure, baseline, ratio, true);
    if differs(ratio, group.floor(measure)) {
        Cell::new(text)
    } else {
        Cell::new(text + " ≈").marked(Mark::Muted)
    }
}
