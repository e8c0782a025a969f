//! Reports: a pure function from a record to text. The same record always renders the same bytes: no clock, environment
//! or terminal is read.
//!
//! | module | owns |
//! |---|---|
//! | `notes` | everything that a report says, as one value; the only place that decides |
//! | `text` | the notes for a terminal |
//! | `markdown` | the notes as a page of Markdown |
//! | `grid` | a table as it is written, in a terminal or in Markdown |
//! | `html` | the notes as a page with charts |
//! | `csv` | each measurement, for other programs |
//! | `changes` | two runs compared |
//! | `load` | the JSON of a load: as text, Markdown, CSV or a page |
//! | `inert` | a record without escape sequences and direction marks in its texts |
//! | `gate` | a program beside another build of it, and whether it is worse |
//!
//! ```
//! use portlab_report::{Notes, text};
//! use portlab_words::Lang;
//!
//! # fn main() -> Result<(), portlab_stats::read::ReadError> {
//! let results = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/results.json"));
//! let record = portlab_stats::read::read(results)?;
//! let report = text(&Notes::of(&record, Lang::En), 80);
//! assert!(report.contains("choose event-loop"));
//! # Ok(())
//! # }
//! ```
//!
//! Colours are ANSI escapes; a program that doesn't print to a terminal strips them.

#![forbid(unsafe_code)]

mod changes;
mod csv;
mod gate;
mod grid;
mod html;
mod inert;
mod load;
mod markdown;
mod notes;
mod text;

pub use changes::{changes_markdown, changes_text};
pub use csv::csv;
pub use gate::{gate_findings, gate_markdown, gate_text};
pub use html::{Chart, charts, html};
pub use inert::inert;
pub use load::{Document, load_csv, load_failures};
pub use markdown::markdown;
pub use notes::{Notes, figure_of, label_of, not_run, place_of};
pub use text::{NARROWEST, text};
