//! What each thread did for some milliseconds.

use std::collections::BTreeMap;

use crate::{
    axis::{Axis, Marks},
    drawing::Drawing,
    frame::Frame,
    legend::{Legend, Sign},
    measure::cut,
    number::short,
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
    /// What the kinds of slices are called, in the order of their numbers; and what the thin line in a lane means, the
    /// colour of a connection.
    pub key: [&'a str; KINDS.len() + 1],
}

/// A thread of a process, and what it did.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Lane<'a> {
    pub process: &'a str,
    pub thread: &'a str,
    pub slices: Vec<Slice>,
}

/// What a thread did for a while: the number of its kind (accept, read, handle, write, wait, other); its start and its
/// end in microseconds; the number of the connection.
pub type Slice = (usize, f64, f64, Option<usize>);

/// Draws a timeline.
pub fn strip(frame: &Frame<'_>, chart: &Strip<'_>) -> Drawing {
    let width = frame.drawn_width();
    let names = chart.lanes.iter().map(|lane| TICK.width(lane.thread));
    let left = names.fold(0.0, f64::max).min(width * 0.24) + 16.0;
    let right = width - 14.0;
    let processes = || chart.lanes.chunk_by(|a, b| a.process == b.process);
    let bottom = processes().count() as f64 * PROCESS + chart.lanes.len() as f64 * THREAD + 4.0;
    let mut pen = Pen::default();
    let scale = Scale::exact((0.0, chart.length_us.clamp(1e-3, 1e15)), (left, right));
    Marks::across(&chart.axis, &scale, width).draw_across(&mut pen, (0.0, bottom));
    let label = cut(chart.axis.label, TICK.size, width);
    pen.text(TICK, Anchor::End, (width, bottom + 37.0), &label);
    let signs = KINDS.into_iter().map(Sign::Field).chain([Sign::Connection]);
    let legend = Legend::new(signs.zip(chart.key), width);
    legend.draw(&mut pen, (0.0, bottom + 44.0));
    let mut y = 0.0;
    for lanes in processes() {
        let name = cut(lanes[0].process, PROCESS_NAME.size, width);
        pen.text(PROCESS_NAME, Anchor::Start, (0.0, y + 25.0), &name);
        y += PROCESS;
        for lane in lanes {
            draw_lane(&mut pen, lane, &scale, (left, right, y + THREAD / 2.0));
            y += THREAD;
        }
    }
    Drawing::new(frame, (width, bottom + 48.0 + legend.height), pen)
}

/// Draws what a thread did between `left` and `right` around `y`.
fn draw_lane(pen: &mut Pen, lane: &Lane, scale: &Scale, (left, right, y): (f64, f64, f64)) {
    let name = cut(lane.thread, TICK.size, left - 14.0);
    let whole = (name != lane.thread).then_some(lane.thread);
    pen.group("", whole.unwrap_or_default(), |pen| {
        pen.text(TICK, Anchor::Start, (4.0, y + 4.5), &name);
    });
    pen.rect("lane", (left, y - 7.0), (right - left, 14.0), 0.0);
    let kind = |slice: &Slice| Some(KINDS[slice.0]);
    for (class, path) in strokes(&lane.slices, kind, scale, (left, right, y)) {
        pen.path(&format!("{class} slice"), &path);
    }
    let connection = |it: &Slice| it.3.filter(|_| it.0 != WAIT).map(|it| it % COLOURS);
    for (colour, path) in strokes(&lane.slices, connection, scale, (left, right, y + 9.25)) {
        pen.path(&format!("c{colour} thin"), &path);
    }
}

/// For each value that slices have, a path of strokes along `y` over the pixels of which it took most.
fn strokes<T: Copy + Ord>(
    slices: &[Slice],
    value: impl Fn(&Slice) -> Option<T>,
    scale: &Scale,
    (left, right, y): (f64, f64, f64),
) -> BTreeMap<T, String> {
    let mut pixels = vec![BTreeMap::new(); (right - left) as usize];
    for slice in slices {
        let ends = scale.at(slice.1).zip(scale.at(slice.2));
        let (Some(value), Some((from, to))) = (value(slice), ends) else {
            continue;
        };
        let (from, to) = (from - left, to - left);
        // Waiting is seen only where a thread did nothing else.
        let weight = if slice.0 == WAIT { 1e-12 } else { 1.0 };
        for at in from as usize..pixels.len().min(to.ceil() as usize) {
            let length = to.min(at as f64 + 1.0) - from.max(at as f64);
            // Short slices are seen too.
            *pixels[at].entry(value).or_insert(0.0) += length.max(1e-9) * weight;
        }
    }
    let longest = pixels.into_iter().map(|pixel| {
        let longest = pixel.into_iter().max_by(|a, b| f64::total_cmp(&a.1, &b.1));
        longest.map(|(value, _)| value)
    });
    let longest: Vec<Option<T>> = longest.collect();
    let (mut paths, mut from) = (BTreeMap::new(), left as usize);
    for run in longest.chunk_by(|a, b| a == b) {
        if let Some(value) = run[0] {
            let path: &mut String = paths.entry(value).or_default();
            *path += &format!("M{from} {}h{}", short(y), run.len());
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
/// The CSS classes of the kinds, and the number of waiting.
const KINDS: [&str; 6] = ["s0", "s1", "s2", "s3", "s4", "s5"];
const WAIT: usize = 4;
/// The number of colours for connections.
const COLOURS: usize = 8;
