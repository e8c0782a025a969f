//! What a connection asks of its socket.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
};

use mio::net::TcpStream;
use portlab_sys::stop::Interruptible;

use crate::drivers::held::{Held, send_more};

/// A socket as the state machine uses it. Tests use a simulated one.
pub(crate) trait Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// As `write`; more bytes follow at once.
    fn write_more(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Writes as much of `bytes` as there is room for, and removes it from them. `more`: other bytes follow at once.
    fn take(&mut self, bytes: &mut Vec<u8>, more: bool) -> io::Result<usize> {
        let sent = match more {
            false => self.write(bytes)?,
            true => self.write_more(bytes)?,
        };
        bytes.drain(..sent);
        Ok(sent)
    }
    fn send_file(&mut self, held: &mut Held, most: usize) -> io::Result<usize>;
    fn finish(&mut self) -> io::Result<()>;
    /// Whether bytes that were written are still in this process. Then the poller reports the socket when they have left.
    fn has_unsent(&mut self) -> bool {
        false
    }
}

impl Socket for Interruptible<TcpStream> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut **self, buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut **self, bytes)
    }

    fn write_more(&mut self, bytes: &[u8]) -> io::Result<usize> {
        send_more(&**self, bytes)
    }

    fn send_file(&mut self, held: &mut Held, most: usize) -> io::Result<usize> {
        held.send(&**self, most)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}
