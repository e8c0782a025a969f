//! Axes: which ticks fit, and drawing them.

use crate::{
    pen::{Anchor, Pen, TICK},
    scale::{Scale, Spacing},
    ticks,
};

/// An axis of a chart.
#[derive(Clone, Copy, Debug)]
pub struct Axis<'a> {
    /// What is written beside it: what the values are, such as `CPU per message (log scale)`.
    pub label: &'a str,
    /// What the values are, where one of them is read off; the label, unless that says more.
    pub name: &'a str,
    /// How they are spaced.
    pub spacing: Spacing,
    /// Writes a value with its unit, such as `12.3 µs`, shortly.
    pub write: fn(f64) -> String,
    /// The only values that may be marked; when there are none, round ones are chosen.
    pub ticks: &'a [f64],
}

impl<'a> Axis<'a> {
    /// An axis with round values marked.
    pub fn new(label: &'a str, spacing: Spacing, write: fn(f64) -> String) -> Self {
        Self {
            label,
            name: label,
            spacing,
            write,
            ticks: &[],
        }
    }

    /// A value as it is written beside a mark, and at a crosshair.
    pub(crate) fn mark(&self, value: f64) -> String {
        tidy(&(self.write)(value))
    }
}

/// The marks along an axis.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    labelled: Vec<Tick>,
    light: Vec<f64>,
}

/// A marked value.
#[derive(Clone, Debug)]
struct Tick {
    at: f64,
    /// The middle of the label: at the mark, unless it would stand outside the drawing.
    middle: f64,
    label: String,
}

/// The space between labels.
const GAP: f64 = 12.0;
/// The height of a label with its space.
const LINE: f64 = 27.0;

impl Marks {
    /// The densest marks whose labels fit beside one another in a drawing `width` wide.
    pub(crate) fn across(axis: &Axis<'_>, scale: &Scale, width: f64) -> Self {
        let middle = |at: f64, label: &str| {
            let half = TICK.width(label) / 2.0;
            at.min(width - half).max(half)
        };
        Self::densest(axis, scale, 8, middle, |tick| TICK.width(&tick.label) + GAP)
    }

    /// The densest marks whose labels fit above one another.
    pub(crate) fn upwards(axis: &Axis<'_>, scale: &Scale) -> Self {
        Self::densest(axis, scale, 7, |at, _| at, |_| LINE)
    }

    /// The width of the widest label.
    pub(crate) fn label_width(&self) -> f64 {
        let widths = self.labelled.iter().map(|tick| TICK.width(&tick.label));
        widths.fold(0.0, f64::max)
    }

    /// Draws vertical lines from `top` to `bottom`, with labels beneath.
    pub(crate) fn draw_across(&self, pen: &mut Pen, (top, bottom): (f64, f64)) {
        for at in &self.light {
            pen.line("minor", (*at, top), (*at, bottom));
        }
        for tick in &self.labelled {
            pen.line("grid", (tick.at, top), (tick.at, bottom));
            pen.text(
                TICK,
                Anchor::Middle,
                (tick.middle, bottom + 18.0),
                &tick.label,
            );
        }
    }

    /// Draws horizontal lines from `left` to `right`, with labels at the left.
    pub(crate) fn draw_upwards(&self, pen: &mut Pen, (left, right): (f64, f64)) {
        for at in &self.light {
            pen.line("minor", (left, *at), (right, *at));
        }
        for tick in &self.labelled {
            pen.line("grid", (left, tick.at), (right, tick.at));
            pen.text(TICK, Anchor::End, (left - 8.0, tick.at + 4.5), &tick.label);
        }
    }

    fn densest(
        axis: &Axis<'_>,
        scale: &Scale,
        most: usize,
        middle: impl Fn(f64, &str) -> f64,
        room: impl Fn(&Tick) -> f64,
    ) -> Self {
        let tick = |value: &f64| {
            let (at, label) = (scale.at(*value)?, axis.mark(*value));
            Some(Tick {
                at,
                middle: middle(at, &label),
                label,
            })
        };
        let fits = |a: &Tick, b: &Tick| {
            a.label != b.label && (a.middle - b.middle).abs() >= (room(a) + room(b)) / 2.0
        };
        if !axis.ticks.is_empty() {
            let (low, high) = scale.ends();
            let inside = axis.ticks.iter().filter(|value| match scale.spacing() {
                Spacing::Log => (low..=high).contains(&value.log10()),
                _ => (low..=high).contains(*value),
            });
            let mut labelled: Vec<Tick> = Vec::new();
            for tick in inside.filter_map(tick) {
                if labelled.last().is_none_or(|last| fits(last, &tick)) {
                    labelled.push(tick);
                }
            }
            return Self {
                labelled,
                light: Vec::new(),
            };
        }
        let choices = ticks::choices(scale, most);
        let mut marks = choices.iter().map(|choice| Self {
            labelled: choice.labelled.iter().filter_map(tick).collect(),
            light: choice
                .light
                .iter()
                .filter(|value| scale.is_among(**value))
                .filter_map(|value| scale.at(*value))
                .collect(),
        });
        let fit = |marks: &Self| {
            !marks.labelled.is_empty()
                && marks
                    .labelled
                    .windows(2)
                    .all(|pair| fits(&pair[0], &pair[1]))
        };
        marks.find(fit).unwrap_or_default()
    }
}

/// A label without trailing zeros: `5 µs` for `5.00 µs`.
fn tidy(label: &str) -> String {
    let number = label.find(|c: char| !(c.is_ascii_digit() || "+-.,".contains(c)));
    let (number, unit) = label.split_at(number.unwrap_or(label.len()));
    match number.contains('.') {
        true => {
            number
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned()
                + unit
        }
        false => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_no_trailing_zeros() {
        for (label, expected) in [
            ("5.00 µs", "5 µs"),
            ("50.0k", "50k"),
            ("0.50 ms", "0.5 ms"),
            ("100", "100"),
            ("1,000.0", "1,000"),
            ("n.0", "n.0"),
        ] {
            assert_eq!(tidy(label), expected);
        }
    }
}
