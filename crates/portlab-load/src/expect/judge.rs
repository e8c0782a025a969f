//! Judging an answer by its content, piece by piece.

use std::sync::Arc;

use portlab_service::TextEncoding;
use portlab_words::{Text, tr, units};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::{
    Conditions,
    conditions::{Condition, Failing, Several},
};
use crate::Sample;

/// Why an answer isn't right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unmet {
    /// It doesn't meet this condition.
    Condition(&'static str),
    /// It is longer than [`Conditions::MOST_KEPT`], and a condition needs all of it.
    TooLong,
}

/// An answer that isn't as a condition says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WrongAnswer {
    /// Which connection, counted from 0.
    pub connection: usize,
    /// Which answer on it, counted from 0.
    pub answer: u64,
    /// The condition that it doesn't meet; `null` if it is too long to be judged.
    #[serde(rename = "condition", serialize_with = "condition")]
    #[schemars(with = "Option<String>")]
    pub unmet: Unmet,
    /// Its beginning. Bytes that aren't text are escaped.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "String")]
    pub got: Sample,
}

/// The progress of an answer that comes in several pieces. An answer that comes in one piece needs none:
/// [`Conditions::judge`].
#[derive(Debug)]
pub(crate) struct Judge {
    several: Arc<Several>,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    /// How many bytes of each condition's text have been found; `None` if its text can't be found any more.
    Found(Vec<Option<usize>>),
    /// The answer, if it can only be judged in one piece; `None` when it has become too long.
    Kept(Option<Vec<u8>>),
}

fn condition<S: Serializer>(unmet: &Unmet, to: S) -> Result<S::Ok, S::Error> {
    match unmet {
        Unmet::Condition(name) => to.serialize_some(name),
        Unmet::TooLong => to.serialize_none(),
    }
}

fn as_text<S: Serializer>(sample: &Sample, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(sample)
}

impl WrongAnswer {
    /// The same, with its beginning as text in `encoding`.
    pub(crate) fn in_encoding(self, encoding: TextEncoding) -> Self {
        let got = self.got.in_encoding(encoding);
        Self { got, ..self }
    }

    /// Which answer it is, why it isn't right, and how it begins.
    pub fn text(&self) -> Text {
        let Self {
            connection,
            answer,
            unmet,
            got,
        } = self;
        let Text { en, zh } = unmet.text();
        tr!(
            "connection {connection}, answer {answer}: {en}; it begins \"{got}\"",
            "连接 {connection}，第 {answer} 个响应（从 0 数起）：{zh}；开头是 \"{got}\""
        )
    }
}

impl Unmet {
    /// Why the answer isn't right, in words.
    pub fn text(self) -> Text {
        match self {
            Self::Condition(name) => {
                tr!("what came doesn't meet {name}", "收到的内容不符合 {name}")
            }
            Self::TooLong => {
                let most = units::bytes(Conditions::MOST_KEPT as f64);
                tr!(
                    "what came is longer than {most}, the limit for match: and for an --encoding",
                    "收到的内容超过 {most}，这是 match: 和 --encoding 的上限"
                )
            }
        }
    }

    /// What to do about it.
    pub(crate) fn hint(self) -> Text {
        match self {
            Self::Condition(_) => Text::new(
                "if the server is right, change the condition; portlab connect shows what it sends",
                "如果服务端没有错，请修改条件；portlab connect 可以显示它发送了什么",
            ),
            Self::TooLong => Text::new(
                "use starts:, contains: or not: with UTF-8, which need only a part of the answer at a time",
                "请使用 starts:、contains: 或 not:，并用 UTF-8 编码，它们可以分段核对",
            ),
        }
    }
}

impl Judge {
    /// The judge of an answer before its first byte; `None` without conditions.
    pub(crate) fn begin(conditions: &Conditions) -> Option<Self> {
        let several = conditions.several()?;
        let progress = match several.needs_all() {
            true => Progress::Kept(Some(Vec::new())),
            false => Progress::Found(vec![Some(0); several.all.len()]),
        };
        Some(Self {
            several: Arc::clone(several),
            progress,
        })
    }

    /// Takes the next bytes of the answer.
    pub(crate) fn take(&mut self, piece: &[u8]) {
        let found = match &mut self.progress {
            Progress::Kept(kept) => {
                kept.take_if(|it| it.len() + piece.len() > Conditions::MOST_KEPT);
                return kept.iter_mut().for_each(|it| it.extend_from_slice(piece));
            }
            Progress::Found(found) => found,
        };
        for (condition, found) in self.several.all.iter().zip(found) {
            let Some(matched) = found else { continue };
            match condition {
                Condition::Starts(start) => {
                    let rest = &start[*matched..];
                    let length = rest.len().min(piece.len());
                    match rest[..length] == piece[..length] {
                        true => *matched += length,
                        false => *found = None,
                    }
                }
                Condition::Contains(needle) | Condition::Not(needle) => {
                    if *matched < needle.bytes().len() {
                        needle.find(matched, piece);
                    }
                }
                Condition::Exactly(bytes) => match bytes[*matched..].starts_with(piece) {
                    true => *matched += piece.len(),
                    false => *found = None,
                },
                Condition::Match(_) => {}
            }
        }
    }

    /// The answer is complete.
    ///
    /// # Errors
    /// Names the first condition that it doesn't meet.
    pub(crate) fn end(self) -> Result<(), Unmet> {
        self.failing().map_err(|it| self.several.unmet(it))
    }

    pub(crate) fn failing(&self) -> Result<(), Failing> {
        let found = match &self.progress {
            Progress::Kept(kept) => {
                return self.several.judge(kept.as_ref().ok_or(Failing::TooLong)?);
            }
            Progress::Found(found) => found,
        };
        self.several
            .all_are_met(|index, condition| match condition {
                Condition::Starts(start) => found[index] == Some(start.len()),
                Condition::Exactly(bytes) => found[index] == Some(bytes.len()),
                Condition::Contains(needle) => found[index] == Some(needle.bytes().len()),
                Condition::Not(needle) => found[index] != Some(needle.bytes().len()),
                Condition::Match(_) => unreachable!("such an answer is kept"),
            })
    }
}
