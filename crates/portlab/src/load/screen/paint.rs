//! The layout of the screen, on a terminal of any size.

use portlab_load::Pace;
use portlab_words::table::cut;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Margin, Rect},
    style::{Color, Stylize},
    text::{Line, Span},
    widgets::{Borders, Paragraph},
};

use super::{
    super::words::headline,
    chart,
    figures::{self, Figure},
    histogram,
    view::View,
};
use crate::args::lang;

/// The least height of a chart, if there are two.
const CHART: u16 = 7;
/// The least height of a single chart, which has a line above and no frame.
const LOW_CHART: u16 = 5;
/// The least width of a chart.
const CHART_WIDTH: u16 = 40;
/// The greatest width of the histogram beside the charts.
const WIDEST_HISTOGRAM: u16 = 44;
/// The columns between the histogram and the figures beside it.
const GAP: u16 = 1;
/// How many lines of figures have priority over a chart.
const BEFORE_A_CHART: usize = 2;
/// A meter with fewer cells shows too little.
const FEWEST_CELLS: usize = 8;

impl View {
    pub(super) fn paint(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let state = textwrap::wrap(&self.state(), usize::from(area.width).max(1)).len();
        let [title, state, body, keys] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(state.min(2) as u16),
            Constraint::Min(0),
            Constraint::Length(u16::from(area.height > 4)),
        ])
        .areas(area);
        self.paint_title(frame, title);
        self.paint_state(frame, state);
        self.paint_body(frame, body);
        frame.render_widget(Paragraph::new(self.keys()).dim(), keys);
        if !self.colours {
            // Without colours, every cell gets the terminal's own.
            for cell in &mut frame.buffer_mut().content {
                (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
            }
        }
    }

    fn paint_title(&self, frame: &mut Frame<'_>, area: Rect) {
        let target = self.plan.targets_text();
        let room = usize::from(area.width).saturating_sub(target.len() + 2);
        let line = Line::from(vec![
            Span::from(target).bold(),
            Span::from("  "),
            Span::from(cut(&headline(&self.plan, lang()), room)).dim(),
        ]);
        frame.render_widget(Paragraph::new(line), area);
    }

    /// How far the run has come, in words, with a meter beside them if there is room.
    fn paint_state(&self, frame: &mut Frame<'_>, area: Rect) {
        let width = usize::from(area.width);
        let state = self.state();
        let wrapped = textwrap::wrap(&state, width.max(1));
        let mut lines: Vec<_> = wrapped.iter().map(|line| Line::from(&**line)).collect();
        if let Some(last) = lines.last_mut() {
            let room = width.saturating_sub(last.width() + 2);
            if self.has_an_end() && room >= FEWEST_CELLS {
                last.push_span("  ");
                last.push_span(Span::from(meter(room, self.progress.share)).cyan());
            }
        }
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn paint_body(&self, frame: &mut Frame<'_>, area: Rect) {
        if self.is_idle() {
            return self.paint_stack(frame, area);
        }
        let told = ["answered", "p50", "p99"];
        let list = figures::list(&self.figures_but(&told));
        let rows = list.len() as u16;
        let is_wide = area.width >= CHART_WIDTH + histogram::WIDTH;
        if is_wide && area.height >= (histogram::FRAMED + rows).max(2 * CHART) {
            return self.paint_columns(frame, area, list);
        }
        let beside = histogram::WIDTH + GAP + figures::LIST;
        if area.width >= beside && area.height >= histogram::TITLED.max(rows) + LOW_CHART {
            return self.paint_floors(frame, area, list);
        }
        self.paint_stack(frame, area);
    }

    /// The charts on the left; on the right the histogram, and the figures below it.
    fn paint_columns(&self, frame: &mut Frame<'_>, area: Rect, list: Vec<Line<'static>>) {
        let [left, right] = Layout::horizontal([
            Constraint::Min(CHART_WIDTH),
            Constraint::Length((area.width * 2 / 5).clamp(histogram::WIDTH, WIDEST_HISTOGRAM)),
        ])
        .areas(area);
        let [upper, lower] =
            Layout::vertical([Constraint::Percentage(45), Constraint::Percentage(55)]).areas(left);
        chart::throughput(self, frame, upper, Borders::ALL);
        chart::latency(self, frame, lower, Borders::ALL);
        let [above, below] =
            Layout::vertical([Constraint::Min(0), Constraint::Length(list.len() as u16)])
                .areas(right);
        histogram::paint(self, frame, above, Borders::ALL);
        let below = below.inner(Margin::new(2, 0));
        frame.render_widget(Paragraph::new(list), below);
    }

    /// The charts above; the histogram below them, and the figures beside it.
    fn paint_floors(&self, frame: &mut Frame<'_>, area: Rect, list: Vec<Line<'static>>) {
        let rows = histogram::TITLED.max(list.len() as u16);
        let [above, below] =
            Layout::vertical([Constraint::Min(0), Constraint::Length(rows)]).areas(area);
        if area.width >= 2 * CHART_WIDTH {
            let [left, right] = Layout::horizontal([Constraint::Percentage(50); 2]).areas(above);
            chart::throughput(self, frame, left, Borders::TOP);
            chart::latency(self, frame, right, Borders::TOP);
        } else {
            chart::latency(self, frame, above, Borders::TOP);
        }
        let [left, _, right] = Layout::horizontal([
            Constraint::Min(0),
            Constraint::Length(GAP),
            Constraint::Length(figures::LIST),
        ])
        .areas(below);
        histogram::paint(self, frame, left, Borders::TOP);
        frame.render_widget(Paragraph::new(list), right);
    }

    /// A chart if there is room, then the histogram if there is room, and lines of figures.
    fn paint_stack(&self, frame: &mut Frame<'_>, area: Rect) {
        let (width, height) = (usize::from(area.width), area.height);
        let has_chart = area.width >= CHART_WIDTH && !self.is_idle();
        let mut lines = figures::lines(&self.figures_but(&["p50", "p99"]), width);
        let least = lines.len().min(BEFORE_A_CHART) as u16;
        if !has_chart || height < least + LOW_CHART {
            let lines = figures::lines(&self.figures_but(&[]), width);
            return frame.render_widget(Paragraph::new(lines), area);
        }
        let has_bars = height >= lines.len() as u16 + LOW_CHART + histogram::TITLED;
        lines.truncate(usize::from(height - LOW_CHART));
        let [above, middle, below] = Layout::vertical([
            Constraint::Min(0),
            Constraint::Length(u16::from(has_bars) * histogram::TITLED),
            Constraint::Length(lines.len() as u16),
        ])
        .areas(area);
        chart::latency(self, frame, above, Borders::TOP);
        if has_bars {
            histogram::paint(self, frame, middle, Borders::TOP);
        }
        frame.render_widget(Paragraph::new(lines), below);
    }

    /// The figures, except those that charts show: `told` are their English names.
    fn figures_but(&self, told: &[&str]) -> Vec<Figure> {
        let mut figures = figures::figures(self);
        figures.retain(|Figure { name, .. }| !told.contains(&&*name.en));
        figures
    }

    fn keys(&self) -> &'static str {
        match self.plan.pace {
            Pace::Open { .. } => {
                lang().pick(" q end   ↑ ↓ rate by a tenth", " q 结束   ↑ ↓ 速率增减一成")
            }
            Pace::Closed | Pace::Idle => lang().pick(" q end", " q 结束"),
        }
    }
}

