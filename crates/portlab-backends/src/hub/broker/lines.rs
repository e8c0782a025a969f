//! The lines of a process whose loop serves many connections: one line for each connection.
//!
//! So the broker treats a connection of a loop as it treats a process with one connection: its limits, its rests and the
//! mail that waits for it are its own.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    hash::Hash,
    io::{self, ErrorKind},
    os::fd::AsRawFd,
    rc::Rc,
};

use mio::{Interest, Registry, Token, unix::SourceFd};
use portlab_service::ConnId;
use portlab_sys::{seqpacket::Seqpacket, tally};

use super::{
    Broker,
    line::{Line, Received, ToBroker, VISIT, id_bytes},
};
use crate::{
    READ_BUFFER,
    hub::{
        inbox::Inbox,
        looped::LoopHub,
        mailbox::{Counts, Found},
        state::HubEvent,
    },
};

/// How a loop in a process of its own reaches the broker.
pub(crate) struct Lines<K> {
    broker: Broker,
    registry: Registry,
    /// The token of the line of a connection.
    token: fn(K) -> Token,
    lines: HashMap<K, Rc<RefCell<LoopLine>>>,
    keys: HashMap<ConnId, K>,
    buffer: Box<[u8]>,
}

const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

struct LoopLine {
    socket: Seqpacket,
    received: Received,
    /// Messages that the line had no room for.
    unsent: VecDeque<Vec<u8>>,
}

impl<K: Copy + Eq + Hash> Lines<K> {
    /// Makes lines to `broker`; a poller with this `registry` reports them by their `token`.
    pub(crate) fn new(broker: Broker, registry: Registry, token: fn(K) -> Token) -> Self {
        Self {
            broker,
            registry,
            token,
            lines: HashMap::new(),
            keys: HashMap::new(),
            buffer: vec![0; READ_BUFFER].into(),
        }
    }

    fn add(&mut self, id: ConnId, key: K, line: Line) -> io::Result<Box<dyn Inbox>> {
        let (socket, received) = line.into_parts(id);
        let fd = socket.as_raw_fd();
        self.registry
            .register(&mut SourceFd(&fd), (self.token)(key), BOTH)?;
        let mut line = LoopLine {
            socket,
            received,
            unsent: VecDeque::new(),
        };
        line.send(id, &ToBroker::Connect);
        let line = Rc::new(RefCell::new(line));
        self.keys.insert(id, key);
        self.lines.insert(key, Rc::clone(&line));
        Ok(Box::new(line))
    }
}

impl<K: Copy + Eq + Hash> LoopHub<K> for Lines<K> {
    fn connect(&mut self, id: ConnId, key: K) -> io::Result<Box<dyn Inbox>> {
        // This connection is counted already, and has no line yet.
        let others = (tally::active() as usize).saturating_sub(1);
        match self.broker.line(others)? {
            Some(line) => self.add(id, key, line),
            None => Err(ErrorKind::Unsupported.into()),
        }
    }

    fn tell(&mut self, id: ConnId, event: HubEvent, _woken: &mut Vec<K>) {
        let Some(&key) = self.keys.get(&id) else {
            return;
        };
        let Some(line) = self.lines.get(&key) else {
            return;
        };
        line.borrow_mut().send(id, &ToBroker::of(&event));
        // Then the line closes, unless messages still wait for room: the broker reads what was sent before the end.
        if let HubEvent::Gone(_) = event {
            self.keys.remove(&id);
            if line.borrow().unsent.is_empty() {
                self.lines.remove(&key);
            }
        }
    }

    fn fetch_line(&mut self, key: K, woken: &mut Vec<K>) -> io::Result<()> {
        let Some(line) = self.lines.get(&key) else {
            return Ok(());
        };
        let fetched = line.borrow_mut().fetch(&mut self.buffer);
        let line = line.borrow();
        if let Ok(More::Left) = fetched {
            // So the poller reports the line once more, after other connections have had their turn.
            let source = &mut SourceFd(&line.socket.as_raw_fd());
            self.registry.reregister(source, (self.token)(key), BOTH)?;
        }
        let has_gone = !self.keys.contains_key(&line.received.id());
        if has_gone && (fetched.is_err() || line.unsent.is_empty()) {
            drop(line);
            self.lines.remove(&key);
            return Ok(());
        }
        woken.push(key);
        fetched.map(drop)
    }

    /// The broker counts.
    fn counts(&self) -> Option<Counts> {
        None
    }
}

impl LoopLine {
    /// Sends a message, or keeps it until there is room for it. If the broker has died, the next
    /// [`LoopLine::fetch`] finds the end of the line.
    fn send(&mut self, id: ConnId, said: &ToBroker<'_>) {
        let (kind, bytes) = said.write();
        let message = [&[kind][..], &id_bytes(id), bytes];
        let is_full =
            |sent: io::Result<()>| sent.is_err_and(|it| it.kind() == ErrorKind::WouldBlock);
        if !self.unsent.is_empty() || is_full(self.socket.try_send(&message)) {
            self.unsent.push_back(message.concat());
        }
    }

    /// Sends what waits, and takes in what has come.
    fn fetch(&mut self, buffer: &mut [u8]) -> io::Result<More> {
        while let Some(message) = self.unsent.front() {
            match self.socket.try_send(&[message]) {
                Ok(()) => drop(self.unsent.pop_front()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.receive(buffer)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<More> {
        for _ in 0..VISIT {
            match self.socket.try_recv(buffer) {
                Ok(length @ 1..) => self.received.take_in(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(More::Nothing),
                ended => return Err(ended.err().unwrap_or(ErrorKind::UnexpectedEof.into())),
            }
        }
        Ok(More::Left)
    }
}

/// Whether messages are left on a line.
enum More {
    Nothing,
    Left,
}

impl Inbox for Rc<RefCell<LoopLine>> {
    fn take(&mut self) -> Found {
        self.borrow_mut().received.mailbox.take()
    }

    fn is_overflowed(&mut self) -> bool {
        self.borrow().received.mailbox.is_overflowed()
    }

    fn is_behind(&self) -> bool {
        !self.borrow().unsent.is_empty()
    }
}
