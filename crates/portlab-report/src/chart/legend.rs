//! Signs and their words, in rows.

use crate::chart::{
    marker::Marker,
    measure::cut,
    number::short,
    palette::Style,
    pen::{Anchor, Pen, TICK},
};

/// A sign.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sign<'a> {
    /// A model's line with its marker.
    Line(Style),
    /// A field of a class.
    Field(&'a str),
    /// A bar.
    Bar,
    /// A model's sign, of whatever shape.
    Marker,
    /// An interval.
    Whisker,
    /// The colours of connections.
    Connection,
    /// A full dot, and a hollow one.
    Dot,
    Hollow,
}

impl Sign<'_> {
    /// Draws it from `x` to `x + SIGN`, around `y`.
    pub(crate) fn draw(self, pen: &mut Pen, (x, y): (f64, f64)) {
        match self {
            Self::Line(style) => pen.group(&style.class(), "", |pen| {
                pen.line(&style.line_class(), (x, y), (x + SIGN, y));
                style.marker.draw(pen, "mk", (x + SIGN / 2.0, y), 4.5);
            }),
            Self::Field(class) => pen.rect(class, (x + 8.0, y - 6.0), (SIGN - 12.0, 12.0), 2.0),
            Self::Bar => pen.rect("bar", (x, y - 5.0), (SIGN, 10.0), 2.0),
            Self::Marker => Marker::Circle.draw(pen, "mk", (x + SIGN - 8.0, y), 6.0),
            Self::Whisker => whisker(pen, (x, x + SIGN), y),
            Self::Connection => {
                for (class, at) in ["c0", "c1", "c2"].into_iter().zip([8.0, 14.0, 20.0]) {
                    pen.path(class, &field((x + at, y), (6.0, 3.0)));
                }
            }
            Self::Dot => pen.circle("dot", (x + SIGN - 6.0, y), 3.0),
            Self::Hollow => pen.circle("out", (x + SIGN - 6.0, y), 3.0),
        }
    }
}

/// The path of a field whose upper left corner is at `x`, `y`.
fn field((x, y): (f64, f64), (width, height): (f64, f64)) -> String {
    let (x, y, width, height) = (short(x), short(y), short(width), short(height));
    format!("M{x} {y}h{width}v{height}h-{width}z")
}

/// A horizontal interval with its ends.
pub(crate) fn whisker(pen: &mut Pen, (low, high): (f64, f64), y: f64) {
    let (low, high, top) = (short(low), short(high), short(y - 5.0));
    pen.path("whisker", &format!("M{low} {top}v10m0-5H{high}m0-5v10"));
}

/// The width of a sign.
pub(crate) const SIGN: f64 = 30.0;

/// Signs and words, laid out in rows that are no wider than the room.
#[derive(Debug)]
pub(crate) struct Legend<'a> {
    /// Each with its place, measured from the legend's corner.
    items: Vec<(Sign<'a>, String, f64, f64)>,
    /// The height of all rows.
    pub(crate) height: f64,
}

/// The height of a row.
const ROW: f64 = 22.0;
/// The space between items.
const GAP: f64 = 20.0;

impl<'a> Legend<'a> {
    /// Lays `items` out in a room of `room` user units. A word wider than the room is cut.
    pub(crate) fn new<'b>(items: impl IntoIterator<Item = (Sign<'a>, &'b str)>, room: f64) -> Self {
        let mut placed = Vec::new();
        let (mut x, mut row) = (0.0, 0.0);
        for (sign, word) in items {
            let word = cut(word, TICK.size, room - SIGN - 7.0);
            let width = SIGN + 7.0 + TICK.width(&word);
            if x > 0.0 && x + width > room {
                (x, row) = (0.0, row + ROW);
            }
            placed.push((sign, word, x, row));
            x += width + GAP;
        }
        let height = if placed.is_empty() { 0.0 } else { row + ROW };
        Self {
            items: placed,
            height,
        }
    }

    /// Draws it with its upper left corner at `x`, `y`.
    pub(crate) fn draw(&self, pen: &mut Pen, (x, y): (f64, f64)) {
        for (sign, word, dx, dy) in &self.items {
            let middle = y + dy + ROW / 2.0;
            sign.draw(pen, (x + dx, middle));
            pen.text(
                TICK,
                Anchor::Start,
                (x + dx + SIGN + 7.0, middle + 4.5),
                word,
            );
        }
    }
}
