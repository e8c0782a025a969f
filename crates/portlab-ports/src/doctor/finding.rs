//! What the doctor finds, and how it is written: the same for a machine and for an address.

use anstyle::Style;
use portlab_words::{
    Lang, Text,
    wrap::{Lead, hang},
};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use portlab_words::style::{BAD, GOOD, HEAD, WARN};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// What was looked at, as it stands in JSON.
    pub(super) key: &'static str,
    /// The same, for people.
    pub(super) about: &'static str,
    pub(super) grade: Grade,
    pub(super) text: String,
    /// What can be done, where it isn't well.
    pub(super) remedy: Option<String>,
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

impl Finding {
    pub(super) fn new(key: &'static str, about: &'static str, text: String) -> Self {
        Self {
            key,
            about,
            grade: Grade::Ok,
            text,
            remedy: None,
        }
    }

    /// The same with a grade, and what can be done.
    pub(super) fn graded(self, grade: Grade, remedy: impl Into<Option<String>>) -> Self {
        Self {
            grade,
            remedy: remedy.into(),
            ..self
        }
    }
}

impl Grade {
    fn word(self, lang: Lang) -> &'static str {
        match self {
            Self::Ok => lang.pick("ok", "正常"),
            Self::Note => lang.pick("note", "提示"),
            Self::Problem => lang.pick("problem", "问题"),
        }
    }

    /// As it stands in JSON.
    pub(super) fn name(self) -> &'static str {
        self.word(Lang::En)
    }

    fn style(self) -> Style {
        match self {
            Self::Ok => GOOD,
            Self::Note => WARN,
            Self::Problem => BAD,
        }
    }
}

/// The worst grade among `findings`.
pub(super) fn worst(findings: &[Finding]) -> Grade {
    let grades = findings.iter().map(|finding| finding.grade);
    grades.max().unwrap_or(Grade::Ok)
}

/// Writes `findings` in lines of at most `width`.
pub(super) fn text(findings: &[Finding], lang: Lang, width: usize) -> String {
    let grades = findings.iter().map(|it| it.grade.word(lang).width());
    let topics = findings.iter().map(|it| it.about.width());
    let (grades, topics) = (grades.max().unwrap_or(0), topics.max().unwrap_or(0));
    let mut text = String::new();
    for finding in findings {
        let grade = Lead::new(finding.grade.word(lang), finding.grade.style(), grades);
        let about = Lead::new(finding.about, HEAD, topics);
        text += &hang(&[grade, about], &finding.text, width);
        if let Some(remedy) = &finding.remedy {
            let blank = [grades, topics].map(|columns| Lead::new("", HEAD, columns));
            text += &hang(&blank, &format!("→ {remedy}"), width);
        }
    }
    text
}

/// `findings` for other programs, in both languages.
pub(super) fn as_json(findings: impl Fn(Lang) -> Vec<Finding>) -> Value {
    let [en, zh] = [Lang::En, Lang::Zh].map(findings);
    let both = en.into_iter().zip(zh).map(|(en, zh)| {
        let remedy = en.remedy.zip(zh.remedy);
        json!({
            "check": en.key,
            "grade": en.grade.name(),
            "text": text_of(en.text, zh.text),
            "remedy": remedy.map(|(en, zh)| text_of(en, zh)),
        })
    });
    both.collect()
}

fn text_of(en: String, zh: String) -> Text {
    Text {
        en: en.into(),
        zh: zh.into(),
    }
}
