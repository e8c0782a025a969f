//! What can be read off a chart of bars: the figures of a row.

use super::{places, texts};
use crate::{Bars, BarsKey, Measured};

/// The rows of a chart of bars that have figures, with their upper and lower ends.
pub(crate) struct Rows<'a> {
    chart: &'a Bars<'a>,
    rows: Vec<(usize, f64, f64)>,
}

impl<'a> Rows<'a> {
    /// The rows of `chart`, beneath one another from `top`; `heights` are those of all rows.
    pub(crate) fn of(
        chart: &'a Bars<'a>,
        top: f64,
        heights: impl IntoIterator<Item = f64>,
    ) -> Self {
        let mut bottom = top;
        let ends = heights.into_iter().enumerate().map(|(at, height)| {
            let top = bottom;
            bottom += height;
            (at, top, bottom)
        });
        let has_figures = |(at, ..): &(usize, f64, f64)| chart.rows[*at].measured.is_some();
        Self {
            chart,
            rows: ends.filter(has_figures).collect(),
        }
    }

    /// The attributes of the drawing.
    pub(crate) fn places(&self) -> String {
        let ends = self
            .rows
            .iter()
            .flat_map(|(_, top, bottom)| [*top, *bottom]);
        format!(" data-rows=\"{}\"", places(ends))
    }

    /// The texts of the figure; `None` without a key, which gives the rows their names.
    pub(crate) fn values(&self) -> Option<String> {
        let BarsKey {
            median,
            interval,
            round,
            outlier,
        } = self.chart.key.filter(|_| !self.rows.is_empty())?;
        let write = self.chart.axis.write;
        // A value and its unit stay on one line.
        let finite = |value: f64| {
            value
                .is_finite()
                .then(|| write(value).replace(' ', "\u{a0}"))
        };
        let rounds = |of: &Measured, outlier: bool| {
            let dots = of.rounds.iter().filter(|dot| dot.outlier == outlier);
            let dots = dots.filter_map(|dot| finite(dot.value));
            dots.collect::<Vec<_>>().join(", ")
        };
        let ends = |of: &Measured| {
            let ends = finite(of.low).zip(finite(of.high));
            ends.map_or_else(String::new, |(low, high)| format!("{low} – {high}"))
        };
        let bars = || self.rows.iter().map(|(at, ..)| &self.chart.rows[*at]);
        let row = |write: &dyn Fn(&Measured) -> String| -> Vec<String> {
            let figures = bars().filter_map(|bar| bar.measured.as_ref());
            figures.map(write).collect()
        };
        let kinds = [
            (median, row(&|of| finite(of.median).unwrap_or_default())),
            (interval, row(&ends)),
            (round, row(&|of| rounds(of, false))),
            (outlier, row(&|of| rounds(of, true))),
        ];
        let mut values = vec![String::new()];
        values.extend(bars().map(|bar| bar.label.clone()));
        for (name, texts) in kinds {
            // Most charts have no outliers.
            if texts.iter().any(|text| !text.is_empty()) {
                values.push(name.to_owned());
                values.extend(texts);
            }
        }
        Some(texts(&values))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Axis, Bar, Bars, BarsKey, Dot, Frame, Marker, Measured, Spacing, Style, bars};

    fn bar(label: &str, measured: Option<Measured>) -> Bar {
        Bar {
            label: label.to_owned(),
            style: Style {
                colour: 3,
                dash: 0,
                marker: Marker::Circle,
            },
            rank: None,
            measured,
            pale: false,
            remark: None,
        }
    }

    fn measured(median: f64, outlier: bool) -> Option<Measured> {
        let dot = |value, outlier| Dot { value, outlier };
        Some(Measured {
            median,
            low: median - 1.0,
            high: median + 1.0,
            rounds: vec![
                dot(median, false),
                dot(median + 1.0, false),
                dot(99.0, outlier),
            ],
        })
    }

    fn values(rows: &[Bar], width: f64, key: Option<BarsKey<'_>>) -> Option<String> {
        let frame = Frame {
            id: "t",
            title: "CPU time",
            description: "of two servers",
            width,
        };
        let axis = Axis::new("CPU time", Spacing::FromZero, |us| format!("{us} µs"));
        let drawing = bars(&frame, &Bars { rows, axis, key });
        assert!(!drawing.file().contains("data-"));
        let places = drawing.inline().matches("data-rows").count();
        assert_eq!(places, usize::from(drawing.values().is_some()));
        drawing.values().map(str::to_owned)
    }

    const KEY: BarsKey<'_> = BarsKey {
        median: "median",
        interval: "95% interval",
        round: "one round",
        outlier: "outlier",
    };

    #[test]
    fn a_row_tells_its_interval_and_its_rounds() {
        let rows = [
            bar("a", measured(4.0, false)),
            bar("b", None),
            bar("c", measured(8.0, true)),
        ];
        let expected = [
            ["", "a", "c"],
            ["median", "4~µs", "8~µs"],
            ["95% interval", "3~µs – 5~µs", "7~µs – 9~µs"],
            ["one round", "4~µs, 5~µs, 99~µs", "8~µs, 9~µs"],
            ["outlier", "", "99~µs"],
        ];
        let expected = expected.concat().join("\n").replace('~', "\u{a0}");
        for width in [Frame::WIDE, Frame::PHONE] {
            let values = values(&rows, width, Some(KEY));
            assert_eq!(values.as_ref(), Some(&expected));
        }
    }

    #[test]
    fn without_figures_or_their_names_there_is_nothing_to_read_off() {
        assert_eq!(values(&[bar("a", None)], Frame::WIDE, Some(KEY)), None);
        assert_eq!(
            values(&[bar("a", measured(4.0, false))], Frame::WIDE, None),
            None
        );
    }
}
