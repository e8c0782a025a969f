//! Guests: single connections that behave badly, or at least not as a load does.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use socket2::SockRef;

/// How a guest behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Connects, and sends nothing.
    Silent,
    /// Sends a byte of its message every 300 ms, and the next message after the answer.
    Slow,
    /// Sends, and never reads an answer.
    NeverReads,
    /// Sends half of a message, and resets the connection after a second.
    Resets,
    /// Sends a message and its FIN, and reads the answer to its end.
    HalfClose,
}

/// A connection to a server of the page.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) kind: Kind,
    /// Its own port, by which the picture finds it.
    pub(crate) port: u16,
    stream: TcpStream,
    began: Instant,
    sent: usize,
}

/// How many guests a server may have.
pub(crate) const MOST: usize = 20;
/// A line, so that each service sees a whole message at its end.
const MESSAGE: &[u8] = b"hello, portlab\n";
const SLOW: Duration = Duration::from_millis(300);
const UNTIL_RESET: Duration = Duration::from_secs(1);
/// The accept queue of a server may be full.
const PATIENCE: Duration = Duration::from_millis(300);

impl Guest {
    pub(crate) fn connect(kind: Kind, addr: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
        match kind {
            Kind::HalfClose => {
                stream.write_all(MESSAGE)?;
                stream.shutdown(Shutdown::Write)?;
            }
            Kind::Resets => stream.write_all(&MESSAGE[..MESSAGE.len() / 2])?,
            Kind::Silent | Kind::Slow | Kind::NeverReads => {}
        }
        stream.set_nonblocking(true)?;
        Ok(Self {
            kind,
            port: stream.local_addr()?.port(),
            stream,
            began: Instant::now(),
            sent: 0,
        })
    }

    /// Does what is due. Returns whether the connection goes on.
    pub(crate) fn goes_on(&mut self, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.began);
        match self.kind {
            Kind::Silent | Kind::HalfClose => self.reads(),
            Kind::Slow => {
                let due = (age.as_millis() / SLOW.as_millis()) as usize;
                let is_due = self.sent < due;
                let is_sent = !is_due || self.send(self.sent % MESSAGE.len(), 1);
                is_sent && self.reads()
            }
            Kind::NeverReads => {
                for _ in 0..FEW {
                    let before = self.sent;
                    if !self.send(0, MESSAGE.len()) {
                        return false;
                    }
                    // The buffers are full: the rest of the calls would fail, too.
                    if self.sent == before {
                        break;
                    }
                }
                true
            }
            Kind::Resets if age < UNTIL_RESET => true,
            Kind::Resets => {
                let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
                false
            }
        }
    }

    /// Sends a part of the message. Returns whether the connection goes on.
    fn send(&mut self, from: usize, length: usize) -> bool {
        match self.stream.write(&MESSAGE[from..from + length]) {
            Ok(sent) => {
                self.sent += sent;
                true
            }
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// Reads what has come. Returns whether the connection goes on.
    fn reads(&mut self) -> bool {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
    }
}

/// The most messages that a guest that never reads sends in one call: a megabyte a second, until the buffers are full.
const FEW: usize = 4_000;
