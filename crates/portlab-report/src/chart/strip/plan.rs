//! Where what goes in a timeline.

use crate::chart::{
    axis::{Axis, Marks},
    frame::Frame,
    legend::{Legend, Sign},
    pen::{Face, TICK},
    scale::{Scale, Spacing},
    strip::{SliceKind, Strip, Track},
};

/// Where what goes.
pub(super) struct Plan<'a> {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    /// The tracks with a lane, by process, and the number of those without.
    pub(super) shown: Vec<&'a Track>,
    pub(super) hidden: usize,
    pub(super) from_us: f64,
    /// The duration of a bin in microseconds, its width, and the number of bins.
    pub(super) bin_us: f64,
    pub(super) bin: f64,
    pub(super) bins: usize,
    pub(super) marks: Marks,
    pub(super) legend: Legend<'a>,
}

/// The height of a process's name, of a thread's row, of its lane, and of what is brief in it.
pub(super) const PROCESS: f64 = 34.0;
pub(super) const THREAD: f64 = 22.0;
pub(super) const LANE: f64 = 14.0;
pub(super) const BRIEF: f64 = 6.0;
/// The face of a process's name.
pub(super) const PROCESS_NAME: Face = Face {
    class: "l b",
    size: 15.0,
};
/// The most bins of all tracks: what bounds the drawing.
pub(super) const MOST_BINS: usize = 8_000;
/// The number of colours for connections.
pub(super) const CONNECTIONS: u64 = 8;
/// The classes of the kinds.
pub(super) const KINDS: [&str; SliceKind::COUNT] = ["s0", "s1", "s2", "s3", "s4", "s5"];

impl<'a> Plan<'a> {
    pub(super) fn new(frame: &Frame<'_>, chart: &'a Strip<'a>) -> Self {
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
