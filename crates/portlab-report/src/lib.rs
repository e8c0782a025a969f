//! Reports: a pure function from a record to text. The same record renders the same bytes, whenever
//! and wherever: no clock, no environment, no terminal is looked at.
//!
//! | module | owns |
//! |---|---|
//! | `columns` | what the table shows, and which figure is the better one |
//! | `marks` | best and worst |
//! | `table` | laying cells out in columns |
//! | `legend` | what the signs mean, and what the figures can't tell |
//! | `text` | the report as a whole, for a terminal |
//! | [`sentences`] | what the record says, in English and Chinese |
//!
//! Colours are written as ANSI escapes; who prints to something other than a terminal strips them.

#![forbid(unsafe_code)]

mod columns;
mod lang;
mod legend;
mod marks;
pub mod sentences;
mod table;
mod text;

pub use lang::{Lang, LangError};
pub use text::{NARROWEST, text};
