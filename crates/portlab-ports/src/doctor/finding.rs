//! What the doctor finds, and how it is written: the same for a machine and for an address.

use std::borrow::Cow;

use anstyle::Style;
use portlab_words::{
    Lang, Text,
    style::{BAD, GOOD, HEAD, WARN},
    wrap::{Lead, hang},
};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// What was looked at, as it stands in JSON.
    pub(super) key: &'static str,
    /// The same, for people.
    pub(super) about: &'static Text,
    pub(super) remark: Remark,
}

/// What there is to say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) grade: Grade,
    pub(super) text: Text,
    /// What can be done, where it isn't well.
    pub(super) remedy: Option<Text>,
}

/// How well it is; the later the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grade {
    Ok,
    /// Good to know: something will be less than it could.
    Note,
    /// It doesn't work.
    Problem,
}

impl Remark {
    /// That all is well.
    pub(super) fn new(text: Text) -> Self {
        Self {
            grade: Grade::Ok,
            text,
            remedy: None,
        }
    }

    /// The same as a note, with what can be done.
    pub(super) fn note(self, remedy: Text) -> Self {
        self.graded(Grade::Note, remedy)
    }

    /// The same, as a note if `applies`.
    pub(super) fn note_if(self, applies: bool, remedy: Text) -> Self {
        if applies { self.note(remedy) } else { self }
    }

    /// The same as a problem, with what can be done.
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
    /// Its word, and the style of that.
    fn shown(self) -> (Text, Style) {
        match self {
            Self::Ok => (Text::new("ok", "正常"), GOOD),
            Self::Note => (Text::new("note", "提示"), WARN),
            Self::Problem => (Text::new("problem", "问题"), BAD),
        }
    }

    /// As it stands in JSON.
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
