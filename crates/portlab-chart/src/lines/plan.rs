//! Where what goes in a chart of lines.

use crate::{
    axis::Marks,
    frame::Frame,
    legend::{Legend, SIGN, Sign},
    lines::Lines,
    measure::{cut, wrap},
    pen::{LABEL, TICK},
    scale::Scale,
    series::{Sample, Series},
};

/// Where what goes.
pub(super) struct Plan<'a> {
    pub(super) width: f64,
    pub(super) height: f64,
    /// The ends of the plot.
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) x: Scale,
    pub(super) y: Scale,
    pub(super) across: Marks,
    pub(super) upwards: Marks,
    /// Whether intervals are bands: there are few enough for that.
    pub(super) bands: bool,
    /// The names at the ends of the lines, as they fit; none when there is a legend.
    pub(super) names: Vec<String>,
    pub(super) legend: Legend<'a>,
}

/// From the plot to the signs beside the names, and from there to the names.
pub(super) const LEADER: f64 = 26.0;
/// From name to name.
pub(super) const NAME: f64 = 20.0;
/// The most lines that may have bands.
pub(super) const BANDS: usize = 4;

impl<'a> Plan<'a> {
    pub(super) fn new(frame: &Frame<'_>, chart: &'a Lines<'a>) -> Self {
        let width = frame.drawn_width();
        let narrow = frame.is_narrow();
        let names: Vec<String> = match narrow {
            true => Vec::new(),
            false => chart
                .series
                .iter()
                .map(|series| cut(&series.name, LABEL.size, width * 0.28))
                .collect(),
        };
        let top = 14.0 + 17.0 * wrap(chart.y.label, TICK.size, width).len() as f64;
        let asked = if chart.plot_height.is_finite() {
            chart.plot_height.clamp(120.0, 2000.0)
        } else {
            320.0
        };
        let bottom = top + asked.max(names.len() as f64 * NAME);
        let samples = || chart.series.iter().flat_map(|series| &series.samples);
        let y = Scale::fit(chart.y.spacing, samples().flat_map(ys), (bottom, top));
        let upwards = Marks::upwards(&chart.y, &y);
        let left = upwards.label_width() + 16.0;
        let names_width = names
            .iter()
            .map(|name| LABEL.width(name))
            .fold(0.0, f64::max);
        let beside = if narrow {
            14.0
        } else {
            LEADER + SIGN + 8.0 + names_width
        };
        let right = (width - beside).max(left + 140.0);
        let width = right + beside;
        let x = Scale::fit(
            chart.x.spacing,
            samples().map(|sample| sample.x),
            (left, right),
        );
        let across = Marks::across(&chart.x, &x, width);
        let items = chart.series.iter().filter(|_| narrow);
        let items = items.map(|series| (Sign::Line(series.style), series.name.as_str()));
        let legend = Legend::new(items, width);
        let below = 17.0 * wrap(chart.x.label, TICK.size, right - left).len() as f64;
        let height = bottom + 26.0 + below + if narrow { 12.0 + legend.height } else { 4.0 };
        let with_intervals = chart.series.iter().filter(|series| {
            series
                .samples
                .iter()
                .any(|sample| sample.interval.is_some())
        });
        let bands = with_intervals.count() <= BANDS;
        Self {
            width,
            height,
            left,
            right,
            top,
            bottom,
            x,
            y,
            across,
            upwards,
            bands,
            names,
            legend,
        }
    }

    /// Where a sample lies; `None` when it can't be shown.
    pub(super) fn place(&self, sample: &Sample) -> Option<(f64, f64)> {
        Some((self.x.at(sample.x)?, self.y.at(sample.y?)?))
    }

    /// The samples between the gaps.
    pub(super) fn runs<'s>(&self, series: &'s Series) -> impl Iterator<Item = &'s [Sample]> {
        series.samples.split(|sample| self.place(sample).is_none())
    }
}

fn ys(sample: &Sample) -> impl Iterator<Item = f64> + use<> {
    let ends = sample.interval.filter(|_| sample.y.is_some());
    sample
        .y
        .into_iter()
        .chain(ends.into_iter().flat_map(|(low, high)| [low, high]))
}
