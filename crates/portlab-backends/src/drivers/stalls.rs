//! Names the connection whose handler stalls a loop. Without this, a stall is seen only by the others, as a delay.
//!
//! A thread looks at the loop a few times a second, as gevent's monitor thread does. For each turn the loop stores one number,
//! without a lock and without a system call.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use portlab_sys::tally;
use portlab_words::{Text, tr};

use crate::log;

/// The loop's end of the monitor. Dropping it ends the thread.
pub(crate) struct Stalls {
    shared: Arc<Shared>,
    turn: u64,
    monitor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// The number of the turn, and the slot that has it plus 1; 0 while the loop waits for events.
    now: AtomicU64,
    /// The peer of the connection in each slot.
    peers: Mutex<Vec<Option<SocketAddr>>>,
    ended: AtomicBool,
}

/// A turn that lasts longer is a stall. gevent has the same default.
const LIMIT: Duration = Duration::from_millis(100);
const PERIOD: Duration = Duration::from_millis(50);
/// A stall that goes on is reported so often.
const REPEATED: Duration = Duration::from_secs(1);
const SLOT_BITS: u32 = 32;

impl Stalls {
    /// Starts the thread that watches a loop.
    ///
    /// # Errors
    /// When the system refuses the thread.
    pub(crate) fn watch() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let monitor = thread::Builder::new()
            .name("monitor".into())
            .stack_size(STACK)
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.monitor()
            })?;
        Ok(Self {
            shared,
            turn: 0,
            monitor: Some(monitor),
        })
    }

    /// The connection in `slot` has this peer from now on.
    pub(crate) fn name(&self, slot: usize, peer: SocketAddr) {
        let mut peers = self
            .shared
            .peers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if peers.len() <= slot {
            peers.resize(slot + 1, None);
        }
        peers[slot] = Some(peer);
    }

    /// The connection in `slot` runs from now on.
    #[inline]
    pub(crate) fn runs(&mut self, slot: usize) {
        self.store(slot as u64 + 1);
    }

    /// The loop waits from now on.
    #[inline]
    pub(crate) fn waits(&mut self) {
        self.store(0);
    }

    #[inline]
    fn store(&mut self, slot: u64) {
        self.turn += 1;
        self.shared
            .now
            .store(self.turn << SLOT_BITS | slot, Relaxed);
    }
}

impl Drop for Stalls {
    fn drop(&mut self) {
        self.shared.ended.store(true, Relaxed);
        if let Some(monitor) = self.monitor.take() {
            monitor.thread().unpark();
            // A panic of the monitor was printed already.
            let _ = monitor.join();
        }
    }
}

impl Shared {
    fn monitor(&self) {
        let mut observer = Observer::new(Instant::now());
        // The server logs at most one line a second, so a report may have to wait.
        let mut untold = None;
        while !self.ended.load(Relaxed) {
            thread::park_timeout(PERIOD);
            let now = self.now.load(Relaxed);
            let stall = observer.look(now, Instant::now(), |slot| self.peer(slot));
            untold = stall.or(untold);
            if untold.is_some() && tally::may_log() {
                untold.take().iter().for_each(|it| log::print(&it.text()));
            }
        }
    }

    fn peer(&self, slot: usize) -> Option<SocketAddr> {
        let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.get(slot).copied().flatten()
    }
}

/// What the thread has seen of the loop.
struct Observer {
    now: u64,
    since: Instant,
    /// The peer whose connection runs, once it was seen twice in one turn.
    peer: Option<SocketAddr>,
    told: Option<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
struct Stall {
    peer: SocketAddr,
    lasted: Duration,
    is_over: bool,
}

impl Observer {
    fn new(at: Instant) -> Self {
        Self {
            now: 0,
            since: at,
            peer: None,
            told: None,
        }
    }

    /// Looks at the loop. Returns a stall that is over, or has lasted for a further second.
    fn look(
        &mut self,
        now: u64,
        at: Instant,
        peer: impl Fn(usize) -> Option<SocketAddr>,
    ) -> Option<Stall> {
        let lasted = at - self.since;
        let is_over = now != self.now;
        let stall = self.peer.filter(|_| lasted >= LIMIT).map(|peer| Stall {
            peer,
            lasted,
            is_over,
        });
        if is_over {
            *self = Self {
                now,
                ..Self::new(at)
            };
            return stall;
        }
        if self.peer.is_none()
            && let Some(slot) = (now & u64::from(u32::MAX)).checked_sub(1)
        {
            // Now, because the connection may have ended when the stall is over.
            self.peer = peer(slot as usize);
        }
        let is_due = at - self.told.unwrap_or(self.since) >= REPEATED;
        let stall = stall.filter(|_| is_due);
        if stall.is_some() {
            self.told = Some(at);
        }
        stall
    }
}

impl Stall {
    fn text(&self) -> Text {
        let Self { peer, lasted, .. } = self;
        // The thread looks so seldom that more digits would be wrong.
        let time = format!("{:.1} s", lasted.as_secs_f64());
        match self.is_over {
            true => tr!(
                "the connection from {peer} has stalled the loop for about {time}: all others waited",
                "来自 {peer} 的连接把事件循环卡住了大约 {time}，其他连接都在等待"
            ),
            false => tr!(
                "the connection from {peer} stalls the loop, for about {time} so far: all others wait",
                "来自 {peer} 的连接卡住了事件循环，到现在大约 {time}，其他连接都在等待"
            ),
        }
    }
}

/// For the thread, which only prints.
const STACK: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4);

    /// What a thread reports that sees these numbers, one each period.
    fn seen(numbers: &[u64]) -> Vec<(u128, bool)> {
        let start = Instant::now();
        let mut observer = Observer::new(start);
        let looks = numbers.iter().zip(1..).filter_map(|(&now, count)| {
            observer.look(now, start + PERIOD * count, |slot| {
                (slot == 4).then_some(PEER)
            })
        });
        looks
            .map(|stall| {
                assert_eq!(stall.peer, PEER);
                (stall.lasted.as_millis(), stall.is_over)
            })
            .collect()
    }

    /// Slot 4 in turn 1.
    const RUNS: u64 = 1 << SLOT_BITS | 5;
    const WAITS: u64 = 2 << SLOT_BITS;

    #[test]
    fn a_stall_is_reported_when_it_is_over() {
        assert_eq!(
            seen(&[RUNS, RUNS, RUNS, RUNS, RUNS, WAITS, WAITS]),
            [(250, true)]
        );
    }

    #[test]
    fn a_stall_that_does_not_end_is_reported_every_second() {
        let told: Vec<_> = seen(&[RUNS; 70]);
        assert_eq!(told, [(1000, false), (2000, false), (3000, false)]);
    }

    #[test]
    fn neither_waiting_nor_many_turns_of_one_connection_are_a_stall() {
        assert_eq!(seen(&[WAITS; 100]), []);
        let turns: Vec<_> = (1..100).map(|turn| turn << SLOT_BITS | 5).collect();
        assert_eq!(seen(&turns), []);
        // Brief enough.
        assert_eq!(seen(&[RUNS, WAITS, WAITS, WAITS]), []);
    }
}
