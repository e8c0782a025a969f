//! The table of a group: which columns it has, and what stands in each.

use portlab_stats::{
    analysis::{Column as Figures, Group, differs},
    estimate::Estimate,
    measure::Measure,
    record::{Cell, Counts, Facts, Kind, Workload},
    summary::control_of,
};
use portlab_words::{Lang, Text};

use super::{
    figures::{floor_of, interval_of, median_of, percent},
    names, places,
    remarks::{self, Remark},
    sentence::Sentence,
    view::View,
};

/// The table of the servers at one point of a workload.
pub(crate) struct Table<'a> {
    /// What the cells of the table are measurements of.
    pub(crate) group: Group<'a>,
    /// The point: "100 connections of 64 B".
    pub(crate) title: String,
    /// The noise floor, where ranks go by it: "noise floor 7.5%".
    pub(crate) floor: Option<String>,
    /// The columns, the most important first.
    pub(crate) columns: Vec<Column>,
    /// The servers: first those with a place, by their places, then the others.
    pub(crate) rows: Vec<Row<'a>>,
    /// What columns can't show: what went wrong, and what wasn't measured.
    pub(crate) remarks: Vec<Remark>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// What stands in it.
    pub(crate) field: Field,
    /// Its head.
    pub(crate) head: String,
    /// The head where there is little room, if that is another.
    narrow_head: Option<String>,
    /// What the head means; empty if it needs no explanation.
    pub(crate) meaning: String,
    /// If there is no room for all columns, the one with the lowest weight is left out first; `None` for a column that
    /// always stays.
    pub(crate) weight: Option<u8>,
}

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// The place in the ranking.
    Rank,
    /// The entrant.
    Name,
    /// The figures of a measure.
    Figure(Measure),
    /// The interval of the ranked figure; if there is little room, half its width: `±3.1%`.
    Interval,
    /// The ranked figure divided by the baseline's; with its interval if there is room.
    Ratio,
    /// The number of errors.
    Errors,
}

/// A row of a table.
pub(crate) struct Row<'a> {
    /// What was measured.
    pub(crate) cell: &'a Cell,
    /// The family of the server in a long table, whose rows stand family by family; `None` in a short one.
    pub(crate) family: Option<String>,
    /// Whether it is shown for comparison only: a twin, a control or another build.
    pub(crate) is_aside: bool,
    /// What stands in each column; empty if nothing was measured.
    pub(crate) entries: Vec<Entry>,
    /// The ranked figure as a share of the largest.
    pub(crate) share: Option<f64>,
    /// The rounds that lie far from the others, by the ranked measure.
    pub(crate) outliers: Vec<usize>,
    /// Why nothing was measured.
    pub(crate) remark: Option<Sentence>,
}

/// What stands in a row under a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The figure, the name, the place.
    pub(crate) text: String,
    /// The same in less room, if there is a shorter form.
    narrow: Option<String>,
    /// A sign behind it, which the legend explains.
    pub(crate) sign: Option<char>,
    /// How it is shown.
    pub(crate) tone: Tone,
    /// The number by which its column is sorted; `None` if there is none.
    pub(crate) sort: Option<f64>,
}

/// How an entry is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    Plain,
    /// It matters less.
    Dim,
    /// It is the best.
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
/// No difference from the baseline.
pub(crate) const ALIKE: char = '≈';
/// Stands in place of a figure that isn't known.
pub(crate) const UNKNOWN: char = '–';

/// With more servers than this, the rows stand family by family.
const MANY: usize = 12;

static OTHERS: Text = Text::new("other servers", "其他服务端");
static MODEL: Text = Text::new("model", "模型");
static RANK: Text = Text::new("rank", "名次");
static INTERVAL: Text = Text::new("95% interval", "95% 置信区间");
static ERRORS: Text = Text::new("errors", "错误");

impl Column {
    pub(crate) fn head(&self, is_narrow: bool) -> &str {
        let narrow = self.narrow_head.as_deref().filter(|_| is_narrow);
        narrow.unwrap_or(&self.head)
    }
}

impl Entry {
    pub(crate) fn text(&self, is_narrow: bool) -> &str {
        let narrow = self.narrow.as_deref().filter(|_| is_narrow);
        narrow.unwrap_or(&self.text)
    }
}

