//! The broker's own loop: lines, and the hub between them.

use std::{
    io, mem,
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use portlab_service::{ConnId, Hub, Mail, Parting};
use portlab_sys::{limits, seqpacket::Seqpacket, stop};
use rustix::io::Errno;
use slab::Slab;

use super::{
    counts::SharedCounts,
    line::{MAIL, Said, TAKEN, id_bytes, missed, too_much},
};
use crate::{
    READ_BUFFER,
    log::complain,
    mailbox::{Counts, Found, Mailbox, Overflow, Put},
    switchboard::{Switchboard, Word},
    timers::Timers,
    trace,
};

const CONTROL: Token = Token(usize::MAX);

/// How many messages of one line are taken before it is the others' turn, and how many pieces of mail may come
/// of them: in a large room each message goes to many.
const VISIT: usize = 64;
const PIECES: usize = 1024;
/// A line that has said so much rests so many times as long as that took, and not longer than this. Its mail
/// is delivered meanwhile: the processes that receive it need the processors, too.
const REST: u32 = 4;
const LONGEST_REST: Duration = Duration::from_millis(100);

/// The broker, in its process.
struct Process {
    poll: Poll,
    /// Where new lines come from.
    control: Seqpacket,
    /// No more will come: the server is ending.
    ends: bool,
    lines: Slab<Line>,
    /// How many there may be. The next ones stay in the control socket until one of these has ended.
    most: usize,
    counts: SharedCounts,
    /// What the brokers before this one have counted.
    before: Counts,
    switchboard: Switchboard<usize>,
    overflow: Overflow,
    /// Messages that were heard since lines were taken last.
    since_lines: usize,
    /// When lines that rest are heard again.
    resting: Timers<usize>,
    /// Lines behind which too much has waited.
    stuck: Vec<usize>,
    buffer: Box<[u8]>,
}

/// The broker's end of a line.
struct Line {
    socket: Seqpacket,
    /// The connection at its other end.
    member: ConnId,
    /// What its process has not taken, each piece with its kind and receiver before it.
    waiting: Mailbox,
    /// The first of it.
    next: Option<Mail>,
    /// The member is being told that too much waited for it.
    is_dropped: bool,
    /// Not read until its timer in `resting` fires.
    rests: bool,
}

/// Holds `hub` until the last line has ended and no more will come.
///
/// It has no part in the draining of a server: as long as somebody has a line, it is needed.
///
/// # Errors
/// When the system can't poll.
pub(super) fn run(
    hub: Box<dyn Hub>,
    overflow: Overflow,
    counts: SharedCounts,
    control: Seqpacket,
) -> io::Result<()> {
    let poll = Poll::new()?;
    let most = limits::free_descriptors()?;
    poll.registry().register(
        &mut SourceFd(&control.as_raw_fd()),
        CONTROL,
        Interest::READABLE,
    )?;
    if most == 0 {
        return Err(Errno::MFILE.into());
    }
    let mut process = Process {
        poll,
        control,
        ends: false,
        lines: Slab::new(),
        most,
        counts,
        before: counts.of_brokers(),
        switchboard: Switchboard::new(hub),
        overflow,
        since_lines: 0,
        resting: Timers::new(),
        stuck: Vec::new(),
        buffer: vec![0; READ_BUFFER].into(),
    };
    process.serve()
}

impl Process {
    fn serve(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        while (!self.ends || !self.lines.is_empty()) && !stop::is_past_deadline() {
            let patience = self.resting.next();
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
                    CONTROL => self.take_lines(),
                    Token(key) => {
                        self.send_on(key);
                        self.hear(key);
                    }
                }
            }
            let now = Instant::now();
            while let Some(key) = self.resting.pop_due(now) {
                if let Some(line) = self.lines.get_mut(key) {
                    line.rests = false;
                    self.hear(key);
                }
            }
            // Dropping one may be the last straw for another.
            while let Some(key) = self.stuck.pop() {
                self.drop_members(key, Parting::TooSlow);
            }
        }
        Ok(())
    }

    /// Takes the lines that the parent passes, as many as there is room for.
    fn take_lines(&mut self) {
        while self.lines.len() < self.most {
            let taken = match self.control.try_recv_fd() {
                Ok(Some(socket)) => self.take_line(socket),
                Ok(None) => {
                    self.ends = true;
                    return;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => Err(error),
            };
            // A line that could not be taken is closed, and its process ends with it.
            if let Err(error) = taken {
                complain("the broker can't take the line of another process", &error);
            }
        }
    }

    fn take_line(&mut self, socket: Seqpacket) -> io::Result<()> {
        let key = self.lines.vacant_key();
        let both = Interest::READABLE | Interest::WRITABLE;
        let fd = socket.as_raw_fd();
        self.poll
            .registry()
            .register(&mut SourceFd(&fd), Token(key), both)?;
        match socket.try_send(&[TAKEN]) {
            // Its process has ended already.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            sent => sent?,
        }
        self.lines.insert(Line::new(socket, self.overflow));
        Ok(())
    }

    /// Hears what is said on a line.
    fn hear(&mut self, key: usize) {
        let (began, mut pieces) = (Instant::now(), 0);
        for _ in 0..VISIT {
            let Some(line) = self.lines.get(key).filter(|line| !line.rests) else {
                return;
            };
            let length = match line.socket.try_recv(&mut self.buffer) {
                Ok(0) => return self.drop_line(key),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.drop_line(key),
            };
            let Some((id, said)) = Said::read(&self.buffer[..length]) else {
                continue;
            };
            match said.word() {
                None => {
                    self.lines[key].begin(id, self.overflow);
                    self.switchboard.connect(id, key);
                }
                Some(word) => pieces += self.tell(id, &word),
            }
            if pieces >= PIECES {
                break;
            }
            // The parent waits for its next line to be taken, and its clients wait for the parent.
            self.since_lines += 1;
            if self.since_lines >= VISIT {
                self.since_lines = 0;
                self.take_lines();
            }
        }
        if let Some(line) = self.lines.get_mut(key) {
            line.rests = true;
            let now = Instant::now();
            let rest = ((now - began) * REST).min(LONGEST_REST);
            self.resting.arm(now + rest, key);
        }
    }

    /// Tells the hub, and says how many pieces of mail came of it.
    fn tell(&mut self, from: ConnId, word: &Word) -> usize {
        let mut pieces = 0;
        let Self {
            lines,
            switchboard,
            stuck,
            counts,
            before,
            ..
        } = self;
        switchboard.hear(from, word, |&key, to, mail| {
            let Some(line) = lines.get_mut(key) else {
                return Put::Refused;
            };
            pieces += 1;
            let put = line.send(to, mail);
            if matches!(put, Put::Overflowed(_)) {
                stuck.push(key);
            }
            put
        });
        counts.store(*before, switchboard.counts());
        pieces
    }

    /// Sends what has waited for room on a line.
    fn send_on(&mut self, key: usize) {
        if let Some(line) = self.lines.get_mut(key) {
            line.send_on();
        }
    }

    /// A line has ended: the connection that was served at its other end has gone.
    fn drop_line(&mut self, key: usize) {
        if self.lines.try_remove(key).is_none() {
            return;
        }
        self.take_lines();
        // When all go, no member is left to be told.
        if !self.ends && !stop::is_set() {
            self.drop_members(key, Parting::Lost);
        }
    }

    /// Removes the connection on this line from the hub.
    fn drop_members(&mut self, key: usize, how: Parting) {
        for id in self.switchboard.find(|address| *address == key) {
            self.tell(id, &Word::Gone(how));
        }
    }
}

