//! What is recorded about a thread, and about which thread.

use std::{cell::Cell, sync::atomic::AtomicBool, sync::atomic::Ordering::Relaxed, thread};

use portlab_sys::children::generation;

/// What a thread has done, or does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A connection was accepted.
    Accept,
    /// Bytes were taken from a socket; 0 bytes when the peer has closed its sending half.
    Read,
    /// A handler ran, or computed for its connection.
    Handle,
    /// The hub has handled an event of a connection.
    Hub,
    /// Bytes were given to a socket.
    Write,
    /// The thread waited for events, for a job, for its turn, or for one connection.
    Wait,
    /// A process has closed its copy of a connection. The connection ends when the last process that holds it has closed it.
    Close,
    /// A job or a connection was put into the queue of a pool.
    Queued,
    /// A thread of the pool has taken it.
    Taken,
    /// A handler's thread sleeps: the work blocks it. In a trace file that is a wait.
    Block,
    /// A loop, a task or a coroutine has armed the timer of a handler that waits, and serves others meanwhile. Live only.
    Timer,
}

const WHATS: [What; 11] = [
    What::Accept,
    What::Read,
    What::Handle,
    What::Hub,
    What::Write,
    What::Wait,
    What::Close,
    What::Queued,
    What::Taken,
    What::Block,
    What::Timer,
];

/// One event of a thread. Times are those of the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceEvent {
    pub(super) what: What,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    /// The connection's number; 0 for none.
    pub(super) conn: u64,
    /// Bytes, pieces of mail of the hub, or, of `Accept`, the peer's port and how many connections wait to be accepted.
    pub(super) extra: u64,
}

impl TraceEvent {
    /// What was done, and for how long, as one word. Its highest bit is free.
    pub(super) fn what_and_duration(&self) -> u64 {
        (self.what as u64) << 56 | self.end_ns.saturating_sub(self.start_ns) & LOW_56
    }

    /// The event that ended at `end_ns`, from its words. The highest bit of the first is ignored.
    pub(super) fn from_words(what_and_duration: u64, end_ns: u64, conn: u64, extra: u64) -> Self {
        Self {
            what: WHATS[(what_and_duration >> 56) as usize % 128 % WHATS.len()],
            start_ns: end_ns.saturating_sub(what_and_duration & LOW_56),
            end_ns,
            conn,
            extra,
        }
    }
}

/// What a process is in its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProcessRole {
    /// The first process, which has bound the port.
    Server,
    /// A process that serves connections.
    Child,
    /// The process of the hub.
    Broker,
}

const PROCESS_ROLES: [ProcessRole; 3] =
    [ProcessRole::Server, ProcessRole::Child, ProcessRole::Broker];

impl ProcessRole {
    pub(super) fn from_number(number: u64) -> Self {
        PROCESS_ROLES[number as usize % PROCESS_ROLES.len()]
    }
}

/// Whether this process is the broker.
pub(super) static BROKER: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// What is shown in place of the thread's name, if it isn't empty.
    pub(super) static ROLE: Cell<&'static str> = const { Cell::new("") };
}

/// A thread, in words: its process's role, its numbers, and 16 bytes of its name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Thread {
    pub(super) process: u64,
    pub(super) pid: u64,
    pub(super) tid: u64,
    pub(super) name: [u64; 2],
}

impl Thread {
    /// The calling thread, which serves the connection `conn`.
    pub(super) fn current(conn: u64) -> Self {
        let process = match generation() {
            0 => ProcessRole::Server,
            _ if BROKER.load(Relaxed) => ProcessRole::Broker,
            _ => ProcessRole::Child,
        };
        let name = name(conn);
        Self {
            process: process as u64,
            pid: u64::from(std::process::id()),
            tid: rustix::thread::gettid().as_raw_nonzero().get() as u64,
            name: [0, 8].map(|from| half(&name, from)),
        }
    }
}

/// The name of the calling thread: its role, its own name, or the connection that it was started for.
fn name(conn: u64) -> String {
    match (ROLE.get(), thread::current().name()) {
        ("", Some(name)) => name.to_owned(),
        ("", None) if conn != 0 => format!("connection {}", conn as u32),
        ("", None) => "thread".to_owned(),
        (role, _) => role.to_owned(),
    }
}

/// Eight bytes of a name, with zeros after its end.
fn half(name: &str, from: usize) -> u64 {
    let mut half = [0; 8];
    for (place, byte) in half.iter_mut().zip(name.bytes().skip(from)) {
        *place = byte;
    }
    u64::from_le_bytes(half)
}

/// Reads a name that has zeros after its end. A character that was cut is replaced.
pub(super) fn text(halves: [u64; 2]) -> String {
    let bytes = halves.map(u64::to_le_bytes).concat();
    let length = bytes.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&bytes[..length.unwrap_or(bytes.len())]).into_owned()
}

const LOW_56: u64 = (1 << 56) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_after_sixteen_bytes() {
        for (name, read) in [
            ("main", "main"),
            ("", ""),
            ("connection 12345", "connection 12345"),
            ("connection 123456", "connection 12345"),
        ] {
            assert_eq!(text([0, 8].map(|from| half(name, from))), read);
        }
    }

    #[test]
    fn each_kind_of_event_is_read_as_it_was_written() {
        for what in WHATS {
            let event = TraceEvent {
                what,
                start_ns: 7,
                end_ns: 9,
                conn: 3,
                extra: 4,
            };
            let word = event.what_and_duration();
            assert_eq!(word >> 63, 0, "{what:?}");
            assert_eq!(TraceEvent::from_words(word, 9, 3, 4), event);
            assert_eq!(TraceEvent::from_words(word | 1 << 63, 9, 3, 4), event);
        }
    }
}
