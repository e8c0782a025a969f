//! A client that checks what it receives.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use portlab_sys::socket::uninterrupted;
use socket2::{Domain, SockRef, Socket, Type};

use crate::{
    Failure,
    failure::{ensure, failed},
    patience::patience,
};

/// A connection to the server under test. All its calls have time limits.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
}

impl Client {
    pub(crate) fn connect(addr: SocketAddr) -> Result<Self, Failure> {
        Self::connect_within(addr, patience())
    }

    /// Connects, if that takes no longer than `limit`.
    pub(crate) fn connect_within(addr: SocketAddr, limit: Duration) -> Result<Self, Failure> {
        let stream =
            TcpStream::connect_timeout(&addr, limit).map_err(Failure::during("connecting"))?;
        Self::over(stream)
    }

    /// Connects with a receive buffer of the smallest size, so that the server's queue fills soon.
    pub(crate) fn with_small_buffer(addr: SocketAddr) -> Result<Self, Failure> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
        socket.set_recv_buffer_size(4096)?;
        socket.connect(&addr.into())?;
        Self::over(socket.into())
    }

    pub(crate) fn enlarge_buffer(&self) -> Result<(), Failure> {
        Ok(SockRef::from(&self.stream).set_recv_buffer_size(1 << 20)?)
    }

    /// Connects with a small buffer, is served, and sends as much of `flood` as the server takes while nothing is read:
    /// until the client reads, the server then has output to drain. Returns how many bytes were sent.
    pub(crate) fn that_does_not_read(
        addr: SocketAddr,
        flood: &[u8],
    ) -> Result<(Self, usize), Failure> {
        let mut client = Self::with_small_buffer(addr)?;
        client.exchange(b"are you there?")?;
        let sent = client.send_until_full(flood)?;
        Ok((client, sent))
    }

    fn over(stream: TcpStream) -> Result<Self, Failure> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience()))?;
        stream.set_write_timeout(Some(patience()))?;
        Ok(Self { stream })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stream
            .write_all(bytes)
            .map_err(Failure::during("sending"))
    }

    /// Sends until the server and the buffers on the way take no more, at most `bytes`. Returns how many bytes were taken.
    pub(crate) fn send_until_full(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        self.stream
            .set_write_timeout(Some(Duration::from_millis(300)))?;
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(length) => sent += length,
                Err(error) if would_block(&error) => break,
                Err(error) => return Err(Failure::during("sending")(error)),
            }
        }
        self.stream.set_write_timeout(Some(patience()))?;
        Ok(sent)
    }

    /// Sends all of `bytes` on a thread of its own, while this thread reads.
    pub(crate) fn send_beside(&self, bytes: Vec<u8>) -> Result<(), Failure> {
        let mut stream = self.stream.try_clone()?;
        thread::spawn(move || {
            // If this fails, the reader misses the bytes and fails.
            let _ = stream.write_all(&bytes);
        });
        Ok(())
    }

    /// Sends a byte every 100 ms, on a thread of its own, until the server accepts no more.
    pub(crate) fn drip_beside(&self) -> Result<(), Failure> {
        let mut stream = self.stream.try_clone()?;
        thread::spawn(move || {
            while stream.write_all(b"x").is_ok() {
                thread::sleep(Duration::from_millis(100));
            }
        });
        Ok(())
    }

    /// Reads bytes and discards them, on a thread of its own. Returns a function that returns their number so far.
    pub(crate) fn read_beside(&self) -> Result<impl Fn() -> u64 + use<>, Failure> {
        let mut stream = self.stream.try_clone()?;
        let count = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&count);
        thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(length @ 1..) = uninterrupted(|| stream.read(&mut buffer)) {
                counted.fetch_add(length as u64, Relaxed);
            }
        });
        Ok(move || count.load(Relaxed))
    }

    /// Closes the connection in both directions, also for the threads that read from it or write to it.
    pub(crate) fn end(self) -> Result<(), Failure> {
        self.stream
            .shutdown(Shutdown::Both)
            .map_err(Failure::during("ending"))
    }

    /// Reads exactly as many bytes as `expected` has, and compares them.
    pub(crate) fn expect(&mut self, expected: &[u8]) -> Result<(), Failure> {
        let mut got = vec![0; expected.len()];
        let mut length = 0;
        while length < got.len() {
            match uninterrupted(|| self.stream.read(&mut got[length..])) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if would_block(&error) => break,
                Err(error) => {
                    let what = format!("reading, after {length} of {} bytes", expected.len());
                    return Err(Failure::during(&what)(error));
                }
            }
        }
        if let Some(at) = expected
            .iter()
            .zip(&got[..length])
            .position(|(e, g)| e != g)
        {
            let (expected, got) = (expected[at], got[at]);
            ensure!(false, "byte {at}: expected {expected:#04x}, got {got:#04x}");
        }
        ensure!(
            length == expected.len(),
            "expected {} bytes, got {length} and then nothing for {:?}, or the end",
            expected.len(),
            patience()
        );
        Ok(())
    }

    /// Reads once: some bytes, or none at the end.
    pub(crate) fn receive(&mut self) -> Result<Vec<u8>, Failure> {
        let mut buffer = vec![0; 4096];
        let length = uninterrupted(|| self.stream.read(&mut buffer)).map_err(|error| {
            if would_block(&error) {
                return Failure::new(format!("expected bytes, got none for {:?}", patience()));
            }
            Failure::during("receiving")(error)
        })?;
        buffer.truncate(length);
        Ok(buffer)
    }

    pub(crate) fn exchange(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        // What fits into a socket buffer can be sent whole before reading.
        if bytes.len() <= 4096 {
            self.send(bytes)?;
        } else {
            self.send_beside(bytes.to_vec())?;
        }
        self.expect(bytes)
    }

    /// Expects that the server sends nothing for `time`, and doesn't close.
    pub(crate) fn expect_silence(&mut self, time: Duration) -> Result<(), Failure> {
        self.stream.set_read_timeout(Some(time))?;
        let read = uninterrupted(|| self.stream.read(&mut [0]));
        self.stream.set_read_timeout(Some(patience()))?;
        match read {
            Err(error) if would_block(&error) => Ok(()),
            Ok(0) => failed("expected silence, got the end of the connection"),
            Ok(_) => failed("expected silence, got bytes"),
            Err(error) => Err(Failure::during("expected silence")(error)),
        }
    }

    /// Expects that the server closes, and sends nothing before.
    pub(crate) fn expect_end(&mut self) -> Result<(), Failure> {
        match uninterrupted(|| self.stream.read(&mut [0])) {
            Ok(0) => Ok(()),
            Ok(_) => failed("expected the end of the connection, got more bytes"),
            Err(error) if would_block(&error) => {
                failed(format!("the server did not close within {:?}", patience()))
            }
            Err(error) => Err(Failure::during("expected the end of the connection")(error)),
        }
    }

    /// Expects the beginning of `sent`, at least a byte of it, and then a FIN.
    pub(crate) fn expect_beginning_and_end(&mut self, sent: &[u8]) -> Result<(), Failure> {
        let mut got = Vec::new();
        let read = self.stream.read_to_end(&mut got);
        let after = format!("reading to the end, after {} bytes", got.len());
        read.map_err(Failure::during(&after))?;
        ensure!(
            !got.is_empty() && sent.starts_with(&got),
            "expected the beginning of what was sent, got {} bytes that differ",
            got.len()
        );
        Ok(())
    }

    /// Expects that the connection ends, by a FIN or a reset. Bytes before the end are discarded.
    pub(crate) fn expect_to_be_dropped(&mut self) -> Result<(), Failure> {
        let mut buffer = [0; 65_536];
        loop {
            match uninterrupted(|| self.stream.read(&mut buffer)) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if would_block(&error) => {
                    return failed("expected the end of the connection, and it stays open");
                }
                Err(_) => return Ok(()),
            }
        }
    }

    pub(crate) fn local_addr(&self) -> Result<SocketAddr, Failure> {
        Ok(self.stream.local_addr()?)
    }

    /// Sends the FIN; the other direction stays open.
    pub(crate) fn half_close(&mut self) -> Result<(), Failure> {
        self.stream
            .shutdown(Shutdown::Write)
            .map_err(Failure::during("closing the sending half"))
    }

    /// Closes the connection with a RST.
    pub(crate) fn reset(self) -> Result<(), Failure> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))?;
        Ok(())
    }
}

fn would_block(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// `length` random bytes, the same for the same length.
pub(crate) fn random_bytes(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(length as u64).fill(&mut bytes);
    bytes
}
