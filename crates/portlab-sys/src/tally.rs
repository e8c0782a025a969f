//! Counts of a server's connections, in memory that all of its processes share.
//!
//! A server reports its counts at its end, at SIGUSR1 and, with an option, every few seconds. In a forking model
//! the first process has one thread, which waits for connections, so the signal handler itself writes the
//! line: it formats integers into memory of its stack, and allocates nothing.

use std::{
    cell::Cell,
    fmt,
    io::{self, Write},
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use nix::{
    sys::{
        signal::{SigEvent, SigevNotify, Signal},
        time::TimeSpec,
        timer::{Expiration, Timer, TimerSetTimeFlags},
    },
    time::ClockId,
};
use signal_hook::consts::SIGUSR1;

use crate::{clock, process::own_pid, shared};

/// Declares the counts, a line each: what is counted, its words in a line for people, and its key in JSON.
macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident $word:literal $key:literal,)*) => {
        /// What is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Count {
            $($(#[$doc])* $name,)*
        }

        const WORDS: &[(Count, &str, &str)] = &[$((Count::$name, $word, $key),)*];
    };
}

counts! {
    /// Connections that were accepted, refused ones included.
    Accepted "accepted" "accepted",
    /// Connections that have ended.
    Ended "ended" "ended",
    /// Connections that were closed at once, because the server had as many as it may have.
    Refused "refused" "refused",
    /// Connections that were closed because no byte went either way.
    Idle "idle too long" "idle_timeouts",
    /// Connections that were closed because a message that began did not end.
    Unfinished "line too slow" "line_timeouts",
    /// Connections that were closed because a message was too long.
    LongLine "line too long" "long_lines",
    /// Rooms that were not opened, because there were as many as there may be.
    NoRoom "room refused" "rooms_refused",
    /// Connections that were closed because too much waited for them.
    TooSlow "read too slowly" "too_slow",
    /// Connections that were lost by a reset or another error of the socket.
    Broken "reset" "reset",
    /// Handlers that panicked.
    Panicked "panicked" "panicked",
    /// Attempts to accept that failed for lack of a descriptor or of memory.
    NotAccepted "not accepted" "accept_errors",
    /// Connections for which no thread, process or descriptor was left.
    NotServed "not served" "not_served",
    /// Bytes that peers have sent.
    BytesIn "bytes in" "bytes_in",
    /// Bytes that peers have taken.
    BytesOut "bytes out" "bytes_out",
}

/// Threads and processes count in separate places, of two cache lines each, so that they don't wait for each other.
const PLACES: usize = 16;
const PLACE: usize = 16;
/// The word after the counts: the second in which a line was last logged.
const LOGGED: usize = PLACES * PLACE;
/// The next word: how many workers count for themselves. One word for each of them follows.
const WORKERS: usize = LOGGED + 1;
/// How many workers can count for themselves.
const MOST_WORKERS: usize = 64;

static SHARED: OnceLock<&'static [AtomicU64]> = OnceLock::new();
static OWNER: AtomicI32 = AtomicI32::new(0);
static AS_JSON: AtomicBool = AtomicBool::new(false);

/// Begins to count, for this process and all that it forks from now on. Until then nothing is counted.
///
/// # Errors
/// When the system has no memory to share.
pub fn begin() -> io::Result<()> {
    let words = shared::words(WORKERS + 1 + MOST_WORKERS)?;
    SHARED.get_or_init(|| words);
    Ok(())
}

/// Adds `number` to a count.
#[inline]
pub fn add(what: Count, number: u64) {
    if let Some(words) = SHARED.get() {
        words[place() * PLACE + what as usize].fetch_add(number, Relaxed);
    }
}

/// The calling thread is worker `number` of a model whose workers each accept connections: what it accepts is counted for
/// this worker, too. Numbers begin with 0; those above 63 aren't counted.
pub fn accept_as(number: usize) {
    if let Some(words) = SHARED.get()
        && number < MOST_WORKERS
    {
        WORKER.set(number);
        words[WORKERS].fetch_max(number as u64 + 1, Relaxed);
    }
}

/// Counts a connection that the calling thread has accepted.
pub fn accepted() {
    add(Count::Accepted, 1);
    let worker = WORKER.get();
    if let Some(words) = SHARED.get()
        && worker < MOST_WORKERS
    {
        words[WORKERS + 1 + worker].fetch_add(1, Relaxed);
    }
}

/// How many connections each worker has accepted; empty unless workers count for themselves.
fn accepted_by_worker() -> impl Iterator<Item = u64> {
    let words = SHARED.get().copied().unwrap_or_default();
    let mut words = words.iter().skip(WORKERS).map(|word| word.load(Relaxed));
    let workers = words.next().unwrap_or_default();
    words.take(workers as usize)
}

/// The count `what` of all processes and threads. A signal handler may call it.
pub fn total(what: Count) -> u64 {
    let words = SHARED.get().copied().unwrap_or_default();
    let counts = words.iter().skip(what as usize).step_by(PLACE).take(PLACES);
    counts.fold(0, |sum, count| sum.wrapping_add(count.load(Relaxed)))
}

/// How many connections there are.
pub fn active() -> u64 {
    // The ends are read first: a connection that is made and ends between the two readings may be counted too much,
    // but no connection is missing.
    let ended = total(Count::Ended);
    total(Count::Accepted).saturating_sub(ended)
}

