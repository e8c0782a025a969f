//! The latency of the run so far, in ten bars.

use portlab_load::Latency;
use portlab_words::units;
use ratatui::{
    Frame,
    layout::Rect,
    style::{Color, Style, Stylize},
    text::{Line, Span},
    widgets::{Borders, Paragraph},
};

use super::{chart::block, view::View};
use crate::args::lang;

/// How many bars there are.
pub(super) const BARS: u16 = 10;

/// The rows of the histogram with its frame, or with its title alone.
pub(super) const FRAMED: u16 = BARS + 2;
pub(super) const TITLED: u16 = BARS + 1;

/// The least width of the histogram: its texts, and bars of a few cells.
pub(super) const WIDTH: u16 = 30;

/// A bar: the messages whose latency is at most `upto_ns`, and above that of the bar before.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bar {
    upto_ns: u64,
    count: u64,
}

/// The shares of the latencies between which the edges lie; the bars at the ends have the rest.
const BETWEEN: [f64; 2] = [0.001, 0.999];

/// Draws the histogram. With room for it, there is an empty row below each bar.
pub(super) fn paint(view: &View, frame: &mut Frame<'_>, area: Rect, borders: Borders) {
    let title = Line::from(lang().pick(" latency so far ", " 至今的延迟 "));
    let block = block(borders, title);
    let inner = block.inner(area);
    let spread = inner.height >= 2 * BARS;
    let mut lines = Vec::new();
    // A column stays free before the frame.
    let width = inner.width - u16::from(borders == Borders::ALL);
    for line in lines_of(&view.latency, usize::from(width)) {
        lines.push(line);
        lines.extend(spread.then(Line::default));
    }
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// A line for each bar: its upper edge, the bar, its share, and whether a percentile lies in it.
fn lines_of(latency: &Latency, width: usize) -> Vec<Line<'static>> {
    let bars = bars(latency);
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    let all = latency.count().max(1);
    let marks = marks(&bars, latency);
    let widest = marks.iter().map(|(mark, _)| mark.len()).max();
    let mut lines = Vec::new();
    for (bar, (mark, colour)) in bars.iter().zip(&marks) {
        let edge = format!("≤{:>8} ", units::nanos(bar.upto_ns as f64));
        let share = format!(" {:>5} ", percent(bar.count as f64 / all as f64));
        let texts = edge.chars().count() + share.len() + widest.unwrap_or(0);
        let room = width.saturating_sub(texts);
        lines.push(Line::from(vec![
            Span::from(edge).dim(),
            Span::from(filled(room, bar.count as f64 / most as f64)).cyan(),
            Span::from(share),
            Span::styled(*mark, Style::new().fg(*colour).bold()),
        ]));
    }
    lines
}

/// Which percentiles lie in each bar, in the colours of their curves.
fn marks(bars: &[Bar], latency: &Latency) -> Vec<(&'static str, Color)> {
    let mut below_ns = 0;
    let mark = |bar: &Bar| {
        let within = below_ns + 1..=bar.upto_ns;
        below_ns = bar.upto_ns;
        match [0.5, 0.99].map(|it| within.contains(&latency.quantile_ns(it))) {
            [true, true] => ("p50 p99", Color::Green),
            [true, false] => ("p50", Color::Green),
            [false, true] => ("p99", Color::Yellow),
            [false, false] => ("", Color::Reset),
        }
    };
    bars.iter().map(mark).collect()
}

/// Ten bars whose edges follow the latencies; none if there are no latencies.
///
/// The upper edges grow by the same factor from one bar to the next, up to one latency in a thousand; the last bar has
/// the rest, up to the longest. The ends are round numbers, so that the edges stay where they are while the run goes on.
fn bars(latency: &Latency) -> Vec<Bar> {
    if latency.count() == 0 {
        return Vec::new();
    }
    let [low, high] = BETWEEN.map(|share| latency.quantile_ns(share).max(1) as f64);
    // Ten steps in a power of ten.
    let step = |ns: f64| ns.log10() * 10.0;
    let low = step(low).floor() / 10.0;
    let high = (step(high).ceil() / 10.0).max(low + 0.1);
    let last = usize::from(BARS) - 1;
    // The longest may be far above the round number; then the last bar reaches up to it.
    let has_tail = latency.max_ns() > 10f64.powf(high).round() as u64;
    let even = if has_tail { last } else { last + 1 };
    let edge = |index: usize| {
        let share = (index + 1) as f64 / even as f64;
        10f64.powf(low + (high - low) * share).round() as u64
    };
    let mut bars: Vec<Bar> = (0..=last)
        .map(|index| Bar {
            upto_ns: edge(index),
            count: 0,
        })
        .collect();
    if has_tail {
        bars[last].upto_ns = latency.max_ns();
    }
    for (ns, count) in latency.recorded() {
        let at = bars.partition_point(|bar| bar.upto_ns < ns).min(last);
        bars[at].count += count;
    }
    bars
}

