//! The colour, the dash and the sign of each model.

use portlab_stats::summary::CONTROL_SUFFIX;

use crate::chart::{
    legend::Sign,
    marker::{MARKERS, Marker},
    pen::Pen,
};

/// How a model is drawn, the same in every chart of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// The colour's number: CSS class `k3` has colour 3 as its `color`.
    colour: usize,
    /// The dash's number: CSS class `d1`.
    dash: usize,
    pub(crate) marker: Marker,
}

impl Style {
    /// The CSS class whose `color` is the model's.
    pub fn class(&self) -> String {
        format!("k{}", self.colour)
    }

    /// The CSS classes of its line.
    pub(crate) fn line_class(&self) -> String {
        format!("ln d{}", self.dash)
    }
}

/// The styles of the models in one report.
///
/// Models of one family share their hue and their sign, and differ in lightness and dash. Names that
/// aren't known, foreign servers mostly, get greys in the order in which they appear. The control of
/// a model has its colour, dotted.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// The names that aren't known, in the order of their appearance.
    unknown: Vec<String>,
}

impl Palette {
    /// The styles for `names`, in the order in which the report names them.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut palette = Self::default();
        for name in names {
            if known(name).is_none() && !palette.unknown.iter().any(|unknown| unknown == name) {
                palette.unknown.push(name.to_owned());
            }
        }
        palette
    }

    /// The style of `name`. A name that [`Palette::of`] hasn't heard of looks like the next one.
    pub fn style(&self, name: &str) -> Style {
        known(name).unwrap_or_else(|| {
            let place = self.unknown.iter().position(|unknown| unknown == name);
            let place = place.unwrap_or(self.unknown.len());
            Style {
                colour: GREYS + place % GREY_COUNT,
                dash: 1 + (place + place / GREY_COUNT) % (DASHES - 1),
                marker: MARKERS[(place + place / MARKERS.len()) % MARKERS.len()],
            }
        })
    }
}

/// A small drawing of a model's line and sign, to stand before its name. It says nothing that the name
/// doesn't, so screen readers skip it.
pub fn swatch(style: &Style) -> String {
    let mut pen = Pen::default();
    Sign::Line(*style).draw(&mut pen, (1.0, 8.0));
    let body = pen.finish();
    format!(
        "<svg class=\"pl sw\" viewBox=\"0 0 32 16\" width=\"32\" height=\"16\" aria-hidden=\"true\">{body}</svg>"
    )
}

/// The style of a model that is known, or of its control.
fn known(name: &str) -> Option<Style> {
    let model = name.strip_suffix(CONTROL_SUFFIX);
    let (_, colour, dash, marker) = *KNOWN
        .iter()
        .find(|(known, ..)| *known == model.unwrap_or(name))?;
    let dash = if model.is_some() { DOTTED } else { dash };
    Some(Style {
        colour,
        dash,
        marker,
    })
}

/// The number of dashes, of which the first is a full line.
const DASHES: usize = 5;
const DOTTED: usize = 2;
/// The first grey, and how many there are.
const GREYS: usize = 13;
const GREY_COUNT: usize = 4;

/// Name, colour, dash, sign.
const KNOWN: &[(&str, usize, usize, Marker)] = &[
    ("iterative", 0, 0, Marker::Pentagon),
    ("fork", 1, 0, Marker::Square),
    ("prefork", 2, 1, Marker::Square),
    ("threads", 3, 0, Marker::Circle),
    ("prethreaded", 4, 1, Marker::Circle),
    ("pool", 5, 0, Marker::Diamond),
    ("event-loop", 6, 0, Marker::Up),
    ("loop-pool", 7, 1, Marker::Up),
    ("sharded", 8, 3, Marker::Up),
    ("uring", 9, 4, Marker::Star),
    ("tasks-single", 10, 1, Marker::Down),
    ("tasks", 11, 0, Marker::Down),
    ("coroutines", 12, 3, Marker::Down),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_models_look_alike() {
        let foreign = ["nginx", "haproxy", "gevent", "asyncio", "go", "node"];
        let names: Vec<&str> = KNOWN
            .iter()
            .map(|(name, ..)| *name)
            .chain(foreign)
            .collect();
        let palette = Palette::of(names.iter().copied());
        for (at, a) in names.iter().enumerate() {
            for b in &names[..at] {
                let (a_style, b_style) = (palette.style(a), palette.style(b));
                assert_ne!(a_style, b_style, "{a} and {b}");
                let same_line = (a_style.colour, a_style.dash) == (b_style.colour, b_style.dash);
                assert!(!same_line, "the lines of {a} and {b}");
            }
        }
    }

    #[test]
    fn a_known_model_looks_the_same_whoever_is_beside_it() {
        let alone = Palette::of(["tasks"]).style("tasks");
        assert_eq!(
            Palette::of(["nginx", "fork", "tasks"]).style("tasks"),
            alone
        );
    }

    #[test]
    fn a_control_has_the_colour_of_its_model_but_another_dash() {
        let palette = Palette::default();
        let (model, control) = (palette.style("threads"), palette.style("threads-by-hand"));
        assert_eq!(model.colour, control.colour);
        assert_ne!(model.dash, control.dash);
    }
}
