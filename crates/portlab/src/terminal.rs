//! Taking the terminal for a live screen, and restoring it, after an error and a panic too.

use std::{
    io::{self, BufWriter, IsTerminal, Stderr},
    sync::Once,
    time::{Duration, Instant},
};

use portlab_sys::terminal::has_hung_up;
use ratatui::{
    backend::CrosstermBackend,
    crossterm::{
        event::{DisableBracketedPaste, EnableBracketedPaste},
        execute,
        style::Print,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
};

/// A screen that is written at once, and not cell by cell: each write wakes the terminal's process, which then takes
/// the generator's core.
pub(crate) type Terminal = ratatui::Terminal<CrosstermBackend<BufWriter<Stderr>>>;

/// Asks the terminal to report buttons and the wheel (`xterm(1)`, modes 1000 and 1006). Movements, which crossterm's
/// command asks for too, are not read.
const REPORT_WHEEL: &str = "\x1b[?1000h\x1b[?1006h";
const IGNORE_WHEEL: &str = "\x1b[?1006l\x1b[?1000l";

/// More bytes than a screen full of changes needs.
const BUFFER: usize = 1 << 18;

/// Whether there is a terminal to draw on and to read keys from. A job in the background has none.
pub(crate) fn is_possible() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    io::stderr().is_terminal() && !dumb && portlab_sys::terminal::is_in_foreground(io::stderr())
}

/// Whether colours are wanted (no-color.org).
pub(crate) fn has_colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

pub(crate) fn open() -> io::Result<Terminal> {
    enable_raw_mode()?;
    let stderr = BufWriter::with_capacity(BUFFER, io::stderr());
    let opened = execute!(io::stderr(), EnterAlternateScreen)
        .and_then(|()| Terminal::new(CrosstermBackend::new(stderr)));
    if opened.is_err() {
        let _ = restore();
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let _ = restore();
            hook(panic);
        }));
    });
    opened
}

/// The same for a screen with a line to type in: pasted text comes as one event, and the wheel is reported.
pub(crate) fn open_for_typing() -> io::Result<Terminal> {
    let terminal = open()?;
    let asked = execute!(io::stderr(), EnableBracketedPaste, Print(REPORT_WHEEL));
    match asked {
        Ok(()) => Ok(terminal),
        Err(error) => close(terminal).and(Err(error)),
    }
}

pub(crate) fn close(mut terminal: Terminal) -> io::Result<()> {
    let shown = terminal.show_cursor();
    let restored = restore();
    if shown.is_err() {
        // Dropping the screen would write to the terminal again, and panic if that fails.
        std::mem::forget(terminal);
    }
    if has_hung_up(io::stderr()) {
        return Ok(());
    }
    shown.and(restored)
}

/// Restores the terminal. Each step is done even if another one fails.
fn restore() -> io::Result<()> {
    let left = execute!(
        io::stderr(),
        Print(IGNORE_WHEEL),
        DisableBracketedPaste,
        LeaveAlternateScreen
    );
    let cooked = disable_raw_mode();
    left.and(cooked)
}

/// Whether there is something to draw, and when the last drawing was.
#[derive(Debug)]
pub(crate) struct Drawings {
    /// The least time between two drawings.
    stands: Duration,
    /// Whether something has changed since the last drawing.
    pub(crate) stale: bool,
    last: Option<Instant>,
}

impl Drawings {
    pub(crate) fn new(stands: Duration) -> Self {
        Self {
            stands,
            stale: false,
            last: None,
        }
    }

    /// Whether to draw at `now`; if so, the drawing counts as done.
    pub(crate) fn is_due(&mut self, now: Instant, at_once: bool) -> bool {
        let is_over = |last| now.saturating_duration_since(last) >= self.stands;
        let due = at_once || (self.stale && self.last.is_none_or(is_over));
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

    /// The screen of a load.
    const STANDS: Duration = Duration::from_millis(250);

    #[test]
    fn the_screen_is_drawn_at_most_four_times_a_second_and_only_after_a_change() {
        let (mut drawings, began) = (Drawings::new(STANDS), Instant::now());
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