impl Table<'_> {
    /// The table of the group at `at`.
    pub(super) fn of<'a>(view: &View<'a>, at: usize) -> Table<'a> {
        let group = view.groups[at].clone();
        let maker = Maker {
            lang: view.lang,
            columns: measures(view.workload, group.has_several_processors())
                .iter()
                .map(|&it| group.column(it))
                .collect(),
            baseline: group.baseline(),
            group: &group,
        };
        let columns = maker.columns();
        let rows = maker
            .by_family()
            .into_iter()
            .map(|at| maker.row(at, &columns));
        let rows = rows.collect();
        let floor = maker.floor();
        Table {
            title: places::title(view, at),
            remarks: remarks::of(&group, view.lang),
            floor,
            columns,
            rows,
            group,
        }
    }
}

/// The measures that say something of `workload`, the one that it is ranked by first. How many processors a server uses
/// says something if it may use several.
pub(crate) fn measures(workload: &Workload, several_processors: bool) -> Vec<Measure> {
    let tells = |measure: &Measure| match workload.counts {
        _ if *measure == Measure::HeavyMessagesPerS => workload.heavy_depth.is_some(),
        Counts::Nothing if [Measure::MessagesPerCpuS, Measure::CpusUsed].contains(measure) => false,
        _ if [Measure::MessagesPerCpuS, Measure::CpusUsed].contains(measure) => several_processors,
        // The memory of the connections that send messages would be divided among the idle ones.
        _ if *measure == Measure::MemoryPerConnection && workload.active_connections.is_some() => {
            false
        }
        Counts::Messages | Counts::Deliveries | Counts::Requests => true,
        // Short connections have no memory that could be divided among them.
        Counts::Connections => *measure != Measure::MemoryPerConnection,
        Counts::Nothing => matches!(
            measure,
            Measure::PeakMemory
                | Measure::MemoryPerConnection
                | Measure::Threads
                | Measure::Processes
        ),
    };
    let others = Measure::ALL.into_iter().filter(tells);
    let others = others.filter(|measure| *measure != workload.ranked_by);
    std::iter::once(workload.ranked_by).chain(others).collect()
}

/// If there is no room for all measures, the one with the lowest weight is left out first.
fn weight(measure: Measure) -> u8 {
    match measure {
        Measure::Processes => 1,
        Measure::Threads => 2,
        Measure::LatencyP999 | Measure::MessagesPerCpuS => 3,
        Measure::MemoryPerConnection | Measure::CpusUsed => 4,
        Measure::LatencyP50 => 5,
        Measure::HeavyMessagesPerS => 12,
        Measure::SwitchesPerMessage => 6,
        Measure::PeakMemory => 7,
        Measure::LatencyP99 => 8,
        Measure::CpuPerMessage => 10,
        Measure::MessagesPerS => 11,
    }
}

/// What a table is made from.
struct Maker<'a, 'g> {
    lang: Lang,
    group: &'g Group<'a>,
    /// The figures of each measure, those of the ranking first.
    columns: Vec<Figures>,
    baseline: Option<&'a Cell>,
}

