//! The table of a group, before it is laid out for a terminal or a page: which fields it may have, and
//! what stands in each.

use portlab_stats::{
    analysis::{Column, Group, differs},
    measure::Measure,
    record::{Cell, Kind},
};

use crate::columns::{measures, percent, title, weight, write_interval, write_of, write_ratio};

/// One of a table's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// The place in the ranking.
    Rank,
    /// The entrant.
    Name,
    /// The figures of a measure, by its place among [`measures`].
    Figure(usize),
    /// How unsure the figure is that the ranking goes by: `±3.1%`.
    Spread,
    /// The same, from its lower to its upper end.
    Interval,
    /// How many times the baseline's it is.
    Ratio,
    /// The same, with its interval.
    WideRatio,
    /// How much went wrong.
    Errors,
}

/// What stands in a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) text: String,
    /// A sign behind it.
    pub(crate) sign: Option<char>,
    pub(crate) tone: Tone,
}

/// How it is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    /// It matters less.
    Dim,
    /// It is the best, or well.
    Good,
    /// It is the worst, or wrong.
    Bad,
}

/// The first place of its column.
pub(crate) const FIRST: char = '▲';
/// The last place.
pub(crate) const LAST: char = '▼';
/// The generator was the limit.
pub(crate) const LIMITED: char = '*';
/// Not to be told from the baseline.
pub(crate) const ALIKE: char = '≈';
/// What stands in place of a figure that isn't known.
const UNKNOWN: &str = "–";

/// The table of a group.
pub(crate) struct Grid<'a> {
    pub(crate) group: &'a Group<'a>,
    measures: Vec<Measure>,
    columns: Vec<Column>,
    baseline: Option<&'a Cell>,
}

impl<'a> Grid<'a> {
    pub(crate) fn new(group: &'a Group<'a>) -> Self {
        let measures = measures(group.workload);
        let columns = measures.iter().map(|&measure| group.column(measure));
        Self {
            group,
            columns: columns.collect(),
            baseline: group.baseline(),
            measures,
        }
    }

    /// The cells that have figures, by their place in the group.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        let cells = self.group.cells.iter().enumerate();
        cells.filter_map(|(at, cell)| (!cell.rounds.is_empty()).then_some(at))
    }

    /// Whether the cell's figures are shown for comparison only.
    pub(crate) fn is_aside(&self, at: usize) -> bool {
        let entrant = self.group.entrant(self.group.cells[at]);
        entrant.is_some_and(|it| matches!(it.kind, Kind::Control | Kind::Twin { .. }))
    }

    /// What the ranking goes by.
    pub(crate) fn ranking(&self) -> &Column {
        &self.columns[0]
    }

    /// All fields that tell something; with all that is known of the ranking's figure if `wide`.
    pub(crate) fn fields(&self, wide: bool) -> Vec<Field> {
        let (interval, ratio) = match wide {
            true => (Field::Interval, Field::WideRatio),
            false => (Field::Spread, Field::Ratio),
        };
        let cells = || self.rows().map(|at| self.group.cells[at]);
        let mut fields = Vec::new();
        if self.ranking().last().is_some() {
            fields.push(Field::Rank);
        }
        fields.extend([Field::Name, Field::Figure(0)]);
        if cells().any(|cell| cell.rounds.len() > 1) {
            fields.push(interval);
        }
        if self.baseline.is_some() && cells().count() > 1 {
            fields.push(ratio);
        }
        fields.extend((1..self.measures.len()).map(Field::Figure));
        if cells().any(|cell| cell.errors() > 0) {
            fields.push(Field::Errors);
        }
        fields
    }

    /// When there is no room for all fields, the one with the lowest weight goes first; `None` for
    /// one that never goes.
    pub(crate) fn weight(&self, field: Field) -> Option<u8> {
        match field {
            Field::Name | Field::Figure(0) => None,
            Field::Figure(at) => Some(weight(self.measures[at])),
            Field::Ratio | Field::WideRatio => Some(9),
            Field::Spread | Field::Interval => Some(12),
            Field::Errors => Some(13),
            Field::Rank => Some(14),
        }
    }

    /// What heads a field.
    pub(crate) fn head(&self, field: Field) -> String {
        match field {
            Field::Rank => "rank".to_owned(),
            Field::Name => "model".to_owned(),
            Field::Figure(at) => title(self.measures[at], self.group.workload.counts).to_owned(),
            Field::Spread => "±".to_owned(),
            Field::Interval => "95% interval".to_owned(),
            Field::Ratio | Field::WideRatio => {
                let baseline = self.baseline.map_or("", |cell| &cell.model);
                format!("× {baseline}")
            }
            Field::Errors => "errors".to_owned(),
        }
    }

    /// What stands in `field` for the cell at `at`.
    pub(crate) fn entry(&self, at: usize, field: Field) -> Entry {
        let cell = self.group.cells[at];
        let mut entry = match field {
            Field::Rank => self.rank(at),
            Field::Name => Entry::plain(cell.model.clone()),
            Field::Figure(column) => self.figure(at, &self.columns[column]),
            Field::Spread | Field::Interval => self.spread(at, field),
            Field::Ratio | Field::WideRatio => self.ratio(at, field),
            Field::Errors => Entry {
                tone: if cell.errors() > 0 {
                    Tone::Bad
                } else {
                    Tone::Dim
                },
                ..Entry::plain(cell.errors().to_string())
            },
        };
        if self.is_aside(at) && entry.tone != Tone::Bad {
            entry.tone = Tone::Dim;
        }
        entry
    }

    /// The cell's figure of the ranking, in parts of the largest.
    pub(crate) fn share(&self, at: usize) -> Option<f64> {
        let figures = &self.ranking().figures;
        let medians = figures.iter().flatten().map(|figure| figure.median);
        let most = medians.fold(f64::MIN_POSITIVE, f64::max);
        figures[at].map(|figure| figure.median / most)
    }

    /// Whether a quantile is missing in `fields`, for want of messages.
    pub(crate) fn lacks_quantiles(&self, fields: &[Field]) -> bool {
        let lacks = |field: &Field| match field {
            Field::Figure(at) => {
                let column = &self.columns[*at];
                let rare = matches!(column.measure, Measure::LatencyP99 | Measure::LatencyP999);
                rare && self.rows().any(|row| column.figures[row].is_none())
            }
            _ => false,
        };
        fields.iter().any(lacks)
    }

    fn rank(&self, at: usize) -> Entry {
        let rank = self.ranking().ranks[at];
        Entry {
            tone: self.tone(at, self.ranking()),
            ..Entry::plain(rank.map(|rank| rank.to_string()).unwrap_or_default())
        }
    }

    fn figure(&self, at: usize, column: &Column) -> Entry {
        let Some(figure) = column.figures[at] else {
            return Entry::unknown();
        };
        let tone = self.tone(at, column);
        let limited =
            column.measure.is_the_generators() && self.group.cells[at].generator_was_the_limit();
        let sign = match tone {
            Tone::Good => Some(FIRST),
            Tone::Bad => Some(LAST),
            Tone::Plain | Tone::Dim => limited.then_some(LIMITED),
        };
        Entry {
            text: write_of(column.measure, self.group.cells[at], figure.median),
            sign,
            tone,
        }
    }

    /// How a place is shown; no place is, where there is but one.
    fn tone(&self, at: usize, column: &Column) -> Tone {
        match column.ranks[at] {
            Some(1) if column.tells_apart() => Tone::Good,
            rank if rank.is_some() && column.tells_apart() && rank == column.last() => Tone::Bad,
            _ => Tone::Plain,
        }
    }

    fn spread(&self, at: usize, field: Field) -> Entry {
        let column = self.ranking();
        let known = column.figures[at].filter(|figure| figure.count > 1);
        let Some(figure) = known else {
            return Entry::unknown();
        };
        let text = match field {
            Field::Interval => write_interval(column.measure, figure.low, figure.high),
            _ => format!("±{}", percent(figure.uncertainty())),
        };
        Entry {
            tone: Tone::Dim,
            ..Entry::plain(text)
        }
    }

    fn ratio(&self, at: usize, field: Field) -> Entry {
        let (cell, column) = (self.group.cells[at], self.ranking());
        let Some(baseline) = self.baseline else {
            return Entry::unknown();
        };
        if std::ptr::eq(cell, baseline) {
            return Entry {
                tone: Tone::Dim,
                ..Entry::plain("1".to_owned())
            };
        }
        let Some(ratio) = cell.ratio(baseline, column.measure) else {
            return Entry::unknown();
        };
        let wide = field == Field::WideRatio;
        Entry {
            text: write_ratio(column.measure, baseline, ratio, wide),
            sign: (!differs(ratio, column.floor)).then_some(ALIKE),
            tone: Tone::Plain,
        }
    }
}

