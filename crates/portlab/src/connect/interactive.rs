//! A screen on which one types: what comes is printed above the line that is being edited.

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
    event::{Post, What},
    screen::{Screen, Turn},
    sender::Said,
    visible::Visible,
};
use crate::{args, output};

/// A terminal with a line editor.
///
/// The editor runs on a thread of its own, and owns the terminal until it ends. What is to be printed
/// meanwhile is handed to it, one piece at a time: the next when it has printed that.
pub(super) struct Interactive {
    printer: Printer,
    has_ended: bool,
    /// What the editor was given to print, and has not told that it has.
    in_flight: Option<String>,
    /// What it will be given.
    backlog: String,
    /// When the line at the end of the backlog began to come, if that line is not complete yet.
    begun: Option<Instant>,
    visible: Visible,
    /// The editor has ended, and the terminal's line has begun.
    mid_line: bool,
    terminal: Option<Kept<io::Stdin>>,
    /// stderr is this terminal too, as far as one can tell.
    beside: bool,
    colours: bool,
}

/// Whether there is a terminal that can be edited on.
pub(super) fn is_possible() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| DUMB.iter().any(|dumb| term == *dumb));
    let terminals = io::stdin().is_terminal() && io::stdout().is_terminal();
    terminals && !dumb && is_in_foreground(io::stdin())
}

impl Interactive {
    /// Starts the line editor, which hands to `typed` what is entered.
    ///
    /// # Errors
    /// When this terminal can't be edited on.
    pub(super) fn open(typed: Sender<Said>, post: Post) -> anyhow::Result<Self> {
        let terminal = Kept::new(io::stdin());
        let mut bell = interrupt::bell().with_context(args::uncaught)?;
        let at_the_end = post.clone();
        thread::Builder::new().spawn(move || {
            // A byte or an error: in both cases a signal came.
            let _ = bell.read(&mut [0]);
            at_the_end.tell(What::Terminated);
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

    /// Hands the editor what it can print: whole lines, or all.
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

    /// Prints what the editor would have printed.
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

    /// Adds to the backlog a line of its own.
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
        // More of the same line doesn't put its printing off.
        let begun = self.begun.filter(|_| !text.contains('\n'));
        self.begun = (!ends).then(|| begun.unwrap_or_else(Instant::now));
        self.pump(false)
    }

    fn say(&mut self, lines: &str) {
        if !self.beside {
            crate::tell!("{lines}");
            return;
        }
        match self.colours {
            true => self.add_line(lines),
            false => self.add_line(&strip_str(lines).to_string()),
        }
        // If the text can't be shown, an error about it can't be either.
        let _ = self.pump(false);
    }

    fn turn(&mut self, turn: Turn) -> io::Result<()> {
        match turn {
            Turn::Began => {}
            Turn::Printed => self.in_flight = None,
            Turn::Left => self.has_ended = true,
            Turn::Due => {
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

    fn dismiss(&mut self) -> bool {
        if !self.has_ended {
            // The editor reads that as Ctrl-C. If it can't be asked, the wait for its end is short.
            let _ = interrupt::ask_to_end();
        }
        !self.has_ended
    }

    fn close(&mut self) -> io::Result<()> {
        self.visible.end(&mut self.backlog);
        // The editor has given it back, unless it has failed.
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

/// How long the rest of a line is waited for: many servers write a line in several pieces.
const WHOLE_LINE: Duration = Duration::from_millis(30);

/// Terminals that can't move their cursor.
const DUMB: [&str; 3] = ["dumb", "cons25", "emacs"];
