//! What a record says, in sentences. Each is computed from the record, and withheld where the
//! statistics don't carry it.
//!
//! | module | owns |
//! |---|---|
//! | `parts` | what sentences and templates are made of |
//! | `findings` | what is said of a workload; a finding is a file, and a line in a table |
//! | `cautions` | what a reader must know before believing it |
//! | `view`, `places` | a workload as the findings look at it; where in it something holds |
//! | [`figures`] | how figures are written |
//! | [`names`], [`sheets`] | what things are called; the fact sheets in Chinese |
//!
//! A model **differs** from the best where [`portlab_stats::analysis::differs`] says so; no ratio is
//! told of any other. English and Chinese stand side by side in each template, so that both say the
//! same.

mod cautions;
pub mod figures;
mod findings;
pub mod names;
mod parts;
mod places;
pub mod sheets;
#[cfg(test)]
mod tests;
mod view;

use portlab_stats::record::{Point, Record};

pub use parts::{Part, Sentence};

use crate::Lang;

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Of each workload, in the record's order.
    pub workloads: Vec<Findings>,
    /// What a reader must know before believing it.
    pub cautions: Vec<Sentence>,
}

/// What a record says of one workload: a paragraph.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    /// The workload's name.
    pub workload: String,
    /// The points that were measured, in order.
    pub points: Vec<Point>,
    /// What there is to say, at most [`MOST`]; nothing where nothing can be known.
    pub sentences: Vec<Sentence>,
}

/// A paragraph of more sentences than this isn't read.
pub const MOST: usize = 6;

/// What `record` says, in `lang`.
#[must_use]
pub fn summary(record: &Record, lang: Lang) -> Summary {
    let findings = |view: &view::View| Findings {
        workload: view.workload.name.clone(),
        points: view.groups.iter().map(|group| group.point).collect(),
        sentences: findings::all(view),
    };
    Summary {
        workloads: view::View::all(record, lang).iter().map(findings).collect(),
        cautions: cautions::all(record, lang),
    }
}
