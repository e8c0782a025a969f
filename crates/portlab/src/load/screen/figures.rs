//! The figures, in lines as wide as there is room for.

use portlab_stats::summary::GENERATOR_LIMIT;
use portlab_words::{Lang, units};
use ratatui::{
    style::{Color, Style, Stylize},
    text::{Line, Span},
};

use super::{
    super::words::{open, rate},
    paint::meter,
    view::{Now, View},
};
use crate::args::lang;

/// A name and a value.
pub(super) struct Figure {
    pub(super) name: &'static str,
    value: String,
    style: Style,
}

/// A share of the generator's time that is worth a look.
const BUSY: f64 = 0.7;

/// How many cells the bar of a figure has.
const CELLS: usize = 8;

/// Between one figure and the next.
const GAP: &str = "  ";

/// All figures of `view`, the most important first.
pub(super) fn figures(view: &View) -> Vec<Figure> {
    let now = view.now.as_ref();
    let plain = |name, value| Figure {
        name,
        value,
        style: Style::new().bold(),
    };
    let of_now = |name, value: fn(&Now) -> String| plain(name, now.map_or("–".to_owned(), value));
    let errors = Figure {
        style: match view.errors {
            0 => Style::new().bold(),
            _ => Style::new().red().bold(),
        },
        ..plain("errors", view.errors.to_string())
    };
    let share = now.map(|now| now.generator_cpu_share);
    let generator = Figure {
        style: match share.unwrap_or(0.0) {
            share if share >= GENERATOR_LIMIT => Style::new().fg(Color::Red),
            share if share >= BUSY => Style::new().fg(Color::Yellow),
            _ => Style::new().fg(Color::Green),
        },
        ..of_now("generator", |now| {
            let share = now.generator_cpu_share;
            format!("{:.0}% CPU {}", share * 100.0, meter(CELLS, share))
        })
    };
    if view.is_idle() {
        let open = now.map_or("–".to_owned(), |now| {
            open(now.open, view.plan.connections, lang())
        });
        return vec![plain("connections", open), errors, generator];
    }
    let mut figures = Vec::new();
    let mut lag = None;
    if let Some(rate_per_s) = view.plan.pace.rate_per_s() {
        figures.push(plain("asked", rate(rate_per_s)));
        lag = Some(of_now("lag p99", |now| time(now.lag_p99_ns)));
    }
    figures.extend([
        of_now("answered", |now| rate(now.messages_per_s)),
        of_now("p50", |now| time(now.p50_ns)),
        of_now("p99", |now| time(now.p99_ns)),
        errors,
    ]);
    figures.extend(lag);
    figures.extend([
        generator,
        of_now("open", |now| now.open.to_string()),
        of_now("max now", |now| time(now.max_ns)),
        of_now("in flight", |now| now.in_flight.to_string()),
    ]);
    figures
}

/// How a figure is called on the screen.
fn label(name: &'static str, lang: Lang) -> &'static str {
    let zh = match name {
        "errors" => "错误",
        "generator" => "生成器",
        "connections" => "连接",
        "asked" => "要求",
        "answered" => "已回应",
        "lag p99" => "滞后 p99",
        "open" => "打开",
        "max now" => "当前最大",
        "in flight" => "在途",
        _ => name,
    };
    lang.pick(name, zh)
}

fn time(nanos: Option<u64>) -> String {
    nanos.map_or("–".to_owned(), |nanos| units::nanos(nanos as f64))
}

/// `figures` in lines of at most `width` columns. A figure is never cut in two: what finds no room
/// stands in the next line.
pub(super) fn lines(figures: &[Figure], width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut line = Line::default();
    for figure in figures {
        let name = Span::from(label(figure.name, lang())).dim();
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
