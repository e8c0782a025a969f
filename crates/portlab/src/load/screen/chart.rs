//! The charts: throughput and latency over time.

use std::collections::VecDeque;

use portlab_words::units;
use ratatui::{
    Frame,
    layout::Rect,
    style::{Color, Style, Stylize},
    symbols::Marker,
    text::{Line, Span},
    widgets::{Axis, Block, BorderType, Borders, Chart, Dataset, GraphType},
};

use super::{
    super::words::rate,
    view::{Point, View},
};
use crate::args::lang;

/// The lengths of the time axis, in seconds: the shortest that shows the whole run, up to the last of them.
const SPANS: [f64; 5] = [10.0, 30.0, 60.0, 120.0, 300.0];

/// By how much the time axis moves on at once, in seconds. If it moved all the time, every cell would be drawn
/// anew.
const MOVES_BY: f64 = 30.0;

/// How many rows of a chart aren't part of the curve: its frame or its title, the axis, and the times.
const FRAME: u16 = 4;

/// A curve: its points, its colour, and what it is drawn with, so that curves differ without colours too.
type Curve = (Vec<Point>, Color, Marker);

pub(super) fn throughput(view: &View, frame: &mut Frame<'_>, area: Rect, borders: Borders) {
    let highest = view.throughput.iter().map(|point| point.1);
    let top = round_above(highest.fold(1.0, f64::max));
    let last = view.last.as_ref();
    let now = last.map_or("–".to_owned(), |it| rate(it.messages_per_s()));
    let title = Line::from(vec![
        Span::from(lang().pick(" throughput ", " 吞吐量 ")),
        Span::from(format!("{now} ")).bold().cyan(),
    ]);
    let points = thinned(&view.throughput, area);
    let curves = [(points, Color::Cyan, Marker::Braille)];
    let labels = [0.0, top / 2.0, top].map(units::short);
    let chart = chart(&curves, (0.0, top), labels.to_vec(), span(view));
    frame.render_widget(chart.block(block(borders, title)), area);
}

pub(super) fn latency(view: &View, frame: &mut Frame<'_>, area: Rect, borders: Borders) {
    let all = || view.p50.iter().chain(&view.p99).map(|point| point.1);
    // Whole powers of ten, so that the labels are round.
    let low = all().fold(f64::INFINITY, f64::min).floor();
    let high = all().fold(f64::NEG_INFINITY, f64::max).ceil();
    let (low, high) = if low < high { (low, high) } else { (4.0, 7.0) };
    let now = |points: &VecDeque<Point>| {
        let last = points.back().map(|point| 10f64.powf(point.1));
        last.map_or("–".to_owned(), units::nanos)
    };
    let title = Line::from(vec![
        Span::from(lang().pick(" latency ", " 延迟 ")),
        Span::from(format!(" p50 {}", now(&view.p50)))
            .bold()
            .green(),
        Span::from(" •••  ").green(),
        Span::from(format!("p99 {}", now(&view.p99)))
            .bold()
            .yellow(),
        Span::from(" ⠒⠒⠒ ").yellow(),
    ]);
    let curves = [
        (thinned(&view.p99, area), Color::Yellow, Marker::Braille),
        (thinned(&view.p50, area), Color::Green, Marker::Dot),
    ];
    let steps = (high - low) as usize;
    // If there are fewer rows than powers of ten, labels would overlap.
    let rows = area.height.saturating_sub(FRAME).into();
    let every = if steps < rows { 1 } else { steps };
    let labels = (0..=steps)
        .step_by(every)
        .map(|step| units::nanos(10f64.powf(low + step as f64)))
        .collect();
    let chart = chart(&curves, (low, high), labels, span(view));
    frame.render_widget(chart.block(block(borders, title)), area);
}

fn chart<'a>(
    curves: &'a [Curve],
    (low, high): (f64, f64),
    labels: Vec<String>,
    span: [f64; 2],
) -> Chart<'a> {
    let datasets = curves.iter().map(|(points, colour, marker)| {
        Dataset::default()
            .marker(*marker)
            .graph_type(GraphType::Line)
            .style(Style::new().fg(*colour))
            .data(points)
    });
    let axis = |bounds| Axis::default().bounds(bounds).style(Style::new().dim());
    let seconds = span.map(|at| format!("{at:.0} s"));
    Chart::new(datasets.collect())
        .legend_position(None)
        .x_axis(axis(span).labels(seconds))
        .y_axis(axis([low, high]).labels(labels))
}

pub(super) fn block(borders: Borders, title: Line<'_>) -> Block<'_> {
    Block::new()
        .borders(borders)
        .border_type(BorderType::Rounded)
        .border_style(Style::new().dim())
        .title(title)
}

/// The beginning and the end of the time axis, in seconds.
fn span(view: &View) -> [f64; 2] {
    let last = view.throughput.back().map_or(0.0, |point| point.0);
    let planned = view
        .plan
        .stop
        .after
        .map_or(f64::INFINITY, |t| t.as_secs_f64());
    let longest = SPANS[SPANS.len() - 1];
    // The last interval may end a little late.
    if planned <= longest {
        return [0.0, planned.max(last)];
    }
    match SPANS.iter().find(|end| last <= **end) {
        Some(end) => [0.0, *end],
        None => {
            let end = (last / MOVES_BY).ceil() * MOVES_BY;
            [end - longest, end]
        }
    }
}

/// If there are more points than dots, the highest of each few, because rare high values matter most.
fn thinned(points: &VecDeque<Point>, area: Rect) -> Vec<Point> {
    let points: Vec<Point> = points.iter().copied().collect();
    // A cell of Braille is two dots wide.
    let few = points
        .len()
        .div_ceil(usize::from(area.width).max(1) * 2)
        .max(1);
    let higher = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
    let highest = |few: &[Point]| few.iter().max_by(higher).copied();
    points.chunks(few).filter_map(highest).collect()
}

/// The next round number above `value`: 1, 2, 3, 5 or 7 times a power of ten.
fn round_above(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 3.0, 5.0, 7.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step > value)
        .unwrap_or(value)
}