impl<'a> Maker<'a, '_> {
    /// What the ranking goes by.
    fn ranking(&self) -> &Figures {
        &self.columns[0]
    }

    fn floor(&self) -> Option<String> {
        self.ranking().last()?;
        let floor = floor_of(self.lang, self.ranking().floor);
        Some(Sentence::line(self.lang, &floor).plain())
    }

    /// The place of the model of a twin, a control or another build; of another server its own.
    fn model_of(&self, at: usize) -> Option<usize> {
        let cell = self.group.cells[at];
        let entrant = self.group.entrant(cell);
        let name = match entrant.map(|it| &it.kind) {
            Some(Kind::Twin { of } | Kind::Build { of, .. }) => of.as_str(),
            Some(Kind::Control) => control_of(&cell.model).unwrap_or(&cell.model),
            _ => &cell.model,
        };
        self.group.cells.iter().position(|it| it.model == name)
    }

    /// Places in the group: first the cells with a rank, by rank and figure, each with its twin or control behind it; then
    /// those that are measured and have no rank; then the others.
    fn order(&self) -> Vec<usize> {
        let key = |at: usize| {
            let lead = self.model_of(at).unwrap_or(at);
            let rank = self.ranking().ranks[lead].unwrap_or(usize::MAX);
            let median = self.ranking().figures[lead].map_or(f64::MAX, |it| it.median);
            let median = match self.ranking().measure {
                Measure::MessagesPerS => -median,
                _ => median,
            };
            let is_empty = self.group.cells[at].rounds.is_empty();
            ((is_empty, rank), median, (lead, at != lead))
        };
        let mut order: Vec<usize> = (0..self.group.cells.len()).collect();
        order.sort_by(|&a, &b| {
            let ((place, median, lead), (its, its_median, its_lead)) = (key(a), key(b));
            let by_figure = median.total_cmp(&its_median);
            place.cmp(&its).then(by_figure).then(lead.cmp(&its_lead))
        });
        order
    }

    /// The same places if there are few servers, or if no sheet tells a family. Otherwise family by family: the family of the
    /// best server first.
    fn by_family(&self) -> Vec<usize> {
        let mut order = self.order();
        if self.has_families() {
            let mut families: Vec<String> = Vec::new();
            for family in order.iter().map(|at| self.family(*at)) {
                if !families.contains(&family) {
                    families.push(family);
                }
            }
            order.sort_by_key(|at| families.iter().position(|it| *it == self.family(*at)));
        }
        order
    }

    fn has_families(&self) -> bool {
        let servers = self.group.cells.iter().filter(|cell| {
            let entrant = self.group.entrant(cell);
            !cell.rounds.is_empty() && entrant.is_some_and(|it| it.kind.takes_part())
        });
        let servers: Vec<_> = servers.collect();
        servers.len() > MANY && servers.iter().any(|cell| self.sheet(cell).is_some())
    }

    fn sheet(&self, cell: &Cell) -> Option<&'a Facts> {
        self.group.entrant(cell)?.sheet.as_ref()
    }

    /// The family of the cell at `at`; a twin, a control or another build has that of its model.
    fn family(&self, at: usize) -> String {
        let lead = self.model_of(at).unwrap_or(at);
        let sheet = self.sheet(self.group.cells[lead]);
        let family = sheet.map_or(&OTHERS, |sheet| &sheet.family);
        family.pick(self.lang).to_owned()
    }

    fn columns(&self) -> Vec<Column> {
        let measured = || {
            self.group
                .cells
                .iter()
                .filter(|cell| !cell.rounds.is_empty())
        };
        let mut fields = Vec::new();
        if self.ranking().last().is_some() {
            fields.push(Field::Rank);
        }
        fields.extend([Field::Name, Field::Figure(self.ranking().measure)]);
        if measured().any(|cell| cell.rounds.len() > 1) {
            fields.push(Field::Interval);
        }
        if self.baseline.is_some() && measured().count() > 1 {
            fields.push(Field::Ratio);
        }
        let others = self.columns[1..].iter();
        fields.extend(others.map(|column| Field::Figure(column.measure)));
        if measured().any(|cell| cell.errors() > 0) {
            fields.push(Field::Errors);
        }
        let fields = fields.into_iter();
        fields.map(|field| self.column(field)).collect()
    }

    fn column(&self, field: Field) -> Column {
        let pick = |text: &Text| text.pick(self.lang).to_owned();
        let (mut meaning, mut narrow_head) = (String::new(), None);
        let (head, weight) = match field {
            Field::Name => (pick(&MODEL), None),
            Field::Figure(measure) => {
                let label = names::measure(measure, self.group.workload.counts);
                let is_ranking = measure == self.ranking().measure;
                meaning = pick(&label.title);
                (pick(&label.short), (!is_ranking).then_some(weight(measure)))
            }
            Field::Ratio => {
                let baseline = self.baseline.map_or("", |cell| &cell.model);
                (format!("× {baseline}"), Some(9))
            }
            Field::Interval => {
                narrow_head = Some("±".to_owned());
                (pick(&INTERVAL), Some(12))
            }
            Field::Errors => (pick(&ERRORS), Some(13)),
            Field::Rank => (pick(&RANK), Some(14)),
        };
        Column {
            field,
            head,
            narrow_head,
            meaning,
            weight,
        }
    }

    fn row(&self, at: usize, columns: &[Column]) -> Row<'a> {
        let cell = self.group.cells[at];
        let entrant = self.group.entrant(cell);
        let is_aside = entrant.is_some_and(|it| !it.kind.takes_part());
        let figures = &self.ranking().figures;
        let medians = figures.iter().flatten().map(|figure| figure.median);
        let most = medians.fold(f64::MIN_POSITIVE, f64::max);
        let columns = columns.iter().filter(|_| !cell.rounds.is_empty());
        let entries = columns.map(|column| {
            let mut entry = self.entry(at, column.field);
            if is_aside && entry.tone != Tone::Bad {
                entry.tone = Tone::Dim;
            }
            entry
        });
        Row {
            cell,
            family: self.has_families().then(|| self.family(at)),
            is_aside,
            entries: entries.collect(),
            share: figures[at].map(|figure| figure.median / most),
            outliers: cell.outliers(self.ranking().measure),
            remark: remarks::unmeasured(self.group.workload, cell, self.lang),
        }
    }

    fn entry(&self, at: usize, field: Field) -> Entry {
        let cell = self.group.cells[at];
        match field {
            Field::Rank => {
                let rank = self.ranking().ranks[at];
                let text = rank.map(|rank| rank.to_string());
                Entry {
                    sort: rank.map(|rank| rank as f64),
                    ..Entry::of(text.unwrap_or_default(), tone(at, self.ranking()))
                }
            }
            Field::Name => Entry::of(cell.model.clone(), Tone::Plain),
            Field::Figure(measure) => {
                let column = self.columns.iter().find(|it| it.measure == measure);
                column.map_or_else(Entry::unknown, |column| self.figure(at, column))
            }
            Field::Interval => self.interval(at),
            Field::Ratio => self.ratio(at),
            Field::Errors => {
                let tone = match cell.errors() {
                    0 => Tone::Dim,
                    _ => Tone::Bad,
                };
                Entry {
                    sort: Some(cell.errors() as f64),
                    ..Entry::of(cell.errors().to_string(), tone)
                }
            }
        }
    }

    fn figure(&self, at: usize, column: &Figures) -> Entry {
        let (measure, cell) = (column.measure, self.group.cells[at]);
        let Some(figure) = column.figures[at] else {
            return Entry::unknown();
        };
        let tone = tone(at, column);
        let limited = measure.is_the_generators() && cell.generator_was_the_limit();
        Entry {
            sign: match tone {
                Tone::Good => Some(FIRST),
                Tone::Bad => Some(LAST),
                Tone::Plain | Tone::Dim => limited.then_some(LIMITED),
            },
            sort: Some(figure.median),
            ..Entry::of(median_of(measure, cell, figure.median), tone)
        }
    }

    fn interval(&self, at: usize) -> Entry {
        let column = self.ranking();
        let known = column.figures[at].filter(|it| it.count > 1);
        let known = known.filter(|_| !self.group.cells[at].is_below(column.measure));
        let Some(figure) = known else {
            return Entry::unknown();
        };
        let text = interval_of(column.measure, figure.low, figure.high);
        Entry {
            narrow: Some(format!("±{}", percent(figure.uncertainty()))),
            sort: Some(figure.low),
            ..Entry::of(text, Tone::Dim)
        }
    }

    fn ratio(&self, at: usize) -> Entry {
        let (cell, column) = (self.group.cells[at], self.ranking());
        let Some(baseline) = self.baseline else {
            return Entry::unknown();
        };
        if std::ptr::eq(cell, baseline) {
            return Entry {
                sort: Some(1.0),
                ..Entry::of("1".to_owned(), Tone::Dim)
            };
        }
        let unresolved = [cell, baseline]
            .iter()
            .any(|it| it.is_below(column.measure));
        let Some(ratio) = cell.ratio(baseline, column.measure).filter(|_| !unresolved) else {
            return Entry::unknown();
        };
        let Estimate {
            median, low, high, ..
        } = ratio;
        let text = format!("{median:.2} ({low:.2}–{high:.2})");
        Entry {
            narrow: Some(format!("{median:.2}")),
            sort: Some(median),
            sign: (!differs(ratio, column.floor)).then_some(ALIKE),
            ..Entry::of(text, Tone::Plain)
        }
    }
}

