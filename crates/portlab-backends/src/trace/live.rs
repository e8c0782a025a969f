//! Reading what a server does while it does it: the live timeline of `serve --live FILE`.
//!
//! A viewer creates a ring and starts the server with the ring's [path](Reader::path). From then on each thread of the server writes
//! what it does into the ring, and the viewer reads that as often as it likes. No thread of the server waits for the viewer.
//!
//! ```no_run
//! use portlab_backends::live::{LINES, Reader};
//!
//! let mut reader = Reader::create(LINES)?;
//! println!("portlab serve --live {}", reader.path().display());
//! let lost = reader.read(|event| {
//!     let verb = if event.begins { "begins to" } else { "has ended to" };
//!     println!("{} {verb} {:?}", event.name(), event.what);
//! });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! **Begin and end.** What may take long has an event when it begins: `Accept`, `Read` and `Write` of a thread that blocks, `Wait`,
//! `Block`, and a `Handle` that computes (`--work cpu`) or reads a file. What doesn't wait has only the event of its end. So between
//! two events of a thread: after a begin the thread does that, or waits for it; after an end it does something short.
//!
//! What has begun ends with the next event of the same thread, whatever that is: a call that failed, a wait of less than
//! 10 µs and a wait for no connection have no end of their own. If the server also records a file, a longer wait for no
//! connection has one, and an `Accept` that finds no connection ends as a `Wait`.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
};

use portlab_sys::{clock::monotonic_ns, shared::Shared};
use portlab_words::Text;

pub use super::event::{ProcessRole, What as LiveWhat};
use super::{
    LIVE,
    event::text,
    ring::{self, Cursor, Seen},
    turn_on,
};

/// A usual number of lines, of 64 bytes each: enough for a reader that comes 20 times a second if the server has less than
/// 600,000 events a second.
pub const LINES: usize = 32 * 1024;

/// A ring of its own, and how far it has been read. Dropping it frees the memory once the server has ended.
#[derive(Debug)]
pub struct Reader {
    file: OwnedFd,
    words: Shared,
    cursor: Cursor,
}

impl Reader {
    /// Creates a ring for one server, with room for this many events or up to twice as many.
    ///
    /// # Errors
    /// When the system has no memory or no descriptor left.
    pub fn create(lines: usize) -> io::Result<Self> {
        let lines = lines.next_power_of_two();
        let (file, words) = Shared::named("portlab-live", ring::size(lines))?;
        ring::make(&words);
        Ok(Self {
            file,
            words,
            cursor: Cursor::default(),
        })
    }

    /// What to give to `serve --live`. It is valid as long as this process runs and has the reader.
    pub fn path(&self) -> PathBuf {
        let (pid, fd) = (std::process::id(), self.file.as_raw_fd());
        PathBuf::from(format!("/proc/{pid}/fd/{fd}"))
    }

    /// Visits the events since the last call, in the order in which the threads took their places in the ring; the events of one
    /// thread are in their order. Returns how many events were lost, because the reader came too late or their thread was killed.
    ///
    /// If a thread has taken its place and not yet written its event, the events behind it come with a later call, after 50 ms at
    /// the latest.
    pub fn read(&mut self, mut visit: impl FnMut(LiveEvent)) -> u64 {
        self.cursor.read(&self.words, monotonic_ns(), |seen| {
            visit(LiveEvent::of(seen));
        })
    }
}

/// Something that a thread of the server begins to do, or has done.
#[derive(Clone, Copy, Debug)]
pub struct LiveEvent {
    /// When it ended, or begins: nanoseconds of the monotonic clock, which all processes of a machine share.
    pub at_ns: u64,
    /// It begins; otherwise it has ended.
    pub begins: bool,
    /// What it is.
    pub what: LiveWhat,
    /// How long it took, with the time in which the thread waited; 0 if it begins. What has no begin of its own took the time since
    /// the thread's last event.
    pub duration_ns: u64,
    /// The connection's number, which no other connection of this server has; 0 for none.
    pub conn: u64,
    /// Of `Read` and `Write` the bytes, of `Hub` the pieces of mail, of `Timer` its nanoseconds; see also
    /// [`LiveEvent::peer_port`] and [`LiveEvent::accept_queue`].
    pub extra: u64,
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// What the process is in its server.
    pub role: ProcessRole,
    name: [u64; 2],
}

impl LiveEvent {
    fn of(seen: Seen) -> Self {
        let event = seen.event;
        Self {
            at_ns: event.end_ns,
            begins: seen.begins,
            what: event.what,
            duration_ns: event.end_ns - event.start_ns,
            conn: event.conn,
            extra: event.extra,
            pid: seen.pid,
            tid: seen.tid,
            role: seen.process,
            name: seen.name,
        }
    }

    /// The name of the thread, at most 16 bytes, such as `loop`, `pool-2`, `acceptor`, `connection 7`; `main` is the
    /// first thread of a process.
    pub fn name(&self) -> String {
        text(self.name)
    }

    /// The connection's number among those that its process has accepted, from 1. A trace file writes it behind a dot: `4711.3`.
    pub fn conn_in_process(&self) -> u32 {
        self.conn as u32
    }

    /// The peer's port, of an `Accept` that has ended.
    pub fn peer_port(&self) -> Option<u16> {
        self.is_accepted().then_some((self.extra >> 32) as u16)
    }

    /// How many connections wait to be accepted, after an `Accept` that has ended.
    pub fn accept_queue(&self) -> Option<u32> {
        self.is_accepted().then_some(self.extra as u32)
    }

    fn is_accepted(&self) -> bool {
        self.what == LiveWhat::Accept && !self.begins
    }
}

/// Begins to write what this process and its children do into the ring at `path`, once per process, before the model serves.
///
/// # Errors
/// When `path` can't be opened, or isn't a ring.
pub fn begin(path: &Path) -> io::Result<()> {
    let words = match Shared::open(path) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => None,
        opened => Some(opened?),
    };
    let ring = words.filter(|words| ring::is_ring(words));
    let ring = ring.ok_or_else(|| io::Error::other(NO_RING))?;
    if !ring::attach(ring.leak()) {
        return Err(io::Error::other(TWICE));
    }
    turn_on(LIVE);
    Ok(())
}

const NO_RING: Text = Text::new("the file isn't a ring of events", "这个文件不是事件环");
const TWICE: Text = Text::new(
    "this process already writes into another ring",
    "这个进程已经在写另一个事件环",
);
