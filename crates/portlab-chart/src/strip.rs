//! What each thread did for some milliseconds.

use std::collections::BTreeMap;

use crate::{
    axis::{Axis, Marks},
    drawing::Drawing,
    frame::Frame,
    legend::{Legend, Sign},
    measure::cut,
    pen::{Anchor, Face, Pen, TICK},
    scale::Scale,
};

/// A timeline: a lane for each thread. A pixel shows what took most of its time, so the drawing stays small however
/// many slices there are.
#[derive(Clone, Copy, Debug)]
pub struct Strip<'a> {
    /// The lanes; a name stands above the lanes of each process, which follow one another.
    pub lanes: &'a [Lane<'a>],
    /// The length in microseconds.
    pub length_us: f64,
    /// What the axis is, and how a moment in microseconds is written. Its spacing is even.
    pub axis: Axis<'a>,
    /// What the kinds of slices are called, in the order of their numbers.
    pub kinds: [&'a str; KINDS.len()],
    /// The kind that is shown only where a thread did nothing else, such as waiting.
    pub waiting: usize,
    /// What the thin line in a lane means: the colour of a connection.
    pub connection: &'a str,
}

/// A thread.
#[derive(Clone, Debug)]
pub struct Lane<'a> {
    /// The name of its process.
    pub process: &'a str,
    /// The name of the thread.
    pub thread: &'a str,
    /// What it did.
    pub slices: Vec<Slice>,
}

/// What a thread did for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slice {
    /// The number of the kind, below 6.
    pub kind: usize,
    /// The start in microseconds.
    pub from_us: f64,
    /// The end in microseconds.
    pub to_us: f64,
    /// The number of the connection.
    pub connection: Option<u64>,
}

/// Draws a timeline.
pub fn strip(frame: &Frame<'_>, chart: &Strip<'_>) -> Drawing {
    let width = frame.drawn_width();
    let names = chart.lanes.iter().map(|lane| TICK.width(lane.thread));
    let left = names.fold(0.0, f64::max).min(width * 0.24) + 16.0;
    let right = width - 14.0;
    let is_first = |at: usize| at == 0 || chart.lanes[at - 1].process != chart.lanes[at].process;
    let processes = (0..chart.lanes.len()).filter(|&at| is_first(at)).count();
    let bottom = processes as f64 * PROCESS + chart.lanes.len() as f64 * THREAD + 4.0;
    let mut pen = Pen::default();
    let scale = Scale::exact((0.0, chart.length_us.clamp(1e-3, 1e15)), (left, right));
    Marks::across(&chart.axis, &scale, width).draw_across(&mut pen, (0.0, bottom));
    let label = cut(chart.axis.label, TICK.size, width);
    pen.text(TICK, Anchor::End, (width, bottom + 37.0), &label);
    let kinds = KINDS.into_iter().map(Sign::Field).zip(chart.kinds);
    let connection = (Sign::Connection, chart.connection);
    let legend = Legend::new(kinds.chain([connection]), width);
    legend.draw(&mut pen, (0.0, bottom + 44.0));
    let mut y = 0.0;
    for (at, lane) in chart.lanes.iter().enumerate() {
        if is_first(at) {
            let name = cut(lane.process, PROCESS_NAME.size, width);
            pen.text(PROCESS_NAME, Anchor::Start, (0.0, y + 25.0), &name);
            y += PROCESS;
        }
        let middle = y + THREAD / 2.0;
        let name = cut(lane.thread, TICK.size, left - 14.0);
        let whole = (name != lane.thread).then_some(lane.thread);
        pen.group("", whole.unwrap_or_default(), |pen| {
            pen.text(TICK, Anchor::Start, (4.0, middle + 4.5), &name);
        });
        pen.rect("lane", (left, middle - 7.0), (right - left, 14.0), 0.0);
        let pixels = pixels(lane, chart.waiting, &scale, (left, right));
        let kinds = pixels.iter().map(|pixel| pixel.kind(chart.waiting));
        for (kind, path) in strokes(kinds, (left, middle)) {
            pen.path(&format!("{} slice", KINDS[kind]), &path);
        }
        let colours = pixels.iter().map(|pixel| Some(pixel.longest.1? % COLOURS));
        for (colour, path) in strokes(colours, (left, middle + 9.25)) {
            pen.path(&format!("c{colour} thin"), &path);
        }
        y += THREAD;
    }
    Drawing::new(frame, (width, bottom + 48.0 + legend.height), pen)
}

/// What happened in one pixel of a lane: the length of each kind, and the longest slice of a connection.
#[derive(Clone, Copy, Default)]
struct Pixel {
    lengths: [f64; KINDS.len()],
    longest: (f64, Option<u64>),
}

impl Pixel {
    /// What took most of the pixel; waiting only where nothing else happened.
    fn kind(&self, waiting: usize) -> Option<usize> {
        let seen = (0..KINDS.len()).filter(|&kind| self.lengths[kind] > 0.0);
        seen.max_by(|&a, &b| {
            let key = |kind: usize| (kind != waiting, self.lengths[kind]);
            key(a)
                .partial_cmp(&key(b))
                .unwrap_or(std::cmp::Ordering::Equal)
        })
    }
}

fn pixels(lane: &Lane<'_>, waiting: usize, scale: &Scale, (left, right): (f64, f64)) -> Vec<Pixel> {
    let mut pixels = vec![Pixel::default(); (right - left) as usize];
    for slice in &lane.slices {
        let (Some(from), Some(to)) = (scale.at(slice.from_us), scale.at(slice.to_us)) else {
            continue;
        };
        let (from, to) = (from - left, to - left);
        for (at, pixel) in pixels
            .iter_mut()
            .enumerate()
            .take(to.ceil() as usize)
            .skip(from as usize)
        {
            // Short slices are seen too.
            let length = (to.min(at as f64 + 1.0) - from.max(at as f64)).max(1e-9);
            pixel.lengths[slice.kind] += length;
            if slice.kind != waiting && slice.connection.is_some() && length > pixel.longest.0 {
                pixel.longest = (length, slice.connection);
            }
        }
    }
    pixels
}

/// For each value a path of strokes over the pixels that have it, from `x` along `y`.
fn strokes<T: Copy + Ord>(
    pixels: impl Iterator<Item = Option<T>>,
    (x, y): (f64, f64),
) -> BTreeMap<T, String> {
    let pixels: Vec<_> = pixels.collect();
    let (mut paths, mut from) = (BTreeMap::new(), x as usize);
    for run in pixels.chunk_by(|a, b| a == b) {
        if let Some(value) = run[0] {
            let path: &mut String = paths.entry(value).or_default();
            *path += &format!("M{from} {}h{}", crate::number::short(y), run.len());
        }
        from += run.len();
    }
    paths
}

/// The height of a process's name, and of a thread's row.
const PROCESS: f64 = 34.0;
const THREAD: f64 = 22.0;
const PROCESS_NAME: Face = Face {
    class: "l b",
    size: 15.0,
};
/// The CSS classes of the kinds.
const KINDS: [&str; 6] = ["s0", "s1", "s2", "s3", "s4", "s5"];
/// The number of colours for connections.
const COLOURS: u64 = 8;
