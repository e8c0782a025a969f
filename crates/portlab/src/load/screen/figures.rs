//! The figures, in lines as wide as the screen.

use portlab_load::Interval;
use portlab_stats::summary::GENERATOR_LIMIT;
use portlab_words::{Text, units};
use ratatui::{
    style::{Color, Style, Stylize},
    text::{Line, Span},
};
use textwrap::core::display_width;

use super::{
    super::words::{open, quantile, rate},
    paint::meter,
    view::View,
};
use crate::args::lang;

/// A name and a value.
pub(super) struct Figure {
    pub(super) name: Text,
    value: String,
    style: Style,
}

/// From this share of its time on, the generator's figure is yellow.
const BUSY: f64 = 0.7;

/// How many cells the bar of a figure has.
const CELLS: usize = 8;

/// How wide [`list`] is.
pub(super) const LIST: u16 = 28;

/// Between one figure and the next.
const GAP: &str = "  ";

/// All figures of `view`, the most important first.
pub(super) fn figures(view: &View) -> Vec<Figure> {
    let last = view.last.as_ref();
    let figure = |en, zh, value, style: Style| Figure {
        name: Text::new(en, zh),
        value,
        style: style.bold(),
    };
    let plain = |en, zh, value| figure(en, zh, value, Style::new());
    let of_last = |value: fn(&Interval) -> String| last.map_or("–".to_owned(), value);
    let errors = match view.errors {
        0 => plain("errors", "错误", "0".to_owned()),
        count => figure("errors", "错误", count.to_string(), Style::new().red()),
    };
    let cpu = last.map_or(0.0, |it| it.generator_cpu_share);
    let colour = match cpu {
        share if share >= GENERATOR_LIMIT => Color::Red,
        share if share >= BUSY => Color::Yellow,
        _ => Color::Green,
    };
    let generator = Figure {
        style: Style::new().fg(colour),
        ..plain(
            "generator",
            "生成器",
            of_last(|it| {
                let share = it.generator_cpu_share.clamp(0.0, 1.0);
                format!("{:.0}% CPU {}", share * 100.0, meter(CELLS, share))
            }),
        )
    };
    if view.is_idle() {
        let all = view.plan.connections;
        let open = last.map_or("–".to_owned(), |it| open(it.open, all, lang()));
        return vec![plain("connections", "连接", open), errors, generator];
    }
    let mut figures = Vec::new();
    let mut lag = None;
    if let Some(rate_per_s) = view.plan.pace.rate_per_s() {
        figures.push(plain("asked", "要求", rate(rate_per_s)));
        let p99 = of_last(|it| quantile(&it.pacing_lag, 0.99));
        lag = Some(plain("lag p99", "滞后 p99", p99));
    }
    let answered = of_last(|it| rate(it.messages_per_s()));
    figures.extend([
        plain("answered", "已响应", answered),
        plain("p50", "p50", of_last(|it| quantile(&it.latency, 0.5))),
        plain("p99", "p99", of_last(|it| quantile(&it.latency, 0.99))),
        errors,
    ]);
    figures.extend(lag);
    let per_s = |bytes: f64| format!("{}/s", units::bytes(bytes));
    let bytes = last.map(Interval::bytes_per_s);
    let bytes = bytes.map_or(["–", "–"].map(str::to_owned), |(sent, received)| {
        [per_s(sent), per_s(received)]
    });
    let [sent, received] = bytes;
    let max = of_last(|it| quantile(&it.latency, 1.0));
    figures.extend([
        generator,
        plain("sent", "发送", sent),
        plain("received", "接收", received),
        plain("open", "打开", of_last(|it| it.open.to_string())),
        plain("max now", "当前最大", max),
        plain("in flight", "在途", of_last(|it| it.in_flight.to_string())),
    ]);
    figures
}

/// `figures` in lines of at most `width` columns. A figure is never cut in two: a figure without room is put into the
/// next line.
pub(super) fn lines(figures: &[Figure], width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut line = Line::default();
    for figure in figures {
        let name = Span::from(figure.name.pick(lang()).to_owned()).dim();
        let value = Span::styled(format!(" {}", figure.value), figure.style);
        let gap = if line.spans.is_empty() { "" } else { GAP };
        if !line.spans.is_empty() && line.width() + GAP.len() + name.width() + value.width() > width
        {
            lines.push(std::mem::take(&mut line));
        } else if !gap.is_empty() {
            line.push_span(gap);
        }
        line.push_span(name);
        line.push_span(value);
    }
    lines.push(line);
    lines
}

/// `figures` one below the other, their values in a column of their own.
pub(super) fn list(figures: &[Figure]) -> Vec<Line<'static>> {
    let name = |figure: &Figure| figure.name.pick(lang()).to_owned();
    let widest = figures.iter().map(|it| display_width(&name(it))).max();
    let column = widest.unwrap_or(0) + GAP.len();
    let line = |figure: &Figure| {
        let gap = " ".repeat(column - display_width(&name(figure)));
        Line::from(vec![
            Span::from(name(figure) + &gap).dim(),
            Span::styled(figure.value.clone(), figure.style),
        ])
    };
    figures.iter().map(line).collect()
}
