//! The signs on lines.

use crate::pen::{Pen, joined};

/// The shape of a marker, which is drawn full or hollow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the shapes")]
pub enum Marker {
    Circle,
    Square,
    Diamond,
    Up,
    Down,
    Pentagon,
    Star,
    Hexagon,
    /// No marker: for lines with very many samples.
    None,
}

impl Marker {
    /// All markers.
    pub const ALL: [Self; 8] = [
        Self::Hexagon,
        Self::Star,
        Self::Pentagon,
        Self::Diamond,
        Self::Circle,
        Self::Square,
        Self::Up,
        Self::Down,
    ];

    /// Draws it around `x`, `y`, about as large as a circle of radius `r`.
    pub(crate) fn draw(self, pen: &mut Pen, class: &str, (x, y): (f64, f64), r: f64) {
        let corners = match self {
            Self::None => return,
            Self::Circle => return pen.circle(class, (x, y), r),
            Self::Square => {
                return pen.rect(class, (x - 0.9 * r, y - 0.9 * r), (1.8 * r, 1.8 * r), 0.0);
            }
            Self::Diamond => polygon(4, 1.25, 0.0),
            Self::Up => polygon(3, 1.3, 0.0),
            Self::Down => polygon(3, 1.3, 0.5),
            Self::Pentagon => polygon(5, 1.15, 0.0),
            Self::Hexagon => polygon(6, 1.1, 0.0),
            Self::Star => star(),
        };
        let points = corners.iter().map(|(dx, dy)| (x + dx * r, y + dy * r));
        pen.path(class, &format!("M{}z", joined(points)));
    }
}

/// A regular polygon, turned by `turn` of a corner's angle.
fn polygon(corners: usize, radius: f64, turn: f64) -> Vec<(f64, f64)> {
    let corner = |at: usize| corner((at as f64 + turn) / corners as f64, radius);
    (0..corners).map(corner).collect()
}

fn star() -> Vec<(f64, f64)> {
    let radius = |at: usize| if at.is_multiple_of(2) { 1.45 } else { 0.65 };
    (0..10)
        .map(|at| corner(at as f64 / 10.0, radius(at)))
        .collect()
}

/// A place on a circle, from the top, by the share of a whole turn.
fn corner(share: f64, radius: f64) -> (f64, f64) {
    let angle = share * std::f64::consts::TAU;
    (radius * angle.sin(), -radius * angle.cos())
}
