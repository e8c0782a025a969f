//! What each thread did in a few milliseconds.

use std::collections::BTreeMap;

use crate::chart::{
    axis::{Axis, Marks},
    bins::{Bins, Run},
    drawing::Drawing,
    frame::Frame,
    legend::{Legend, Sign},
    measure::cut,
    number::short,
    pen::{Anchor, Face, NOTE, Pen, TICK, TINY},
    scale::{Scale, Spacing},
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

/// Where what goes.
struct Plan<'a> {
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// The tracks with a lane, by process, and the number of those without.
    shown: Vec<&'a Track>,
    hidden: usize,
    from_us: f64,
    /// The duration of a bin in microseconds, its width, and the number of bins.
    bin_us: f64,
    bin: f64,
    bins: usize,
    marks: Marks,
    legend: Legend<'a>,
}

/// The height of a process's name, of a thread's row, of its lane, and of what is brief in it.
const PROCESS: f64 = 34.0;
const THREAD: f64 = 22.0;
const LANE: f64 = 14.0;
const BRIEF: f64 = 6.0;
/// The face of a process's name.
const PROCESS_NAME: Face = Face {
    class: "l b",
    size: 15.0,
};
/// The most bins of all tracks: what bounds the drawing.
const MOST_BINS: usize = 9_000;
/// The number of colours for connections.
const CONNECTIONS: u64 = 8;
/// The classes of the kinds.
const KINDS: [&str; SliceKind::COUNT] = ["s0", "s1", "s2", "s3", "s4", "s5"];

impl<'a> Plan<'a> {
    fn new(frame: &Frame<'_>, chart: &'a Strip<'a>) -> Self {
        let width = frame.drawn_width();
        let shown = by_process(chart.tracks, chart.most_tracks.clamp(1, 64));
        let hidden = chart.tracks.len() - shown.len();
        let names = shown
            .iter()
            .map(|track| TICK.width(&track.thread))
            .fold(0.0, f64::max);
        let left = names.min(width * 0.24) + 16.0;
        let right = width - 14.0;
        let processes = shown
            .windows(2)
            .filter(|pair| pair[0].process != pair[1].process)
            .count();
        let processes = if shown.is_empty() { 0 } else { processes + 1 };
        let top = 0.0;
        let rows = processes as f64 * PROCESS + shown.len() as f64 * THREAD;
        let bottom = top + rows + if hidden > 0 { THREAD } else { 4.0 };
        let used = |kind: &SliceKind| {
            let kinds = shown
                .iter()
                .flat_map(|track| &track.slices)
                .map(|slice| slice.kind);
            kinds.into_iter().any(|used| used == *kind)
        };
        let kinds = SliceKind::ALL.into_iter().filter(used);
        let items = kinds.map(|kind| {
            (
                Sign::Field(KINDS[kind as usize]),
                chart.words.kinds[kind as usize],
            )
        });
        let has_connections = shown
            .iter()
            .any(|track| track.slices.iter().any(|slice| slice.connection.is_some()));
        let connection = has_connections.then_some((Sign::Connection, chart.words.connection));
        let legend = Legend::new(items.chain(connection), width);
        let (from_us, to_us) = sensible(chart.from_us, chart.to_us);
        let per_track = MOST_BINS / shown.len().max(1);
        let bins = ((right - left) as usize).min(per_track).max(1);
        let axis = Axis {
            spacing: Spacing::Linear,
            ..chart.axis
        };
        let marks = Marks::across(&axis, &Scale::exact((from_us, to_us), (left, right)), width);
        Self {
            width,
            height: bottom + 48.0 + legend.height,
            left,
            right,
            top,
            bottom,
            shown,
            hidden,
            from_us,
            bin_us: (to_us - from_us) / bins as f64,
            bin: (right - left) / bins as f64,
            bins,
            marks,
            legend,
        }
    }

    fn draw_axis(&self, chart: &Strip<'_>, pen: &mut Pen) {
        self.marks.draw_across(pen, (self.top, self.bottom));
        let label = cut(chart.axis.label, TICK.size, self.width);
        pen.text(
            TICK,
            Anchor::End,
            (self.width.min(self.right + 14.0), self.bottom + 37.0),
            &label,
        );
        self.legend.draw(pen, (0.0, self.bottom + 44.0));
    }

