//! Reports: a pure function from a record to text. The same record renders the same bytes, whenever
//! and wherever: no clock, no environment, no terminal is looked at.
//!
//! | module | owns |
//! |---|---|
//! | `columns` | what a measure is called, how it is written, and which goes first |
//! | `grid` | the table of a group, before it is laid out |
//! | `tail` | who wasn't measured, and what went wrong |
//! | `heading` | what was compared, where and how, in words |
//! | `legend` | what the signs mean, and what the figures can't tell |
//! | [`table`] | laying spans out in columns |
//! | [`prose`] | breaking prose into lines, Chinese too |
//! | `text` | the report as a whole, for a terminal |
//! | `lang` | the languages that a report speaks |
//! | [`chart`] | charts as SVG |
//! | [`page`] | the blocks of a page of HTML |
//! | [`sentences`] | what the record says, in English and Chinese |
//! | `html` | the report as a page |
//! | `markdown` | the same as a page of Markdown |
//! | `csv` | each measurement, for other programs |
//! | `changes` | two runs compared |
//!
//! Colours are written as ANSI escapes; who prints to something other than a terminal strips them.

#![forbid(unsafe_code)]

mod changes;
pub mod chart;
mod columns;
mod csv;
mod grid;
mod heading;
mod html;
mod lang;
mod legend;
mod markdown;
pub mod page;
pub mod prose;
pub mod sentences;
pub mod table;
mod tail;
mod text;

pub use changes::{changes_markdown, changes_text};
pub use csv::csv;
pub use html::{Chart, charts, html};
pub use lang::{Lang, LangError};
pub use markdown::markdown;
pub use text::{NARROWEST, text};
