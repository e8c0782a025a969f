//! The screen of the assistant: clients, rows and a line to type in.
//!
//! Its cost: a look at the keyboard, at the engine's events and at the clock 20 times a second, and at most 20 drawings a
//! second. A drawing lays out the rows that are seen, so a flood of rows costs no more than a screen full of them.

mod clients;
mod help;
mod line;
mod paint;
mod rows;
mod scroll;
mod view;

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, TryRecvError, sync_channel},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use portlab_assist::{Command, Engine, Event, Log, PeerState, What};
use portlab_sys::{interrupt::interrupt_flag, terminal::has_hung_up};
use portlab_words::{Text, tr};
use ratatui::crossterm::event;

use self::view::{Notice, View};
use super::{Save, Session};
use crate::{
    Verdict,
    args::{lang, uncaught},
    connect::locale,
    terminal::{self, Drawings, Terminal},
};

/// Whether there is a terminal to draw on and to type on.
pub(super) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal() && terminal::is_possible()
}

/// Shows what happens, and carries out what is typed, until the assistant ends.
///
/// # Errors
/// When the engine can't be started, or the terminal can't be read or drawn on.
pub(super) fn run(session: Session) -> anyhow::Result<Verdict> {
    let ends = interrupt_flag().with_context(uncaught)?;
    let (sender, events) = sync_channel(EVENTS);
    let engine = Engine::start(session.open, session.plan, sender)
        .context(tr!("can't start the assistant", "无法启动助手"))?;
    let log = Log::new(&session.desk.encodings(), locale::country());
    let mut view = View::new(session.desk, log, lang(), terminal::has_colours());
    view.is_server = session.is_server;
    let mut screen = Screen {
        view,
        engine,
        events,
        save: session.save,
        terminal: terminal::open_for_typing()?,
        drawings: Drawings::new(STANDS),
        states_read: None,
        quits: 0,
        ends,
    };
    let result = loop {
        match screen.turn() {
            Ok(true) => {}
            Ok(false) => break Ok(Verdict::Fine),
            // The terminal was closed.
            Err(_) if has_hung_up(io::stderr()) => break Ok(Verdict::Fine),
            Err(error) => break Err(error.into()),
        }
    };
    let closed = terminal::close(screen.terminal);
    closed.map_err(Into::into).and(result)
}

struct Screen {
    view: View,
    engine: Engine,
    events: Receiver<Event>,
    save: Save,
    terminal: Terminal,
    drawings: Drawings,
    states_read: Option<Instant>,
    /// How often the end was asked for.
    quits: u32,
    /// A signal asks for the end.
    ends: Arc<AtomicBool>,
}

impl Screen {
    /// Handles the keys and the events of a moment; returns whether the engine goes on.
    fn turn(&mut self) -> io::Result<bool> {
        let any_key = self.read_keys()?;
        let goes_on = self.take_events();
        if self.ends.swap(false, Ordering::Relaxed) || has_hung_up(io::stderr()) {
            self.quits = 2;
        }
        if self.quits > 1 {
            // Rows that wait are not shown: they may be many.
            return Ok(false);
        }
        let now = Instant::now();
        self.read_states(now);
        if self.drawings.is_due(now, any_key) {
            self.terminal.draw(|frame| self.view.paint(frame))?;
        }
        Ok(goes_on)
    }

    /// Reads the kernel's view of the connections, twice a second.
    fn read_states(&mut self, now: Instant) {
        let is_new = |last| now.saturating_duration_since(last) < STATES_STAND;
        if self.states_read.is_some_and(is_new) {
            return;
        }
        self.states_read = Some(now);
        // If the kernel's table can't be read, the states are missing on the screen.
        let states = PeerState::all(self.view.log.clients()).unwrap_or_default();
        self.drawings.stale |= states != self.view.states;
        self.view.states = states;
    }

    /// Handles the keys that were typed; returns whether there was any event of the terminal.
    fn read_keys(&mut self) -> io::Result<bool> {
        let mut any = false;
        let mut wait = STANDS;
        while event::poll(wait)? {
            let event = event::read()?;
            if let Some(command) = self.view.handle(&event) {
                self.quits += u32::from(matches!(command, Command::Quit));
                self.engine.send(command);
            }
            (any, wait) = (true, LOOK);
        }
        Ok(any)
    }

    /// Takes what has happened, for a moment: the engine counts what comes faster than that. Returns whether more can happen.
    fn take_events(&mut self) -> bool {
        let began = Instant::now();
        let mut goes_on = true;
        while began.elapsed() < STANDS {
            match self.events.try_recv() {
                Ok(event) => goes_on &= self.show(event),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        goes_on
    }

    /// Adds a row, and saves it; returns whether a further event may follow.
    fn show(&mut self, event: Event) -> bool {
        self.drawings.stale = true;
        let is_last = event.what == What::Stopped;
        let row = self.view.push(event);
        if let Err(error) = self.save.row(row) {
            let why = Text::from(crate::error_text::of(&error));
            self.view.notice = Some(Notice::Failed(why));
        }
        !is_last
    }
}

/// How many events wait for the screen.
const EVENTS: usize = 256;
/// The least time between two drawings, unless a key was pressed, and the most time for a look at the keyboard.
const STANDS: Duration = Duration::from_millis(50);
/// The time between two looks at the states.
const STATES_STAND: Duration = Duration::from_millis(500);
/// How long a further look at the keyboard waits; with no time at all, crossterm's source `use-dev-tty` reads none.
const LOOK: Duration = Duration::from_millis(1);
#[cfg(test)]
mod tests;
