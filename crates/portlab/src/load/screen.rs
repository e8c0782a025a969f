//! The live screen: throughput and latency over time, and the state of things. Drawn on stderr, so
//! that the result on stdout can be piped away.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal, Stderr},
    sync::Once,
    time::{Duration, Instant},
};

use portlab_load::{Interval, Pace, Plan, Progress};
use portlab_stats::{summary::GENERATOR_LIMIT, units};
use ratatui::{
    Frame, Terminal,
    backend::CrosstermBackend,
    crossterm::{
        event::{self, Event, KeyCode, KeyEventKind, KeyModifiers},
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
    layout::{Constraint, Layout, Rect},
    style::{Color, Style, Stylize},
    symbols::Marker,
    text::{Line, Span},
    widgets::{Axis, Block, BorderType, Chart, Dataset, Gauge, GraphType, Paragraph},
};

use super::words::{connecting, headline, waiting};

/// The screen appears when a run has lasted so long: one that ends at once should not flicker.
const APPEARS_AFTER: Duration = Duration::from_millis(300);

/// How many intervals the charts hold: five minutes.
const HELD: usize = 1200;

/// What a key changes the rate by.
const STEP: f64 = 1.1;

/// A terminal lower than this shows figures and no charts.
const LOW: u16 = 22;

type Point = (f64, f64);

/// The state of the screen.
pub(super) struct Screen {
    title: String,
    target: String,
    connections: usize,
    open_loop: bool,
    idle: bool,
    planned: Option<Duration>,
    began: Instant,
    terminal: Option<Terminal<CrosstermBackend<Stderr>>>,
    /// Whether the screen has appeared, or has been refused.
    tried: bool,
    stage: &'static str,
    progress: Option<Progress>,
    last: Option<Interval>,
    throughput: VecDeque<Point>,
    p50: VecDeque<Point>,
    p99: VecDeque<Point>,
    errors: u64,
    rate: f64,
    wanted_rate: Option<f64>,
    ends: bool,
}

impl Screen {
    /// Whether there is a terminal to draw on, and to read keys from: a job in the background has
    /// none.
    pub(super) fn is_possible() -> bool {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        io::stderr().is_terminal() && !dumb && portlab_sys::terminal::is_in_foreground(io::stderr())
    }

    /// A screen for a run of `plan`. It appears a moment after the first tick.
    pub(super) fn new(plan: &Plan) -> Self {
        let rate = match plan.pace {
            Pace::Open { rate_per_s, .. } => rate_per_s,
            Pace::Closed | Pace::Idle => 0.0,
        };
        Self {
            title: headline(plan),
            target: plan.target.to_string(),
            connections: plan.connections,
            open_loop: rate > 0.0,
            idle: plan.pace == Pace::Idle,
            planned: plan.stop.after,
            began: Instant::now(),
            terminal: None,
            tried: false,
            stage: "connecting",
            progress: None,
            last: None,
            throughput: VecDeque::new(),
            p50: VecDeque::new(),
            p99: VecDeque::new(),
            errors: 0,
            rate,
            wanted_rate: None,
            ends: false,
        }
    }

    /// All connections stand.
    pub(super) fn connected(&mut self, _connected: usize) {
        self.stage = "warming up";
    }

    /// An interval is over.
    pub(super) fn add(&mut self, interval: &Interval) {
        self.stage = "measuring";
        let at = interval.to.as_secs_f64();
        let latency = &interval.latency;
        self.errors += interval.errors;
        push(&mut self.throughput, (at, interval.messages_per_s()));
        if latency.count() > 0 {
            // The axis is logarithmic: between a fast and a stalled server lie powers of ten.
            let log = |quantile| (latency.quantile_ns(quantile).max(1) as f64).log10();
            push(&mut self.p50, (at, log(0.5)));
            push(&mut self.p99, (at, log(0.99)));
        }
        self.last = Some(interval.clone());
        self.draw();
    }

    /// Time has passed: listens to the keyboard, and draws while nothing is measured.
    pub(super) fn tick(&mut self, progress: &Progress) {
        self.progress = Some(*progress);
        if progress.waiting.is_some() && !self.ends {
            self.stage = "waiting";
        }
        if !self.tried && self.began.elapsed() >= APPEARS_AFTER {
            self.tried = true;
            // Without a screen the run goes on all the same.
            self.terminal = open().ok();
        }
        let heard = self.listen();
        if heard || self.stage != "measuring" {
            self.draw();
        }
    }

    /// The rate that the keys ask for, once.
    pub(super) fn wanted_rate(&mut self) -> Option<f64> {
        self.wanted_rate.take()
    }

    /// Whether a key asks for the end.
    pub(super) fn wants_to_end(&self) -> bool {
        self.ends
    }

    /// Gives the terminal back.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.close()
    }

    fn close(&mut self) -> io::Result<()> {
        match self.terminal.take() {
            None => Ok(()),
            Some(mut terminal) => {
                let shown = terminal.show_cursor();
                let given_back = give_back();
                shown.and(given_back)
            }
        }
    }

    /// Takes in what has been typed; says whether anything happened.
    fn listen(&mut self) -> bool {
        let mut heard = false;
        while self.terminal.is_some() && event::poll(Duration::ZERO).unwrap_or(false) {
            let Ok(event) = event::read() else {
                return heard;
            };
            heard = true;
            let Event::Key(key) = event else {
                continue;
            };
            if key.kind != KeyEventKind::Release {
                self.obey(key.code, key.modifiers);
            }
        }
        heard
    }

    fn obey(&mut self, key: KeyCode, modifiers: KeyModifiers) {
        let control = modifiers.contains(KeyModifiers::CONTROL);
        match key {
            KeyCode::Char('c') if control => self.end(),
            KeyCode::Char('q') | KeyCode::Esc => self.end(),
            KeyCode::Up | KeyCode::Char('+' | '=') => self.change_rate(STEP),
            KeyCode::Down | KeyCode::Char('-') => self.change_rate(1.0 / STEP),
            _ => {}
        }
    }

    /// Asked once, the run ends with what it has; asked twice, at once.
    fn end(&mut self) {
        if self.ends {
            let _ = self.close();
            // As if by SIGINT: see `signal(7)`.
            std::process::exit(130);
        }
        self.ends = true;
        self.stage = "ending; once more to end at once";
    }

    fn change_rate(&mut self, factor: f64) {
        if self.open_loop {
            self.rate = (self.rate * factor).clamp(0.1, 10e6);
            self.wanted_rate = Some(self.rate);
        }
    }

    fn draw(&mut self) {
        if let Some(mut terminal) = self.terminal.take() {
            // A terminal that has gone away is no reason to end the run.
            let _ = terminal.draw(|frame| self.paint(frame));
            self.terminal = Some(terminal);
        }
    }

    fn paint(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let [head, charts, state, keys] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Min(0),
            Constraint::Length(3),
            Constraint::Length(1),
        ])
        .areas(area);
        self.paint_head(frame, head);
        if let (true, Some(last)) = (self.idle, &self.last) {
            let words = format!("{} of {} connections are open", last.open, self.connections);
            frame.render_widget(Paragraph::new(words.bold()), charts);
        } else if area.height >= LOW {
            let [above, below] =
                Layout::vertical([Constraint::Percentage(45), Constraint::Percentage(55)])
                    .areas(charts);
            self.paint_throughput(frame, above);
            self.paint_latency(frame, below);
        } else if let Some(last) = &self.last {
            let quantile = |quantile| units::nanos(last.latency.quantile_ns(quantile) as f64);
            let rate = units::short(last.messages_per_s());
            let words = format!("{rate}/s  p50 {}  p99 {}", quantile(0.5), quantile(0.99));
            frame.render_widget(Paragraph::new(words.bold()), charts);
        }
        self.paint_state(frame, state);
        frame.render_widget(Paragraph::new(self.keys().dim()), keys);
    }

    fn paint_head(&self, frame: &mut Frame<'_>, area: Rect) {
        let [title, bar] =
            Layout::vertical([Constraint::Length(1), Constraint::Length(1)]).areas(area);
        let room = usize::from(area.width).saturating_sub(self.target.len() + 2);
        let line = Line::from(vec![
            Span::from(self.target.clone()).bold(),
            Span::from("  "),
            Span::from(shortened(&self.title, room)).dim(),
        ]);
        frame.render_widget(Paragraph::new(line), title);
        let share = self.progress.map_or(0.0, |progress| progress.share);
        let elapsed = self.last.as_ref().map_or(0.0, |last| last.to.as_secs_f64());
        let label = match self.planned {
            Some(planned) if self.stage == "measuring" => {
                format!("{elapsed:.0} of {:.0} s", planned.as_secs_f64())
            }
            None if self.stage == "measuring" => format!("{elapsed:.0} s"),
            _ => match self.progress {
                Some(progress) if self.stage == "connecting" => {
                    connecting(progress.dialled, self.connections)
                }
                Some(Progress {
                    waiting: Some(left),
                    ..
                }) if self.stage == "waiting" => {
                    format!("{}; q ends it", waiting(left))
                }
                _ => self.stage.to_owned(),
            },
        };
        let gauge = Gauge::default()
            .ratio(share.clamp(0.0, 1.0))
            .label(label)
            .use_unicode(true)
            .gauge_style(Style::new().fg(Color::Cyan).bg(Color::DarkGray));
        frame.render_widget(gauge, bar);
    }

    fn paint_throughput(&self, frame: &mut Frame<'_>, area: Rect) {
        let points: Vec<Point> = self.throughput.iter().copied().collect();
        let now = points.last().map_or(0.0, |point| point.1);
        let top = round_above(points.iter().map(|point| point.1).fold(1.0, f64::max));
        let label = |value: f64| units::short(value);
        let title = Line::from(vec![
            Span::from(" throughput "),
            Span::from(format!("{}/s ", units::short(now)))
                .bold()
                .cyan(),
        ]);
        let lines = [("", &points, Color::Cyan)];
        let bounds = (0.0, top);
        let labels = [label(0.0), label(top / 2.0), label(top)];
        frame.render_widget(chart(title, &lines, bounds, &labels, &self.times()), area);
    }

    fn paint_latency(&self, frame: &mut Frame<'_>, area: Rect) {
        let p50: Vec<Point> = self.p50.iter().copied().collect();
        let p99: Vec<Point> = self.p99.iter().copied().collect();
        let all = || p50.iter().chain(&p99).map(|point| point.1);
        // Whole powers of ten, so that the labels are round.
        let low = all().fold(f64::INFINITY, f64::min).floor();
        let high = all().fold(f64::NEG_INFINITY, f64::max).ceil();
        let (low, high) = if low < high { (low, high) } else { (4.0, 7.0) };
        let now = |points: &[Point]| {
            let last = points.last().map(|point| 10f64.powf(point.1));
            last.map_or("–".to_owned(), units::nanos)
        };
        let title = Line::from(vec![
            Span::from(" latency  "),
            Span::from(format!("p50 {}  ", now(&p50))).bold().green(),
            Span::from(format!("p99 {} ", now(&p99))).bold().yellow(),
        ]);
        let lines = [("p99", &p99, Color::Yellow), ("p50", &p50, Color::Green)];
        let steps = (high - low) as usize;
        let labels: Vec<_> = (0..=steps)
            .map(|step| units::nanos(10f64.powf(low + step as f64)))
            .collect();
        frame.render_widget(
            chart(title, &lines, (low, high), &labels, &self.times()),
            area,
        );
    }

    /// From when to when the charts tell.
    fn times(&self) -> [f64; 2] {
        let first = self.throughput.front().map_or(0.0, |point| point.0);
        let last = self.throughput.back().map_or(1.0, |point| point.0);
        [first.floor(), last.max(first + 1.0)]
    }

    fn paint_state(&self, frame: &mut Frame<'_>, area: Rect) {
        let [words, gauge] =
            Layout::horizontal([Constraint::Min(0), Constraint::Length(20)]).areas(area);
        let Some(last) = &self.last else {
            return;
        };
        // The most important first: what finds no room is left out.
        let mut figures = vec![
            ("errors", self.errors.to_string()),
            ("open", last.open.to_string()),
        ];
        if self.open_loop {
            let lag = last.pacing_lag.quantile_ns(0.99);
            figures.push(("rate", format!("{}/s", units::short(self.rate))));
            figures.push(("lag p99", units::nanos(lag as f64)));
        }
        if !self.idle {
            figures.push(("max now", units::nanos(last.latency.max_ns() as f64)));
            figures.push(("in flight", last.in_flight.to_string()));
        }
        let mut line = Line::default();
        for (index, (name, value)) in figures.into_iter().enumerate() {
            let value = Span::from(format!(" {value}  "));
            let value = match index {
                0 if self.errors > 0 => value.red().bold(),
                _ => value.bold(),
            };
            let added = name.chars().count() + value.width();
            if line.width() + added > usize::from(words.width) {
                break;
            }
            line.push_span(Span::from(name).dim());
            line.push_span(value);
        }
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(Style::new().dim());
        frame.render_widget(Paragraph::new(line).block(block.clone()), words);
        let share = last.generator_cpu_share.clamp(0.0, 1.0);
        let colour = match share {
            share if share >= GENERATOR_LIMIT => Color::Red,
            share if share >= 0.7 => Color::Yellow,
            _ => Color::Green,
        };
        let load = Gauge::default()
            .block(block.title(" generator "))
            .ratio(share)
            .label(format!("{:.0}% CPU", share * 100.0))
            .gauge_style(Style::new().fg(colour).bg(Color::DarkGray));
        frame.render_widget(load, gauge);
    }

    fn keys(&self) -> &'static str {
        match self.open_loop {
            true => " q end   ↑ ↓ rate by a tenth",
            false => " q end",
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Whatever has happened, the terminal is given back.
        let _ = self.close();
    }
}

