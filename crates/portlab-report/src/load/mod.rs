//! Reports on loads: a pure function from the JSON of `portlab load` to text.
//!
//! | module | owns |
//! |---|---|
//! | `document` | a report as sections of blocks, and its forms: text, Markdown, a page |
//! | `one` | the sections of a report on one load |
//! | `found`, `facts`, `tables` | what they say |
//! | `two` | what is said of two loads |
//! | `charts` | what is drawn |
//! | `csv` | the figures over time, for other programs |

mod charts;
mod csv;
mod document;
mod facts;
mod found;
mod one;
mod tables;
#[cfg(test)]
mod tests;
mod two;

pub use csv::load_csv;
pub use document::Document;
pub use two::load_failures;
