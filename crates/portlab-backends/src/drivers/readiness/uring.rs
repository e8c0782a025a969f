//! Completions in the form of readiness: a ring receives and sends (`portlab_sys::uring`), and a socket here is ready when a
//! completion has come.
//!
//! Reading takes bytes that have arrived in a buffer of the ring already. Writing gives the bytes to the ring, one answer
//! at a time: until its completion a second write would block. So neither is a system call, and the state machine of a
//! connection is the same as with `epoll`.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io, mem,
    net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    rc::Rc,
    time::Duration,
};

use portlab_sys::{
    limits::open_files,
    stop::Interruptible,
    tally::{self, Count},
    uring::{self, Buffer, Buffers, Completion, Options, Ring},
};

use super::{
    conn::socket::Socket,
    poller::{Key, Poller, Ready},
};
use crate::{
    READ_BUFFER,
    door::Entry,
    drivers::{closing::LINGER, held::Held},
};

pub(crate) struct Uring {
    shared: Rc<RefCell<Shared>>,
    listener: TcpListener,
    /// Sockets with completions of this turn.
    touched: Vec<uring::Key>,
}

/// What the poller and the sockets of its connections use, in turn.
struct Shared {
    ring: Ring<Flow>,
    accepted: VecDeque<io::Result<TcpStream>>,
    /// Memory for answers. The one that was used last is taken next, while it is in the processor's cache.
    spare: Vec<Vec<u8>>,
    accepting_pauses: bool,
}

/// A connection's socket, and what has come of its requests.
struct Flow {
    stream: Rc<Interruptible<TcpStream>>,
    key: Key,
    input: Input,
    /// The number of the error that broke the connection, or 0.
    error: i32,
    /// The peer has sent its FIN.
    at_end: bool,
    /// The connection is among those that this turn reports.
    is_touched: bool,
    /// The connection is to be told when its answer has left.
    waits_for_sent: bool,
    /// The FIN follows the answer.
    finishes: bool,
}

/// Input that has arrived, and that the connection has not read.
#[derive(Default)]
struct Input {
    /// What the connection left unread when its turn was over. The buffers of the ring are lent for a turn only:
    /// connections that don't read must not keep them from the others.
    held: Vec<u8>,
    /// What has arrived in this turn.
    received: VecDeque<Buffer>,
    /// How many bytes of the first of these are read.
    read: usize,
    /// So much is held that the ring receives no more.
    is_paused: bool,
}

/// The socket of a connection. The ring closes the descriptor when this is dropped and no request holds it.
pub(crate) struct RingSocket {
    shared: Rc<RefCell<Shared>>,
    stream: Rc<Interruptible<TcpStream>>,
    /// The place in the ring; `None` before [`Poller::watch`].
    key: Option<uring::Key>,
}

impl Uring {
    /// Accepts at the listener of `entry`, and watches the stop signal.
    ///
    /// # Errors
    /// When io_uring is forbidden or missing, or no descriptor is left.
    pub(crate) fn new(entry: &Entry) -> io::Result<Self> {
        let mut ring = Ring::new(Options {
            linger: LINGER,
            ..Options::default()
        })?;
        let listener = entry.listener()?;
        ring.listen(listener.try_clone()?);
        ring.watch(entry.stop.bell()?.into());
        let shared = Shared {
            ring,
            accepted: VecDeque::new(),
            spare: Vec::new(),
            accepting_pauses: false,
        };
        Ok(Self {
            shared: Rc::new(RefCell::new(shared)),
            listener,
            touched: Vec::new(),
        })
    }
}

impl Poller for Uring {
    type Socket = RingSocket;

    fn wait(&mut self, patience: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        let shared = &mut *self.shared.borrow_mut();
        // Usually every buffer was read, and has gone back.
        if shared.ring.lent_count() > 0 {
            self.touched.iter().for_each(|&key| shared.hold_rest(key));
        }
        self.touched.clear();
        shared.ring.wait(patience)?;
        while let Some(completion) = shared.ring.next() {
            match completion {
                Completion::Accepted(accepted) => {
                    shared.accepted.push_back(accepted);
                    ready.push(Ready::Listener);
                }
                Completion::Readable => ready.push(Ready::Stop),
                Completion::Received(key, received) => {
                    if shared.received(key, received) {
                        self.touched.push(key);
                    }
                }
                Completion::Sent(key, sent) => {
                    if shared.sent(key, sent) {
                        self.touched.push(key);
                    }
                }
            }
        }
        // All that a connection has received in this turn is read at once.
        ready.extend(self.touched.iter().filter_map(|key| {
            let flow = shared.ring.get_mut(*key)?;
            flow.is_touched = false;
            Some(Ready::Conn {
                key: flow.key,
                fin_seen: flow.at_end || flow.error != 0,
            })
        }));
        Ok(())
    }

