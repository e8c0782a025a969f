//! A lesson as pages of HTML for a class: slides, a worksheet with gaps, a quiz, and the key to both.
//!
//! Each page is one file, which makes no request. It can be printed as it is: only the keys of the slides need a script.

mod blocks;
mod paper;
mod slides;

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use portlab_words::Lang;

use crate::{
    lesson::Lesson,
    run::Code,
    script::{Script, ScriptError},
};

/// What a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One screen a slide.
    Slides,
    /// Gaps to fill and lines to write on, while the lesson is played.
    Worksheet,
    /// The questions with their answers to choose from.
    Quiz,
    /// The right answers and the explanations.
    Key,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Slides, Self::Worksheet, Self::Quiz, Self::Key];

    /// The name on the command line, and in a file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slides => "slides",
            Self::Worksheet => "worksheet",
            Self::Quiz => "quiz",
            Self::Key => "key",
        }
    }

    fn title(self, lang: Lang) -> &'static str {
        match self {
            Self::Slides => lang.pick("Slides", "幻灯片"),
            Self::Worksheet => lang.pick("Worksheet", "学习单"),
            Self::Quiz => lang.pick("Quiz", "小测验"),
            Self::Key => lang.pick("Key", "参考答案"),
        }
    }
}

/// What the pages of a lesson are made from.
pub(crate) struct Sheet<'a> {
    pub(crate) lesson: &'a Lesson,
    pub(crate) lang: Lang,
    pub(crate) seed: u64,
    pub(crate) script: Script,
    pub(crate) examples: BTreeMap<&'static str, String>,
}

/// The page of `kind` for `lesson`, as HTML. The answers to choose from are in the order of `seed`.
///
/// # Errors
/// When the lesson's text breaks the format.
pub fn sheet(
    kind: Kind,
    lesson: &Lesson,
    lang: Lang,
    seed: u64,
    code: Code,
) -> Result<String, ScriptError> {
    // On a worksheet, a program in Rust would show the words that are gaps in the same program in Python.
    let code = match (kind, code) {
        (Kind::Worksheet, Code::Both) => Code::Python,
        _ => code,
    };
    let sheet = Sheet {
        lesson,
        lang,
        seed,
        script: lesson.script_as_shown(lang, seed)?.with_code(code),
        examples: lesson.examples(lang),
    };
    let (style, body, script) = match kind {
        Kind::Slides => (
            include_str!("slides.css"),
            sheet.slides(),
            include_str!("slides.js"),
        ),
        Kind::Worksheet => (PAPER, sheet.worksheet(), ""),
        Kind::Quiz => (PAPER, sheet.quiz(), ""),
        Kind::Key => (PAPER, sheet.key(), ""),
    };
    Ok(sheet.page(kind, style, &body, script))
}

const PAPER: &str = include_str!("paper.css");
const SHARED: &str = include_str!("shared.css");
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

impl Sheet<'_> {
    fn page(&self, kind: Kind, style: &str, body: &Markup, script: &str) -> String {
        let page = html! {
            (DOCTYPE)
            html lang=(self.lang.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    // The page makes no request; the browser enforces that.
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    link rel="icon" href="data:,";
                    title { (self.script.title) " · " (kind.title(self.lang)) }
                    style { (PreEscaped([SHARED, style].concat())) }
                }
                body class=(kind.name()) {
                    (body)
                    @if !script.is_empty() { script { (PreEscaped(script)) } }
                }
            }
        };
        page.into_string()
    }

    /// The title, with what the page is for.
    fn heading(&self, kind: Kind) -> Markup {
        html! {
            header {
                h1 { (self.inline(&self.script.title)) }
                p.kind { (kind.title(self.lang)) }
            }
        }
    }
}

#[cfg(test)]
mod tests;
