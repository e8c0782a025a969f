//! What limits a lesson or a load on this machine, and why an address can't be reached.
//!
//! [`Facts`] and [`Reach`] hold what was found. What it means is a pure function of them and the language: a
//! [`Diagnosis`].

mod checks;
mod finding;
mod json;
mod machine;
mod reach;
mod steps;

use portlab_words::{
    Lang,
    style::{BAD, GOOD},
    tr,
    wrap::wrap,
};
use serde_json::Value;

pub use machine::Facts;
pub use reach::{Reach, Way};

use finding::{Finding, Grade, worst};

/// What facts mean, in one language.
#[derive(Debug)]
pub struct Diagnosis {
    findings: Vec<Finding>,
    conclusion: String,
    /// Whether nothing is wrong. Notes are fine.
    pub is_well: bool,
    lang: Lang,
}

impl Diagnosis {
    /// The findings and the conclusion, in lines of at most `width`.
    #[must_use]
    pub fn text(&self, width: usize) -> String {
        let style = if self.is_well { GOOD } else { BAD };
        let mut text = finding::text(&self.findings, self.lang, width) + "\n";
        for line in wrap(&self.conclusion, width) {
            text += &format!("{style}{line}{style:#}\n");
        }
        text
    }
}

impl Facts {
    /// What the facts mean for a lesson or a load.
    #[must_use]
    pub fn diagnosis(&self, lang: Lang) -> Diagnosis {
        let findings = checks::all(self, lang);
        let notes = findings.iter().filter(|it| it.grade == Grade::Note).count();
        let is_well = worst(&findings) != Grade::Problem;
        let conclusion = match (is_well, notes) {
            (false, _) => tr!(
                lang,
                "This machine lacks something that portlab needs.",
                "这台机器缺少 portlab 必需的条件。"
            ),
            (true, 0) => tr!(lang, "This machine is ready.", "这台机器已经准备好了。"),
            (true, 1) => tr!(
                lang,
                "This machine is ready, with 1 note above.",
                "这台机器可以用，上面有 1 条提示。"
            ),
            (true, _) => tr!(
                lang,
                "This machine is ready, with {notes} notes above.",
                "这台机器可以用，上面有 {notes} 条提示。"
            ),
        };
        Diagnosis {
            findings,
            conclusion,
            is_well,
            lang,
        }
    }

    /// The facts and what they mean, for programs; docs/ports.md explains the keys.
    #[must_use]
    pub fn json(&self) -> Value {
        json::machine(self)
    }
}

impl Reach {
    /// The steps of the way, and what each means.
    #[must_use]
    pub fn diagnosis(&self, lang: Lang) -> Diagnosis {
        Diagnosis {
            findings: steps::all(self, lang),
            conclusion: steps::conclusion(self, lang),
            is_well: self.is_well(),
            lang,
        }
    }

    /// The way and its steps, for programs; docs/ports.md explains the keys.
    #[must_use]
    pub fn json(&self) -> Value {
        json::reach(self)
    }
}
