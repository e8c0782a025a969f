//! The ring: requests go to the kernel, completions come back.

mod outcomes;

use std::{
    collections::VecDeque,
    io, mem,
    net::{TcpListener, TcpStream},
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use io_uring::{
    EnterFlags, IoUring, cqueue, squeue,
    types::{SubmitArgs, Timespec},
};
use rustix::{
    io::Errno,
    net::{Shutdown, shutdown},
};
use slab::Slab;

use super::{
    buffers::{Buffer, Buffers},
    requests::{self, GENERATIONS, Key, Kind, NO_SOCKET},
    setup,
};

/// A ring for sockets of one thread: it accepts, receives and sends, and reports what has been done.
///
/// The kernel works with memory of this process while the process goes on. So the ring owns all that a request needs: the
/// sockets, the bytes that are sent, and the buffers of what is received. It gives them back with the last completion of
/// the request, and if it is dropped before, it leaks them.
///
/// Nothing reaches the kernel before [`Ring::wait`], which submits all requests and waits, in one system call.
///
/// Source: `io_uring(7)`, `io_uring_enter(2)`.
pub struct Ring<T: AsFd> {
    io: IoUring,
    buffers: Buffers,
    slots: Slab<Slot<T>>,
    generation: u32,
    /// Completions, and how many of them [`Ring::next`] has returned.
    completions: Vec<cqueue::Entry>,
    taken: usize,
    /// Requests that found the submission queue full.
    waiting: VecDeque<squeue::Entry>,
    /// Sockets that are to be received from again: no buffer was free, or the kernel has ended a request early.
    starved: VecDeque<Key>,
    /// Sockets that are closed when their last bytes are sent, and the time of each when they are cut.
    closing: VecDeque<(Instant, Key)>,
    listener: Option<TcpListener>,
    is_accepting: bool,
    watched: Option<OwnedFd>,
    /// How many requests have not had their last completion.
    in_flight: usize,
    linger: Duration,
}

/// A socket, and its requests.
struct Slot<T> {
    socket: T,
    generation: u32,
    /// A receive is with the kernel.
    is_receiving: bool,
    /// When a receive ends early, the next one follows.
    wants_input: bool,
    /// The peer has sent its FIN, or the connection is broken.
    has_ended: bool,
    is_closing: bool,
    sending: Option<Sending>,
}

struct Sending {
    bytes: Vec<u8>,
    /// How many of them are sent.
    sent: usize,
    more: bool,
}

/// What a request has led to.
#[derive(Debug)]
pub enum Completion {
    /// A connection was accepted; or accepting has ended with an error, until [`Ring::accept`].
    ///
    /// A request to accept keeps the limit of open files of the moment when it was made. If `prlimit(2)` has lowered the
    /// limit since, some descriptors may be above it, before a new request takes its place.
    Accepted(io::Result<TcpStream>),
    /// Bytes have arrived, in a buffer of the ring, or `None`: the peer has sent its FIN. After that, and after an error,
    /// no more is received.
    Received(Key, io::Result<Option<Buffer>>),
    /// All bytes of [`Ring::send`] are sent, and here they are again; or the connection is broken.
    Sent(Key, io::Result<Vec<u8>>),
    /// The descriptor of [`Ring::watch`] is readable.
    Readable,
}

/// The sizes of a ring.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many requests are submitted at once. The queue of completions has room for four times as many.
    pub requests: u32,
    /// How many buffers the kernel may fill before some come back: a power of two.
    pub buffers: u16,
    /// How many bytes a buffer holds.
    pub buffer_bytes: u32,
    /// How long a socket that is closed may go on sending its last bytes.
    pub linger: Duration,
}

impl Default for Options {
    /// 256 requests; 64 buffers of 16 KiB; one second.
    fn default() -> Self {
        Self {
            requests: 256,
            buffers: 64,
            buffer_bytes: 16 * 1024,
            linger: Duration::from_secs(1),
        }
    }
}

