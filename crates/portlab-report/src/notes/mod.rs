//! What a record says: one value, [`Notes`], from which text, Markdown, CSV and page are written. All
//! that a report claims is decided here, in both languages; the writers lay it out.
//!
//! | module | owns |
//! |---|---|
//! | `heading` | what was compared, where and how |
//! | [`table`] | the table of a point: columns, rows, entries |
//! | [`remarks`] | what a table can't show: what went wrong, what wasn't measured |
//! | `findings` | the statements about a workload; a finding is a file, and a line in a table |
//! | [`claim`] | the evidence of a finding as data; which claims exclude each other |
//! | `conclusion` | which server to choose, in three lines |
//! | `cautions` | what a reader must know before relying on the report |
//! | [`legend`] | what signs mean |
//! | `sentence` | how sentences are written, and the names and figures in them |
//! | `view`, `places` | a workload with its groups and columns; names of its points |
//! | [`figures`] | how figures are written |
//! | [`names`] | what things are called |
//!
//! A model **differs** from the best if [`portlab_stats::analysis::differs`] says so, and only then its ratio is
//! reported. The English and the Chinese form of a sentence stand side by side, so that both say the same.

mod cautions;
pub(crate) mod claim;
mod conclusion;
pub(crate) mod figures;
mod findings;
pub(crate) mod heading;
pub(crate) mod legend;
pub(crate) mod names;
pub(crate) mod places;
pub(crate) mod remarks;
mod sentence;
pub(crate) mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth;
pub(crate) mod view;

use portlab_stats::{
    record::Record,
    summary::{Overhead, overheads},
};

pub(crate) use cautions::Caution;
pub use figures::figure_of;
pub(crate) use findings::Finding;
pub(crate) use heading::Heading;
pub use names::{label_of, not_run};
pub use places::place_of;
pub(crate) use sentence::{Part, Sentence, capitalised};

use self::{legend::Sign, table::Table, view::View};
use portlab_words::Lang;

/// Everything that a report on one record says.
pub struct Notes<'a> {
    /// What the notes are made from.
    pub(crate) record: &'a Record,
    /// The language of all words.
    pub(crate) lang: Lang,
    /// What stands above.
    pub(crate) heading: Heading,
    /// Of each workload, in the record's order.
    pub(crate) workloads: Vec<OfWorkload<'a>>,
    /// What the traits cost, where controls were measured.
    pub(crate) traits: Vec<Overhead>,
    /// What signs mean.
    pub(crate) legend: Vec<Sign>,
    /// What a reader must know before relying on the report, the gravest first.
    pub(crate) cautions: Vec<Caution>,
    /// Which server to choose, in three lines at most; empty if nothing was measured.
    pub(crate) conclusion: Vec<String>,
}

/// What a record says of one workload.
pub(crate) struct OfWorkload<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// What it is, in a few words.
    pub(crate) title: &'a str,
    /// The question that it answers.
    pub(crate) asks: &'a str,
    /// What is the same at all of its points: "64 B, depth 1".
    pub(crate) details: String,
    /// The findings, at most [`MOST`]; empty if nothing can be known.
    pub(crate) findings: Vec<Finding>,
    /// A table for each of its points, in order.
    pub(crate) tables: Vec<Table<'a>>,
}

/// The most sentences of a paragraph: readers skip longer ones.
pub(crate) const MOST: usize = 6;

impl<'a> Notes<'a> {
    /// What `record` says, in `lang`.
    pub fn of(record: &'a Record, lang: Lang) -> Self {
        let entrants = record.entrants.iter();
        let servers = entrants.filter(|it| it.kind.takes_part()).count();
        let views = View::all(record, lang);
        let of_workload = |view: &View<'a>| OfWorkload {
            name: &view.workload.name,
            title: view.workload.title.pick(lang),
            asks: view.workload.asks.pick(lang),
            details: heading::details(record, view.workload, lang),
            findings: findings::all(view),
            tables: (0..view.groups.len())
                .map(|at| Table::of(view, at))
                .collect(),
        };
        Self {
            record,
            lang,
            heading: heading::heading(record, servers, lang),
            workloads: views.iter().map(of_workload).collect(),
            traits: overheads(record),
            legend: legend::legend(record, &views, lang),
            cautions: cautions::all(record, &views, lang),
            conclusion: match record.measured() {
                0 => Vec::new(),
                _ => conclusion::conclusion(&views).lines(lang),
            },
        }
    }

    /// The findings about all workloads, each a sentence, the most important of a workload first.
    pub fn findings(&self) -> Vec<String> {
        let all = self.workloads.iter().flat_map(|it| &it.findings);
        all.map(|it| it.sentence.plain()).collect()
    }

    /// All tables, in order.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table<'a>> {
        self.workloads.iter().flat_map(|workload| &workload.tables)
    }
}
