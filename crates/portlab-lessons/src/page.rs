//! A lesson as a page in Markdown, for reading and teaching.

use std::collections::BTreeMap;

use portlab_words::{Lang, Text};

use crate::{
    lesson::Lesson,
    lessons::LESSONS,
    order::SEED,
    script::{Block, ScriptError, Step, fill},
    stage::caption,
    words,
};

/// The command that renews the pages.
pub const RENEW: &str = ".ci/renew";

/// The sources of the models, from a page.
const SOURCES: &str = "../../../crates/portlab-backends/src";

/// The pictures, from a page.
const PICTURES: &str = "../../images";

/// The page of a lesson, in Markdown, for `docs/lessons/LANG/NAME.md`.
///
/// # Errors
/// When the lesson's text breaks the format.
pub fn page(lesson: &Lesson, lang: Lang) -> Result<String, ScriptError> {
    let script = lesson.script_as_shown(lang, SEED)?;
    let mut page = Page {
        text: String::new(),
        lesson,
        lang,
        examples: lesson.examples(lang),
    };
    page.line(&format!("# {}", page.filled(&script.title)));
    page.line(&format!("<!-- {RENEW} -->"));
    let place = LESSONS.iter().position(|it| it.name == lesson.name);
    page.around(place.unwrap_or(0));
    page.heading(&words::GOAL);
    page.blocks(&script.goal);
    page.heading(&words::STORY);
    page.blocks(&script.story);
    page.heading(&words::RUN_IT);
    page.line(&format!(
        "```sh\nportlab lesson {} --lang {lang}\n```",
        lesson.name
    ));
    if script.steps.iter().any(|step| step.ask.is_some()) {
        page.line(&words::seed_of_page(lang));
    }
    if script.blocks().any(|block| block.python().is_some()) {
        page.line(words::PIECES.pick(lang));
    }
    page.heading(&words::STEP_BY_STEP);
    for (number, step) in (1..).zip(&script.steps) {
        page.step(number, step);
    }
    if !script.questions.is_empty() {
        page.heading(&words::THINK);
    }
    for question in &script.questions {
        page.blocks(&question.question);
        page.hidden(&words::ANSWER, |page| page.blocks(&question.answer));
    }
    Ok(page.text.trim_end().to_owned() + "\n")
}

/// The index of all pages.
pub fn index() -> String {
    let mut index = "# Lessons · 课程\n\n".to_owned();
    index += &format!("<!-- {RENEW} -->\n\n");
    index += "```sh\nportlab lesson              # the list · 列表\n\
              portlab lesson ports        # one of them, step by step · 一步一步\n\
              portlab lesson ports --auto # by itself · 自动\n\
              portlab lesson client --step yours # from a step on · 从某一步开始\n\
              portlab lesson client --save . # its programs as files · 把程序存成文件\n\
              portlab lesson client --export worksheet . # to print · 打印用的学习单\n```\n\n\
              [How to teach with them · 怎样用来上课](../teaching.md)\n";
    let mut part = None;
    for (number, lesson) in (1..).zip(LESSONS) {
        if part != Some(lesson.part) {
            part = Some(lesson.part);
            let [en, zh] = Lang::ALL.map(|lang| lesson.part.title(lang));
            index += &format!(
                "\n## {en} · {zh}\n\n| | `portlab lesson` | English | 中文 |\n|--:|---|---|---|\n"
            );
        }
        let [en, zh] = Lang::ALL.map(|lang| lesson.title(lang));
        let name = lesson.name;
        index +=
            &format!("| {number} | `{name}` | [{en}](en/{name}.md) | [{zh}](zh/{name}.md) |\n");
    }
    index
}

/// The index as it stands in the README of `lang`: a line per part of the course.
pub fn short_index(lang: Lang) -> String {
    let mut index = String::new();
    let mut part = None;
    for lesson in LESSONS {
        let name = lesson.name;
        if part == Some(lesson.part) {
            index += " ·\n";
        } else {
            part = Some(lesson.part);
            index += if index.is_empty() { "" } else { "\n" };
            let colon = lang.pick(":", "：");
            index += &format!("- **{}**{colon}\n", lesson.part.title(lang));
        }
        let title = match lang {
            Lang::En => String::new(),
            Lang::Zh => format!(" {}", lesson.short_title(lang)),
        };
        index += &format!("  [{name}{title}](docs/lessons/{lang}/{name}.md)");
    }
    index + "\n"
}

