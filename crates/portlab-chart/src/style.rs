//! How a series is drawn.

use crate::{marker::Marker, pen::Pen};

/// How a series is drawn, the same in every chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// The number of its colour, at most 16: CSS class `k3` has colour 3 as its `color`.
    pub colour: usize,
    /// The number of its dash, below [`Style::DASHES`]: CSS class `d1`.
    pub dash: usize,
    /// Its marker.
    pub marker: Marker,
}

impl Style {
    /// The number of dashes, of which the first is a full line.
    pub const DASHES: usize = 5;

    /// The CSS class whose `color` is this colour.
    pub fn class(&self) -> String {
        format!("k{}", self.colour)
    }

    /// The CSS classes of its line.
    pub(crate) fn line_class(&self) -> String {
        format!("ln d{}", self.dash)
    }

    /// Draws the line and its marker, [`SIGN`] wide, with the left end at `x`, `y`.
    pub(crate) fn draw(&self, pen: &mut Pen, (x, y): (f64, f64)) {
        pen.group(&self.class(), "", |pen| {
            pen.line(&self.line_class(), (x, y), (x + SIGN, y));
            self.marker.draw(pen, "mk", (x + SIGN / 2.0, y), 4.5);
        });
    }

    /// A small drawing of the line and its marker, to stand before a name. Screen readers skip it.
    pub fn swatch(&self) -> String {
        let mut pen = Pen::default();
        self.draw(&mut pen, (1.0, 8.0));
        let body = pen.finish().file();
        format!(
            "<svg class=\"pl sw\" viewBox=\"0 0 32 16\" width=\"32\" height=\"16\" aria-hidden=\"true\">{body}</svg>"
        )
    }
}

/// The width of a line, a bar or an interval beside a name.
pub(crate) const SIGN: f64 = 30.0;