    fn draw_track(&self, track: &Track, y: f64, pen: &mut Pen) {
        let middle = y + THREAD / 2.0;
        let name = cut(&track.thread, TICK.size, self.left - 14.0);
        pen.group(
            "",
            if name == track.thread {
                ""
            } else {
                &track.thread
            },
            |pen| {
                pen.text(TICK, Anchor::Start, (4.0, middle + 4.5), &name);
            },
        );
        pen.rect(
            "lane",
            (self.left, middle - LANE / 2.0),
            (self.right - self.left, LANE),
            0.0,
        );
        let bins = Bins::new(&track.slices, (self.from_us, self.bin_us), self.bins);
        let mut paths: BTreeMap<(SliceKind, bool), Vec<Run<()>>> = BTreeMap::new();
        for run in bins.kinds() {
            let plain = Run {
                from: run.from,
                to: run.to,
                what: (),
            };
            paths
                .entry((run.what.kind, run.what.brief))
                .or_default()
                .push(plain);
        }
        for ((kind, brief), runs) in paths {
            let (class, height) = (KINDS[kind as usize], if brief { BRIEF } else { LANE });
            pen.path(class, &self.fields(&runs, (middle + LANE / 2.0, height)));
        }
        self.draw_connections(&bins, middle, pen);
    }

    /// A thin line in the colour of the connection, and its number where there is room for it.
    fn draw_connections(&self, bins: &Bins, middle: f64, pen: &mut Pen) {
        let mut colours: BTreeMap<u64, Vec<Run<()>>> = BTreeMap::new();
        let runs = bins.connections();
        for run in &runs {
            let plain = Run {
                from: run.from,
                to: run.to,
                what: (),
            };
            colours
                .entry(run.what % CONNECTIONS)
                .or_default()
                .push(plain);
        }
        for (colour, runs) in colours {
            pen.path(
                &format!("c{colour}"),
                &self.fields(&runs, (middle + LANE / 2.0 + 3.5, 2.5)),
            );
        }
        for run in runs {
            let number = run.what.to_string();
            let room = (run.to - run.from) as f64 * self.bin;
            if TINY.width(&number) + 6.0 <= room {
                let x = self.left + (run.from + run.to) as f64 / 2.0 * self.bin;
                pen.text(TINY, Anchor::Middle, (x, middle + 3.5), &number);
            }
        }
    }

    /// The path of fields that stand on `bottom`. Steps are relative, which keeps it short.
    fn fields(&self, runs: &[Run<()>], (bottom, height): (f64, f64)) -> String {
        let tenths = |at: usize| ((self.left + at as f64 * self.bin) * 10.0).round() / 10.0;
        let mut d = String::new();
        let mut pen = 0.0;
        let (up, down) = (short(-height), short(height));
        for run in runs {
            let (from, to) = (tenths(run.from), tenths(run.to));
            match d.is_empty() {
                true => d += &format!("M{} {}", short(from), short(bottom)),
                false => d += &format!("m{} 0", short(from - pen)),
            }
            d += &format!("v{up}h{}v{down}z", short(to - from));
            // A closed field leaves the pen where it began.
            pen = from;
        }
        d
    }
}

/// The first `most` tracks, those of a process beside one another.
fn by_process(tracks: &[Track], most: usize) -> Vec<&Track> {
    let mut processes: Vec<&str> = Vec::new();
    for track in tracks {
        if !processes.contains(&track.process.as_str()) {
            processes.push(&track.process);
        }
    }
    let of = |process: &str| {
        tracks
            .iter()
            .filter(move |track| track.process == process)
            .collect::<Vec<_>>()
    };
    processes.into_iter().flat_map(of).take(most).collect()
}

fn sensible(from_us: f64, to_us: f64) -> (f64, f64) {
    let from = if from_us.is_finite() {
        from_us.clamp(-1e15, 1e15)
    } else {
        0.0
    };
    let to = if to_us.is_finite() {
        to_us.clamp(-1e15, 1e15)
    } else {
        from
    };
    if to - from > 1e-3 {
        (from, to)
    } else {
        (from, from + 1.0)
    }
}
