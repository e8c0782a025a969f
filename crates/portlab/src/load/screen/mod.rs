//! The live screen: throughput and latency over time, and the state of things. Drawn on stderr, so
//! that the result on stdout can be piped away.
//!
//! Its cost: a look at the keyboard every 50 ms, and at most four drawings a second, each of them
//! one write of the cells that have changed.

mod chart;
mod figures;
mod paint;
mod terminal;
mod view;

use std::{
    io,
    time::{Duration, Instant},
};

use portlab_load::{Interval, Plan, Progress, Watch};
use portlab_sys::terminal::has_hung_up;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use self::{terminal::Terminal, view::View};
use super::show::Live;

/// The screen appears when a run has lasted so long: one that ends at once should not flicker.
const APPEARS_AFTER: Duration = Duration::from_millis(300);

/// How long a drawing stands at least, unless a key was pressed: drawing takes a core for a moment,
/// and the generator may need it.
const STANDS: Duration = Duration::from_millis(250);

/// What a key changes the rate by.
const STEP: f64 = 1.1;

/// A screen for a run of `plan`, if there is a terminal to draw on and to read keys from. It appears a
/// moment after the first tick.
pub(super) fn open(plan: &Plan) -> Option<Box<dyn Live>> {
    terminal::is_possible().then(|| Box::new(Screen::new(plan)) as Box<dyn Live>)
}

/// The screen of a run.
struct Screen {
    view: View,
    began: Instant,
    terminal: Option<Terminal>,
    /// Whether the screen has appeared, or has been refused.
    tried: bool,
    drawings: Drawings,
    wanted_rate: Option<f64>,
}

impl Screen {
    fn new(plan: &Plan) -> Self {
        Self {
            view: View::new(plan, terminal::has_colours()),
            began: Instant::now(),
            terminal: None,
            tried: false,
            drawings: Drawings::default(),
            wanted_rate: None,
        }
    }

    fn close(&mut self) -> io::Result<()> {
        self.terminal.take().map_or(Ok(()), terminal::close)
    }

    /// Takes in what has been typed; says whether anything happened.
    fn listen(&mut self) -> bool {
        let mut heard = false;
        // crossterm would read from a closed terminal for ever.
        if self.terminal.is_some() && has_hung_up(io::stderr()) {
            let _ = self.close();
        }
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
        if self.view.ends {
            let _ = self.close();
            // As if by SIGINT: see `signal(7)`.
            std::process::exit(130);
        }
        self.view.ends = true;
    }

    fn change_rate(&mut self, factor: f64) {
        self.wanted_rate = self.view.change_rate(factor).or(self.wanted_rate);
    }

    fn draw(&mut self, at_once: bool) {
        if let Some(terminal) = &mut self.terminal
            && self.drawings.is_due(Instant::now(), at_once)
        {
            // A terminal that has gone away is no reason to end the run.
            let _ = terminal.draw(|frame| self.view.paint(frame));
        }
    }
}

impl Live for Screen {
    fn finish(&mut self) -> io::Result<()> {
        self.close()
    }
}

impl Watch for Screen {
    fn interval(&mut self, interval: &Interval) {
        self.view.add(interval);
        self.drawings.stale = true;
        self.draw(false);
    }

    /// Listens to the keyboard, and draws if there is something new.
    fn tick(&mut self, progress: &Progress) {
        self.drawings.stale |= self.view.go_on(progress);
        if !self.tried && self.began.elapsed() >= APPEARS_AFTER {
            self.tried = true;
            // Without a screen the run goes on all the same.
            self.terminal = terminal::open().ok();
            self.drawings.stale = true;
        }
        let heard = self.listen();
        self.draw(heard);
    }

    /// The rate that the keys ask for, once.
    fn wanted_rate(&mut self) -> Option<f64> {
        self.wanted_rate.take()
    }

    fn interrupted(&self) -> bool {
        self.view.ends
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Whatever has happened, the terminal is given back.
        let _ = self.close();
    }
}

/// When there was something to draw, and when it was drawn.
#[derive(Debug, Default)]
struct Drawings {
    /// Whether what was drawn is not so any more.
    stale: bool,
    last: Option<Instant>,
}

impl Drawings {
    /// Whether to draw `now`, which is then taken for done.
    fn is_due(&mut self, now: Instant, at_once: bool) -> bool {
        let stood = |last| now.saturating_duration_since(last) >= STANDS;
        let due = at_once || (self.stale && self.last.is_none_or(stood));
        if due {
            self.stale = false;
            self.last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::text::tests::{closed, open};

    #[test]
    fn keys_change_the_rate_of_an_open_loop_and_end_the_run() {
        let mut screen = Screen::new(&open(1_000.0));
        screen.obey(KeyCode::Up, KeyModifiers::NONE);
        screen.obey(KeyCode::Char('+'), KeyModifiers::NONE);
        let mut wanted = || screen.wanted_rate().map(f64::round);
        assert_eq!([wanted(), wanted()], [Some(1_210.0), None], "told once");
        screen.obey(KeyCode::Down, KeyModifiers::NONE);
        assert_eq!(screen.wanted_rate().map(f64::round), Some(1_100.0));
        assert!(!screen.interrupted());
        screen.obey(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert!(screen.interrupted());

        let mut closed = Screen::new(&closed());
        closed.obey(KeyCode::Up, KeyModifiers::NONE);
        assert_eq!(closed.wanted_rate(), None, "a closed loop has no rate");
    }

    #[test]
    fn it_is_drawn_four_times_a_second_at_most_and_never_in_vain() {
        let (mut drawings, began) = (Drawings::default(), Instant::now());
        let mut count = 0;
        for tick in 0..100 {
            drawings.stale = true;
            let now = began + Duration::from_millis(50) * tick;
            count += u32::from(drawings.is_due(now, false));
        }
        assert_eq!(count, 20);
        let later = began + Duration::from_secs(10);
        drawings.stale = true;
        assert!(drawings.is_due(later, false));
        assert!(!drawings.is_due(later + STANDS, false), "nothing is new");
        assert!(drawings.is_due(later + STANDS, true), "a key was pressed");
    }
}
