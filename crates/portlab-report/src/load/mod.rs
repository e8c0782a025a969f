//! Reports on loads: a pure function from the JSON of `portlab load` to text.
//!
//! | module | owns |
//! |---|---|
//! | `document` | a report as sections of blocks, and its forms: text, Markdown, a page |
//! | `one`, `tables` | what is said of one load |
//! | `two` | what is said of two loads |
//! | `charts` | what is drawn |
//! | `csv` | the figures over time, for other programs |

mod charts;
mod csv;
mod document;
mod one;
mod tables;
#[cfg(test)]
mod tests;
mod two;

pub use csv::load_csv;
pub use document::Document;
pub use two::load_failures;
