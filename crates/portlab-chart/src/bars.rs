//! One figure per model, as bars, with intervals and rounds.

mod draw;
mod plan;

use plan::{Plan, TOP};

use crate::{
    axis::Axis, drawing::Drawing, frame::Frame, legend::Sign, pen::Pen, scale::Spacing,
    style::Style,
};

/// A chart of bars: one row per model, in the given order.
///
/// By logarithms a bar's length would mean nothing, so there a sign on a thin stem takes its place.
#[derive(Clone, Copy, Debug)]
pub struct Bars<'a> {
    /// The rows, from top to bottom.
    pub rows: &'a [Bar],
    /// The axis of the figures; its `write` writes the values behind the bars too.
    pub axis: Axis<'a>,
    /// What the signs mean, drawn beneath; `None` for no key.
    pub key: Option<BarsKey<'a>>,
}

/// A row.
#[derive(Clone, Debug)]
pub struct Bar {
    /// The name of the model.
    pub label: String,
    /// How the model is drawn.
    pub style: Style,
    /// Its rank, in a badge at the left.
    pub rank: Option<Rank>,
    /// What was measured; `None` when it wasn't run.
    pub measured: Option<Measured>,
    /// Whether the bar is pale, as that of what isn't ranked.
    pub pale: bool,
    /// A remark in muted text: in place of the bar, or beneath it.
    pub remark: Option<String>,
}

/// A rank.
#[derive(Clone, Debug)]
pub struct Rank {
    /// Such as `1` or `2–4`.
    pub text: String,
    /// Whether it is the best, or can't be told from it.
    pub best: bool,
}

/// What was measured of a model. All figures are of the axis, in its unit.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The median.
    pub median: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The rounds, in the order in which they ran.
    pub rounds: Vec<Dot>,
}

/// A round.
#[derive(Clone, Copy, Debug)]
pub struct Dot {
    /// Its figure.
    pub value: f64,
    /// Whether it lies far from the others; its dot is hollow.
    pub outlier: bool,
}

/// The words for what the signs mean.
#[derive(Clone, Copy, Debug)]
pub struct BarsKey<'a> {
    /// Such as `median`.
    pub median: &'a str,
    /// Such as `95% interval`.
    pub interval: &'a str,
    /// Such as `one round`.
    pub round: &'a str,
    /// Such as `outlier`.
    pub outlier: &'a str,
}

/// Draws bars.
pub fn bars(frame: &Frame<'_>, chart: &Bars<'_>) -> Drawing {
    let plan = Plan::new(frame, chart);
    let mut pen = Pen::default();
    plan.draw_axis(chart, &mut pen);
    let mut top = TOP;
    for (bar, row) in chart.rows.iter().zip(&plan.rows) {
        plan.draw_row(chart, bar, row, top, &mut pen);
        top += row.height;
    }
    Drawing::new(frame, (plan.width, plan.height), pen)
}

impl<'a> BarsKey<'a> {
    fn items(&self, spacing: Spacing) -> [(Sign<'static>, &'a str); 4] {
        let median = match spacing {
            Spacing::Log => Sign::Marker,
            _ => Sign::Bar,
        };
        [
            (median, self.median),
            (Sign::Whisker, self.interval),
            (Sign::Dot, self.round),
            (Sign::Hollow, self.outlier),
        ]
    }
}
