//! The state of the screen, and what keys do to it. Keys that command are short for a typed command, so that both do the
//! same.

use std::{collections::BTreeMap, net::SocketAddr};

use portlab_assist::{Command, Desk, Eol, Event, Log, PeerId, PeerState, Recipient, Row, What};
use portlab_words::{Lang, Text};
use ratatui::crossterm::event::{
    Event as Happened, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEventKind,
};

use super::{
    line::TypedLine,
    rows::{Form, Laid},
    scroll::Scroll,
};

/// The state of the screen.
pub(super) struct View {
    pub(super) lang: Lang,
    pub(super) colours: bool,
    /// Whether it waits for clients; otherwise it has connected to a server.
    pub(super) is_server: bool,
    /// What the assistant listens at, or has connected to.
    pub(super) address: Option<SocketAddr>,
    pub(super) desk: Desk,
    pub(super) log: Log,
    /// The kernel's view of the connections.
    pub(super) states: BTreeMap<PeerId, PeerState>,
    pub(super) line: TypedLine,
    pub(super) scroll: Scroll,
    pub(super) laid: Laid,
    /// What the last command or key has done.
    pub(super) notice: Option<Notice>,
    /// The first line of the help that is shown, if the help is.
    pub(super) help: Option<usize>,
    /// Whether rows are shown with all of their lines.
    pub(super) whole: bool,
    /// Whether the end was asked for.
    pub(super) ends: bool,
    /// The lines for rows in the last drawing.
    pub(super) page: usize,
    /// The columns of the last drawing.
    pub(super) width: usize,
}

/// Something to say to the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    Done(Text),
    Failed(Text),
}

impl View {
    pub(super) fn new(desk: Desk, log: Log, lang: Lang, colours: bool) -> Self {
        Self {
            lang,
            colours,
            is_server: true,
            address: None,
            desk,
            log,
            states: BTreeMap::new(),
            line: TypedLine::default(),
            scroll: Scroll::default(),
            laid: Laid::default(),
            notice: None,
            help: None,
            whole: false,
            ends: false,
            page: 0,
            width: 0,
        }
    }

    /// How rows are laid out.
    pub(super) fn form(&self) -> Form {
        Form {
            lang: self.lang,
            width: self.width,
            most_lines: match self.whole {
                true => usize::MAX,
                false => (self.page / 2).clamp(FEWEST_LINES, MOST_LINES),
            },
        }
    }

    /// Handles an event of the terminal; returns a command for the engine.
    pub(super) fn handle(&mut self, event: &Happened) -> Option<Command> {
        match event {
            Happened::Key(key) if key.kind != KeyEventKind::Release => match self.line_of(*key) {
                Some(line) => return self.carry_out(line),
                None => return self.press(*key),
            },
            Happened::Paste(text) => self.line.paste(text),
            Happened::Mouse(mouse) => match mouse.kind {
                MouseEventKind::ScrollUp => self.scroll_up(WHEEL),
                MouseEventKind::ScrollDown => self.scroll_down(WHEEL),
                _ => {}
            },
            _ => {}
        }
        None
    }

