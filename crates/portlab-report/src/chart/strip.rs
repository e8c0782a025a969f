//! What each thread did in a few milliseconds.

mod draw;
mod plan;

use plan::{PROCESS, PROCESS_NAME, Plan, THREAD};

use crate::chart::{
    axis::Axis,
    drawing::Drawing,
    frame::Frame,
    measure::cut,
    pen::{Anchor, NOTE, Pen},
};

/// A timeline: a lane for each thread, grouped by process.
///
/// Slices too short to be seen are merged, so that the drawing stays small however many there are. A
/// lane is full where its thread was busy for at least half of what a pixel shows, else lower.
#[derive(Clone, Copy, Debug)]
pub struct Strip<'a> {
    /// The threads; those of one process stand together, in the order given.
    pub tracks: &'a [Track],
    /// The first moment shown, in microseconds.
    pub from_us: f64,
    /// The last.
    pub to_us: f64,
    /// What the axis is, and how a moment in microseconds is written. Its spacing is even.
    pub axis: Axis<'a>,
    /// The most lanes; of further threads it is only said how many there are.
    pub most_tracks: usize,
    /// The words.
    pub words: StripWords<'a>,
}

/// A thread.
#[derive(Clone, Debug)]
pub struct Track {
    /// The name of its process, such as `worker 2 (pid 4711)`.
    pub process: String,
    /// Its own.
    pub thread: String,
    /// What it did.
    pub slices: Vec<Slice>,
}

/// What a thread did for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slice {
    /// What it was.
    pub kind: SliceKind,
    /// When it began, in microseconds.
    pub from_us: f64,
    /// When it ended.
    pub to_us: f64,
    /// For which connection.
    pub connection: Option<u64>,
}

/// What a thread may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SliceKind {
    /// Accepting a connection.
    Accept,
    /// Reading.
    Read,
    /// The service's own work.
    Handle,
    /// Writing.
    Write,
    /// Waiting: blocked, or nothing to do.
    Wait,
    /// Anything else.
    Other,
}

impl SliceKind {
    pub(crate) const COUNT: usize = 6;
    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Accept,
        Self::Read,
        Self::Handle,
        Self::Write,
        Self::Wait,
        Self::Other,
    ];
}

/// The words of a timeline.
#[derive(Clone, Copy, Debug)]
pub struct StripWords<'a> {
    /// For each kind of slice, in the order of [`SliceKind`].
    pub kinds: [&'a str; 6],
    /// For the thin line beneath a lane.
    pub connection: &'a str,
    /// For threads without a lane; `{}` stands for how many there are.
    pub more_threads: &'a str,
}

impl StripWords<'_> {
    /// English.
    pub const EN: Self = Self {
        kinds: ["accept", "read", "handle", "write", "wait", "other"],
        connection: "thin line: colour of the connection",
        more_threads: "{} more threads",
    };
    /// Chinese.
    pub const ZH: Self = Self {
        kinds: ["接受连接", "读", "处理", "写", "等待", "其他"],
        connection: "细线：连接的颜色",
        more_threads: "另有 {} 个线程",
    };
}

/// Draws a timeline.
pub fn strip(frame: &Frame<'_>, chart: &Strip<'_>) -> Drawing {
    let plan = Plan::new(frame, chart);
    let mut pen = Pen::default();
    plan.draw_axis(chart, &mut pen);
    let mut process = None;
    let mut y = plan.top;
    for track in &plan.shown {
        if process != Some(&track.process) {
            process = Some(&track.process);
            let name = cut(&track.process, PROCESS_NAME.size, plan.width);
            pen.text(PROCESS_NAME, Anchor::Start, (0.0, y + 25.0), &name);
            y += PROCESS;
        }
        plan.draw_track(track, y, &mut pen);
        y += THREAD;
    }
    if plan.hidden > 0 {
        let text = chart
            .words
            .more_threads
            .replace("{}", &plan.hidden.to_string());
        pen.text(NOTE, Anchor::Start, (plan.left, y + 16.0), &text);
    }
    Drawing::new(frame, (plan.width, plan.height), pen)
}
