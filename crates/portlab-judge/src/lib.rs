//! Judges a student's server or client by experiments from outside, and names the bug in a beginner's words.
//!
//! ```text
//! command line ── Launch ──▶ Launched (program/): starts, finds the port, restarts, sweeps TIME-WAIT
//!                               │
//!                               ▼
//!                 recognise ──▶ Speech: how to ask the server one question
//!                               │
//!     portlab_conformance::experiments, one after another, each with a record of evidence
//!                               │ the name of a bug
//!                               ▼
//!                 bugs/ (title, cause, remedy, lesson) + source (the line to look at) ──▶ Verdict, as JSON
//! ```
//!
//! A client is judged in the same way, with portlab as its server (`client/`).
//!
//! A verdict comes from what the program is observed to do. The program's source is read only to point at a line.

#![forbid(unsafe_code)]

pub mod bugs;
mod client;
pub mod fuzz;
mod judge;
pub mod program;
mod recognise;
mod rules;
pub mod source;
mod traceback;
mod verdict;

pub use client::judge_client;
pub use judge::{Plan, judge};
pub use portlab_conformance::experiments::{EXPERIMENTS, Kind, Program};
pub use portlab_conformance::http::fixture;
pub use rules::check_rules;
pub use traceback::Traceback;
pub use verdict::{Finding, Mark, Place, Result, Row, RuleRow, Seen, Side, Verdict};
