//! The broker's own loop: lines, and the hub between them.

use std::{collections::VecDeque, io, os::fd::AsRawFd, time::Duration};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use portlab_service::{ConnId, Hub, Mail, Parting};
use portlab_sys::{seqpacket::Seqpacket, stop};
use slab::Slab;

use super::line::{Said, id_bytes, write_counts};
use crate::{
    READ_BUFFER,
    mailbox::{Found, Mailbox, Overflow, Put},
    switchboard::{Switchboard, Word},
    trace,
};

const CONTROL: Token = Token(usize::MAX);

/// How many messages of one line are taken before it is the others' turn.
const VISIT: usize = 64;

/// The broker, in its process.
struct Process {
    poll: Poll,
    /// Where new lines come from.
    control: Seqpacket,
    /// No more will come: the server is ending.
    ends: bool,
    lines: Slab<Line>,
    switchboard: Switchboard<usize>,
    overflow: Overflow,
    /// Lines on which there may be more.
    again: VecDeque<usize>,
    /// Lines whose processes take nothing any more.
    stuck: Vec<usize>,
    buffer: Box<[u8]>,
}

/// The broker's end of a line.
struct Line {
    socket: Seqpacket,
    /// What its process has not taken, each piece with its receiver's number before it.
    waiting: Mailbox,
    /// The first of it.
    next: Option<Mail>,
}

/// Holds `hub` until the last line has ended and no more will come; then says on `control` what has
/// become of all mail.
///
/// It has no part in the draining of a server: as long as somebody has a line, it is needed.
///
/// # Errors
/// When the system can't poll.
pub(super) fn run(hub: Box<dyn Hub>, overflow: Overflow, control: Seqpacket) -> io::Result<()> {
    let poll = Poll::new()?;
    poll.registry().register(
        &mut SourceFd(&control.as_raw_fd()),
        CONTROL,
        Interest::READABLE,
    )?;
    let mut process = Process {
        poll,
        control,
        ends: false,
        lines: Slab::new(),
        switchboard: Switchboard::new(hub),
        overflow,
        again: VecDeque::new(),
        stuck: Vec::new(),
        buffer: vec![0; READ_BUFFER].into(),
    };
    process.serve()
}

impl Process {
    fn serve(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        while (!self.ends || !self.lines.is_empty()) && !stop::is_past_deadline() {
            let patience = (!self.again.is_empty()).then_some(Duration::ZERO);
            let waiting = trace::start();
            let polled = self.poll.poll(&mut events, patience);
            waiting.idle();
            match polled {
                // A signal: the loop's condition knows the one that matters.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                match event.token() {
                    CONTROL => self.take_lines()?,
                    Token(key) => {
                        self.send_on(key);
                        self.hear(key);
                    }
                }
            }
            for _ in 0..self.again.len() {
                if let Some(key) = self.again.pop_front() {
                    self.hear(key);
                }
            }
            // Dropping one may be the last straw for another.
            while let Some(key) = self.stuck.pop() {
                self.drop_line(key, Parting::TooSlow);
            }
        }
        // The parent may have died.
        let _ = self
            .control
            .send(&[&write_counts(self.switchboard.counts())]);
        Ok(())
    }

    /// Takes the lines that the parent passes.
    fn take_lines(&mut self) -> io::Result<()> {
        loop {
            let socket = match self.control.try_recv_fd() {
                Ok(Some(socket)) => socket,
                Ok(None) => {
                    self.ends = true;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // A line that could not be taken is closed, and its process told by that.
                Err(_) => continue,
            };
            let key = self.lines.vacant_key();
            let both = Interest::READABLE | Interest::WRITABLE;
            let fd = socket.as_raw_fd();
            self.poll
                .registry()
                .register(&mut SourceFd(&fd), Token(key), both)?;
            self.lines.insert(Line {
                socket,
                waiting: Mailbox::new(self.overflow),
                next: None,
            });
        }
    }

    /// Hears what is said on a line.
    fn hear(&mut self, key: usize) {
        for _ in 0..VISIT {
            let Some(line) = self.lines.get(key) else {
                return;
            };
            let length = match line.socket.try_recv(&mut self.buffer) {
                Ok(0) => return self.drop_line(key, Parting::Lost),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.drop_line(key, Parting::Lost),
            };
            let Some((id, said)) = Said::read(&self.buffer[..length]) else {
                continue;
            };
            if let Said::Gone(_, missed) = said {
                self.switchboard.add_missed(missed);
            }
            match said.word() {
                None => self.switchboard.connect(id, key),
                Some(word) => self.tell(id, &word),
            }
        }
        self.again.push_back(key);
    }

    fn tell(&mut self, from: ConnId, word: &Word) {
        let Self {
            lines,
            switchboard,
            stuck,
            ..
        } = self;
        switchboard.hear(from, word, |&key, to, mail| {
            let Some(line) = lines.get_mut(key) else {
                return Put::Refused;
            };
            let put = line.send(to, mail);
            if matches!(put, Put::Overflowed(_)) {
                stuck.push(key);
            }
            put
        });
    }

    /// Sends what has waited for room on a line.
    fn send_on(&mut self, key: usize) {
        if let Some(line) = self.lines.get_mut(key) {
            line.send_on();
        }
    }

    /// A line has ended, or is to end: whoever was served at its other end has gone.
    fn drop_line(&mut self, key: usize, how: Parting) {
        if self.lines.try_remove(key).is_none() {
            return;
        }
        // When all go, nobody is left to be told.
        if self.ends || stop::is_set() {
            return;
        }
        for id in self.switchboard.find(|address| *address == key) {
            self.tell(id, &Word::Gone(how));
        }
    }
}

impl Line {
    /// Sends a piece of mail, or keeps it until there is room for it.
    fn send(&mut self, to: ConnId, mail: Mail) -> Put {
        if self.next.is_none() {
            match self.socket.try_send(&[&id_bytes(to), &mail.0]) {
                Ok(()) => return Put::Waits,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Its end will be heard.
                Err(_) => return Put::Refused,
            }
        }
        let message = Mail([&id_bytes(to)[..], &mail.0].concat().into());
        if self.next.is_none() {
            self.next = Some(message);
            return Put::Waits;
        }
        self.waiting.put(message)
    }

    fn send_on(&mut self) {
        while let Some(message) = self.next.take() {
            if let Err(error) = self.socket.try_send(&[&message.0])
                && error.kind() == io::ErrorKind::WouldBlock
            {
                self.next = Some(message);
                return;
            }
            self.next = loop {
                match self.waiting.take() {
                    Found::Mail(message) => break Some(message),
                    // Whoever reads too slowly behind this line is told by its own mailbox.
                    Found::Missed(_) => {}
                    Found::Nothing | Found::Overflow => break None,
                }
            };
        }
    }
}