    fn accept(&mut self) -> io::Result<(Self::Socket, SocketAddr)> {
        let shared = &mut *self.shared.borrow_mut();
        let Some(accepted) = shared.accepted.pop_front() else {
            // After an error that passes, accepting goes on.
            if !shared.accepting_pauses {
                shared.ring.accept();
            }
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let mut stream = accepted?;
        // If the descriptor is above the limit of open files, the connection waits in `accepted`, as it would wait in the
        // listener's queue.
        if stream.as_raw_fd() as u64 >= open_files() {
            stream = match stream.try_clone() {
                Ok(within_limit) => within_limit,
                Err(error) => {
                    shared.accepted.push_front(Ok(stream));
                    return Err(error);
                }
            };
        }
        // A connection that its peer has reset already has no address any more.
        let peer = stream.peer_addr().unwrap_or(NO_ADDRESS);
        let socket = RingSocket {
            shared: Rc::clone(&self.shared),
            stream: Rc::new(Interruptible::new(stream)),
            key: None,
        };
        Ok((socket, peer))
    }

    fn listener(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    fn stop_accepting(&mut self) {
        self.shared.borrow_mut().ring.close_listener();
    }

    fn pause_accepting(&mut self, pauses: bool) {
        self.shared.borrow_mut().accepting_pauses = pauses;
    }

    fn watch(&mut self, key: Key, socket: &mut Self::Socket) -> io::Result<()> {
        let ring = &mut self.shared.borrow_mut().ring;
        let place = ring.insert(Flow {
            stream: Rc::clone(&socket.stream),
            key,
            input: Input::default(),
            error: 0,
            at_end: false,
            is_touched: false,
            waits_for_sent: false,
            finishes: false,
        });
        ring.receive(place);
        socket.key = Some(place);
        Ok(())
    }

    fn forget(&mut self, _key: Key, socket: Self::Socket) {
        drop(socket);
    }
}

impl Shared {
    /// What a receive has led to. Returns whether the connection is the next to be reported.
    fn received(&mut self, key: uring::Key, received: io::Result<Option<Buffer>>) -> bool {
        let Some(flow) = self.ring.get_mut(key) else {
            return false;
        };
        match received {
            Ok(Some(buffer)) => flow.input.received.push_back(buffer),
            Ok(None) => flow.at_end = true,
            Err(error) => flow.error = number(&error),
        }
        !mem::replace(&mut flow.is_touched, true)
    }

    /// What a send has led to. Returns whether the connection is the next to be reported.
    fn sent(&mut self, key: uring::Key, sent: io::Result<Vec<u8>>) -> bool {
        let Some(flow) = self.ring.get_mut(key) else {
            return false;
        };
        let waited = mem::take(&mut flow.waits_for_sent);
        let is_told = match sent {
            Ok(bytes) => {
                if mem::take(&mut flow.finishes) {
                    // If the peer has reset the connection, this fails, and a receive reports the reset.
                    let _ = flow.stream.shutdown(Shutdown::Write);
                }
                if bytes.capacity() <= MOST_SPARE && self.spare.len() < MOST_SPARES {
                    self.spare.push(bytes);
                }
                waited
            }
            Err(error) => {
                flow.error = number(&error);
                true
            }
        };
        is_told && !mem::replace(&mut flow.is_touched, true)
    }

    /// The turn is over: moves what a connection has not read from the ring's buffers to memory of its own.
    fn hold_rest(&mut self, key: uring::Key) {
        let Some((flow, buffers)) = self.ring.parts(key) else {
            return;
        };
        let input = &mut flow.input;
        for buffer in input.received.drain(..) {
            let from = match input.held.is_empty() {
                true => mem::take(&mut input.read),
                false => 0,
            };
            input
                .held
                .extend_from_slice(&buffers.bytes(&buffer)[from..]);
            buffers.give_back(buffer);
        }
        // That is the back-pressure: if nothing is received, TCP stops the peer.
        if input.held.len() >= READ_BUFFER && !mem::replace(&mut input.is_paused, true) {
            self.ring.pause(key);
        }
    }
}

impl RingSocket {
    /// Gives the ring what `fill` writes, if the last answer has left.
    fn send(
        &mut self,
        more: bool,
        fill: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<usize> {
        let key = self.key.ok_or(io::ErrorKind::NotConnected)?;
        let Shared { ring, spare, .. } = &mut *self.shared.borrow_mut();
        let is_sending = ring.is_sending(key);
        let flow = ring.get_mut(key).ok_or(io::ErrorKind::NotConnected)?;
        if flow.error != 0 {
            return Err(io::Error::from_raw_os_error(flow.error));
        }
        if is_sending {
            flow.waits_for_sent = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut bytes = spare.pop().unwrap_or_default();
        bytes.clear();
        fill(&mut bytes)?;
        let length = bytes.len();
        // The bytes come back only if there are none.
        let _ = ring.send(key, bytes, more);
        Ok(length)
    }
}

impl Socket for RingSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let key = self.key.ok_or(io::ErrorKind::NotConnected)?;
        let ring = &mut self.shared.borrow_mut().ring;
        let (flow, buffers) = ring.parts(key).ok_or(io::ErrorKind::NotConnected)?;
        let length = flow.input.read(buffer, buffers);
        let (at_end, error) = (flow.at_end, flow.error);
        if flow.input.is_paused && flow.input.held.is_empty() {
            flow.input.is_paused = false;
            ring.receive(key);
        }
        match (length, error) {
            (0, 0) if at_end => Ok(0),
            (0, 0) => Err(io::ErrorKind::WouldBlock.into()),
            (0, error) => Err(io::Error::from_raw_os_error(error)),
            _ => Ok(length),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(false, |out| {
            out.extend_from_slice(bytes);
            Ok(())
        })
    }

    fn write_more(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(true, |out| {
            out.extend_from_slice(bytes);
            Ok(())
        })
    }

    /// The answer goes to the ring without a copy; memory of an earlier answer takes its place.
    fn take(&mut self, bytes: &mut Vec<u8>, more: bool) -> io::Result<usize> {
        self.send(more, |out| {
            mem::swap(out, bytes);
            Ok(())
        })
    }

    /// The thread itself reads the piece of the file, and waits for the disk if it must.
    fn send_file(&mut self, held: &mut Held, most: usize) -> io::Result<usize> {
        let most = most.min(READ_BUFFER);
        let more = held.left() > most as u64;
        let sent = self.send(more, |out| held.take(most, out))?;
        tally::add(Count::BytesOut, sent as u64);
        Ok(sent)
    }

    fn finish(&mut self) -> io::Result<()> {
        let key = self.key.ok_or(io::ErrorKind::NotConnected)?;
        let ring = &mut self.shared.borrow_mut().ring;
        let is_sending = ring.is_sending(key);
        match ring.get_mut(key) {
            Some(flow) if is_sending => {
                flow.finishes = true;
                Ok(())
            }
            _ => self.stream.shutdown(Shutdown::Write),
        }
    }

    fn has_unsent(&mut self) -> bool {
        let Some(key) = self.key else {
            return false;
        };
        let ring = &mut self.shared.borrow_mut().ring;
        let is_sending = ring.is_sending(key);
        if let Some(flow) = ring.get_mut(key) {
            flow.waits_for_sent |= is_sending;
        }
        is_sending
    }
}

impl Input {
    /// Moves input to `buffer`: as much as there is, or as fits. Returns how many bytes.
    fn read(&mut self, buffer: &mut [u8], buffers: &mut Buffers) -> usize {
        let mut length = 0;
        while length < buffer.len() {
            let bytes = match self.received.front() {
                _ if !self.held.is_empty() => &self.held[self.read..],
                Some(first) => &buffers.bytes(first)[self.read..],
                None => break,
            };
            let count = bytes.len().min(buffer.len() - length);
            buffer[length..][..count].copy_from_slice(&bytes[..count]);
            length += count;
            if count < bytes.len() {
                self.read += count;
                break;
            }
            self.read = 0;
            if !mem::take(&mut self.held).is_empty() {
                continue;
            }
            if let Some(first) = self.received.pop_front() {
                buffers.give_back(first);
            }
        }
        length
    }
}

impl AsFd for Flow {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl AsFd for RingSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Drop for RingSocket {
    fn drop(&mut self) {
        let Some(key) = self.key else {
            return;
        };
        let ring = &mut self.shared.borrow_mut().ring;
        if let Some((flow, buffers)) = ring.parts(key) {
            let received = flow.input.received.drain(..);
            received.for_each(|buffer| buffers.give_back(buffer));
        }
        ring.close(key);
    }
}

/// The number by which the error is kept, so that each later call reports it.
fn number(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(BROKEN)
}

const NO_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// "Broken pipe".
const BROKEN: i32 = 32;
/// The largest buffer of an answer that is kept for reuse. Freed memory would go back to the system, which clears each page
/// before the next use.
const MOST_SPARE: usize = READ_BUFFER;
/// How many buffers are kept.
const MOST_SPARES: usize = 64;
