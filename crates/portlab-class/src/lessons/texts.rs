//! Lessons as data for browsers.
//!
//! The page makes elements of the data, so it needs no markup. Names such as `{port}` have the values of one run.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use portlab_lessons::{
    Code, LESSONS, Lesson, find,
    order::SEED,
    script::{self, Mark, ScriptError, fill, pieces},
    stage::caption,
};
use portlab_words::{Lang, Text};
use serde::{Deserialize, Serialize};

use crate::{
    guard::{is_teacher, refusal},
    room::Room,
};

pub(crate) fn routes() -> Router<Arc<Room>> {
    Router::new()
        .route("/lessons.json", get(async || Json(list())))
        .route("/lesson/{file}", get(lesson))
}

/// A lesson in the list.
#[derive(Serialize)]
struct Entry {
    name: &'static str,
    number: usize,
    title: Text,
    part: Text,
}

fn list() -> Vec<Entry> {
    let lessons = (1..).zip(LESSONS);
    let entries = lessons.map(|(number, lesson)| Entry {
        name: lesson.name,
        number,
        title: both(|lang| lesson.title(lang)),
        part: both(|lang| lesson.part.title(lang)),
    });
    entries.collect()
}

fn both(text: impl Fn(Lang) -> &'static str) -> Text {
    let [en, zh] = Lang::ALL.map(text);
    Text::new(en, zh)
}

#[derive(Deserialize)]
struct Asked {
    lang: Option<String>,
}

/// `GET /lesson/NAME.json?lang=LANG`. Only the teacher's page gets the outcomes.
async fn lesson(
    State(room): State<Arc<Room>>,
    Path(file): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let lang = asked.lang.and_then(|it| it.parse().ok());
    let lesson = file.strip_suffix(".json").and_then(find);
    let Some(lesson) = lesson else {
        return refusal(StatusCode::NOT_FOUND, &UNKNOWN);
    };
    let page = Page::of(
        lesson,
        lang.unwrap_or(room.lang),
        is_teacher(&room, &headers),
    );
    match page {
        Ok(page) => Json(page).into_response(),
        Err(error) => {
            let why = Text::from(error.to_string());
            refusal(StatusCode::INTERNAL_SERVER_ERROR, &why)
        }
    }
}

/// A lesson.
#[derive(Serialize)]
pub(super) struct Page {
    name: &'static str,
    title: Inline,
    goal: Vec<Block>,
    story: Vec<Block>,
    pub(super) steps: Vec<Step>,
    questions: Vec<Question>,
    programs: Vec<Program>,
}

#[derive(Serialize)]
pub(super) struct Step {
    pub(super) key: String,
    pub(super) title: Inline,
    say: Vec<Block>,
    pub(super) ask: Option<Ask>,
    /// What happens, and why; for the teacher's page.
    outcome: Option<Outcome>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Ask {
    pub(super) question: Vec<Block>,
    pub(super) options: Vec<Inline>,
    /// The place of the right answer. Browsers get it in an [`Outcome`].
    #[serde(skip)]
    pub(super) right: usize,
}

#[derive(Serialize)]
struct Outcome {
    right: Option<usize>,
    seen: Vec<Block>,
    claims: Vec<Inline>,
    why: Vec<Block>,
}

/// Something to think about.
#[derive(Serialize)]
struct Question {
    question: Vec<Block>,
    /// For the teacher's page.
    answer: Option<Vec<Block>>,
}

/// A program that can be copied and run.
#[derive(Serialize)]
struct Program {
    file: String,
    text: String,
    command: Option<String>,
    before: &'static str,
}

/// Words with marks: each piece is `[mark, text]`, where the mark is empty, `code` or `strong`.
type Inline = Vec<(&'static str, String)>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Block {
    Paragraph {
        text: Inline,
    },
    Item {
        text: Inline,
    },
    /// Lines that are shown unchanged.
    Lines {
        text: String,
    },
    Code {
        caption: String,
        text: String,
    },
    /// A picture of the lesson's page in Markdown, in words.
    Picture {
        text: String,
    },
}

impl Page {
    /// `lesson` in `lang`; with the outcomes for the teacher.
    pub(super) fn of(lesson: &Lesson, lang: Lang, for_teacher: bool) -> Result<Self, ScriptError> {
        let script = lesson.script_as_shown(lang, SEED)?;
        let programs = lesson.programs(&script, Code::Both).into_iter();
        let programs = programs.map(|it| Program {
            command: command(&it),
            file: it.file,
            text: it.text,
            before: it.before,
        });
        let writer = Writer {
            values: lesson.examples(lang),
            lang,
        };
        let question = |it: &script::Question| Question {
            question: writer.blocks(&it.question),
            answer: for_teacher.then(|| writer.blocks(&it.answer)),
        };
        Ok(Self {
            name: lesson.name,
            title: writer.inline(&script.title),
            goal: writer.blocks(&script.goal),
            story: writer.blocks(&script.story),
            steps: script
                .steps
                .iter()
                .map(|step| writer.step(step, for_teacher))
                .collect(),
            questions: script.questions.iter().map(question).collect(),
            programs: programs.collect(),
        })
    }
}

/// The command that runs a program in the folder into which it was saved.
fn command(program: &portlab_lessons::programs::Program) -> Option<String> {
    let command = program.command(&format!("./{}", program.file))?;
    let here = command.strip_prefix("cd . && ");
    Some(here.map_or_else(|| command.clone(), str::to_owned))
}

/// Writes parts of a text with the values of one run.
struct Writer {
    values: BTreeMap<&'static str, String>,
    lang: Lang,
}

impl Writer {
    fn step(&self, step: &script::Step, for_teacher: bool) -> Step {
        let outcome = || Outcome {
            right: step.ask.as_ref().map(|ask| ask.right),
            seen: self.blocks(&step.seen),
            claims: step.claims.iter().map(|it| self.inline(&it.text)).collect(),
            why: self.blocks(&step.why),
        };
        Step {
            key: step.key.clone(),
            title: self.inline(&step.title),
            say: self.blocks(&step.say),
            ask: step.ask.as_ref().map(|ask| Ask {
                question: self.blocks(&ask.question),
                options: ask.options.iter().map(|it| self.inline(it)).collect(),
                right: ask.right,
            }),
            outcome: for_teacher.then(outcome),
        }
    }

