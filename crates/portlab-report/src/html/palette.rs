//! The colour, the dash and the marker of each model, the same in every chart of a report.

use portlab_chart::{Marker, Style};
use portlab_stats::summary::control_of;

/// The styles of the models in one report.
///
/// Models of one family share their hue and their sign, and differ in lightness and dash. Names that
/// aren't known (foreign servers) get greys in the order in which they appear. The control of
/// a model has its colour, dotted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Palette {
    /// The names that aren't known, in the order of their appearance.
    unknown: Vec<String>,
}

impl Palette {
    /// The styles for `names`, in the order in which the report names them.
    pub(crate) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut palette = Self::default();
        for name in names {
            if known(name).is_none() && !palette.unknown.iter().any(|unknown| unknown == name) {
                palette.unknown.push(name.to_owned());
            }
        }
        palette
    }

    /// The style of `name`. A name that [`Palette::of`] wasn't given looks like the next one.
    pub(crate) fn style(&self, name: &str) -> Style {
        known(name).unwrap_or_else(|| {
            let place = self.unknown.iter().position(|unknown| unknown == name);
            let place = place.unwrap_or(self.unknown.len());
            Style {
                colour: GREYS + place % GREY_COUNT,
                dash: 1 + (place + place / GREY_COUNT) % (Style::DASHES - 1),
                marker: Marker::ALL[(place + place / Marker::ALL.len()) % Marker::ALL.len()],
            }
        })
    }
}

/// The style of a model that is known, or of its control.
fn known(name: &str) -> Option<Style> {
    let model = control_of(name);
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
    fn a_known_model_looks_the_same_beside_any_other() {
        let alone = Palette::of(["tasks"]).style("tasks");
        assert_eq!(
            Palette::of(["nginx", "fork", "tasks"]).style("tasks"),
            alone
        );
    }

    #[test]
    fn a_control_has_the_colour_of_its_model_but_another_dash() {
        let palette = Palette::default();
        let (model, control) = (palette.style("threads"), palette.style("threads-textbook"));
        assert_eq!(model.colour, control.colour);
        assert_ne!(model.dash, control.dash);
    }
}
