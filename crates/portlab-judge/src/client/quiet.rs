//! Whether a client waits or runs, as seen from its processes.

use std::time::{Duration, Instant};

use portlab_sys::meter;

/// Whether a client waits, as seen from its processes.
pub(super) struct Quiet {
    root: i32,
    processes: Vec<i32>,
    listed: Instant,
    waiting_since: Option<Instant>,
    /// How many looks in a row have found them waiting.
    pub(super) looks: u32,
    running_since: Instant,
    /// The CPU time that the processes had used after half of the patience.
    used: Option<Duration>,
}

impl Quiet {
    pub(super) fn new(root: i32) -> Self {
        let now = Instant::now();
        Self {
            root,
            processes: meter::below(root).unwrap_or_default(),
            listed: now,
            waiting_since: None,
            looks: 0,
            running_since: now,
            used: None,
        }
    }

    /// Something was done: the time of waiting or running begins anew.
    pub(super) fn begin(&mut self) {
        self.waiting_since = None;
        self.looks = 0;
        self.running_since = Instant::now();
        self.used = None;
    }

    /// Looks at the processes, and returns for how long they have waited.
    pub(super) fn look(&mut self) -> Duration {
        let now = Instant::now();
        if now - self.listed > LISTING {
            self.processes = meter::below(self.root).unwrap_or_default();
            self.listed = now;
        }
        if meter::is_runnable(&self.processes) {
            self.waiting_since = None;
            self.looks = 0;
            return Duration::ZERO;
        }
        self.looks += 1;
        self.running_since = now;
        self.used = None;
        now - *self.waiting_since.get_or_insert(now)
    }

    /// Whether they have run at every look of this time, and have used a processor. On a busy machine, a process that has
    /// little to do may wait for a processor as long.
    pub(super) fn has_run_for(&mut self, time: Duration) -> bool {
        let ran = self.running_since.elapsed();
        if self.waiting_since.is_some() || ran < time / 2 {
            return false;
        }
        let used = || meter::usage_below(self.root).map_or(Duration::ZERO, |it| it.cpu);
        let before = *self.used.get_or_insert_with(used);
        ran >= time && used().saturating_sub(before) >= MUCH_CPU
    }
}

/// How long a list of processes is used.
pub(super) const LISTING: Duration = Duration::from_millis(100);

/// How many looks must find a client waiting: when this process itself waits for a processor, a look is late.
pub(super) const LOOKS: u32 = 10;

/// More CPU time than a client needs to print an answer and to end.
const MUCH_CPU: Duration = Duration::from_millis(200);
