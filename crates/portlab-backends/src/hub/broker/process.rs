//! The loop of the broker's process: lines, and the hub between them.

use std::{
    io, mem,
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use portlab_service::{CloseReason, ConnId, Hub, Mail};
use portlab_sys::{limits, seqpacket::Seqpacket, stop};
use rustix::io::Errno;
use slab::Slab;

use super::{
    counts::SharedCounts,
    line::{MAIL, TAKEN, ToBroker, id_bytes, missed, too_much},
};
use crate::{
    READ_BUFFER,
    hub::{
        mailbox::{Counts, Found, Mailbox, Overflow, Put},
        state::{HubEvent, HubState},
    },
    log::warn,
    timers::Timers,
    trace,
};

const CONTROL: Token = Token(usize::MAX);

/// How many messages of one line are handled before other lines have their turn, and how many pieces of mail they may
/// cause: in a large room each message goes to many members.
const VISIT: usize = 64;
const PIECES: usize = 1024;
/// Then the line rests: `REST` times as long as handling took, and not longer than `LONGEST_REST`. The processes that
/// receive the mail need the processors meanwhile.
const REST: u32 = 4;
const LONGEST_REST: Duration = Duration::from_millis(100);

struct Process {
    poll: Poll,
    control: Seqpacket,
    /// No more lines will come: the server stops.
    ends: bool,
    lines: Slab<BrokerLine>,
    /// How many lines there may be. The next ones stay in the control socket until a line has ended.
    most: usize,
    counts: SharedCounts,
    before: Counts,
    hub: HubState<usize>,
    overflow: Overflow,
    /// Messages that were handled since new lines were taken.
    since_lines: usize,
    /// When lines that rest are read again.
    resting: Timers<usize>,
    overflowed: Vec<usize>,
    buffer: Box<[u8]>,
}

struct BrokerLine {
    socket: Seqpacket,
    member: ConnId,
    /// Messages that its process has not taken, except the first.
    waiting: Mailbox,
    /// The first of them.
    next: Option<Mail>,
    /// The message that too much mail has waited for the member is sent, or waits.
    is_dropped: bool,
    /// The line is not read until its timer in `resting` fires.
    rests: bool,
}

/// Holds `hub` until the last line has ended and no more will come.
///
/// The broker doesn't end at the stop signal: it is needed until the last line has ended.
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
    let fd = control.as_raw_fd();
    let source = &mut SourceFd(&fd);
    poll.registry()
        .register(source, CONTROL, Interest::READABLE)?;
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
        hub: HubState::new(hub),
        overflow,
        since_lines: 0,
        resting: Timers::new(),
        overflowed: Vec::new(),
        buffer: vec![0; READ_BUFFER].into(),
    };
    process.serve()
}