impl Entry {
    fn plain(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }

    fn unknown() -> Self {
        Self {
            tone: Tone::Dim,
            ..Self::plain(UNKNOWN.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::{
        analysis::groups,
        fixture::{cell, record, twin},
        record::Record,
    };

    /// What stands in `field`, for all rows.
    fn column(record: &Record, field: Field) -> Vec<String> {
        let groups = groups(record);
        let grid = Grid::new(&groups[0]);
        let entries = grid.rows().map(|at| grid.entry(at, field));
        let written = entries.map(|entry| entry.text + &String::from_iter(entry.sign));
        written.collect()
    }

    fn three() -> Record {
        record(vec![
            cell("fast", &[4.0; 5]),
            twin("fast", &[4.04, 4.0, 4.02, 3.99, 4.01]),
            cell("as-fast", &[4.01; 5]),
            cell("slow", &[9.0, 9.2, 9.1, 9.0, 9.1]),
        ])
    }

    #[test]
    fn shared_places_share_their_sign_and_twins_have_none() {
        assert_eq!(column(&three(), Field::Rank), ["1", "", "1", "3"]);
        assert_eq!(
            column(&three(), Field::Figure(0)),
            ["4.00 µs▲", "4.01 µs", "4.01 µs▲", "9.10 µs▼"]
        );
        // All rates are the same: no first, and no last.
        assert_eq!(column(&three(), Field::Figure(1)), ["100k"; 4]);
    }

    #[test]
    fn a_ratio_says_whether_it_is_one() {
        let expected = ["1", "1.00≈", "1.00≈", "2.27"];
        assert_eq!(column(&three(), Field::Ratio), expected);
        assert_eq!(column(&three(), Field::WideRatio)[3], "2.27 (2.25–2.30)");
    }

    #[test]
    fn a_figure_is_as_sure_as_its_rounds() {
        assert_eq!(column(&three(), Field::Spread)[3], "±1.1%");
        assert_eq!(column(&three(), Field::Interval)[3], "9.00–9.20 µs");
        let once = record(vec![cell("a", &[4.0]), cell("b", &[4.0])]);
        let groups = groups(&once);
        let fields = Grid::new(&groups[0]).fields(false);
        assert!(!fields.contains(&Field::Spread) && !fields.contains(&Field::Rank));
    }
}