fn open() -> io::Result<Terminal<CrosstermBackend<Stderr>>> {
    enable_raw_mode()?;
    let opened = execute!(io::stderr(), EnterAlternateScreen)
        .and_then(|()| Terminal::new(CrosstermBackend::new(io::stderr())));
    if opened.is_err() {
        let _ = give_back();
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let _ = give_back();
            hook(panic);
        }));
    });
    opened
}

/// Undoes what the screen did to the terminal: all of it, whatever fails.
fn give_back() -> io::Result<()> {
    let left = execute!(io::stderr(), LeaveAlternateScreen);
    let cooked = disable_raw_mode();
    left.and(cooked)
}

/// `text`, with an ellipsis where it is cut if it is longer than `room` columns.
fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(room.saturating_sub(1)).collect();
    short.push('…');
    short
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

fn push(points: &mut VecDeque<Point>, point: Point) {
    if points.len() == HELD {
        points.pop_front();
    }
    points.push_back(point);
}

fn chart<'a>(
    title: Line<'a>,
    lines: &[(&'a str, &'a Vec<Point>, Color)],
    (low, high): (f64, f64),
    labels: &[String],
    times: &[f64; 2],
) -> Chart<'a> {
    let datasets = lines.iter().map(|(name, points, colour)| {
        Dataset::default()
            .name(*name)
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(Style::new().fg(*colour))
            .data(points)
    });
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(Style::new().dim())
        .title(title);
    let seconds = times.map(|at| format!("{at:.0} s"));
    Chart::new(datasets.collect())
        .block(block)
        .legend_position(None)
        .x_axis(
            Axis::default()
                .bounds(*times)
                .labels(seconds)
                .style(Style::new().dim()),
        )
        .y_axis(
            Axis::default()
                .bounds([low, high])
                .labels(labels.to_vec())
                .style(Style::new().dim()),
        )
}