/// A bar of at most `cells`, of which a `share` in `[0, 1]` is filled, to an eighth of a cell. A share above 0 is always
/// visible.
fn filled(cells: usize, share: f64) -> String {
    let eighths = (share * cells as f64 * 8.0).round() as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    let (full, rest) = (eighths / 8, eighths % 8);
    let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][rest];
    let bar = "█".repeat(full.min(cells)) + part;
    let gap = cells.saturating_sub(full + usize::from(rest > 0));
    bar + &" ".repeat(gap)
}

/// A share in `[0, 1]` in percent, in at most five columns. Only a share of 0 is shown as a dash.
fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "–".to_owned(),
        percent if percent < 0.1 => "<0.1%".to_owned(),
        percent if percent >= 99.95 => "100%".to_owned(),
        percent => format!("{percent:.1}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ns: &[(u64, u64)]) -> Latency {
        let mut latency = Latency::new();
        for &(ns, count) in ns {
            (0..count).for_each(|_| latency.record(ns));
        }
        latency
    }

    #[test]
    fn every_latency_is_in_one_bar_and_the_edges_rise_to_the_longest() {
        for latency in [
            of(&[(40_000, 1)]),
            of(&[(1, 5), (2, 5)]),
            of(&[(40_000, 9_990), (55_000, 900), (3_000_000_000, 3)]),
            of(&[(1_000, 10), (1_000_000_000, 10)]),
        ] {
            let bars = bars(&latency);
            assert_eq!(bars.len(), usize::from(BARS));
            let sum: u64 = bars.iter().map(|bar| bar.count).sum();
            assert_eq!(sum, latency.count(), "{bars:?}");
            assert!(bars.is_sorted_by_key(|bar| bar.upto_ns), "{bars:?}");
            assert!(bars[9].upto_ns >= latency.max_ns(), "{bars:?}");
        }
        assert_eq!(bars(&Latency::new()), []);
    }

    #[test]
    fn a_rare_long_latency_stays_in_the_last_bar_and_does_not_widen_the_others() {
        let latency = of(&[(40_000, 5_000), (60_000, 5_000), (9_000_000_000, 2)]);
        let bars = bars(&latency);
        assert_eq!(bars[9].count, 2);
        assert!(bars[8].upto_ns <= 64_000, "{bars:?}");
    }

    #[test]
    fn the_lines_have_shares_that_add_up_and_one_mark_for_each_percentile() {
        let latency = of(&[(40_000, 900), (50_000, 70), (70_000, 30)]);
        let lines: Vec<_> = lines_of(&latency, 34).iter().map(Line::to_string).collect();
        let text = lines.join("\n");
        assert!(
            lines.iter().all(|line| line.chars().count() <= 34),
            "{text}"
        );
        for (mark, share) in [("p50", "90.0%"), ("p99", "3.0%")] {
            let marked: Vec<_> = lines.iter().filter(|it| it.contains(mark)).collect();
            assert!(marked.len() == 1 && marked[0].contains(share), "{text}");
        }
    }

    #[test]
    fn a_bar_is_as_long_as_its_share_and_never_invisible() {
        assert_eq!(filled(4, 0.0), "    ");
        assert_eq!(filled(4, 1e-9), "▏   ");
        assert_eq!(filled(4, 0.5), "██  ");
        assert_eq!(filled(4, 1.0), "████");
        assert_eq!(
            [0.0, 1e-6, 0.5, 0.9999].map(percent),
            ["–", "<0.1%", "50.0%", "100%"]
        );
    }
}
