//! The requests of a page over time.

use crate::{
    axis::{Axis, Marks},
    drawing::Drawing,
    frame::Frame,
    legend::{Legend, Sign},
    measure::cut,
    number::short,
    pen::{Anchor, Pen, TICK},
    scale::Scale,
};

/// A waterfall: a row for each request, with a bar for each stage of the request.
#[derive(Clone, Copy, Debug)]
pub struct Waterfall<'a> {
    /// The requests, from above.
    pub rows: &'a [Transfer],
    /// What the axis is, and how a moment is written. Its spacing is even, from 0.
    pub axis: Axis<'a>,
    /// The words for the stages: queued, connecting, waiting for the response, receiving; and for the thin line, a connection's
    /// colour.
    pub key: [&'a str; STAGES + 1],
}

/// A request and its response.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    /// What was requested.
    pub name: String,
    /// What is written beside it, such as its status and size.
    pub note: String,
    /// The moments at which the stages begin, in the axis's unit, and the end of the last. A stage that begins where the next
    /// begins isn't drawn.
    pub moments: [f64; STAGES + 1],
    /// The number of the connection.
    pub connection: usize,
}

/// Draws a waterfall.
pub fn waterfall(frame: &Frame<'_>, chart: &Waterfall<'_>) -> Drawing {
    let width = frame.drawn_width();
    let widest = |text: fn(&Transfer) -> &str, most: f64| {
        let widths = chart.rows.iter().map(|row| TICK.width(text(row)));
        widths.fold(0.0, f64::max).min(width * most)
    };
    let names = widest(|row| &row.name, 0.22);
    let notes = widest(|row| &row.note, 0.26);
    let (left, right) = (names + notes + 28.0, width - 14.0);
    let bottom = chart.rows.len() as f64 * ROW + 4.0;
    let moments = chart.rows.iter().flat_map(|row| row.moments);
    let length = moments.fold(0.0, f64::max).clamp(1e-3, 1e15);
    let scale = Scale::exact((0.0, length), (left, right));
    let mut pen = Pen::default();
    Marks::across(&chart.axis, &scale, width).draw_across(&mut pen, (0.0, bottom));
    for (row, at) in chart.rows.iter().zip(0_u32..) {
        let y = f64::from(at) * ROW + ROW / 2.0;
        shortened(&mut pen, &row.name, (4.0, y + 4.5), names);
        shortened(&mut pen, &row.note, (names + 16.0, y + 4.5), notes);
        draw_bars(&mut pen, row, &scale, (left, right, y));
    }
    let label = cut(chart.axis.label, TICK.size, width);
    pen.text(TICK, Anchor::End, (width, bottom + 37.0), &label);
    let signs = KINDS.map(Sign::Kind).into_iter().chain([Sign::Connection]);
    let legend = Legend::new(signs.zip(chart.key), width);
    legend.draw(&mut pen, (0.0, bottom + 44.0));
    Drawing::new(frame, (width, bottom + 48.0 + legend.height), pen)
}

/// A text that is cut if it is wider than `room`, with the whole text as a tooltip.
fn shortened(pen: &mut Pen, text: &str, place: (f64, f64), room: f64) {
    let shown = cut(text, TICK.size, room);
    let whole = if shown == text { "" } else { text };
    pen.group("", whole, |pen| {
        pen.text(TICK, Anchor::Start, place, &shown);
    });
}

/// Draws the stages of a request between `left` and `right` around `y`, and its connection below them.
fn draw_bars(pen: &mut Pen, row: &Transfer, scale: &Scale, (left, right, y): (f64, f64, f64)) {
    let place = |moment: f64| scale.at(moment).map(|at| at.clamp(left, right));
    for (kind, ends) in KINDS.iter().zip(row.moments.windows(2)) {
        if let Some((from, to)) = place(ends[0]).zip(place(ends[1])).filter(|it| it.0 < it.1) {
            pen.rect(&format!("s{kind}"), (from, y - 7.0), (to - from, 11.0), 0.0);
        }
    }
    let used = place(row.moments[1]).zip(place(row.moments[STAGES]));
    if let Some((from, to)) = used.filter(|it| it.0 < it.1) {
        let colour = row.connection % COLOURS;
        let d = format!("M{} {}h{}", short(from), short(y + 7.0), short(to - from));
        pen.path(&format!("c{colour} thin"), &d);
    }
}

/// The height of a row.
const ROW: f64 = 24.0;
/// How many stages a request has.
const STAGES: usize = 4;
/// The stages by the numbers in their CSS classes.
const KINDS: [usize; STAGES] = [4, 2, 3, 1];
/// The number of colours for connections.
const COLOURS: usize = 8;
