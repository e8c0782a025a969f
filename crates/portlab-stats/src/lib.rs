//! Figures: how they are written, what a comparison records, and what follows from it. Pure: no
//! clock, no environment, no files.
//!
//! | module | owns |
//! |---|---|
//! | [`units`] | reading `4KiB`, `10k`, `5ms`; writing them |
//! | [`record`] | the record of a comparison, as it is stored |
//! | [`summary`] | medians over rounds, best and worst, what the traits cost |

#![forbid(unsafe_code)]

pub mod record;
pub mod summary;
pub mod units;