impl<T: AsFd> Ring<T> {
    /// Makes a ring, which only the calling thread may use.
    ///
    /// # Errors
    /// When io_uring is forbidden or missing ([`super::uring`] says which), or there is too little memory.
    pub fn new(options: Options) -> io::Result<Self> {
        let io = setup::build(options.requests)?;
        let buffers = Buffers::new(options.buffers, options.buffer_bytes)?;
        buffers.register(&io.submitter())?;
        Ok(Self {
            io,
            buffers,
            slots: Slab::new(),
            generation: 0,
            completions: Vec::new(),
            taken: 0,
            waiting: VecDeque::new(),
            starved: VecDeque::new(),
            closing: VecDeque::new(),
            listener: None,
            is_accepting: false,
            watched: None,
            in_flight: 0,
            linger: options.linger,
        })
    }

    /// Takes `listener` over. [`Ring::accept`] begins.
    pub fn listen(&mut self, listener: TcpListener) {
        self.listener = Some(listener);
        self.accept();
    }

    /// Accepts connections from now on, one completion each, until an error.
    pub fn accept(&mut self) {
        if let Some(listener) = &self.listener
            && !mem::replace(&mut self.is_accepting, true)
        {
            let request = requests::accept(listener.as_fd());
            // SAFETY: the request names no memory.
            unsafe { self.push(request) };
        }
    }

    /// Accepts no more connections, and closes the listener.
    pub fn close_listener(&mut self) {
        if self.listener.take().is_some() && self.is_accepting {
            self.cancel(Kind::Accept, NO_SOCKET);
        }
    }

    /// Reports once when `fd` is readable.
    pub fn watch(&mut self, fd: OwnedFd) {
        let fd = self.watched.insert(fd);
        let request = requests::watch(fd.as_fd());
        // SAFETY: the request names no memory.
        unsafe { self.push(request) };
    }

    /// Takes a connected socket over.
    pub fn insert(&mut self, socket: T) -> Key {
        self.generation = (self.generation + 1) % GENERATIONS;
        let index = self.slots.insert(Slot {
            socket,
            generation: self.generation,
            is_receiving: false,
            wants_input: false,
            has_ended: false,
            is_closing: false,
            sending: None,
        });
        Key {
            index: index as u32,
            generation: self.generation,
        }
    }

