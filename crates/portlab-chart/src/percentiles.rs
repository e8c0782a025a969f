//! Latency by percentile.

use crate::{
    axis::Axis,
    drawing::Drawing,
    frame::Frame,
    lines::{Lines, lines},
    scale::Spacing,
    series::{Sample, Series},
    style::Style,
};

/// A chart of latency by percentile. The horizontal axis is `1 / (1 - quantile)` by logarithms, so
/// that one message in ten, in a hundred, in a thousand are equally far apart.
#[derive(Clone, Copy, Debug)]
pub struct Percentiles<'a> {
    /// The models.
    pub series: &'a [Quantiles],
    /// What the horizontal axis is, such as `percentile`.
    pub x_label: &'a str,
    /// What the vertical axis is, such as `latency`.
    pub y_label: &'a str,
    /// Writes a latency with its unit.
    pub write: fn(f64) -> String,
    /// The height of the plot in user units.
    pub plot_height: f64,
}

/// The quantiles of one model.
#[derive(Clone, Debug)]
pub struct Quantiles {
    /// Its name.
    pub name: String,
    /// How it is drawn.
    pub style: Style,
    /// Quantile, in `[0, 1)`, and latency, above 0, in the order of the quantiles. The maximum has no
    /// place on the axis.
    pub points: Vec<(f64, f64)>,
    /// Whether the latencies are the server's own; where the generator was the limit, signs are
    /// hollow.
    pub trusted: bool,
}

/// Draws latency by percentile.
pub fn percentiles(frame: &Frame<'_>, chart: &Percentiles<'_>) -> Drawing {
    let series: Vec<Series> = chart.series.iter().map(Quantiles::series).collect();
    let x = Axis {
        label: chart.x_label,
        spacing: Spacing::Log,
        write: percent,
        ticks: &TICKS,
    };
    let y = Axis::new(chart.y_label, Spacing::Log, chart.write);
    lines(
        frame,
        &Lines {
            series: &series,
            x,
            y,
            plot_height: chart.plot_height,
        },
    )
}

impl Quantiles {
    fn series(&self) -> Series {
        let shown = self
            .points
            .iter()
            .filter(|(quantile, _)| (0.0..1.0).contains(quantile));
        let samples = shown.map(|&(quantile, latency)| Sample {
            trusted: self.trusted,
            ..Sample::new(1.0 / (1.0 - quantile), latency)
        });
        Series {
            name: self.name.clone(),
            style: self.style,
            samples: samples.collect(),
        }
    }
}

/// The percentile of a place on the axis: `99.9 %` for 1000.
fn percent(odds: f64) -> String {
    let text = format!("{:.4}", 100.0 - 100.0 / odds);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// The places that are marked.
const TICKS: [(f64, &str); 7] = [
    (2.0, "50%"),
    (10.0, "90%"),
    (100.0, "99%"),
    (1e3, "99.9%"),
    (1e4, "99.99%"),
    (1e5, "99.999%"),
    (1e6, "99.9999%"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_by_its_percentile() {
        for (odds, expected) in TICKS {
            assert_eq!(percent(odds), expected);
        }
    }
}
