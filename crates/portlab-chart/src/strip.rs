//! What each thread did for some milliseconds.

use std::collections::BTreeMap;

use crate::{
    axis::{Axis, Marks},
    drawing::Drawing,
    frame::Frame,
    legend::{Legend, Sign},
    live,
    measure::cut,
    number::short,
    pen::{Anchor, Face, Pen, TICK, escape},
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
    /// The words for accept, read, handle, write, wait, another kind; and for the thin line, a connection's colour.
    pub key: [&'a str; KINDS.len() + 2],
}

/// The name of a process, the name of one of its threads, and what the thread did.
pub type Lane<'a> = (&'a str, &'a str, Vec<Slice<'a>>);

/// What a thread did: the name of the kind; start and end in microseconds; the number of the connection.
pub type Slice<'a> = (&'a str, f64, f64, Option<u64>);

/// Draws a timeline.
pub fn strip(frame: &Frame<'_>, chart: &Strip<'_>) -> Drawing {
    let width = frame.drawn_width();
    let names = chart.lanes.iter().map(|(_, thread, _)| TICK.width(thread));
    let left = names.fold(0.0, f64::max).min(width * 0.24) + 16.0;
    let right = width - 14.0;
    let processes = || chart.lanes.chunk_by(|a, b| a.0 == b.0);
    let bottom = processes().count() as f64 * PROCESS + chart.lanes.len() as f64 * THREAD + 4.0;
    let mut pen = Pen::default();
    let scale = Scale::exact((0.0, chart.length_us.clamp(1e-3, 1e15)), (left, right));
    Marks::across(&chart.axis, &scale, width).draw_across(&mut pen, (0.0, bottom));
    let label = cut(chart.axis.label, TICK.size, width);
    pen.text(TICK, Anchor::End, (width, bottom + 37.0), &label);
    let signs = (0..=OTHER).map(Sign::Kind).chain([Sign::Connection]);
    let legend = Legend::new(signs.zip(chart.key), width);
    legend.draw_names(&mut pen, (0.0, bottom + 44.0));
    let mut y = 0.0;
    for lanes in processes() {
        let name = cut(lanes[0].0, PROCESS_NAME.size, width);
        pen.text(PROCESS_NAME, Anchor::Start, (0.0, y + 25.0), &name);
        y += PROCESS;
        for lane in lanes {
            let name = match processes().count() {
                1 => lane.1.to_owned(),
                _ => format!("{} · {}", lane.0, lane.1),
            };
            pen.insert(&format!("<g data-lane=\"{}\">", escape(&name)));
            draw_lane(&mut pen, lane, &scale, (left, right, y + THREAD / 2.0));
            pen.insert("</g>");
            y += THREAD;
        }
    }
    let plot = live::places([0.0, bottom, left, right]);
    let places = format!(" data-plot=\"{plot}\"");
    let drawing = Drawing::new(frame, (width, bottom + 48.0 + legend.height), pen);
    drawing.with(places, values(chart))
}

/// The texts for a page: the kinds of slices, and the moments at which it tells what the threads did.
fn values(chart: &Strip<'_>) -> Option<String> {
    let length = chart.length_us;
    if chart.lanes.is_empty() || !length.is_finite() || length <= 0.0 {
        return None;
    }
    let mut texts = chart.key.map(str::to_owned).to_vec();
    texts.push(chart.axis.name.to_owned());
    let moments = (0..MOMENTS).map(|at| (f64::from(at) + 0.5) * length / f64::from(MOMENTS));
    texts.extend(moments.map(|us| chart.axis.mark(us)));
    Some(live::texts(&texts))
}

/// Draws what a thread did between `left` and `right` around `y`.
fn draw_lane(pen: &mut Pen, lane: &Lane, scale: &Scale, (left, right, y): (f64, f64, f64)) {
    let (_, thread, slices) = lane;
    let name = cut(thread, TICK.size, left - 14.0);
    let whole = if name == *thread { "" } else { thread };
    pen.group("", whole, |pen| {
        pen.text(TICK, Anchor::Start, (4.0, y + 4.5), &name);
    });
    pen.rect("lane", (left, y - 7.0), (right - left, 14.0), 0.0);
    let kind = |it: &Slice| KINDS.iter().position(|kind| *kind == it.0).or(Some(OTHER));
    for (kind, path) in strokes(slices, kind, scale, (left, right, y)) {
        pen.path_with(&format!("s{kind} slice"), &path, &live::part(kind));
    }
    let connection = |it: &Slice| it.3.filter(|_| it.0 != "wait").map(|it| it % COLOURS);
    for (colour, path) in strokes(slices, connection, scale, (left, right, y + 9.25)) {
        pen.path_with(&format!("c{colour} thin"), &path, &live::part(OTHER + 1));
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
        // A pixel shows waiting only if the thread did nothing else in it.
        let weight = if slice.0 == "wait" { 1e-12 } else { 1.0 };
        for at in from as usize..pixels.len().min(to.ceil() as usize) {
            let length = to.min(at as f64 + 1.0) - from.max(at as f64);
            // A slice without length is shown too.
            *pixels[at].entry(value).or_insert(0.0) += length.max(1e-9) * weight;
        }
    }
    let most = |pixel: &BTreeMap<T, f64>| Some(*pixel.iter().max_by(|a, b| a.1.total_cmp(b.1))?.0);
    let longest: Vec<Option<T>> = pixels.iter().map(most).collect();
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
/// The kinds by the numbers in their CSS classes: `s0`, and so on.
const KINDS: [&str; OTHER] = ["accept", "read", "handle", "write", "wait"];
const OTHER: usize = 5;
/// How many moments a page tells of: about one for every fifth pixel.
const MOMENTS: u32 = 160;
/// The number of colours for connections.
const COLOURS: u64 = 8;