    /// The line that a key is short for, if it is short for one.
    fn line_of(&self, key: KeyEvent) -> Option<&'static str> {
        let is_control = key.modifiers == KeyModifiers::CONTROL;
        Some(match key.code {
            KeyCode::Char('c') if is_control => "/quit",
            KeyCode::F(1) if self.help.is_none() => "/help",
            KeyCode::F(2) => match self.desk.speech.encoding.name() {
                "UTF-8" => "/encoding gbk",
                _ => "/encoding utf-8",
            },
            KeyCode::F(3) => "/both",
            KeyCode::F(4) => match self.desk.speech.eol {
                Eol::None => "/eol lf",
                Eol::Lf => "/eol crlf",
                Eol::CrLf => "/eol none",
            },
            KeyCode::F(5) if self.log.is_paused(self.desk.to) => "/resume",
            KeyCode::F(5) => "/pause",
            KeyCode::F(6) => "/close",
            KeyCode::F(7) => "/fin",
            KeyCode::F(8) => "/reset",
            _ => return None,
        })
    }

    /// Handles a key that edits, scrolls or chooses.
    fn press(&mut self, key: KeyEvent) -> Option<Command> {
        let page = self.page.saturating_sub(1).max(1);
        match key.code {
            KeyCode::F(9) => self.whole = !self.whole,
            _ if self.help.is_some() => self.press_in_help(key.code),
            KeyCode::Enter => return self.enter(),
            KeyCode::Tab => return self.next_recipient(true),
            KeyCode::BackTab => return self.next_recipient(false),
            KeyCode::PageUp => self.scroll_up(page),
            KeyCode::PageDown => self.scroll_down(page),
            KeyCode::End | KeyCode::Esc => {
                self.scroll.follow();
                let end = KeyEvent::new(KeyCode::End, KeyModifiers::NONE);
                self.line.handle(end);
            }
            _ => self.line.handle(key),
        }
        None
    }

    fn press_in_help(&mut self, code: KeyCode) {
        let page = self.page.max(1);
        self.help = match (code, self.help) {
            (KeyCode::Up, Some(at)) => Some(at.saturating_sub(1)),
            (KeyCode::Down, Some(at)) => Some(at + 1),
            (KeyCode::PageUp, Some(at)) => Some(at.saturating_sub(page)),
            (KeyCode::PageDown, Some(at)) => Some(at + page),
            _ => None,
        };
    }

    /// Carries out the typed line. A line that can't be carried out stays, to be mended.
    fn enter(&mut self) -> Option<Command> {
        let text = self.line.text().to_owned();
        let command = self.carry_out(&text);
        if !matches!(self.notice, Some(Notice::Failed(_))) {
            self.line.enter();
        }
        command
    }

    /// Carries out a line, as if it had been typed.
    fn carry_out(&mut self, line: &str) -> Option<Command> {
        self.notice = None;
        let done = match self.desk.typed(line) {
            Ok(done) => done,
            Err(why) => {
                self.notice = Some(Notice::Failed(why));
                return None;
            }
        };
        if done.reread {
            self.log.read_again(&self.desk.encodings());
            self.laid.clear();
        }
        if done.help {
            self.help = Some(0);
        }
        self.notice = self.log.said(&done).map(Notice::Done);
        self.ends |= matches!(done.command, Some(Command::Quit));
        done.command
    }

    /// Adds an event; returns its row.
    pub(super) fn push(&mut self, event: Event) -> &Row {
        match event.what {
            What::Listening(addr) => self.address = Some(addr),
            What::Online { addr, .. } if !self.is_server => self.address = Some(addr),
            What::Offline(..) if !self.is_server => {
                self.notice = Some(Notice::Done(Text::new(
                    "the connection to the server has ended; Ctrl-C ends the assistant",
                    "与服务端的连接已结束；按 Ctrl-C 结束助手",
                )));
            }
            _ => {}
        }
        self.log.push(event)
    }

    /// Chooses the next recipient: all, then each client that is online.
    fn next_recipient(&mut self, forwards: bool) -> Option<Command> {
        let mut all = vec![Recipient::All];
        all.extend(self.log.online().map(Recipient::One));
        let step = if forwards { 1 } else { all.len() - 1 };
        let at = all.iter().position(|it| *it == self.desk.to);
        let next = at.map_or(0, |at| (at + step) % all.len());
        self.carry_out(&format!("/to {}", all[next]))
    }

    fn scroll_up(&mut self, by: usize) {
        let form = self.form();
        let rows = self.laid.rows(&self.log, form);
        self.scroll.up(by, self.page, &rows);
    }

    fn scroll_down(&mut self, by: usize) {
        let form = self.form();
        let rows = self.laid.rows(&self.log, form);
        self.scroll.down(by, &rows);
    }
}

/// The lines of a row that are shown: half of the page, in these bounds.
const FEWEST_LINES: usize = 3;
const MOST_LINES: usize = 8;
/// The lines that a step of the wheel scrolls.
const WHEEL: usize = 3;
