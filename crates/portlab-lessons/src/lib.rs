//! Lessons about ports, played live: each does what it tells, on this machine's sockets, processes
//! and threads, and checks its own outcome.
//!
//! | module | owns |
//! |---|---|
//! | [`lessons`] | the lessons in teaching order, a folder each, and the table that lists them |
//! | [`lesson`] | what a lesson is made of |
//! | [`script`] | a lesson's text: parsed, the same for the terminal and for the page |
//! | [`order`] | the order of the answers to choose from, by a seed |
//! | `excerpt` | the few lines of a program that matter |
//! | [`stage`] | what a lesson's function does: begin a step, tell what was seen, end it |
//! | [`run`] | how a lesson is run: language, width, pace, input, output |
//! | `board` | laying text out on a terminal |
//! | `words` | what the stage itself says, in both languages |
//! | `cast` | who plays: students' Python programs, the kernel's tables |
//! | [`page`] | a lesson as a page |

#![forbid(unsafe_code)]

mod board;
mod cast;
mod excerpt;
pub mod lesson;
pub mod lessons;
pub mod order;
pub mod page;
pub mod run;
pub mod script;
pub mod stage;
mod words;

pub use lesson::{Lesson, Part};
pub use lessons::{LESSONS, find};
pub use run::{Answers, ERASE, LessonRun, Pace};
pub use stage::{Exit, Report, play};