impl Line {
    fn new(socket: Seqpacket, overflow: Overflow) -> Self {
        Self {
            socket,
            member: ConnId(0),
            waiting: Mailbox::new(overflow),
            next: None,
            is_dropped: false,
            rests: false,
        }
    }

    /// Another connection is served at the other end; mail for the last one is of no use any more.
    fn begin(&mut self, member: ConnId, overflow: Overflow) {
        self.member = member;
        self.waiting = Mailbox::new(overflow);
        self.next = None;
        self.is_dropped = false;
    }

    /// Sends a piece of mail, or keeps it until there is room for it.
    fn send(&mut self, to: ConnId, mail: Mail) -> Put {
        if self.next.is_none() {
            match self.socket.try_send(&[&[MAIL], &id_bytes(to), &mail.0]) {
                Ok(()) => return Put::Waits,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Its end will be heard.
                Err(_) => return Put::Refused,
            }
        }
        let message = Mail([&[MAIL], &id_bytes(to)[..], &mail.0].concat().into());
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
            self.next = match self.waiting.take() {
                Found::Mail(message) => Some(message),
                Found::Missed(count) => Some(missed(self.member, count)),
                Found::Overflow if !mem::replace(&mut self.is_dropped, true) => {
                    Some(too_much(self.member))
                }
                Found::Nothing | Found::Overflow => None,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{broker::line, mailbox::Policy, member::Desk};

    const MEMBER: ConnId = ConnId(7);

    /// What a member has heard, and what it was told that it missed.
    #[derive(Default)]
    struct Member {
        heard: u64,
        told: u64,
    }

    impl Member {
        /// Takes a piece; `false` when none waits.
        fn take(&mut self, desk: &mut impl Desk) -> bool {
            match desk.with_inbox(|inbox| inbox.take()) {
                Found::Mail(_) => self.heard += 1,
                Found::Missed(count) => self.told += count,
                Found::Nothing => return false,
                Found::Overflow => panic!("drop-oldest drops no member"),
            }
            true
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever order broker and member work in: each piece is heard, or is counted as missed and told.
        #[test]
        fn each_piece_is_heard_or_told_as_missed(steps in vec(0..10_u8, 0..1000)) {
            let overflow = Overflow { policy: Policy::DropOldest, hard: 20_000, ..Overflow::default() };
            let counts = SharedCounts::new().unwrap();
            let (near, far) = Seqpacket::pair().unwrap();
            let near = line::Line::new(near, overflow, counts);
            let mut desk = near.desk(MEMBER);
            let mut far = Line::new(far, overflow);
            far.begin(MEMBER, overflow);
            let (mut member, mut said, mut counted) = (Member::default(), 0, Counts::default());
            for step in steps {
                match step {
                    0..6 => {
                        said += 1;
                        counted.count(far.send(MEMBER, Mail(vec![0; 5000].into())));
                        counts.store(Counts::default(), counted);
                    }
                    6 => far.send_on(),
                    7 => desk.fetch().unwrap(),
                    _ => drop(member.take(&mut desk)),
                }
                prop_assert!(member.told <= counts.read().missed);
            }
            loop {
                far.send_on();
                desk.fetch().unwrap();
                if !member.take(&mut desk) {
                    break;
                }
            }
            prop_assert_eq!(member.heard + member.told, said);
            let all = counts.read();
            prop_assert_eq!((all.delivered, all.missed), (member.heard, member.told));
        }
    }
}