/// Whether a line may be logged now: the whole server logs at most one line a second.
pub fn may_log() -> bool {
    let Some(words) = SHARED.get() else {
        return true;
    };
    // The first second is 1, so that 0 means "never".
    let now = 1 + clock::monotonic_ns() / 1_000_000_000;
    words[LOGGED].swap(now, Relaxed) != now
}

/// The counts as a line for people, or as the members of a JSON object.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Whether programs read it.
    pub as_json: bool,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_json {
            true => write!(f, "\"active\":{}", active())?,
            false => write!(f, "{} active", active())?,
        }
        for &(what, word, key) in WORDS {
            match (self.as_json, total(what)) {
                (true, count) => write!(f, ",\"{key}\":{count}")?,
                // Counts of 0 are left out, except for these two.
                (false, 0) if !matches!(what, Count::Accepted | Count::Refused) => {}
                (false, count) => write!(f, ", {count} {word}")?,
            }
        }
        for (number, count) in accepted_by_worker().enumerate() {
            match (self.as_json, number) {
                (true, 0) => write!(f, ",\"accepted_by_worker\":[{count}")?,
                (true, _) => write!(f, ",{count}")?,
                (false, 0) => write!(f, ", accepted by worker: {count}")?,
                (false, _) => write!(f, " {count}")?,
            }
        }
        match self.as_json && accepted_by_worker().next().is_some() {
            true => f.write_str("]"),
            false => Ok(()),
        }
    }
}

/// Makes this process write its counts at each SIGUSR1: a line for people to stderr, or an event in JSON to
/// stdout. Its forked children ignore the signal. With `every`, a timer sends the signal.
///
/// # Errors
/// When the handler or the timer can't be installed.
pub fn write_on_signal(as_json: bool, every: Option<Duration>) -> io::Result<()> {
    OWNER.store(own_pid(), Relaxed);
    AS_JSON.store(as_json, Relaxed);
    // SAFETY: `write_counts` reads atomics, formats integers into its own stack without allocating, and
    // calls write(2) and getpid(2), which are async-signal-safe.
    unsafe { signal_hook::low_level::register(SIGUSR1, write_counts) }?;
    every.map_or(Ok(()), ring)
}

/// Sends SIGUSR1 to this process again and again.
///
/// Source: `timer_create(2)`; a child doesn't inherit the timer.
fn ring(every: Duration) -> io::Result<()> {
    let signal = SigevNotify::SigevSignal {
        signal: Signal::SIGUSR1,
        si_value: 0,
    };
    let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(signal))?;
    let expiration = Expiration::Interval(TimeSpec::from_duration(every));
    timer.set(expiration, TimerSetTimeFlags::empty())?;
    // It runs as long as the process.
    std::mem::forget(timer);
    Ok(())
}

/// The length of the buffer for a line. The counts need less in both forms.
const LONGEST: usize = 2048;

fn write_counts() {
    if OWNER.load(Relaxed) != own_pid() {
        return;
    }
    let mut text = [0; LONGEST];
    let mut rest = &mut text[..];
    let as_json = AS_JSON.load(Relaxed);
    let line = Line { as_json };
    // A line that doesn't fit is cut.
    let (stream, _) = match as_json {
        true => (
            rustix::stdio::stdout(),
            writeln!(rest, "{{\"event\":\"counts\",{line}}}"),
        ),
        false => (rustix::stdio::stderr(), writeln!(rest, "counts: {line}")),
    };
    let length = LONGEST - rest.len();
    let _ = rustix::io::write(stream, &text[..length]);
}

thread_local!(static OWN: Cell<usize> = const { Cell::new(usize::MAX) });
thread_local!(static WORKER: Cell<usize> = const { Cell::new(usize::MAX) });

/// The calling thread's place.
#[inline]
fn place() -> usize {
    match OWN.get() {
        usize::MAX => take_place(),
        place => place,
    }
}

fn take_place() -> usize {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    OWN.set(NEXT.fetch_add(1, Relaxed) as usize % PLACES);
    OWN.get()
}

/// Gives a forked child another place than its parent's.
pub(crate) fn forked() {
    OWN.set(own_pid() as usize % PLACES);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_the_sum_over_all_threads() {
        begin().unwrap();
        let before = total(Count::BytesIn);
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| (0..100).for_each(|_| add(Count::BytesIn, 3)));
            }
        });
        assert_eq!(total(Count::BytesIn) - before, 40 * 100 * 3);
    }

    #[test]
    fn one_line_is_logged_in_a_second() {
        begin().unwrap();
        let lines = (0..1000).filter(|_| may_log()).count();
        assert!((1..=3).contains(&lines), "{lines} lines in a moment");
    }

    #[test]
    fn the_counts_of_all_workers_in_json_fit_on_the_stack() {
        begin().unwrap();
        for worker in 0..=MOST_WORKERS {
            std::thread::spawn(move || {
                accept_as(worker);
                (0..=worker).for_each(|_| accepted());
            })
            .join()
            .unwrap();
        }
        let json = format!("{{{}}}", Line { as_json: true });
        assert!(json.starts_with("{\"active\":") && json.ends_with(",63,64]}"));
        let (words, by_worker) = json.split_once(",\"accepted_by_worker\":[1,2,3,").unwrap();
        // Each worker may have counted a thousand million connections.
        assert!(words.len() < 500 && by_worker.len() + MOST_WORKERS * 9 < LONGEST - 500);
        let line = Line { as_json: false }.to_string();
        assert!(line.contains(", accepted by worker: 1 2 3 ") && line.ends_with(" 63 64"));
    }
}