#[cfg(test)]
mod tests {
    use portlab_load::{Arrivals, Latency};
    use ratatui::backend::TestBackend;

    use super::*;

    fn screen(pace: Pace) -> Screen {
        let plan = Plan {
            pace,
            ..Plan::new("127.0.0.1:9".parse().unwrap())
        };
        Screen::new(&plan)
    }

    fn open_loop() -> Screen {
        screen(Pace::Open {
            rate_per_s: 1_000.0,
            arrivals: Arrivals::Uniform,
        })
    }

    fn interval(from: u64, errors: u64) -> Interval {
        let mut latency = Latency::new();
        (0..250).for_each(|_| latency.record(40_000));
        Interval {
            from: Duration::from_millis(from),
            to: Duration::from_millis(from + 250),
            messages: 250,
            latency,
            uncorrected: Latency::new(),
            pacing_lag: Latency::new(),
            errors,
            open: 77,
            in_flight: 3,
            generator_cpu_share: 0.42,
        }
    }

    /// What is seen on a terminal of this size.
    fn seen(screen: &Screen, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen.paint(frame)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn a_terminal_of_any_size_shows_what_matters_most() {
        let mut screen = open_loop();
        assert!(seen(&screen, 80, 24).contains("connecting"));
        (0..20).for_each(|index| screen.add(&interval(index * 250, 1)));
        for (width, height, parts) in [
            (
                100,
                30,
                &[
                    "1.00k/s",
                    "p99 40.0",
                    "errors 20",
                    "open 77",
                    "rate",
                    "42% CPU",
                    "5 of 10 s",
                ][..],
            ),
            (80, 24, &["throughput", "latency", "errors 20", "42% CPU"]),
            (60, 18, &["1.00k/s", "p99 40.0", "errors 20", "…"]),
            (80, 10, &["1.00k/s", "p50 40.0", "errors 20"]),
        ] {
            let seen = seen(&screen, width, height);
            for part in parts {
                assert!(seen.contains(part), "{part} at {width}x{height}:\n{seen}");
            }
        }
        for (width, height) in [(1, 1), (3, 2), (10, 5), (500, 200)] {
            seen(&screen, width, height);
        }
    }

    #[test]
    fn keys_change_the_rate_of_an_open_loop_and_end_the_run() {
        let mut screen = open_loop();
        screen.obey(KeyCode::Up, KeyModifiers::NONE);
        screen.obey(KeyCode::Char('+'), KeyModifiers::NONE);
        assert!(
            screen
                .wanted_rate()
                .is_some_and(|rate| (rate - 1_210.0).abs() < 1e-6)
        );
        assert_eq!(screen.wanted_rate(), None, "told once");
        screen.obey(KeyCode::Down, KeyModifiers::NONE);
        assert!(
            screen
                .wanted_rate()
                .is_some_and(|rate| (rate - 1_100.0).abs() < 1e-6)
        );
        assert!(!screen.wants_to_end());
        screen.obey(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert!(screen.wants_to_end());

        let mut closed = self::screen(Pace::Closed);
        closed.obey(KeyCode::Up, KeyModifiers::NONE);
        assert_eq!(closed.wanted_rate(), None, "a closed loop has no rate");
    }
}
