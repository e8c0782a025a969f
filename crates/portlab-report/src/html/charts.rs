//! Which charts a record has.

use std::collections::BTreeSet;

use maud::{Markup, PreEscaped, html};
use portlab_chart::{
    Axis, Bar, Bars, BarsKey, Dot, Drawing, Frame, Lines, Measured, Rank, Sample, Series, Spacing,
    bars, lines, percentiles, place_of,
};
use portlab_stats::{
    analysis::{Column, Group},
    measure::{Better, Measure},
    record::{Cell, Counts, Kind, Point, Rate, Record, Workload},
};
use portlab_words::{Lang, tr, units};

use super::Report;
use crate::notes::{
    Notes, OfWorkload, capitalised, figures, names,
    places::{Dimension, varies_in},
    table::{Row, Table},
};

/// A chart, for a wide and for a narrow screen.
#[derive(Clone, Debug)]
pub struct Chart {
    /// The name of its file without an extension: at most 100 of `a-z`, `0-9` and `-`, the first a digit, unique.
    pub name: String,
    /// What stands above it.
    pub heading: String,
    /// What stands beneath it.
    pub caption: String,
    /// On a wide screen, and in a file of its own.
    pub wide: Drawing,
    /// On a narrow screen.
    pub narrow: Drawing,
}

impl Chart {
    /// The chart with its heading and its caption. Where the screen is narrow, `narrow` takes the place of `wide`.
    pub(crate) fn figure(&self) -> Markup {
        html! {
            figure.chart data-values=[self.wide.values()] {
                h3 { (self.heading) }
                div.wide { (PreEscaped(self.wide.inline())) }
                div.narrow { (PreEscaped(self.narrow.inline())) }
                @if !self.caption.is_empty() { figcaption { (self.caption) } }
            }
        }
    }
}

/// All charts of `notes` that have figures.
pub fn charts(notes: &Notes) -> Vec<Chart> {
    let report = Report::of(notes);
    let workloads = notes.workloads.iter();
    let charts = workloads.flat_map(|workload| of_workload(&report, workload));
    charts.collect()
}

/// More groups than this are shown as a curve, and only the last of them as bars.
const MOST_BARS: usize = 2;
/// If the largest figure is more than this many times the smallest, the axis of bars is logarithmic.
const FAR: f64 = 30.0;
pub(crate) const PLOT: f64 = 320.0;

/// The charts of one workload.
pub(super) fn of_workload(report: &Report, workload: &OfWorkload) -> Vec<Chart> {
    let tables: Vec<&Table> = workload
        .tables
        .iter()
        .filter(|table| table.rows.iter().any(|row| !row.entries.is_empty()))
        .collect();
    let measured: Vec<&Group> = tables.iter().map(|table| &table.group).collect();
    let (Some(first), Some(last)) = (measured.first(), tables.last()) else {
        return Vec::new();
    };
    let mut charts = Vec::new();
    let ranked_by = first.workload.ranked_by;
    if let Some(swept) = swept(&measured) {
        charts.push(curve(report, &measured, swept, ranked_by));
    }
    let shown = match tables.len() {
        0..=MOST_BARS => &tables[..],
        _ => std::slice::from_ref(last),
    };
    for table in shown {
        charts.push(comparison(report, &measured, table, ranked_by));
    }
    let group = &last.group;
    let talks = group.workload.counts != Counts::Nothing;
    if talks && group.cells.iter().any(|cell| !cell.latencies.is_empty()) {
        charts.push(latencies(report, &measured, last));
    }
    if talks && ranked_by != Measure::MessagesPerS && group.point.rate.is_none() {
        charts.push(comparison(report, &measured, last, Measure::MessagesPerS));
    }
    charts
}

/// What is varied over a workload's groups, if it is a single quantity with enough values for a curve.
fn swept(groups: &[&Group]) -> Option<Dimension> {
    let points = groups.iter().map(|group| group.point);
    let [swept] = varies_in(points.clone())[..] else {
        return None;
    };
    let values: Option<BTreeSet<u64>> =
        points.map(|it| Some(value(swept, it)?.to_bits())).collect();
    let are_distinct = values.is_some_and(|values| values.len() == groups.len());
    (are_distinct && groups.len() > MOST_BARS).then_some(swept)
}

/// The place of `point` on an axis of `swept`.
fn value(swept: Dimension, point: Point) -> Option<f64> {
    match (swept, point.rate) {
        (Dimension::Connections, _) => Some(point.connections as f64),
        (Dimension::Size, _) => Some(point.size_bytes as f64),
        (Dimension::Workers, _) => point.workers_asked.map(|count| count as f64),
        (Dimension::Rate, Some(Rate::PerS(rate))) => Some(rate),
        (Dimension::Rate, _) => None,
    }
}

