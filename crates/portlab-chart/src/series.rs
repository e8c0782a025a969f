//! Series of samples.

use crate::style::Style;

/// The samples of one model over an axis.
#[derive(Clone, Debug)]
pub struct Series {
    /// The name that stands at the line's end.
    pub name: String,
    /// How it is drawn.
    pub style: Style,
    /// In the order of `x`.
    pub samples: Vec<Sample>,
}

/// One sample: a figure at a place on the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The place, such as the number of connections.
    pub x: f64,
    /// The figure; where it is missing, the line has a gap.
    pub y: Option<f64>,
    /// The ends of its interval.
    pub interval: Option<(f64, f64)>,
    /// Whether it is the server's own figure. Where it is not, for the generator was the limit, the
    /// sign is hollow.
    pub trusted: bool,
}

impl Sample {
    /// A trusted sample without an interval.
    pub fn new(x: f64, y: f64) -> Self {
        Self {
            x,
            y: Some(y),
            interval: None,
            trusted: true,
        }
    }

    /// The same with its interval.
    #[must_use]
    pub fn between(mut self, low: f64, high: f64) -> Self {
        self.interval = Some((low, high));
        self
    }
}