/// The tone of the first and the last place; plain if there is only one place.
fn tone(at: usize, column: &Figures) -> Tone {
    match column.ranks[at] {
        Some(1) if column.tells_apart() => Tone::Good,
        rank if rank.is_some() && column.tells_apart() && rank == column.last() => Tone::Bad,
        _ => Tone::Plain,
    }
}

/// The rows with the name of the family before the first of each.
pub(crate) fn with_families<'r, 'a>(
    rows: impl IntoIterator<Item = &'r Row<'a>>,
) -> impl Iterator<Item = (Option<&'r str>, &'r Row<'a>)>
where
    'a: 'r,
{
    let mut before = None;
    rows.into_iter().map(move |row| {
        let family = row.family.as_deref();
        let is_new = before != family;
        before = family;
        (family.filter(|_| is_new), row)
    })
}

/// The family before its rows, in a column of names.
pub(crate) fn headed(family: &str) -> String {
    format!("── {family}")
}

impl Entry {
    fn of(text: String, tone: Tone) -> Self {
        Self {
            text,
            narrow: None,
            sign: None,
            tone,
            sort: None,
        }
    }

    fn unknown() -> Self {
        Self::of(UNKNOWN.to_string(), Tone::Dim)
    }
}

#[cfg(test)]
mod tests;
