//! How a series is drawn.

use crate::{legend::Sign, marker::Marker, pen::Pen};

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

    /// A small drawing of the line and its marker, to stand before a name. Screen readers skip it.
    pub fn swatch(&self) -> String {
        let mut pen = Pen::default();
        Sign::Line(*self).draw(&mut pen, (1.0, 8.0));
        let body = pen.finish();
        format!(
            "<svg class=\"pl sw\" viewBox=\"0 0 32 16\" width=\"32\" height=\"16\" aria-hidden=\"true\">{body}</svg>"
        )
    }
}
