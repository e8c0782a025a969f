//! Lessons about ports, played live: each lesson runs what its text describes on this machine's sockets,
//! processes and threads, and checks the outcome.
//!
//! | module | owns |
//! |---|---|
//! | [`lessons`] | the lessons in teaching order, a folder each, and the table that lists them |
//! | [`lesson`] | what a lesson is made of |
//! | [`script`] | a lesson's text: parsed, the same for the terminal and for the page |
//! | [`order`] | the order of the answers to choose from, by a seed |
//! | `excerpt` | a few lines of a program, from a given line to the end of its block |
//! | `seen` | the outcome of a claim |
//! | [`stage`] | what a lesson's function does: begin a step, record what was seen, end the step |
//! | [`run`] | how a lesson is run: language, width, pace, input, output |
//! | `board` | laying text out on a terminal |
//! | `words` | the stage's own messages, in both languages |
//! | `cast` | what lessons share: clients, connections, ports, sites, students' programs, the kernel's tables |
//! | `users` | the user's own programs, which meet the lesson at a port |
//! | [`programs`] | the programs as files |
//! | [`sheets`] | slides, worksheet, quiz and key as HTML |
//! | [`page`] | a lesson as a page in Markdown |
//!
//! Each text is data that any program can read:
//!
//! ```
//! use portlab_lessons::find;
//! use portlab_words::Lang;
//!
//! let lesson = find("ports").expect("the table lists it");
//! assert_eq!(find("1").map(|first| first.name), Some("ports"));
//!
//! let script = lesson.script(Lang::Zh)?;
//! let (number, step) = script.step("second").expect("the text has this step");
//! println!("{}: step {} asks {:?}", lesson.title(Lang::Zh), number + 1, step.ask);
//! # Ok::<(), portlab_lessons::script::ScriptError>(())
//! ```

#![forbid(unsafe_code)]

mod board;
mod cast;
mod excerpt;
pub mod lesson;
pub mod lessons;
pub mod order;
pub mod page;
pub mod programs;
pub mod run;
pub mod script;
mod seen;
pub mod sheets;
pub mod stage;
mod users;
mod words;

pub use cast::listen_at;
pub use lesson::{Lesson, Part, play};
pub use lessons::{LESSONS, find};
pub use run::{Answers, CLEAR, Choices, Code, ERASE, LessonRun, Pace};
pub use stage::{Exit, Report};