/// A bar of `cells`, of which a `share` in `[0, 1]` is full.
pub(super) fn meter(cells: usize, share: f64) -> String {
    let full = (share.clamp(0.0, 1.0) * cells as f64).round() as usize;
    "━".repeat(full) + &"╌".repeat(cells - full)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portlab_load::{Interval, Latency};
    use ratatui::{Terminal, backend::TestBackend};

    use super::*;
    use crate::load::text::tests::open;

    fn open_loop() -> View {
        let mut plan = open(1_000.0);
        plan.connections = 100;
        View::new(&plan, true)
    }

    fn interval(from: u64, errors: u64) -> Interval {
        let (mut latency, mut pacing_lag) = (Latency::new(), Latency::new());
        (0..240).for_each(|_| latency.record(40_000));
        (0..10).for_each(|_| latency.record(109_000_000));
        pacing_lag.record(7_000);
        Interval {
            from: Duration::from_millis(from),
            to: Duration::from_millis(from + 250),
            rate_per_s: 1_000.0,
            messages: 250,
            latency,
            uncorrected: Latency::new(),
            pacing_lag,
            bytes_sent: 16_000,
            bytes_received: 320_000,
            errors,
            open: 77,
            in_flight: 3,
            generator_cpu_share: 0.42,
        }
    }

    /// The screen on a terminal of this size.
    fn seen(view: &View, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view.paint(frame)).unwrap();
        terminal.backend().to_string()
    }

    /// `seen` with one space between words: in a list, values have a column of their own.
    fn in_words(seen: &str) -> String {
        seen.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_terminal_of_any_size_shows_what_matters_most() {
        let mut view = open_loop();
        assert!(seen(&view, 80, 24).contains("connecting"));
        (0..20).for_each(|index| view.add(&interval(index * 250, 1)));
        for (width, height) in [(120, 40), (100, 30), (80, 24), (80, 20), (60, 19), (50, 15)] {
            let seen = seen(&view, width, height);
            for part in [
                "p50 40.0 µs •••",
                "p99 109 ms ⠒",
                "errors 20",
                "asked 1.00k/s",
                "lag p99 7.00 µs",
                "42% CPU ━━━╌╌╌╌╌",
                "5 of 10 s",
                "open 77",
                "sent 62.5 KiB/s",
                "received 1.22 MiB/s",
            ] {
                let is_seen = in_words(&seen).contains(part);
                assert!(is_seen, "{part} at {width}x{height}:\n{seen}");
            }
            assert_eq!(seen.contains("throughput"), width >= 80, "{seen}");
            let bars = seen.lines().filter(|line| line.contains('≤')).count();
            let shown = if width >= 60 { 10 } else { 0 };
            assert_eq!(bars, shown, "{seen}");
            assert_eq!(seen.contains("96.0%"), shown > 0, "{seen}");
        }
        for (width, height) in [(80, 10), (45, 12), (30, 8)] {
            let seen = seen(&view, width, height);
            for part in ["asked 1.00k/s", "p50 40.0 µs", "p99 109 ms", "errors 20"] {
                assert!(seen.contains(part), "{part} at {width}x{height}:\n{seen}");
            }
            assert_eq!(seen.contains("•••"), height > 8, "{seen}");
        }
        for (width, height) in [(1, 1), (3, 2), (10, 5), (500, 200)] {
            seen(&view, width, height);
        }
    }

    #[test]
    fn a_quarter_of_a_second_with_one_message_is_not_faster_than_the_rate() {
        let mut view = open_loop();
        view.add(&Interval {
            messages: 1,
            rate_per_s: 0.5,
            ..interval(0, 0)
        });
        let seen = seen(&view, 80, 24);
        assert!(seen.contains("throughput 0.50/s"), "{seen}");
    }

    #[test]
    fn the_title_follows_the_rate() {
        let mut view = open_loop();
        view.change_rate(2.0);
        let seen = seen(&view, 80, 24);
        assert!(seen.contains("open loop at 2.00k/s"), "{seen}");
        assert!(in_words(&seen).contains("asked 2.00k/s"), "{seen}");
    }

    #[test]
    fn an_idle_run_has_no_charts_at_any_time() {
        let mut view = open_loop();
        view.plan.pace = Pace::Idle;
        assert!(!seen(&view, 80, 24).contains("latency"));
        view.add(&interval(0, 0));
        let seen = seen(&view, 80, 24);
        assert!(seen.contains("77 of 100 open"), "{seen}");
        assert!(!seen.contains("latency"), "{seen}");
    }

    #[test]
    fn without_colours_no_cell_has_one() {
        let mut view = open_loop();
        view.colours = false;
        view.add(&interval(0, 1));
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| view.paint(frame)).unwrap();
        let cells = &terminal.backend().buffer().content;
        let plain = (Color::Reset, Color::Reset);
        assert!(cells.iter().all(|cell| (cell.fg, cell.bg) == plain));
    }
}