/// The label of an axis of `swept`, and how its values are written.
fn axis_of(swept: Dimension, workload: &Workload, lang: Lang) -> (&'static str, fn(f64) -> String) {
    match swept {
        Dimension::Connections if workload.active_connections.is_some() => {
            (lang.pick("idle connections", "空闲连接数"), units::short)
        }
        Dimension::Connections => (lang.pick("connections", "连接数"), units::short),
        Dimension::Size => (lang.pick("length of a message", "消息长度"), units::bytes),
        Dimension::Workers => (lang.pick("workers", "工作者数"), units::short),
        Dimension::Rate => (
            lang.pick("messages due per second", "每秒应发消息数"),
            units::short,
        ),
    }
}

/// An axis of `measure`.
fn axis(measure: Measure, label: &str, spacing: Spacing) -> Axis<'_> {
    let bytes = matches!(measure, Measure::PeakMemory | Measure::MemoryPerConnection);
    Axis {
        // In bytes, powers of two are the round values.
        ticks: if bytes { &BYTES } else { &[] },
        ..Axis::new(label, spacing, figures::writer(measure))
    }
}

/// 0, and the powers of 4 from 1 B to 64 MiB.
static BYTES: [f64; 15] = [
    0.0,
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// `CPU time per message: lower is better`, and whether it is spaced by logarithms.
fn title(measure: Measure, counts: Counts, spacing: Spacing, lang: Lang) -> String {
    let label = names::measure(measure, counts);
    let better = names::better(measure.better());
    let (title, better) = (label.title.pick(lang), better.pick(lang));
    let title = tr!(lang, "{title}: {better}", "{title}（{better}）");
    spaced(&title, spacing, lang)
}

/// The label of an axis. It says so if the scale is logarithmic.
pub(crate) fn spaced(label: &str, spacing: Spacing, lang: Lang) -> String {
    match spacing {
        Spacing::Log => tr!(lang, "{label} (log scale)", "{label}（对数刻度）"),
        _ => label.to_owned(),
    }
}

/// Draws for both screens.
pub(crate) fn drawn(
    (name, heading): (String, String),
    caption: String,
    draw: impl Fn(&Frame<'_>) -> Drawing,
) -> Chart {
    let frame = |suffix: &str, width: f64| {
        let id = format!("{name}-{suffix}");
        draw(&Frame {
            id: &id,
            title: &heading,
            description: &caption,
            width,
        })
    };
    Chart {
        wide: frame("w", Frame::WIDE),
        narrow: frame("n", Frame::PHONE),
        name,
        heading,
        caption,
    }
}

/// A name for a workload in the names of files: its place in the record, which makes it unique, and as much of its
/// own name as any system takes.
fn stem(record: &Record, workload: &str) -> String {
    let all = record.workloads.iter();
    let place = all.take_while(|it| it.name != workload).count() + 1;
    let plain = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9') => c,
        _ => '-',
    };
    let name: String = workload.chars().take(LONGEST_STEM).map(plain).collect();
    format!("{place}-{name}")
}

/// How many characters of a workload's name stand in a file's name.
const LONGEST_STEM: usize = 40;

/// A name for a group's chart, unique in the record.
fn chart_name(report: &Report, group: &Group, groups: &[&Group], measure: &str) -> String {
    let at = groups
        .iter()
        .position(|other| other.point == group.point)
        .unwrap_or(0);
    let name = stem(report.notes.record, &group.workload.name);
    format!("{name}-{measure}-{}-{}", group.point.connections, at + 1)
}

fn slug(measure: Measure) -> &'static str {
    match measure {
        Measure::MessagesPerS => "rate",
        Measure::HeavyMessagesPerS => "heavy-rate",
        Measure::MessagesPerCpuS => "rate-per-cpu",
        Measure::CpusUsed => "cpus",
        Measure::LatencyP50 => "p50",
        Measure::LatencyP99 => "p99",
        Measure::LatencyP999 => "p999",
        Measure::CpuPerMessage => "cpu",
        Measure::SwitchesPerMessage => "switches",
        Measure::PeakMemory => "memory",
        Measure::MemoryPerConnection => "memory-each",
        Measure::Threads => "threads",
        Measure::Processes => "processes",
    }
}