impl Process {
    fn serve(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        while (!self.ends || !self.lines.is_empty()) && !stop::is_past_deadline() {
            let patience = self.resting.next();
            let waiting = trace::wait();
            let polled = self.poll.poll(&mut events, patience);
            waiting.idle();
            match polled {
                // A signal. The loop's condition checks whether the server stops.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                match event.token() {
                    CONTROL => self.take_lines(),
                    Token(key) => {
                        if let Some(line) = self.lines.get_mut(key) {
                            line.send_waiting();
                        }
                        self.read_line(key);
                    }
                }
            }
            let now = Instant::now();
            while let Some(key) = self.resting.pop_due(now) {
                if let Some(line) = self.lines.get_mut(key) {
                    line.rests = false;
                    self.read_line(key);
                }
            }
            // Mail about a dropped member may overflow another one.
            while let Some(key) = self.overflowed.pop() {
                self.drop_members(key, CloseReason::TooSlow);
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
            // A line that could not be taken is closed, and so its process ends.
            if let Err(error) = taken {
                warn(
                    "the broker can't take the line of another process",
                    "中介进程（broker）无法接收另一个进程的线路",
                    &error,
                );
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
        self.lines.insert(BrokerLine::new(socket, self.overflow));
        Ok(())
    }

    fn read_line(&mut self, key: usize) {
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
            let Some((id, message)) = ToBroker::read(&self.buffer[..length]) else {
                continue;
            };
            match message.event() {
                None => {
                    self.lines[key].begin(id, self.overflow);
                    self.hub.connect(id, key);
                }
                Some(event) => pieces += self.handle(id, &event),
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

    /// Gives the hub an event, and returns how many pieces of mail follow from it.
    fn handle(&mut self, from: ConnId, event: &HubEvent) -> usize {
        let mut pieces = 0;
        let Self {
            lines,
            hub,
            overflowed,
            counts,
            before,
            ..
        } = self;
        hub.handle(from, event, |&key, to, mail| {
            let Some(line) = lines.get_mut(key) else {
                return Put::Refused;
            };
            pieces += 1;
            let put = line.send(to, mail);
            if matches!(put, Put::Overflowed(_)) {
                overflowed.push(key);
            }
            put
        });
        counts.store(*before, hub.counts());
        pieces
    }

    /// Drops a line that has ended, and its connection.
    fn drop_line(&mut self, key: usize) {
        if self.lines.try_remove(key).is_none() {
            return;
        }
        self.take_lines();
        // At a stop all connections end, and the hub need not report each end to the other members.
        if !self.ends && !stop::is_set() {
            self.drop_members(key, CloseReason::Lost);
        }
    }

    /// Takes the connection of a line out of the hub.
    fn drop_members(&mut self, key: usize, reason: CloseReason) {
        for id in self.hub.at(&key) {
            self.handle(id, &HubEvent::Gone(reason));
        }
    }
}

impl BrokerLine {
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

    /// Another connection is served at the other end: drops the mail for the last one.
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
                // The next read finds the end of the line.
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

    fn send_waiting(&mut self) {
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
    use crate::hub::{broker::line, inbox::HubClient, mailbox::Policy};

    const MEMBER: ConnId = ConnId(7);

    /// How many pieces a member has received, and how many were reported to it as missed.
    #[derive(Default)]
    struct Member {
        received: u64,
        told: u64,
    }

    impl Member {
        fn take(&mut self, client: &mut impl HubClient) -> bool {
            match client.with_inbox(|inbox| inbox.take()) {
                Found::Mail(_) => self.received += 1,
                Found::Missed(count) => self.told += count,
                Found::Nothing => return false,
                Found::Overflow => panic!("drop-oldest drops no member"),
            }
            true
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// In any order of the steps of broker and member, each piece is received, or counted and reported as missed.
        #[test]
        fn each_piece_is_received_or_reported_as_missed(steps in vec(0..10_u8, 0..1000)) {
            let overflow = Overflow { policy: Policy::DropOldest, hard: 20_000, ..Overflow::default() };
            let counts = SharedCounts::new().unwrap();
            let (near, far) = Seqpacket::pair().unwrap();
            let near = line::Line::new(near, overflow, counts);
            let mut client = near.client(MEMBER);
            let mut far = BrokerLine::new(far, overflow);
            far.begin(MEMBER, overflow);
            let (mut member, mut sent, mut counted) = (Member::default(), 0, Counts::default());
            for step in steps {
                match step {
                    0..6 => {
                        sent += 1;
                        counted.count(far.send(MEMBER, Mail(vec![0; 5000].into())));
                        counts.store(Counts::default(), counted);
                    }
                    6 => far.send_waiting(),
                    7 => client.fetch().unwrap(),
                    _ => drop(member.take(&mut client)),
                }
                prop_assert!(member.told <= counts.read().missed);
            }
            loop {
                far.send_waiting();
                client.fetch().unwrap();
                if !member.take(&mut client) {
                    break;
                }
            }
            prop_assert_eq!(member.received + member.told, sent);
            let all = counts.read();
            prop_assert_eq!((all.delivered, all.missed), (member.received, member.told));
        }
    }
}
