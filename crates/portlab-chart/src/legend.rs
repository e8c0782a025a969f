//! Signs and their words, in rows.

use crate::{
    live,
    marker::Marker,
    measure::cut,
    number::short,
    pen::{Anchor, Pen, TICK},
    style::{SIGN, Style},
};

/// A sign.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sign {
    /// The line of a series with its marker.
    Line(Style),
    /// A field in the colour of a kind of slices.
    Kind(usize),
    /// A bar.
    Bar,
    /// A marker of any series.
    Marker,
    /// An interval.
    Whisker,
    /// The colours of connections.
    Connection,
    /// A full dot, and a hollow one.
    Dot,
    Hollow,
}

impl Sign {
    /// Its width.
    pub(crate) fn width(self) -> f64 {
        match self {
            Self::Line(_) | Self::Bar | Self::Whisker => SIGN,
            Self::Kind(_) | Self::Connection => 18.0,
            Self::Marker => 12.0,
            Self::Dot | Self::Hollow => 7.0,
        }
    }

    /// Draws it with its left end at `x`, around `y`.
    pub(crate) fn draw(self, pen: &mut Pen, (x, y): (f64, f64)) {
        let width = self.width();
        let middle = (x + width / 2.0, y);
        match self {
            Self::Line(style) => style.draw(pen, (x, y)),
            Self::Kind(kind) => {
                pen.rect(&format!("s{kind}"), (x, y - 6.0), (width, 12.0), 2.0);
            }
            Self::Bar => pen.rect("bar", (x, y - 5.0), (width, 10.0), 2.0),
            Self::Marker => Marker::Circle.draw(pen, "mk", middle, 6.0),
            Self::Whisker => whisker(pen, (x, x + width), y),
            Self::Connection => {
                for (class, at) in ["c0", "c1", "c2"].into_iter().zip([0.0, 6.0, 12.0]) {
                    pen.rect(class, (x + at, y - 1.5), (6.0, 3.0), 0.0);
                }
            }
            Self::Dot => pen.circle("dot", middle, 3.0),
            Self::Hollow => pen.circle("out", middle, 3.0),
        }
    }
}

/// A horizontal interval with its ends, with a little of the ground around it.
pub(crate) fn whisker(pen: &mut Pen, (low, high): (f64, f64), y: f64) {
    let (low, high, top) = (short(low), short(high), short(y - 5.0));
    let d = format!("M{low} {top}v10m0-5H{high}m0-5v10");
    pen.path("halo", &d);
    pen.path("whisker", &d);
}

/// Signs and words, laid out in rows that are no wider than the room.
#[derive(Debug)]
pub(crate) struct Legend {
    items: Vec<Item>,
    /// The height of all rows.
    pub(crate) height: f64,
}

/// A sign and its word.
#[derive(Debug)]
struct Item {
    sign: Sign,
    word: String,
    /// The place, measured from the legend's corner.
    x: f64,
    y: f64,
}

impl Item {
    fn draw(&self, pen: &mut Pen, (x, y): (f64, f64)) {
        let (x, middle) = (x + self.x, y + self.y + ROW / 2.0);
        self.sign.draw(pen, (x, middle));
        let place = (x + self.sign.width() + 7.0, middle + 4.5);
        pen.text(TICK, Anchor::Start, place, &self.word);
    }
}

/// The height of a row.
const ROW: f64 = 22.0;
/// The space between items.
const GAP: f64 = 20.0;

impl Legend {
    /// Lays `items` out in a room of `room` user units. A word wider than the room is cut.
    pub(crate) fn new<'a>(items: impl IntoIterator<Item = (Sign, &'a str)>, room: f64) -> Self {
        let mut placed = Vec::new();
        let (mut x, mut row) = (0.0, 0.0);
        for (sign, word) in items {
            let word = cut(word, TICK.size, room - sign.width() - 7.0);
            let width = sign.width() + 7.0 + TICK.width(&word);
            if x > 0.0 && x + width > room {
                (x, row) = (0.0, row + ROW);
            }
            placed.push(Item {
                sign,
                word,
                x,
                y: row,
            });
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
        for item in &self.items {
            item.draw(pen, (x, y));
        }
    }

    /// The same for the names of series, over which a page has buttons.
    pub(crate) fn draw_names(&self, pen: &mut Pen, (x, y): (f64, f64)) {
        for (number, item) in self.items.iter().enumerate() {
            let width = item.sign.width() + 7.0 + TICK.width(&item.word);
            let (corner, size) = ((x + item.x - 6.0, y + item.y), (width + 12.0, ROW));
            pen.insert(&format!("<g{}>", live::button(number, corner, size)));
            item.draw(pen, (x, y));
            pen.insert("</g>");
        }
    }
}