fn comparison(report: &Report, groups: &[&Group], table: &Table, measure: Measure) -> Chart {
    let lang = report.notes.lang;
    let group = &table.group;
    let column = group.column(measure);
    let mut order: Vec<usize> = (0..group.cells.len()).collect();
    let better = measure.better();
    let key = |at: usize| {
        let median = column.figures[at].map(|figure| figure.median);
        match better {
            Better::Higher => median.map_or(f64::INFINITY, |it| -it),
            _ => median.unwrap_or(f64::INFINITY),
        }
    };
    order.sort_by(|&a, &b| key(a).total_cmp(&key(b)));
    let rows: Vec<Bar> = order
        .iter()
        .map(|&at| bar(report, table, &column, at))
        .collect();
    let medians = column.figures.iter().flatten().map(|figure| figure.median);
    let least = medians
        .clone()
        .filter(|&it| it > 0.0)
        .fold(f64::INFINITY, f64::min);
    let spacing = match medians.fold(0.0, f64::max) / least {
        far if far > FAR => Spacing::Log,
        _ => Spacing::FromZero,
    };
    let label = names::measure(measure, group.workload.counts);
    let (what, point) = (capitalised(label.title.pick(lang)), &table.title);
    let heading = tr!(lang, "{what}, {point}", "{what}，{point}");
    let axis_label = title(measure, group.workload.counts, spacing, lang);
    let names = (chart_name(report, group, groups, slug(measure)), heading);
    let caption = tr!(
        lang,
        "Medians of the rounds with their 95% intervals; those that can't be told apart share a place.",
        "各轮中位数及其 95% 置信区间；分不出高下的并列。"
    );
    drawn(names, caption, |frame| {
        let chart = Bars {
            rows: &rows,
            axis: axis(measure, &axis_label, spacing),
            key: Some(BarsKey {
                median: lang.pick("median", "中位数"),
                interval: lang.pick("95% interval", "95% 置信区间"),
                round: lang.pick("one round", "一轮"),
                outlier: lang.pick("outlier", "离群值"),
            }),
        };
        bars(frame, &chart)
    })
}

fn bar(report: &Report, table: &Table, column: &Column, at: usize) -> Bar {
    let (lang, group) = (report.notes.lang, &table.group);
    let cell = group.cells[at];
    let outliers = cell.outliers(column.measure);
    let dots = cell.rounds.iter().filter_map(|round| {
        Some(Dot {
            value: column.measure.of(cell, round)?,
            outlier: outliers.contains(&round.round),
        })
    });
    let measured = column.figures[at].map(|figure| Measured {
        median: figure.median,
        low: figure.low,
        high: figure.high,
        rounds: dots.collect(),
    });
    let limited = column.measure.is_the_generators() && cell.generator_was_the_limit();
    let of_cell = |row: &&Row| std::ptr::eq(row.cell, cell);
    let row = table.rows.iter().find(of_cell);
    let remark = match row.and_then(|row| row.remark.as_ref()) {
        Some(remark) => Some(remark.plain()),
        None if cell.is_below(column.measure) => Some(tr!(
            lang,
            "below what can be measured: less than a page for all connections together",
            "低于可测的下限：所有连接合起来不足一页"
        )),
        None if is_twin(group, cell) => Some(tr!(
            lang,
            "the same model again, to measure noise",
            "同一模型再测一次，用来测量噪声"
        )),
        None if limited => Some(tr!(
            lang,
            "not ranked: the generator was the limit",
            "不排名：瓶颈是负载生成器"
        )),
        None => None,
    };
    Bar {
        label: cell.model.clone(),
        style: report.palette.style(&cell.model),
        rank: column.ranks[at].map(|rank| Rank {
            text: rank.to_string(),
            best: rank == 1 && column.tells_apart(),
        }),
        pale: measured.is_some() && column.ranks[at].is_none(),
        measured,
        remark,
    }
}

fn is_twin(group: &Group, cell: &Cell) -> bool {
    let entrant = group.entrant(cell);
    entrant.is_some_and(|it| matches!(it.kind, Kind::Twin { .. }))
}

/// The entrants that are compared. A twin is left out, because it would double a line.
fn shown<'a>(group: &Group<'a>) -> Vec<&'a Cell> {
    let cells = group.cells.iter().copied();
    cells.filter(|cell| !is_twin(group, cell)).collect()
}

fn curve(report: &Report, groups: &[&Group], swept: Dimension, measure: Measure) -> Chart {
    let lang = report.notes.lang;
    let first = groups[0];
    let series: Vec<Series> = shown(first)
        .iter()
        .map(|entrant| {
            let samples = groups.iter().filter_map(|group| {
                let mut cells = group.cells.iter();
                let cell = cells.find(|cell| cell.model == entrant.model)?;
                let x = value(swept, group.point)?;
                let figure = cell.figure(measure);
                let limited = measure.is_the_generators() && cell.generator_was_the_limit();
                Some(Sample {
                    x,
                    y: figure.map(|figure| figure.median),
                    interval: figure.map(|figure| (figure.low, figure.high)),
                    trusted: !limited,
                })
            });
            Series {
                name: entrant.model.clone(),
                style: report.palette.style(&entrant.model),
                samples: samples.collect(),
            }
        })
        .filter(|series: &Series| series.samples.iter().any(|sample| sample.y.is_some()))
        .collect();
    let counts = first.workload.counts;
    let label = names::measure(measure, counts);
    let (over, write) = axis_of(swept, first.workload, lang);
    let what = label.title.pick(lang);
    let heading = capitalised(&tr!(lang, "{what} over {over}", "{what}随{over}的变化"));
    let caption = tr!(
        lang,
        "Medians with their 95% intervals; hollow where the generator was the limit.",
        "中位数及其 95% 置信区间；空心表示瓶颈是负载生成器。"
    );
    let name = stem(report.notes.record, &first.workload.name);
    let name = format!("{name}-{}-curve", slug(measure));
    let x_label = spaced(over, Spacing::Log, lang);
    let y_label = title(measure, counts, Spacing::Log, lang);
    drawn((name, heading), caption, |frame| {
        let chart = Lines {
            series: &series,
            x: Axis {
                name: over,
                ..Axis::new(&x_label, Spacing::Log, write)
            },
            y: axis(measure, &y_label, Spacing::Log),
            plot_height: PLOT,
        };
        lines(frame, &chart)
    })
}

