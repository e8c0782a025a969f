//! The findings of `doctor`, and how they are written: the same for a machine and for an address.

use std::borrow::Cow;

use anstyle::Style;
use portlab_words::{
    Lang, Text,
    style::{BAD, GOOD, HEAD, WARN},
    wrap::{Lead, hang},
};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

/// A check of a machine or a step on the way to an address, and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The name of the check or step in JSON.
    pub(super) key: &'static str,
    /// The name of the check or step on screen.
    pub(super) about: &'static Text,
    pub(super) remark: Remark,
}

/// The result of a check or step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) grade: Grade,
    pub(super) text: Text,
    /// What can be done about a note or a problem.
    pub(super) remedy: Option<Text>,
}

/// How good a result is; each grade is worse than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grade {
    Ok,
    /// Something is limited.
    Note,
    /// Something doesn't work.
    Problem,
}

impl Remark {
    /// A remark of grade ok.
    pub(super) fn new(text: Text) -> Self {
        Self {
            grade: Grade::Ok,
            text,
            remedy: None,
        }
    }

    /// Makes the remark a note, and says what can be done.
    pub(super) fn note(self, remedy: Text) -> Self {
        self.graded(Grade::Note, remedy)
    }

    /// Makes the remark a note if `applies`.
    pub(super) fn note_if(self, applies: bool, remedy: Text) -> Self {
        if applies { self.note(remedy) } else { self }
    }

    /// Makes the remark a problem, and says what can be done.
    pub(super) fn problem(self, remedy: Text) -> Self {
        self.graded(Grade::Problem, remedy)
    }

    pub(super) fn graded(self, grade: Grade, remedy: Text) -> Self {
        Self {
            grade,
            remedy: Some(remedy),
            ..self
        }
    }
}

impl Grade {
    /// The grade's word on screen, and the style of the word.
    fn shown(self) -> (Text, Style) {
        match self {
            Self::Ok => (Text::new("ok", "正常"), GOOD),
            Self::Note => (Text::new("note", "提示"), WARN),
            Self::Problem => (Text::new("problem", "问题"), BAD),
        }
    }

    /// The grade's name in JSON.
    pub(super) fn name(self) -> Cow<'static, str> {
        self.shown().0.en
    }
}

/// The worst grade among `findings`.
pub(super) fn worst(findings: &[Finding]) -> Grade {
    let grades = findings.iter().map(|it| it.remark.grade);
    grades.max().unwrap_or(Grade::Ok)
}

/// Writes `findings` in lines of at most `width`.
pub(super) fn text(findings: &[Finding], lang: Lang, width: usize) -> String {
    let grades = findings.iter().map(|it| it.remark.grade.shown().0);
    let grades = grades.map(|word| word.pick(lang).width());
    let topics = findings.iter().map(|it| it.about.pick(lang).width());
    let (grades, topics) = (grades.max().unwrap_or(0), topics.max().unwrap_or(0));
    let mut text = String::new();
    for Finding { about, remark, .. } in findings {
        let (word, style) = remark.grade.shown();
        let grade = Lead::new(word.pick(lang), style, grades);
        let about = Lead::new(about.pick(lang), HEAD, topics);
        text += &hang(&[grade, about], remark.text.pick(lang), width);
        if let Some(remedy) = &remark.remedy {
            let blank = [grades, topics].map(|columns| Lead::new("", HEAD, columns));
            text += &hang(&blank, &format!("→ {}", remedy.pick(lang)), width);
        }
    }
    text
}

/// `findings` for other programs, in both languages.
pub(super) fn json(findings: &[Finding]) -> Value {
    let all = findings.iter().map(|Finding { key, remark, .. }| {
        json!({
            "check": key,
            "grade": remark.grade.name(),
            "text": remark.text,
            "remedy": remark.remedy,
        })
    });
    all.collect()
}
