//! One workload of a record with its groups, its columns and what the findings ask of them.

use portlab_stats::{
    analysis::{Column, Group, differs, groups},
    estimate::Estimate,
    measure::{Better, Measure},
    record::{Cell, Facts, Kind, PROCESSES, Record, Serves, THREADS, Workload},
};
use portlab_words::{Lang, tr};

use super::{
    figures::{figure_of, range},
    names,
    sentence::{self, count, text},
};

/// One workload, with its groups and the column that each is ranked by.
pub(crate) struct View<'a> {
    pub(crate) lang: Lang,
    pub(crate) record: &'a Record,
    pub(crate) workload: &'a Workload,
    pub(crate) groups: Vec<Group<'a>>,
    /// The columns of the ranked measure, one for each group.
    pub(crate) columns: Vec<Column>,
}

/// What a connection has for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Process,
    Thread,
}

impl Carrier {
    /// How many of them a server has.
    pub(crate) fn measure(self) -> Measure {
        match self {
            Self::Process => Measure::Processes,
            Self::Thread => Measure::Threads,
        }
    }
}

impl<'a> View<'a> {
    /// The workloads of `record`, in order.
    pub(crate) fn all(record: &'a Record, lang: Lang) -> Vec<Self> {
        let groups = groups(record);
        let of = |workload: &'a Workload| {
            let own = |group: &&Group| group.workload.name == workload.name;
            let groups: Vec<Group> = groups.iter().filter(own).cloned().collect();
            let column = |group: &Group| group.column(workload.ranked_by);
            Self {
                lang,
                record,
                workload,
                columns: groups.iter().map(column).collect(),
                groups,
            }
        };
        record.workloads.iter().map(of).collect()
    }

    /// The workload `name` without its columns, which take the most time to compute. It is enough to name a point.
    pub(crate) fn without_columns(record: &'a Record, name: &str, lang: Lang) -> Option<Self> {
        let own = |group: &Group| group.workload.name == name;
        Some(Self {
            lang,
            record,
            workload: record.workload(name)?,
            groups: groups(record).into_iter().filter(own).collect(),
            columns: Vec::new(),
        })
    }

    /// What the workload is ranked by.
    pub(crate) fn measure(&self) -> Measure {
        self.workload.ranked_by
    }

    /// The title of `measure`, as this workload counts.
    pub(crate) fn title(&self, measure: Measure) -> String {
        let title = names::measure(measure, self.workload.counts).title;
        text(title.pick(self.lang))
    }

    /// "2 models", or "2 servers" if a foreign server takes part.
    pub(crate) fn servers(&self, many: usize) -> String {
        let foreign = |entrant: &_| matches!(entrant, Kind::Foreign { .. });
        let count = count(many);
        match self.record.entrants.iter().any(|it| foreign(&it.kind)) {
            true => tr!(self.lang, "{count} servers", "{count}个服务端"),
            false => tr!(self.lang, "{count} models", "{count}个模型"),
        }
    }

    /// The cells of a group that may have a place in a ranking.
    pub(crate) fn ranked(&self, at: usize) -> Vec<&'a Cell> {
        let group = &self.groups[at];
        let cells = group.cells.iter().copied();
        cells.filter(|cell| group.is_ranked(cell)).collect()
    }

    /// The cells in the first place. The first of them is the one that is there at most points, then the one with the
    /// best median, so that the others are compared with the same cell throughout.
    pub(crate) fn best(&self, at: usize) -> Vec<&'a Cell> {
        let column = &self.columns[at];
        let mut best: Vec<&Cell> = self.first_places(at).collect();
        let wins = |cell: &Cell| {
            let all = (0..self.groups.len()).flat_map(|at| self.first_places(at));
            all.filter(|it| it.model == cell.model).count()
        };
        let median = |cell: &Cell| cell.figure(column.measure).map_or(0.0, |it| it.median);
        best.sort_by(|a, b| {
            let better = match column.measure.better() {
                Better::Higher => median(b).total_cmp(&median(a)),
                Better::Lower | Better::Neither => median(a).total_cmp(&median(b)),
            };
            wins(b).cmp(&wins(a)).then(better)
        });
        best
    }

    fn first_places(&self, at: usize) -> impl Iterator<Item = &'a Cell> {
        let cells = self.groups[at].cells.iter().zip(&self.columns[at].ranks);
        let first = cells.filter(|(_, rank)| **rank == Some(1));
        first.map(|(cell, _)| *cell)
    }

    /// The cells that are worse than the best in the ranked measure, with their ratios to it: the nearest first.
    pub(crate) fn others(&self, at: usize) -> Vec<(&'a Cell, Estimate)> {
        let column = &self.columns[at];
        let Some(&best) = self.best(at).first() else {
            return Vec::new();
        };
        let is_worse = |ratio: Estimate| match column.measure.better() {
            Better::Higher => ratio.median < 1.0,
            Better::Lower | Better::Neither => ratio.median > 1.0,
        };
        let cells = self.groups[at].cells.iter().zip(&column.ranks);
        let behind = cells.filter(|(_, rank)| rank.is_some_and(|rank| rank > 1));
        let ratios = behind.filter_map(|(cell, _)| {
            let ratio = ratio(cell, best, column.measure)?;
            (is_worse(ratio) && differs(ratio, column.floor)).then_some((*cell, ratio))
        });
        let mut others: Vec<_> = ratios.collect();
        let distance = |ratio: &Estimate| ratio.median.max(1.0 / ratio.median);
        others.sort_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)));
        others
    }

    /// The last group in which models differ: usually the one with the most connections.
    pub(crate) fn telling(&self) -> Option<usize> {
        self.columns.iter().rposition(Column::tells_apart)
    }

    /// From the least to the most of `measure` that `cells` have.
    pub(crate) fn figures(&self, cells: &[&Cell], measure: Measure) -> String {
        let medians = cells.iter().filter_map(|cell| cell.figure(measure));
        let write = |value| figure_of(measure, value);
        range(self.lang, medians.map(|it| it.median), write)
    }

    /// What the model's sheet says of a cell's server.
    pub(crate) fn facts(&self, cell: &Cell) -> Option<&'a Facts> {
        self.record.entrant(&cell.model)?.sheet.as_ref()
    }

    /// What each connection of a cell's server has for itself, by the model's sheet.
    pub(crate) fn carrier(&self, cell: &Cell) -> Option<Carrier> {
        let facts = self.facts(cell)?;
        match (facts.serves?, &*facts.family.en) {
            (Serves::Open, family) if family == PROCESSES.en => Some(Carrier::Process),
            (Serves::Open, family) if family == THREADS.en => Some(Carrier::Thread),
            _ => None,
        }
    }

    /// The names of `cells`.
    pub(crate) fn names(&self, cells: &[&Cell]) -> String {
        sentence::names(self.lang, cells.iter().map(|cell| cell.model.as_str()))
    }
}

/// The figure of `cell` divided by that of `other`, round by round; `None` if one of them has no figure or is below the
/// resolution, or if only one round has both: a single ratio has no interval.
pub(crate) fn ratio(cell: &Cell, other: &Cell, measure: Measure) -> Option<Estimate> {
    let is_known = |it: &Cell| it.figure(measure).is_some() && !it.is_below(measure);
    if !is_known(cell) || !is_known(other) {
        return None;
    }
    cell.ratio(other, measure).filter(|ratio| ratio.count > 1)
}
