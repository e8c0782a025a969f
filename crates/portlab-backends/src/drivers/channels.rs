//! The channels on which a parent passes connections to its workers, and workers report that they are free.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    str,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use portlab_sys::{seqpacket::Seqpacket, stop::Interruptible};

use crate::{
    door::{Connection, Entry, Terms},
    log::not_served,
    trace,
};

/// The parent's ends, by the slots of the workers.
pub(crate) struct Channels {
    /// `None` without a worker.
    all: Vec<Option<Channel>>,
    /// A connection that was accepted, and that no worker could take: each free one had just died.
    waiting: Option<Connection>,
}

struct Channel {
    socket: Seqpacket,
    /// The number of connections of the worker: 1 from the passing of a connection to its end.
    held: &'static AtomicU64,
    /// The worker has reported that it has no connection.
    is_free: bool,
}

/// A worker's end, before the worker runs.
pub(crate) struct WorkerEnd {
    socket: Seqpacket,
    held: &'static AtomicU64,
}

/// A worker's end.
pub(crate) struct Incoming {
    socket: Interruptible<Seqpacket>,
    held: &'static AtomicU64,
    terms: &'static Terms,
}

impl Channels {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            all: (0..workers).map(|_| None).collect(),
            waiting: None,
        }
    }

    /// Makes the channel for the worker of a slot, and returns the worker's end.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub(crate) fn open(&mut self, slot: usize, held: &'static AtomicU64) -> io::Result<WorkerEnd> {
        let (near, far) = Seqpacket::pair()?;
        self.all[slot] = Some(Channel {
            socket: near,
            held,
            is_free: false,
        });
        Ok(WorkerEnd { socket: far, held })
    }

    /// In a worker: closes the copies of the parent's ends. Otherwise the channels of other workers would stay open after
    /// the parent has closed them.
    pub(crate) fn close_in_worker(self) {
        if let Some(waiting) = self.waiting {
            waiting.leave_to_child();
        }
    }

    fn has_free(&self) -> bool {
        self.all.iter().flatten().any(|channel| channel.is_free)
    }

    /// What the parent waits for: the listener if a worker is free, or else the workers' reports.
    pub(crate) fn awaited<'a>(&'a self, entry: &'a Entry) -> Vec<BorrowedFd<'a>> {
        match self.has_free() {
            true => vec![entry.fd()],
            false => {
                let all = self.all.iter().flatten();
                all.map(|channel| channel.socket.as_fd()).collect()
            }
        }
    }

    /// If no worker is known to be free, takes the reports that have come.
    pub(crate) fn take_reports(&mut self) {
        if self.has_free() {
            return;
        }
        for slot in &mut self.all {
            let Some(channel) = slot else { continue };
            match channel.socket.try_recv(&mut [0]) {
                Ok(1..) => channel.is_free = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // The worker has ended.
                Ok(0) | Err(_) => *slot = None,
            }
        }
    }

    /// If a worker is free, accepts the next connection and passes it on.
    pub(crate) fn pass_next(&mut self, entry: &Entry) {
        if self.has_free() {
            let next = self.waiting.take().or_else(|| entry.accept());
            self.waiting = next.and_then(|connection| self.pass(connection));
        }
    }

    /// Passes a connection to the first free worker. Returns the connection if each of them has ended.
    fn pass(&mut self, connection: Connection) -> Option<Connection> {
        for slot in &mut self.all {
            let Some(channel) = slot.as_mut().filter(|channel| channel.is_free) else {
                continue;
            };
            // From here on the parent counts the connection's end if the worker dies.
            channel.held.store(1, Relaxed);
            channel.is_free = false;
            let message = connection.described();
            let sent = channel
                .socket
                .try_send_with(message.as_bytes(), &connection.stream);
            let Err(error) = sent else {
                // The message holds the socket open until the worker has received it.
                connection.leave_to_child();
                return None;
            };
            channel.held.store(0, Relaxed);
            match error.kind() {
                // The worker has ended.
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => *slot = None,
                _ => {
                    channel.is_free = true;
                    not_passed(&error);
                    return None;
                }
            }
        }
        Some(connection)
    }
}

impl WorkerEnd {
    /// In the worker: from now on a signal to this process shuts the channel. Then the wait for a connection ends, and the
    /// parent passes no other.
    pub(crate) fn start(self, terms: &'static Terms) -> Incoming {
        Incoming {
            socket: Interruptible::new(self.socket),
            held: self.held,
            terms,
        }
    }
}

impl Incoming {
    /// Reports that this worker is free, and waits for its next connection. `None` when the parent has closed the channel,
    /// or a signal has shut it.
    pub(crate) fn next(&self) -> Option<Connection> {
        loop {
            self.socket.try_send(&[b"free"]).ok()?;
            let mut described = [0; LONGEST];
            let waiting = trace::wait();
            let passed = self.socket.recv_with(&mut described);
            waiting.idle();
            match passed.transpose()? {
                Ok((length, fd)) => {
                    let described = str::from_utf8(&described[..length]).unwrap_or_default();
                    if let Some(connection) = self.terms.take_over(fd, described, self.held) {
                        return Some(connection);
                    }
                }
                // The descriptor was lost: the connection has ended.
                Err(error) => {
                    drop(self.terms.admitted(self.held));
                    not_passed(&error);
                }
            }
        }
    }
}

fn not_passed(error: &io::Error) {
    not_served(
        "can't pass a connection to a worker",
        "无法把连接传给工作进程",
        error,
    );
}

/// The longest description: a number of 20 digits and an IPv6 address with its scope and port need less.
const LONGEST: usize = 128;
