//! A connection of the client, seen from the server's side.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use portlab_conformance::experiments::Record;
use portlab_sys::sockets::{Socket, sockets_at};
use portlab_words::tr;
use socket2::SockRef;

/// How a client has ended its direction of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It has closed: FIN.
    Fin,
    /// It has reset, as the kernel does when a program closes with unread bytes.
    Reset,
}

/// A connection of the client. It never waits: what can't be sent at once is sent later.
#[derive(Debug)]
pub(super) struct Caller {
    stream: TcpStream,
    record: Record,
    /// What has come and was not answered yet; of much, the beginning.
    pub(super) pending: Vec<u8>,
    /// How many bytes have come in all.
    pub(super) total: usize,
    /// When bytes came last.
    pub(super) last: Instant,
    pub(super) end: Option<End>,
    /// What is to be sent.
    out: Vec<u8>,
    /// Whether it is answered as a right server would.
    pub(super) is_served: bool,
    /// Whether what comes is left in the kernel's buffer.
    pub(super) is_unread: bool,
    has_finished: bool,
}

impl Caller {
    pub(super) fn new(stream: TcpStream, record: &Record, is_served: bool) -> Self {
        // A socket that can't be set so is closed already, and the first read says that.
        let _ = stream.set_nonblocking(true);
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            record: record.clone(),
            pending: Vec::new(),
            total: 0,
            last: Instant::now(),
            end: None,
            out: Vec::new(),
            is_served,
            is_unread: false,
            has_finished: false,
        }
    }

    /// Sends and receives what can be sent and received at once. Returns whether anything was.
    pub(super) fn step(&mut self) -> bool {
        let sent = self.flush();
        sent | (!self.is_unread && self.receive())
    }

    fn receive(&mut self) -> bool {
        let before = self.total;
        let mut buffer = [0; 65_536];
        while self.end.is_none() && self.total - before < AT_ONCE {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.ended(End::Fin),
                Ok(length) => {
                    self.total += length;
                    self.last = Instant::now();
                    let room = KEPT.saturating_sub(self.pending.len());
                    self.pending.extend_from_slice(&buffer[..length.min(room)]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.ended(End::Reset),
            }
        }
        self.total > before
    }

    fn ended(&mut self, end: End) {
        self.end = Some(end);
        self.record.add(match end {
            End::Fin => tr!("the client sends no more (FIN)", "客户端不再发送（FIN）"),
            End::Reset => tr!(
                "the client's connection is reset (RST)",
                "客户端的连接被复位（RST）"
            ),
        });
    }

    /// Puts `bytes` into the answer, and sends what can be sent at once.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.flush();
    }

    fn flush(&mut self) -> bool {
        let before = self.out.len();
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(length) => drop(self.out.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.out.clear(),
            }
        }
        if self.has_finished && self.out.is_empty() {
            // It fails if the client has reset the connection.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
        self.out.len() < before
    }

    /// Closes the sending direction after everything was sent, as a server does that has closed; what comes is still read.
    pub(super) fn finish(&mut self) {
        self.has_finished = true;
        self.flush();
    }

    /// Whether [`finish`](Self::finish) was called.
    pub(super) fn has_finished(&self) -> bool {
        self.has_finished
    }

    /// Resets the connection.
    pub(super) fn reset(self) {
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    /// How many bytes the client has not read: those that wait in its socket, and those that can't be sent.
    /// 0 if it has closed its socket.
    pub(super) fn unread(&self) -> usize {
        self.out.len() + self.other_end().map_or(0, |it| it.unread as usize)
    }

    /// Whether the client has read everything. If it closes with unread bytes, its kernel resets the connection.
    pub(super) fn is_read(&self) -> bool {
        let is_reset =
            self.end == Some(End::Reset) || !matches!(self.stream.take_error(), Ok(None));
        self.unread() == 0 && !is_reset
    }

    /// Whether the client has closed its socket. After a half-close, the socket still belongs to the client.
    pub(super) fn is_closed(&self) -> bool {
        match self.end {
            None => false,
            Some(End::Reset) => true,
            Some(End::Fin) => self.other_end().is_none_or(|it| it.inode == 0),
        }
    }

    /// The client's socket, if the kernel still has it.
    fn other_end(&self) -> Option<Socket> {
        let here = self.stream.local_addr().ok()?;
        let there = self.stream.peer_addr().ok()?;
        let sockets = sockets_at(there.port()).unwrap_or_default();
        // The client's socket may be one of IPv6, which writes the same addresses otherwise.
        sockets
            .into_iter()
            .find(|it| it.local.port() == there.port() && it.remote.port() == here.port())
    }
}

/// How many bytes of the client are kept until they are answered.
const KEPT: usize = 1 << 20;

/// How many bytes are received before something else is done.
const AT_ONCE: usize = 1 << 20;