    /// The socket of `key`; `None` if it was closed.
    pub fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(key.index as usize)?;
        (slot.generation == key.generation && !slot.is_closing).then_some(&slot.socket)
    }

    /// As [`Ring::get`].
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        find(&mut self.slots, key).map(|slot| &mut slot.socket)
    }

    /// Receives from now on, one completion for each buffer, until [`Ring::pause`] or the end. After the end, and while it
    /// receives already, this changes nothing.
    pub fn receive(&mut self, key: Key) {
        if let Some(slot) = find(&mut self.slots, key)
            && !slot.has_ended
        {
            slot.wants_input = true;
            if !mem::replace(&mut slot.is_receiving, true) {
                let request = requests::receive(slot.socket.as_fd(), key);
                // SAFETY: the kernel writes to buffers of the ring, which stay until the last completion.
                unsafe { self.push(request) };
            }
        }
    }

    /// Receives no more for now. What the kernel has received already is still reported.
    pub fn pause(&mut self, key: Key) {
        if let Some(slot) = find(&mut self.slots, key)
            && mem::take(&mut slot.wants_input)
            && slot.is_receiving
        {
            self.cancel(Kind::Receive, key);
        }
    }

    /// Sends `bytes`. The kernel reads them while this process goes on, so the ring owns them until
    /// [`Completion::Sent`] gives them back. If `more` will follow at once, the kernel may wait for it.
    ///
    /// # Errors
    /// With the bytes, when earlier ones are still being sent: two requests could be done in either order. Also when there
    /// are none, or the socket was closed.
    pub fn send(&mut self, key: Key, bytes: Vec<u8>, more: bool) -> Result<(), Vec<u8>> {
        match find(&mut self.slots, key) {
            Some(slot) if slot.sending.is_none() && !bytes.is_empty() => {
                slot.sending = Some(Sending {
                    bytes,
                    sent: 0,
                    more,
                });
                self.push_send(key);
                Ok(())
            }
            _ => Err(bytes),
        }
    }

    /// Whether the bytes of a [`Ring::send`] are with the kernel.
    pub fn is_sending(&self, key: Key) -> bool {
        let slot = self.slots.get(key.index as usize);
        slot.is_some_and(|it| it.generation == key.generation && it.sending.is_some())
    }

    /// Closes a socket. The bytes that are being sent have [`Options::linger`] to leave. No completion of it follows.
    ///
    /// A request holds the socket open, so that closing the descriptor would neither send a FIN nor free the port. So the
    /// requests end first.
    pub fn close(&mut self, key: Key) {
        let Some(slot) = find(&mut self.slots, key) else {
            return;
        };
        (slot.is_closing, slot.wants_input) = (true, false);
        if slot.sending.is_some() {
            self.closing.push_back((Instant::now() + self.linger, key));
        }
        if slot.is_receiving {
            self.cancel(Kind::Receive, key);
        }
        self.drop_if_ended(key);
    }

    /// How many sockets the ring has, those that are closing included.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether the ring has no socket.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many buffers are not with the kernel.
    pub fn lent_count(&self) -> usize {
        self.buffers.lent_count()
    }

    /// The socket of `key`, and the buffers.
    pub fn parts(&mut self, key: Key) -> Option<(&mut T, &mut Buffers)> {
        let slot = find(&mut self.slots, key)?;
        Some((&mut slot.socket, &mut self.buffers))
    }

    /// The bytes in a buffer.
    pub fn bytes(&self, buffer: &Buffer) -> &[u8] {
        self.buffers.bytes(buffer)
    }

    /// As [`Buffers::give_back`].
    pub fn give_back(&mut self, buffer: Buffer) {
        self.buffers.give_back(buffer);
    }

    /// Submits all requests, and waits until one is completed, for at most `limit`. Then [`Ring::next`] has completions. A
    /// signal ends the wait.
    ///
    /// # Errors
    /// When the kernel refuses the call.
    pub fn wait(&mut self, limit: Option<Duration>) -> io::Result<()> {
        self.receive_again();
        let limit = self.cut_overdue(limit);
        self.completions.drain(..self.taken);
        self.taken = 0;
        let is_ready = !self.completions.is_empty() || limit == Some(Duration::ZERO);
        loop {
            self.submit_waiting();
            let is_last = self.waiting.is_empty();
            let entered = match is_last && !is_ready {
                true => self.enter(1, limit),
                false => self.enter(0, None),
            };
            self.completions.extend(self.io.completion());
            match entered.as_ref().map_err(Errno::from_io_error) {
                Ok(_) if is_last => return Ok(()),
                Ok(_) => {}
                // The time is over; a signal has come; completions must be taken first, or memory is short for a moment.
                Err(Some(Errno::TIME | Errno::INTR | Errno::BUSY | Errno::AGAIN)) => return Ok(()),
                Err(_) => return entered.map(drop),
            }
        }
    }

    /// The next completion, if there is one. Call it until it returns `None`, then [`Ring::wait`].
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would keep the ring borrowed"
    )]
    pub fn next(&mut self) -> Option<Completion> {
        loop {
            let entry = self.completions.get(self.taken)?;
            let (result, flags, number) = (entry.result(), entry.flags(), entry.user_data());
            self.taken += 1;
            let (kind, key) = Kind::of(number);
            let is_last = !cqueue::more(flags);
            // Only a cancellation that found its target has no completion, so it isn't counted.
            self.in_flight -= usize::from(is_last && kind != Kind::Cancel);
            let completion = match kind {
                Kind::Receive => self.received(key, result, cqueue::buffer_select(flags), is_last),
                Kind::Send => self.sent(key, result),
                Kind::Accept => self.accepted(result, is_last),
                Kind::Watch => {
                    self.watched = None;
                    Some(Completion::Readable)
                }
                Kind::Cancel => None,
            };
            if completion.is_some() {
                return completion;
            }
        }
    }
}

impl<T: AsFd> Ring<T> {
    /// Sends what is left of the bytes of a slot.
    fn push_send(&mut self, key: Key) -> Option<Completion> {
        let slot = self.slots.get(key.index as usize)?;
        let sending = slot.sending.as_ref()?;
        let rest = &sending.bytes[sending.sent..];
        let request = requests::send(slot.socket.as_fd(), key, rest, sending.more);
        // SAFETY: the slot keeps the bytes, and does not change them, until the last completion; a ring that is dropped
        // before leaks them.
        unsafe { self.push(request) };
        None
    }

    /// Drops a socket that is closing, if no request holds it.
    fn drop_if_ended(&mut self, key: Key) {
        let slot = &self.slots[key.index as usize];
        if slot.is_closing && !slot.is_receiving && slot.sending.is_none() {
            self.slots.remove(key.index as usize);
        }
    }

