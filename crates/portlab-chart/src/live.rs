//! What the script of a page needs to make a chart of lines answer to the reader.
//!
//! The script ([`SCRIPT`]) formats nothing and computes no value: the texts are here. A figure holds them once, for its wide
//! and its narrow drawing ([`crate::Drawing::values`]); each drawing says where they are, in attributes that only an inline
//! drawing has:
//!
//! | element | attribute | meaning |
//! |---|---|---|
//! | the figure | `data-values` | a line per text: the label of the axis and a text for each column; then for each series its name and a text for each column |
//! | the drawing | `data-x` | the place of each column |
//! | the drawing | `data-plot` | the upper and the lower end of the plot |
//! | a part of a series | `data-s` | the number of the series |
//! | the line of a series | `data-y` | its place in each column; empty where it has none |
//! | the name of a series | `data-b` | the corner, the width and the height of the button over it |

use crate::{
    lines::{Lines, Sample, Series},
    number::short,
    scale::Scale,
};

/// The script that makes the charts of a page answer to pointer, touch and keyboard, for the end of its body. If an element
/// of the page has the attribute `data-toggle`, its text explains the buttons that switch series off.
pub const SCRIPT: &str = include_str!("live.js");

/// The rules for what [`SCRIPT`] adds.
pub(crate) const STYLE: &str = include_str!("live.css");

/// The columns of a chart of lines: every place on the horizontal axis at which a series has a sample.
pub(crate) struct Columns<'a> {
    chart: &'a Lines<'a>,
    xs: Vec<f64>,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(chart: &'a Lines<'a>, x: &Scale) -> Self {
        let samples = chart.series.iter().flat_map(|series| &series.samples);
        let shown = samples
            .map(|sample| sample.x)
            .filter(|it| x.at(*it).is_some());
        let mut xs: Vec<f64> = shown.collect();
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        Self { chart, xs }
    }

    /// The attributes of the drawing whose plot is between `top` and `bottom`.
    pub(crate) fn places(&self, x: &Scale, (top, bottom): (f64, f64)) -> String {
        let places = self.xs.iter().map(|it| short(x.at_or_low(*it)));
        let places = places.collect::<Vec<_>>().join(",");
        let (top, bottom) = (short(top), short(bottom));
        format!(" data-x=\"{places}\" data-plot=\"{top},{bottom}\"")
    }

    /// The attributes of the line of `series`, which is the one numbered `number`.
    pub(crate) fn line(&self, number: usize, series: &Series, y: &Scale) -> String {
        let place = |sample: &Sample| Some(short(y.at(sample.y?)?));
        let places = self.row(series, place).join(",");
        format!("{} data-y=\"{places}\"", part(number))
    }

    /// The texts of the figure; `None` if there is nothing to read off.
    pub(crate) fn values(&self) -> Option<String> {
        if self.xs.is_empty() {
            return None;
        }
        let Lines { series, x, y, .. } = self.chart;
        let mut texts = vec![x.label.to_owned()];
        texts.extend(self.xs.iter().map(|it| (x.write)(*it)));
        for series in *series {
            let write = |sample: &Sample| Some((y.write)(sample.y.filter(|it| it.is_finite())?));
            texts.push(series.name.clone());
            texts.extend(self.row(series, write));
        }
        // A text is a line.
        let texts = texts.iter().map(|it| it.replace(char::is_control, " "));
        Some(texts.collect::<Vec<_>>().join("\n"))
    }

    /// For each column, what `write` makes of the sample of `series`; empty where it has none.
    fn row(&self, series: &Series, write: impl Fn(&Sample) -> Option<String>) -> Vec<String> {
        let mut row = vec![String::new(); self.xs.len()];
        for sample in &series.samples {
            let at = self.xs.binary_search_by(|x| x.total_cmp(&sample.x));
            if let (Ok(at), Some(text)) = (at, write(sample)) {
                row[at] = text;
            }
        }
        row
    }
}

/// The attribute of a part of the series numbered `number`.
pub(crate) fn part(number: usize) -> String {
    format!(" data-s=\"{number}\"")
}

/// The attributes of the name of a series, with the box of its button.
pub(crate) fn button(number: usize, (x, y): (f64, f64), (width, height): (f64, f64)) -> String {
    let [x, y, width, height] = [x, y, width, height].map(short);
    format!("{} data-b=\"{x},{y},{width},{height}\"", part(number))
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