struct Page<'a> {
    text: String,
    lesson: &'a Lesson,
    lang: Lang,
    examples: BTreeMap<&'static str, String>,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text += line;
        self.text += "\n\n";
    }

    fn heading(&mut self, text: &Text) {
        self.line(&format!("## {}", text.pick(self.lang)));
    }

    /// Links to the lessons before and after, and to the same lesson in the other language.
    fn around(&mut self, place: usize) {
        let other = self.lang.pick(("zh", "中文"), ("en", "English"));
        let mut links = vec![
            format!("[{}](../{}/{}.md)", other.1, other.0, self.lesson.name),
            "[↑](../README.md)".to_owned(),
        ];
        if let Some(before) = LESSONS[..place].last() {
            let (title, name) = (before.title(self.lang), before.name);
            links.push(format!("[← {title}]({name}.md)"));
        }
        if let Some(after) = LESSONS.get(place + 1) {
            links.push(format!("[{} →]({}.md)", after.title(self.lang), after.name));
        }
        self.line(&links.join(" · "));
    }

    fn step(&mut self, number: usize, step: &Step) {
        self.line(&format!("### {number}. {}", self.filled(&step.title)));
        self.blocks(&step.say);
        let Some(ask) = &step.ask else {
            self.outcome(step);
            if !step.why.is_empty() {
                self.line(&format!("**{}**", words::WHY.pick(self.lang)));
                self.blocks(&step.why);
            }
            return;
        };
        self.line(&format!("**{}**", words::GUESS.pick(self.lang)));
        self.blocks(&ask.question);
        for (number, option) in (1..).zip(&ask.options) {
            self.text += &format!("{number}. {}\n", self.filled(option));
        }
        self.text.push('\n');
        self.hidden(&words::OUTCOME_ON_PAGE, |page| {
            let right = page.filled(&ask.options[ask.right]);
            page.line(&format!("**{}** {right}", ask.right + 1));
            page.outcome(step);
        });
        if !step.why.is_empty() {
            self.hidden(&words::WHY, |page| page.blocks(&step.why));
        }
    }

    fn outcome(&mut self, step: &Step) {
        self.line(&format!("**{}**", words::SEEN_ONCE.pick(self.lang)));
        self.blocks(&step.seen);
        for claim in &step.claims {
            self.text += &format!("- ✓ {}\n", self.filled(&claim.text));
        }
        self.text.push('\n');
    }

    /// Folded content: the reader opens it after thinking.
    fn hidden(&mut self, text: &Text, show: impl FnOnce(&mut Self)) {
        let summary = text.pick(self.lang);
        self.line(&format!("<details><summary>{summary}</summary>"));
        show(self);
        self.line("</details>");
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for (at, block) in blocks.iter().enumerate() {
            match block {
                Block::Paragraph(text) => self.line(&self.filled(text)),
                Block::Item(text) => {
                    self.text += &format!("- {}\n", self.filled(text));
                    if !matches!(blocks.get(at + 1), Some(Block::Item(_))) {
                        self.text.push('\n');
                    }
                }
                Block::Picture { text, file } => {
                    self.line(&format!("![{text}]({PICTURES}/{file})"));
                }
                Block::Lines(text) => self.line(&format!("```text\n{}\n```", self.filled(text))),
                Block::Code {
                    language,
                    file,
                    is_whole,
                    text,
                } => {
                    if language != "sh" {
                        let caption = caption(language, file.as_deref(), *is_whole, self.lang);
                        self.line(&match file.as_deref().filter(|file| file.contains('/')) {
                            Some(file) => {
                                caption.replace(file, &format!("[{file}]({SOURCES}/{file})"))
                            }
                            None => caption,
                        });
                    }
                    self.line(&format!("```{language}\n{text}\n```"));
                }
            }
        }
    }

    fn filled(&self, text: &str) -> String {
        fill(text, |name| self.examples.get(name).map(String::as_str))
    }
}
