//! One connection: two sockets, and a line for each direction between them, driven by one thread.

use std::{
    io::{self, ErrorKind::WouldBlock, Read, Write},
    net::{Shutdown, TcpStream},
    os::fd::AsFd,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    time::Timespec,
};
use socket2::SockRef;

use crate::{
    line::{Ending, Line, PIECE, Step},
    proxy::{Counts, Shared},
};

/// How a connection ended.
enum End {
    Closed,
    Reset { made: bool },
}

/// One direction: its line, and the sockets at both ends.
struct Way<'a> {
    line: Line,
    from: &'a TcpStream,
    to: &'a TcpStream,
    /// The counter of the bytes that are sent.
    bytes: fn(&mut Counts) -> &mut u64,
    /// Whether bytes are due, but the receiver's socket has no room.
    blocked: bool,
}

/// Passes bytes between `client` and `target` until both have ended, a fault ends the connection, or the proxy stops.
pub(crate) fn run(client: TcpStream, target: TcpStream, number: u64, shared: &Shared) {
    match drive(&client, &target, number, shared) {
        Ok(Some(End::Closed)) => close(&client, &target),
        Ok(Some(End::Reset { made })) => {
            shared.count(|it| match made {
                true => it.resets += 1,
                false => it.resets_passed += 1,
            });
            reset(client);
            reset(target);
        }
        // The proxy stops, or the system can't poll.
        Ok(None) | Err(_) => {}
    }
}

fn drive(
    client: &TcpStream,
    target: &TcpStream,
    number: u64,
    shared: &Shared,
) -> io::Result<Option<End>> {
    for stream in [client, target] {
        stream.set_nonblocking(true)?;
        // Pieces are sent as they are cut, and don't wait for acknowledgements.
        stream.set_nodelay(true)?;
    }
    let mut control = shared.control();
    let now = Instant::now();
    let most = shared.options.buffer;
    let random = |side| fastrand::Rng::with_seed(shared.options.seed ^ (2 * number + side));
    let faults = &control.settings;
    let up = Line::new(faults.up.clone(), most, random(0), now);
    let down = Line::new(faults.down.clone(), most, random(1), now);
    let mut up = Way::new(up, client, target, |it| &mut it.up_bytes);
    let mut down = Way::new(down, target, client, |it| &mut it.down_bytes);
    let mut buffer = vec![0; PIECE];
    while !shared.stopped() {
        let newest = shared.control();
        if !Arc::ptr_eq(&control, &newest) {
            control = newest;
            up.line.set(&control.settings.up, Instant::now());
            down.line.set(&control.settings.down, Instant::now());
        }
        // If one peer has reset the connection, the other peer gets a reset too.
        if up.line.is_broken() {
            down.line.end(Ending::Reset, Instant::now());
        }
        if down.line.is_broken() {
            up.line.end(Ending::Reset, Instant::now());
        }
        let mut until: Option<Instant> = None;
        for way in [&mut up, &mut down] {
            way.read(&mut buffer);
            match way.send(shared) {
                Ok(at) => until = until.into_iter().chain(at).min(),
                Err(end) => return Ok(Some(end)),
            }
        }
        if up.line.is_over() && down.line.is_over() {
            return Ok(Some(End::Closed));
        }
        wait(&up, &down, &control.changed, until)?;
    }
    Ok(None)
}

impl<'a> Way<'a> {
    fn new(
        line: Line,
        from: &'a TcpStream,
        to: &'a TcpStream,
        bytes: fn(&mut Counts) -> &mut u64,
    ) -> Self {
        Self {
            line,
            from,
            to,
            bytes,
            blocked: false,
        }
    }

    /// Reads once, if the line has room.
    fn read(&mut self, buffer: &mut [u8]) {
        if !self.line.has_room() {
            return;
        }
        let (mut from, now) = (self.from, Instant::now());
        match from.read(buffer) {
            Ok(0) => self.line.end(Ending::Closed, now),
            Ok(length) => self.line.put(&buffer[..length], Instant::now()),
            Err(error) if is_again(&error) => {}
            Err(_) => self.line.end(Ending::Reset, now),
        }
    }

    /// Sends the bytes that are due. Returns when more will be due, or how the connection ends.
    fn send(&mut self, shared: &Shared) -> Result<Option<Instant>, End> {
        self.blocked = false;
        let mut to = self.to;
        loop {
            let written = match self.line.next(Instant::now()) {
                Step::Send(bytes) => to.write(&bytes),
                Step::Wait(until) => return Ok(until),
                Step::Shut => {
                    // It fails if the receiver has reset the connection; the next read or write reports that.
                    let _ = to.shutdown(Shutdown::Write);
                    continue;
                }
                Step::Close => return Err(End::Closed),
                Step::Reset { made } => return Err(End::Reset { made }),
            };
            match written {
                Ok(length) => {
                    self.line.sent(length, Instant::now());
                    shared.count(|it| *(self.bytes)(it) += length as u64);
                }
                Err(error) if is_again(&error) => {
                    self.blocked = true;
                    return Ok(None);
                }
                Err(_) => {
                    self.line.break_off();
                    return Ok(Some(Instant::now()));
                }
            }
        }
    }
}

/// Waits until a socket is ready for a line, until the faults change, or until `until`.
fn wait(up: &Way, down: &Way, changed: &impl AsFd, until: Option<Instant>) -> io::Result<()> {
    let mut fds = vec![PollFd::new(changed, PollFlags::IN)];
    for (incoming, outgoing) in [(up, down), (down, up)] {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, incoming.line.has_room());
        flags.set(PollFlags::OUT, outgoing.blocked);
        // A socket without flags is left out: poll would report its errors each time and return at once.
        if !flags.is_empty() {
            fds.push(PollFd::new(incoming.from, flags));
        }
    }
    let left = until.map(|at| at.saturating_duration_since(Instant::now()));
    let left = left.and_then(|left| Timespec::try_from(left).ok());
    match poll(&mut fds, left.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn is_again(error: &io::Error) -> bool {
    matches!(error.kind(), WouldBlock | io::ErrorKind::Interrupted)
}

/// Closes both sockets with a FIN. Closing a socket with unread bytes sends a reset, which can overtake the last
/// bytes; so for a second, incoming bytes are read and dropped.
fn close(client: &TcpStream, target: &TcpStream) {
    let deadline = Instant::now() + LINGER;
    let both = [client, target];
    for stream in both {
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.set_nonblocking(false);
    }
    for mut stream in both {
        let mut buffer = [0; 4096];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
                return;
            }
            match stream.read(&mut buffer) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
            }
        }
    }
}

/// Closes `stream` with a reset.
///
/// Source: SO_LINGER in `socket(7)`.
pub(crate) fn reset(stream: TcpStream) {
    // It fails if the peer has reset the connection already.
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
}

/// How long input is read and dropped after a close.
const LINGER: Duration = Duration::from_secs(1);
