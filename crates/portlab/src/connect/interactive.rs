//! A screen with a line editor: received text is printed above the line that is being edited.

use std::{
    io::{self, IsTerminal, Read, Write},
    sync::mpsc::Sender,
    thread,
    time::{Duration, Instant},
};

use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use anyhow::Context;
use portlab_sys::{
    interrupt,
    terminal::{Kept, is_in_foreground},
};
use portlab_words::tr;

use super::{
    editor::{self, Printer},
    event::{EventSender, What},
    screen::{EditorEvent, Screen},
    sender::Outgoing,
    visible::Visible,
};
use crate::{args, output};

/// A terminal with a line editor.
///
/// The editor runs on a thread of its own, and owns the terminal until it ends. Text is handed to the editor one piece
/// at a time: the next piece when it has printed the last.
pub(super) struct Interactive {
    printer: Printer,
    has_ended: bool,
    /// The text that the editor is printing.
    in_flight: Option<String>,
    /// The text that the editor will be given next.
    backlog: String,
    /// When the last line of the backlog began, if that line is not complete.
    begun: Option<Instant>,
    visible: Visible,
    /// Whether the cursor is in the middle of a line, after the editor has ended.
    mid_line: bool,
    terminal: Option<Kept<io::Stdin>>,
    /// Whether stderr is a terminal too, and so probably this one.
    beside: bool,
    colours: bool,
}

/// Whether there is a terminal on which lines can be edited.
pub(super) fn is_possible() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| DUMB.iter().any(|dumb| term == *dumb));
    let terminals = io::stdin().is_terminal() && io::stdout().is_terminal();
    terminals && !dumb && is_in_foreground(io::stdin())
}

impl Interactive {
    /// Starts the line editor, which sends the lines that are entered to `typed`.
    ///
    /// # Errors
    /// When lines can't be edited on this terminal.
    pub(super) fn open(typed: Sender<Outgoing>, post: EventSender) -> anyhow::Result<Self> {
        let terminal = Kept::new(io::stdin());
        let mut bell = interrupt::bell().with_context(args::uncaught)?;
        let at_the_end = post.clone();
        thread::Builder::new().spawn(move || {
            // A byte or an error: in both cases a signal came.
            let _ = bell.read(&mut [0]);
            at_the_end.send(What::Terminated);
        })?;
        let coloured = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        let printer = editor::start(typed, post, coloured).context(tr!(
            "can't edit lines on this terminal; try it with stdin from a pipe",
            "这个终端不能编辑输入行；可以改用管道作为标准输入",
        ))?;
        Ok(Self {
            printer,
            has_ended: false,
            in_flight: None,
            backlog: String::new(),
            begun: None,
            visible: Visible::default(),
            mid_line: false,
            terminal,
            beside: io::stderr().is_terminal(),
            colours: AutoStream::choice(&io::stderr()) != ColorChoice::Never,
        })
    }

    /// Hands the editor the whole lines of the backlog, or all of it.
    fn pump(&mut self, all: bool) -> io::Result<()> {
        if self.has_ended {
            return self.print_all();
        }
        if self.in_flight.is_some() {
            return Ok(());
        }
        let length = match all {
            true => self.backlog.len(),
            false => self.backlog.rfind('\n').map_or(0, |end| end + 1),
        };
        if length == 0 || !self.printer.print(&self.backlog[..length]) {
            return Ok(());
        }
        let rest = self.backlog.split_off(length);
        self.in_flight = Some(std::mem::replace(&mut self.backlog, rest));
        if self.backlog.is_empty() {
            self.begun = None;
        }
        Ok(())
    }

    /// Prints the text that the editor has not printed.
    fn print_all(&mut self) -> io::Result<()> {
        let mut text = self.in_flight.take().unwrap_or_default();
        text += &std::mem::take(&mut self.backlog);
        self.begun = None;
        if text.is_empty() {
            return Ok(());
        }
        self.mid_line = !text.ends_with('\n');
        let mut stdout = output::raw_stdout();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }

    /// Adds `line` to the backlog, as a line of its own.
    fn add_line(&mut self, line: &str) {
        let begun = match self.backlog.is_empty() {
            true => self.mid_line,
            false => !self.backlog.ends_with('\n'),
        };
        if begun {
            self.backlog.push('\n');
        }
        self.backlog += &output::filtered(line);
        self.backlog.push('\n');
        self.begun = None;
    }
}

impl Screen for Interactive {
    fn show(&mut self, text: &str) -> io::Result<()> {
        self.visible.push(text, &mut self.backlog);
        let ends = self.backlog.is_empty() || self.backlog.ends_with('\n');
        // More text of the same line doesn't delay its printing.
        let begun = self.begun.filter(|_| !text.contains('\n'));
        self.begun = (!ends).then(|| begun.unwrap_or_else(Instant::now));
        self.pump(false)
    }

    fn say(&mut self, lines: &str) {
        if !self.beside {
            crate::tell!("{lines}");
            return;
        }
        let lines = output::fitted(lines);
        match self.colours {
            true => self.add_line(&lines),
            false => self.add_line(&strip_str(&lines).to_string()),
        }
        // If the text can't be shown, an error about it can't be either.
        let _ = self.pump(false);
    }

    fn editor_event(&mut self, event: EditorEvent) -> io::Result<()> {
        match event {
            EditorEvent::Began => {}
            EditorEvent::Printed => self.in_flight = None,
            EditorEvent::Left => self.has_ended = true,
            EditorEvent::Due => {
                self.pump(true)?;
                // The editor may be between two lines: it is asked again soon.
                self.begun = (!self.backlog.is_empty()).then(Instant::now);
                return Ok(());
            }
        }
        self.pump(false)
    }

    fn due(&self) -> Option<Instant> {
        let ready = self.in_flight.is_none();
        self.begun.filter(|_| ready).map(|begun| begun + WHOLE_LINE)
    }

    fn waiting(&self) -> usize {
        self.backlog.len() + self.in_flight.as_ref().map_or(0, String::len)
    }

    fn end_editor(&mut self) -> bool {
        if !self.has_ended {
            // The editor reads the signal as Ctrl-C. If the signal can't be sent, the wait for the editor's end is short.
            let _ = interrupt::interrupt_self();
        }
        !self.has_ended
    }

    fn close(&mut self) -> io::Result<()> {
        self.visible.end(&mut self.backlog);
        // The editor has restored the terminal, unless the editor has failed.
        self.terminal = None;
        self.has_ended = true;
        self.print_all()?;
        // The shell's prompt is to begin a line.
        if self.mid_line {
            self.backlog.push('\n');
        }
        self.print_all()
    }
}

/// How long to wait for the rest of a line: many servers write a line in several pieces.
const WHOLE_LINE: Duration = Duration::from_millis(30);

/// Terminals that can't move their cursor.
const DUMB: [&str; 3] = ["dumb", "cons25", "emacs"];
