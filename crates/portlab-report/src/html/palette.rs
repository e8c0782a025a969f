//! The colour, the dash and the marker of each entrant, the same in every chart of a report.

use portlab_chart::{Marker, Style};
use portlab_stats::{
    record::{Entrant, Kind},
    summary::control_of,
};

/// The styles of the entrants of one record.
///
/// Models take the colours in the order of the record. Those of one family share their marker and differ in dash. All
/// other servers take greys. The control of a model has its colour, dotted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Palette<'a> {
    styles: Vec<(&'a str, Style)>,
    /// How many of them are greys.
    greys: usize,
}

impl<'a> Palette<'a> {
    pub(crate) fn of(entrants: &'a [Entrant]) -> Self {
        let mut palette = Self::default();
        // Each family so far, and how many of its models.
        let mut families: Vec<(&str, usize)> = Vec::new();
        for Entrant { name, kind, sheet } in entrants {
            let style = match kind {
                Kind::Control => continue,
                Kind::Model => {
                    let family = sheet.as_ref().map_or(name.as_str(), |it| &it.family.en);
                    let known = families.iter().position(|(known, _)| *known == family);
                    let at = known.unwrap_or(families.len());
                    if known.is_none() {
                        families.push((family, 0));
                    }
                    let place: usize = families.iter().map(|(_, models)| models).sum();
                    let kin = families[at].1;
                    families[at].1 += 1;
                    Style {
                        colour: COLOURS[place % COLOURS.len()],
                        dash: DASHES[(kin + place / COLOURS.len()) % DASHES.len()],
                        marker: MARKERS[at % MARKERS.len()],
                    }
                }
                Kind::Twin { .. } | Kind::Build { .. } | Kind::Foreign { .. } => {
                    palette.greys += 1;
                    grey(palette.greys - 1)
                }
            };
            palette.styles.push((name, style));
        }
        palette
    }

    /// The style of `name`. An entrant that the record doesn't list has the next grey.
    pub(crate) fn style(&self, name: &str) -> Style {
        let find = |name| self.styles.iter().find(|(known, _)| *known == name);
        match (find(name), control_of(name).and_then(find)) {
            (Some((_, style)), _) => *style,
            (None, Some((_, model))) => Style {
                dash: DOTTED,
                ..*model
            },
            (None, None) => grey(self.greys),
        }
    }
}

fn grey(place: usize) -> Style {
    Style {
        colour: GREYS + place % GREY_COUNT,
        dash: 1 + (place + place / GREY_COUNT) % (Style::DASHES - 1),
        marker: Marker::ALL[(place + place / Marker::ALL.len()) % Marker::ALL.len()],
    }
}

/// The colours of models, in turn: when all models take part, each family has a hue of its own.
const COLOURS: [usize; GREYS] = [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 8, 9];
/// The dashes of a family's models, in turn.
const DASHES: [usize; 4] = [0, 1, 3, 4];
/// The dash of a control.
const DOTTED: usize = 2;
/// The markers of families, in turn.
const MARKERS: [Marker; 8] = [
    Marker::Pentagon,
    Marker::Square,
    Marker::Circle,
    Marker::Diamond,
    Marker::Up,
    Marker::Star,
    Marker::Down,
    Marker::Hexagon,
];
/// The first grey, and how many there are.
const GREYS: usize = 13;
const GREY_COUNT: usize = 4;

#[cfg(test)]
mod tests {
    use portlab_stats::fixture::{cell, record};

    use super::*;

    #[test]
    fn no_two_entrants_look_alike_and_a_family_shares_its_marker() {
        let names = [
            "threads",
            "prethreaded",
            "a",
            "b",
            "c",
            "d",
            "e",
            "f",
            "g",
            "h",
            "tasks",
        ];
        let foreign = ["nginx", "haproxy", "gevent", "asyncio", "go", "node"];
        let all = names.iter().chain(&foreign).copied();
        let mut entrants = record(all.clone().map(|name| cell(name, &[])).collect()).entrants;
        for entrant in &mut entrants[names.len()..] {
            let command = String::new();
            entrant.kind = Kind::Foreign { command };
        }
        let palette = Palette::of(&entrants);
        let styles: Vec<Style> = all.map(|name| palette.style(name)).collect();
        for (at, style) in styles.iter().enumerate() {
            let is_like = |other: &&Style| (other.colour, other.dash) == (style.colour, style.dash);
            assert_eq!(
                styles[..at].iter().find(is_like),
                None,
                "{}",
                entrants[at].name
            );
        }
        assert_eq!(styles[0].marker, styles[1].marker);
        assert_ne!(styles[0].marker, styles[2].marker);
    }

    #[test]
    fn a_control_has_the_colour_of_its_model_but_another_dash() {
        let entrants = record(vec![cell("threads", &[]), cell("threads-textbook", &[])]).entrants;
        let palette = Palette::of(&entrants);
        let (model, control) = (palette.style("threads"), palette.style("threads-textbook"));
        assert_eq!(model.colour, control.colour);
        assert_ne!(model.dash, control.dash);
    }
}