    fn blocks(&self, blocks: &[script::Block]) -> Vec<Block> {
        blocks.iter().map(|block| self.block(block)).collect()
    }

    fn block(&self, block: &script::Block) -> Block {
        match block {
            script::Block::Paragraph(text) => Block::Paragraph {
                text: self.inline(text),
            },
            script::Block::Item(text) => Block::Item {
                text: self.inline(text),
            },
            script::Block::Lines(text) => Block::Lines {
                text: self.filled(text),
            },
            script::Block::Code {
                language,
                file,
                is_whole,
                text,
            } => Block::Code {
                caption: caption(language, file.as_deref(), *is_whole, self.lang),
                text: text.clone(),
            },
            script::Block::Picture { text, .. } => Block::Picture { text: text.clone() },
        }
    }

    fn inline(&self, text: &str) -> Inline {
        let pieces = pieces(text).filter(|(_, piece)| !piece.is_empty());
        let marked = pieces.map(|(mark, piece)| {
            let mark = match mark {
                Mark::Plain => "",
                Mark::Code => "code",
                Mark::Strong => "strong",
            };
            (mark, self.filled(piece))
        });
        marked.collect()
    }

    fn filled(&self, text: &str) -> String {
        fill(text, |name| self.values.get(name).map(String::as_str))
    }
}

const UNKNOWN: Text = Text::new("no such lesson", "没有这节课");

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn json(lesson: &Lesson, lang: Lang, for_teacher: bool) -> Value {
        serde_json::to_value(Page::of(lesson, lang, for_teacher).unwrap()).unwrap()
    }

    /// All keys of objects in `value`.
    fn keys(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (key, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                    found.push(key.clone());
                    keys(value, found);
                }
            }
            Value::Array(values) => values.iter().for_each(|it| keys(it, found)),
            _ => {}
        }
    }

    #[test]
    fn every_lesson_is_data_in_both_languages() {
        for lesson in LESSONS {
            for lang in Lang::ALL {
                let page = json(lesson, lang, true);
                let steps = page["steps"].as_array().unwrap();
                assert!(!steps.is_empty(), "{}", lesson.name);
                for step in steps {
                    let right = &step["outcome"]["right"];
                    assert_eq!(right.is_u64(), step["ask"].is_object(), "{step}");
                }
            }
        }
    }

    #[test]
    fn students_get_no_answer_and_no_outcome() {
        for lesson in LESSONS {
            let mut found = Vec::new();
            keys(&json(lesson, Lang::En, false), &mut found);
            for hidden in ["outcome", "right", "seen", "claims", "why", "answer"] {
                assert!(!found.iter().any(|it| it == hidden), "{}", lesson.name);
            }
            assert!(found.iter().any(|it| it == "say"));
        }
    }

    #[test]
    fn answers_are_in_the_same_order_in_both_languages() {
        for lesson in LESSONS {
            let [en, zh] = Lang::ALL.map(|lang| Page::of(lesson, lang, true).unwrap().steps);
            let asks = |steps: &[Step]| -> Vec<_> {
                let asks = steps.iter().map(|it| it.ask.as_ref());
                asks.map(|ask| ask.map(|it| (it.right, it.options.len())))
                    .collect()
            };
            assert_eq!(asks(&en), asks(&zh), "{}", lesson.name);
        }
    }
}