    fn cancel(&mut self, kind: Kind, key: Key) {
        let request = requests::cancel(kind, key);
        // SAFETY: the request names no memory.
        unsafe { self.push(request) };
        self.in_flight -= 1;
    }

    /// # Safety
    /// Memory that the request names must stay valid until its last completion.
    unsafe fn push(&mut self, request: squeue::Entry) {
        self.in_flight += 1;
        // A cancellation must not overtake its target.
        // SAFETY: the caller's promise.
        if !self.waiting.is_empty() || unsafe { self.io.submission().push(&request) }.is_err() {
            self.waiting.push_back(request);
        }
    }

    /// Moves requests that have waited to the submission queue, as many as there is room for.
    fn submit_waiting(&mut self) {
        let mut queue = self.io.submission();
        while let Some(request) = self.waiting.front() {
            // SAFETY: the promise of `push` still holds.
            if unsafe { queue.push(request) }.is_err() {
                return;
            }
            self.waiting.pop_front();
        }
    }

    /// Arms receives that have ended early, no more than there are free buffers: others would only fail again.
    fn receive_again(&mut self) {
        for _ in 0..self.starved.len().min(self.buffers.free_count()) {
            if let Some(key) = self.starved.pop_front()
                && find(&mut self.slots, key).is_some_and(|slot| slot.wants_input)
            {
                self.receive(key);
            }
        }
    }

    /// Shuts sockets that have had their time to send their last bytes. Returns the time until the next one, if it is
    /// shorter than `limit`.
    fn cut_overdue(&mut self, limit: Option<Duration>) -> Option<Duration> {
        let mut limit = limit;
        while let Some(&(at, key)) = self.closing.front() {
            let slot = self.slots.get(key.index as usize);
            let slot = slot.filter(|it| it.generation == key.generation);
            if let Some(slot) = slot {
                let left = at.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    limit = Some(limit.map_or(left, |limit| limit.min(left)));
                    break;
                }
                // The send that waits for its peer fails now.
                let _ = shutdown(&slot.socket, Shutdown::Both);
            }
            self.closing.pop_front();
        }
        limit
    }

    /// Whether the kernel may still use memory of the ring.
    pub(super) fn is_in_flight(&self) -> bool {
        self.in_flight > 0
    }

    #[cfg(test)]
    pub(super) fn memory(&self) -> u64 {
        self.buffers.address()
    }

    fn enter(&mut self, want: u32, limit: Option<Duration>) -> io::Result<usize> {
        let count = self.io.submission().len() as u32;
        // Without GETEVENTS the kernel would leave what it has deferred until now undone.
        let flags = EnterFlags::GETEVENTS;
        let Some(limit) = limit else {
            // SAFETY: no argument is passed.
            return unsafe {
                self.io
                    .submitter()
                    .enter::<()>(count, want, flags.bits(), None)
            };
        };
        let time = Timespec::from(limit);
        let arguments = SubmitArgs::new().timespec(&time);
        let flags = flags | EnterFlags::EXT_ARG;
        // SAFETY: the arguments have the form that EXT_ARG promises, and live until the call has returned.
        unsafe {
            self.io
                .submitter()
                .enter(count, want, flags.bits(), Some(&arguments))
        }
    }
}

impl<T: AsFd> Drop for Ring<T> {
    fn drop(&mut self) {
        self.completions.extend(self.io.completion());
        // Connections that were accepted, and not asked for, are closed; buffers and bytes that came back are freed.
        while self.next().is_some() {}
        if self.is_in_flight() {
            self.buffers.leak();
            for (_, slot) in &mut self.slots {
                mem::forget(slot.sending.take());
            }
        }
    }
}

/// The slot for `key`; `None` if it was reused.
fn held<T>(slots: &mut Slab<Slot<T>>, key: Key) -> Option<&mut Slot<T>> {
    let slot = slots.get_mut(key.index as usize)?;
    (slot.generation == key.generation).then_some(slot)
}

/// As [`held`], but `None` if it was closed.
fn find<T>(slots: &mut Slab<Slot<T>>, key: Key) -> Option<&mut Slot<T>> {
    held(slots, key).filter(|slot| !slot.is_closing)
}

#[cfg(test)]
mod tests;
