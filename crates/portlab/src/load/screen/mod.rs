//! The live screen: throughput and latency over time, and the state of the run. It is drawn on stderr, so that the
//! result on stdout can go into a pipe.
//!
//! Its cost: a look at the keyboard every 50 ms, and at most four drawings a second, each of them
//! one write of the cells that have changed.

mod chart;
mod figures;
mod histogram;
mod paint;
mod view;

use std::{
    io,
    time::{Duration, Instant},
};

use portlab_load::{Interval, Plan, Progress, Watch};
use portlab_sys::terminal::has_hung_up;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use self::view::View;
use super::show::Live;
use crate::terminal::{self, Drawings, Terminal};

/// The screen appears when a run has lasted this long: a run that ends at once should not flicker.
const APPEARS_AFTER: Duration = Duration::from_millis(300);

/// The least time between two drawings, unless a key was pressed: drawing takes a core for a moment, and the generator
/// may need that core.
const STANDS: Duration = Duration::from_millis(250);

/// How long a look at the keyboard waits for a key; with no time at all, crossterm's source `use-dev-tty` reads none.
/// Its other source, mio, would read for ever if the terminal was closed during the look.
const LOOK: Duration = Duration::from_millis(1);

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
            drawings: Drawings::new(STANDS),
            wanted_rate: None,
        }
    }

    fn close(&mut self) -> io::Result<()> {
        self.terminal.take().map_or(Ok(()), terminal::close)
    }

    /// Handles the keys that were typed; returns whether there was any event of the terminal.
    fn read_keys(&mut self) -> bool {
        let mut any = false;
        if self.terminal.is_some() && has_hung_up(io::stderr()) {
            let _ = self.close();
        }
        while self.terminal.is_some() && event::poll(LOOK).unwrap_or(false) {
            let Ok(event) = event::read() else {
                return any;
            };
            any = true;
            let Event::Key(key) = event else {
                continue;
            };
            if key.kind != KeyEventKind::Release {
                self.handle_key(key.code, key.modifiers);
            }
        }
        any
    }

    fn handle_key(&mut self, key: KeyCode, modifiers: KeyModifiers) {
        let control = modifiers.contains(KeyModifiers::CONTROL);
        match key {
            KeyCode::Char('c') if control => self.end(),
            KeyCode::Char('q') | KeyCode::Esc => self.end(),
            KeyCode::Up | KeyCode::Char('+' | '=') => self.change_rate(STEP),
            KeyCode::Down | KeyCode::Char('-') => self.change_rate(1.0 / STEP),
            _ => {}
        }
    }

    /// The first time, the run ends with what it has measured; the second time, the process ends at once.
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
            // If the terminal was closed, the run goes on.
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

    /// Handles keys, and draws if there is something new.
    fn tick(&mut self, progress: &Progress) {
        self.drawings.stale |= self.view.update(progress);
        if !self.tried && self.began.elapsed() >= APPEARS_AFTER {
            self.tried = true;
            // Without a screen the run goes on all the same.
            self.terminal = terminal::open().ok();
            self.drawings.stale = true;
        }
        let any = self.read_keys();
        self.draw(any);
    }

    /// The rate that the keys ask for; each change is returned once.
    fn wanted_rate(&mut self) -> Option<f64> {
        self.wanted_rate.take()
    }

    fn interrupted(&self) -> bool {
        self.view.ends
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // After an error too, the terminal is restored.
        let _ = self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::text::tests::{closed, open};

    #[test]
    fn keys_change_the_rate_of_an_open_loop_and_end_the_run() {
        let mut screen = Screen::new(&open(1_000.0));
        screen.handle_key(KeyCode::Up, KeyModifiers::NONE);
        screen.handle_key(KeyCode::Char('+'), KeyModifiers::NONE);
        let mut wanted = || screen.wanted_rate().map(f64::round);
        assert_eq!([wanted(), wanted()], [Some(1_210.0), None], "told once");
        screen.handle_key(KeyCode::Down, KeyModifiers::NONE);
        assert_eq!(screen.wanted_rate().map(f64::round), Some(1_100.0));
        assert!(!screen.interrupted());
        screen.handle_key(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert!(screen.interrupted());

        let mut closed = Screen::new(&closed());
        closed.handle_key(KeyCode::Up, KeyModifiers::NONE);
        assert_eq!(closed.wanted_rate(), None, "a closed loop has no rate");
    }
}
