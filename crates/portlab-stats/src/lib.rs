//! Figures: how they are written, what a comparison or a timeline records, and what follows from it.
//! Pure: no clock, no environment, no files.
//!
//! ```
//! use portlab_stats::estimate::Estimate;
//!
//! // Seven rounds: their median, and the interval that contains the true median with 95% confidence.
//! let rounds = [4.1, 4.0, 4.3, 4.1, 4.2, 4.0, 4.1];
//! let estimate = Estimate::of(rounds).expect("there are rounds");
//! assert_eq!(estimate.median, 4.1);
//! assert!(estimate.contains(4.1) && !estimate.contains(4.5));
//! ```
//!
//! | module | owns |
//! |---|---|
//! | [`record`] | the record of a comparison, as it is stored |
//! | [`load`] | the record of a load, as it is stored |
//! | [`read`](mod@read) | reading a record, an older one too; saying what is wrong with a damaged one |
//! | `check` | what the values of a record that was read must be |
//! | [`one_line`] | JSON in which a long list stays short |
//! | [`measure`] | what entrants are compared by |
//! | [`estimate`] | a median over rounds, and its interval |
//! | [`quantile`] | a quantile, or a mean, of one run, and its interval |
//! | [`steps`] | reading `1..1000x4` |
//! | [`summary`] | what follows from a cell; what the traits cost |
//! | [`analysis`] | which entrants differ: ratios, the noise floor, places |
//! | [`advice`] | which model for a given load: from measurements to conclusions |
//! | [`changes`](mod@changes) | two runs compared |
//! | [`gate`] | whether a program has become worse than another build of it |
//! | [`trace`] | the timeline of a server, as it is stored |

#![forbid(unsafe_code)]

pub mod advice;
pub mod analysis;
pub mod changes;
pub mod check;
pub mod estimate;
#[doc(hidden)]
pub mod fixture;
pub mod gate;
pub mod load;
pub mod measure;
pub mod one_line;
pub mod quantile;
pub mod read;
pub mod record;
pub mod steps;
pub mod summary;
pub mod trace;
