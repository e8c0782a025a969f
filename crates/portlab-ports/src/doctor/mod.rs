//! What limits a lesson or a load on this machine, and why an address can't be reached.
//!
//! [`Facts`] and [`Reach`] hold what was found. A [`Diagnosis`] says what they mean, as a pure function of them.

mod checks;
mod finding;
mod json;
mod machine;
mod reach;
mod steps;

use portlab_words::{
    Lang, Text,
    style::{BAD, GOOD},
    wrap::wrap,
};

pub use machine::Facts;
pub use reach::{Reach, Way};

use finding::Finding;

/// What [`Facts`] or a [`Reach`] mean.
#[derive(Debug)]
pub struct Diagnosis {
    findings: Vec<Finding>,
    conclusion: Text,
    /// Whether there is no problem. There may be notes.
    pub is_well: bool,
}

impl Diagnosis {
    /// The findings and the conclusion, in lines of at most `width`.
    pub fn text(&self, lang: Lang, width: usize) -> String {
        let style = if self.is_well { GOOD } else { BAD };
        let mut text = finding::text(&self.findings, lang, width) + "\n";
        for line in wrap(self.conclusion.pick(lang), width) {
            text += &format!("{style}{line}{style:#}\n");
        }
        text
    }
}
