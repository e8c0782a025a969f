//! Figures: how they are written, what a comparison or a timeline records, and what follows from it.
//! Pure: no clock, no environment, no files.
//!
//! | module | owns |
//! |---|---|
//! | [`units`] | reading `4KiB`, `10k`, `5ms`; writing them |
//! | [`record`] | the record of a comparison, as it is stored |
//! | [`summary`] | medians over rounds, best and worst, what the traits cost |
//! | [`trace`] | the timeline of a server, as it is stored |

#![forbid(unsafe_code)]

pub mod record;
pub mod summary;
pub mod trace;
pub mod units;
