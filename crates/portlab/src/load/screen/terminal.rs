//! Taking the terminal, and restoring it, after an error and a panic too.

use std::{
    io::{self, BufWriter, IsTerminal, Stderr},
    sync::Once,
};

use ratatui::{
    backend::CrosstermBackend,
    crossterm::{
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
};

use portlab_sys::terminal::has_hung_up;

/// A screen that is written at once, and not cell by cell: each write wakes the terminal's process, which then takes
/// the generator's core.
pub(super) type Terminal = ratatui::Terminal<CrosstermBackend<BufWriter<Stderr>>>;

/// More bytes than a screen full of changes needs.
const BUFFER: usize = 1 << 18;

/// Whether there is a terminal to draw on and to read keys from. A job in the background has none.
pub(super) fn is_possible() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    io::stderr().is_terminal() && !dumb && portlab_sys::terminal::is_in_foreground(io::stderr())
}

/// Whether colours are wanted (no-color.org).
pub(super) fn has_colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

pub(super) fn open() -> io::Result<Terminal> {
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

pub(super) fn close(mut terminal: Terminal) -> io::Result<()> {
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
    let left = execute!(io::stderr(), LeaveAlternateScreen);
    let cooked = disable_raw_mode();
    left.and(cooked)
}