/// The quantiles of a curve.
const QUANTILES: [f64; 13] = [
    0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999,
];
/// So many latencies must lie beyond a quantile for it to be shown.
pub(crate) const BEYOND: f64 = 5.0;

fn latencies(report: &Report, groups: &[&Group], table: &Table) -> Chart {
    let (lang, group) = (report.notes.lang, &table.group);
    let cells = shown(group).into_iter();
    let cells = cells.filter(|cell| !cell.latencies.is_empty());
    let series = cells.map(|cell| {
        let count = cell.latencies.count() as f64;
        let enough = |quantile: &f64| count * (1.0 - quantile) >= BEYOND;
        let samples = QUANTILES.into_iter().filter(enough).filter_map(|quantile| {
            let latency = cell.latencies.quantile(quantile)? as f64;
            Some(Sample {
                trusted: !cell.generator_was_the_limit(),
                ..Sample::new(place_of(quantile), latency)
            })
        });
        Series {
            name: cell.model.clone(),
            style: report.palette.style(&cell.model),
            samples: samples.collect(),
        }
    });
    let series: Vec<Series> = series.collect();
    let (title, what) = match group.workload.counts {
        Counts::Deliveries => (
            lang.pick("Fan-out by percentile", "扇出时间的分位数曲线"),
            lang.pick("fan-out", "扇出时间"),
        ),
        _ => (
            lang.pick("Latency by percentile", "延迟的分位数曲线"),
            lang.pick("latency", "延迟"),
        ),
    };
    let caption = tr!(
        lang,
        "All messages of all rounds; hollow where the generator was the limit. There are fewer messages to the right.",
        "所有轮次的全部消息；空心表示瓶颈是负载生成器。越往右，消息越少。"
    );
    let point = &table.title;
    let heading = tr!(lang, "{title}, {point}", "{title}，{point}");
    let share = lang.pick("share of messages", "消息占比");
    let [x_label, y_label] = [share, what].map(|it| spaced(it, Spacing::Log, lang));
    let name = chart_name(report, group, groups, "latency");
    drawn((name, heading), caption, |frame| {
        let chart = Lines {
            series: &series,
            x: Axis {
                name: share,
                ..percentiles(&x_label)
            },
            y: Axis::new(&y_label, Spacing::Log, units::nanos),
            plot_height: PLOT,
        };
        lines(frame, &chart)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use portlab_stats::fixture::{cell, record};

    /// A record that was not read from a file was not checked either, so its names may be anything.
    #[test]
    fn the_file_names_of_charts_are_safe_for_any_name_of_a_workload() {
        let long = "x".repeat(10_000);
        let names = [
            "../x", "..-x", "/etc/x", "", ".", "..", "a\0b", "A\\B", "con", "回显", "群聊", &long,
            "echo", "Echo",
        ];
        let mut record = record(Vec::new());
        let (workload, cell) = (record.workloads[0].clone(), cell("../../m", &[4.0; 3]));
        record.workloads.clear();
        for name in names {
            let name = name.to_owned();
            record.workloads.push(Workload {
                name: name.clone(),
                ..workload.clone()
            });
            record.cells.push(Cell {
                workload: name,
                ..cell.clone()
            });
        }
        let charts = charts(&Notes::of(&record, Lang::En));
        for chart in &charts {
            assert!(chart.wide.file().starts_with("<svg xmlns="));
        }
        let names: Vec<_> = charts.into_iter().map(|it| it.name).collect();
        assert!(names.len() >= record.workloads.len());
        let is_plain = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
        for name in &names {
            assert!(name.len() <= 100 && name.chars().all(is_plain), "{name:?}");
            assert!(name.starts_with(|c: char| c.is_ascii_digit()), "{name:?}");
        }
        let distinct = names.iter().collect::<BTreeSet<_>>();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }
}
