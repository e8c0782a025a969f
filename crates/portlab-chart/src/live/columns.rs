//! What can be read off a chart of lines: the samples of all series, in columns.

use super::{part, places, texts};
use crate::{
    lines::{Lines, Sample, Series},
    number::short,
    scale::Scale,
};

/// The columns of a chart of lines: every place on the horizontal axis at which a series has a sample. The samples of several
/// series that are too close to be told apart, such as those of two runs after about a second, share one.
pub(crate) struct Columns<'a> {
    chart: &'a Lines<'a>,
    x: &'a Scale,
    /// The first value in each column, with its share of the axis.
    columns: Vec<(f64, f64)>,
}

/// The width of a column as a share of the axis.
const WIDTH: f64 = 1e-3;

impl<'a> Columns<'a> {
    pub(crate) fn of(chart: &'a Lines<'a>, x: &'a Scale) -> Self {
        let samples = chart.series.iter().flat_map(|series| &series.samples);
        let shown = samples.filter_map(|sample| Some((x.share(sample.x)?, sample.x)));
        let mut columns: Vec<(f64, f64)> = shown.collect();
        columns.sort_by(|a, b| a.0.total_cmp(&b.0));
        columns.dedup_by(|next, first| next.0 - first.0 < WIDTH);
        Self { chart, x, columns }
    }

    /// The attributes of the drawing whose plot is between `top` and `bottom`.
    pub(crate) fn places(&self, (top, bottom): (f64, f64)) -> String {
        let columns = places(self.columns.iter().map(|(_, x)| self.x.at_or_low(*x)));
        let ends = places([top, bottom]);
        format!(" data-x=\"{columns}\" data-plot=\"{ends}\"")
    }

    /// The attributes of the line of `series`, which is the one numbered `number`.
    pub(crate) fn line(&self, number: usize, series: &Series, y: &Scale) -> String {
        let place = |sample: &Sample| Some(short(y.at(sample.y?)?));
        let places = self.row(series, place).join(",");
        format!("{} data-y=\"{places}\"", part(number))
    }

    /// The texts of the figure; `None` if there is nothing to read off.
    pub(crate) fn values(&self) -> Option<String> {
        if self.columns.is_empty() {
            return None;
        }
        let Lines { series, x, y, .. } = self.chart;
        let mut values = vec![x.name.to_owned()];
        values.extend(self.columns.iter().map(|(_, at)| x.mark(*at)));
        for series in *series {
            let write = |sample: &Sample| Some((y.write)(sample.y.filter(|it| it.is_finite())?));
            values.push(series.name.clone());
            values.extend(self.row(series, write));
        }
        Some(texts(&values))
    }

    /// For each column, what `write` makes of the sample of `series`; empty where it has none.
    fn row(&self, series: &Series, write: impl Fn(&Sample) -> Option<String>) -> Vec<String> {
        let mut row = vec![String::new(); self.columns.len()];
        for sample in &series.samples {
            let share = self.x.share(sample.x);
            let (Some(share), Some(text)) = (share, write(sample)) else {
                continue;
            };
            // The last column that begins here or before.
            let behind = self.columns.partition_point(|(from, _)| *from <= share);
            row[behind.saturating_sub(1)] = text;
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Axis, Drawing, Frame, Marker, Spacing, Style, lines};

    fn series(name: &str, samples: &[(f64, Option<f64>)]) -> Series {
        let sample = |(x, y): &(f64, Option<f64>)| Sample {
            y: *y,
            ..Sample::new(*x, 0.0)
        };
        Series {
            name: name.to_owned(),
            style: Style {
                colour: 3,
                dash: 0,
                marker: Marker::Circle,
            },
            samples: samples.iter().map(sample).collect(),
        }
    }

    fn drawn(series: &[Series], width: f64) -> Drawing {
        let frame = Frame {
            id: "t",
            title: "latency",
            description: "of two servers",
            width,
        };
        let chart = Lines {
            series,
            x: Axis::new("time", Spacing::Linear, |s| format!("{s} s")),
            y: Axis::new("latency", Spacing::Log, |ms| format!("{ms} ms")),
            plot_height: 200.0,
        };
        lines(&frame, &chart)
    }

    fn two() -> [Series; 2] {
        [
            series("a", &[(1.0, Some(4.0)), (2.0, None), (3.0, Some(0.0))]),
            series("b\n<i>", &[(2.0, Some(5.5)), (f64::NAN, Some(1.0))]),
        ]
    }

    #[test]
    fn the_values_of_all_series_stand_in_the_columns_of_all_samples() {
        let expected = [
            ["time", "1 s", "2 s", "3 s"],
            ["a", "4 ms", "", "0 ms"],
            ["b <i>", "", "5.5 ms", ""],
        ];
        let expected = expected.concat().join("\n");
        for width in [Frame::WIDE, Frame::PHONE] {
            assert_eq!(drawn(&two(), width).values(), Some(&expected[..]));
        }
        assert_eq!(drawn(&[], Frame::WIDE).values(), None);
        assert_eq!(drawn(&[series("a", &[])], Frame::WIDE).values(), None);
    }

    #[test]
    fn the_samples_of_two_runs_share_columns_when_their_times_are_about_the_same() {
        let run = |name, late: f64| {
            let samples = [1.0, 2.0, 3.0].map(|s| (s + late, Some(s)));
            series(name, &samples)
        };
        let series = [run("before", 0.001), run("after", 0.0)];
        let expected = [
            ["time", "1 s", "2 s", "3 s"],
            ["before", "1 ms", "2 ms", "3 ms"],
            ["after", "1 ms", "2 ms", "3 ms"],
        ];
        let expected = expected.concat().join("\n");
        for width in [Frame::WIDE, Frame::PHONE] {
            assert_eq!(drawn(&series, width).values(), Some(&expected[..]));
        }
    }

    #[test]
    fn every_part_of_a_series_has_its_number_and_its_name_has_a_button() {
        for width in [Frame::WIDE, Frame::PHONE] {
            let inline = drawn(&two(), width).inline();
            let document = roxmltree::Document::parse(&inline).unwrap();
            let count = |number: &str, attribute: &str| {
                let nodes = document.descendants();
                let of = nodes.filter(|it| it.attribute("data-s") == Some(number));
                of.filter(|it| it.attribute(attribute).is_some()).count()
            };
            for number in ["0", "1"] {
                let counts = ["data-y", "data-b"].map(|it| count(number, it));
                assert_eq!(counts, [1, 1], "{number}: {inline}");
            }
        }
    }

    #[test]
    fn a_place_is_missing_where_a_line_cannot_be_drawn() {
        let inline = drawn(&two(), Frame::WIDE).inline();
        let document = roxmltree::Document::parse(&inline).unwrap();
        let lines = document
            .descendants()
            .filter_map(|it| it.attribute("data-y"));
        let missing = lines.map(|it| it.split(',').map(str::is_empty).collect::<Vec<_>>());
        let missing: Vec<_> = missing.collect();
        // Zero has no place on a logarithmic axis.
        assert_eq!(missing, [[false, true, true], [true, false, true]]);
        let columns = document.root_element().attribute("data-x").unwrap();
        assert_eq!(columns.split(',').count(), 3);
    }

    #[test]
    fn a_file_has_nothing_for_a_script() {
        let file = drawn(&two(), Frame::WIDE).file();
        assert!(!file.contains("data-"), "{file}");
    }
}
