//! What an answer must contain, and what it must not.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use portlab_service::{EncodeError, TextEncoding};
use portlab_words::{Text, tr, units};
use regex::bytes::{Regex, RegexBuilder};

use super::{
    Needle, Unmet,
    escape::{escape, unescape, unquote},
    parts, unclosed, unknown, with_ampersands,
};

/// Conditions on the content of an answer, all of which must be met. Without any, every answer is right.
///
/// A copy shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions(Option<Arc<Several>>);

/// At least one condition.
#[derive(Debug)]
pub(crate) struct Several {
    pub(super) all: Vec<Condition>,
    /// The encoding of answers, if it isn't UTF-8. Such answers are decoded: in their bytes, the second half of one
    /// character and the first half of the next may look like a third.
    pub(super) encoding: Option<TextEncoding>,
    /// The conditions as text, by their index; each is made when an answer first fails it.
    names: Vec<OnceLock<&'static str>>,
}

/// A condition on the content of an answer.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Starts(Vec<u8>),
    Contains(Needle),
    Not(Needle),
    Match(Regex),
    /// The answer consists of these bytes.
    Exactly(Arc<[u8]>),
}

/// The condition that an answer fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failing {
    /// The one of this index.
    Condition(usize),
    /// One that needs all of the answer, which is too long.
    TooLong,
}

/// The most memory that a compiled regular expression may need, in bytes.
const MOST_COMPILED: usize = 10 << 20;

impl Conditions {
    /// The most bytes of an answer that are kept for a regular expression, or to be decoded.
    pub const MOST_KEPT: usize = 1 << 20;

    /// Reads conditions such as `starts:OK&not:ERR`.
    ///
    /// # Errors
    /// When a part isn't a condition.
    pub fn parse(text: &str) -> Result<Self, Text> {
        Self::read(&parts(text))
    }

    /// The condition that an answer consists of exactly these `bytes`.
    pub fn exactly(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::of(vec![Condition::Exactly(bytes.into())], None)
    }

    /// Whether `answer`, all of it, meets every condition.
    pub fn are_met_by(&self, answer: &[u8]) -> bool {
        self.judge(answer).is_ok()
    }

    /// Reads conditions such as `starts:OK`, in which `&` stands for itself.
    pub(super) fn read(parts: &[String]) -> Result<Self, Text> {
        let all = parts.iter().map(|part| Condition::read(part));
        Ok(Self::of(all.collect::<Result<_, _>>()?, None))
    }

    fn of(all: Vec<Condition>, encoding: Option<TextEncoding>) -> Self {
        let names = all.iter().map(|_| OnceLock::new()).collect();
        let several = Several {
            all,
            encoding,
            names,
        };
        Self(Some(Arc::new(several)).filter(|it| !it.all.is_empty()))
    }

    /// Whether every answer is right.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn several(&self) -> Option<&Arc<Several>> {
        self.0.as_ref()
    }

    /// The same for answers in `encoding`.
    pub(super) fn in_encoding(self, encoding: TextEncoding) -> Result<Self, EncodeError> {
        let several = match &self.0 {
            Some(several) if encoding.name() != "UTF-8" => several,
            _ => return Ok(self),
        };
        for condition in &several.all {
            if let Some(text) = condition.text() {
                encoding.encode(&text)?;
            }
        }
        Ok(Self::of(several.all.clone(), Some(encoding)))
    }

    /// Each condition as text, in which `&` has its backslash.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let all = self.0.iter().flat_map(|it| &it.all);
        all.map(|it| with_ampersands(&it.to_string()))
    }

    /// Judges an answer that came in one piece.
    ///
    /// # Errors
    /// Names the first condition that it doesn't meet.
    pub(crate) fn judge(&self, answer: &[u8]) -> Result<(), Unmet> {
        let Some(several) = &self.0 else {
            return Ok(());
        };
        several.judge(answer).map_err(|it| several.unmet(it))
    }
}

impl Several {
    pub(crate) fn judge(&self, answer: &[u8]) -> Result<(), Failing> {
        if self.needs_all() && answer.len() > Conditions::MOST_KEPT {
            return Err(Failing::TooLong);
        }
        let mut decoded = String::new();
        let text = match self.encoding {
            Some(encoding) => {
                encoding.decoder().decode(answer, true, &mut decoded);
                decoded.as_bytes()
            }
            None => answer,
        };
        self.all_are_met(|_, condition| match condition {
            Condition::Starts(start) => text.starts_with(start),
            Condition::Contains(needle) => needle.is_in(text),
            Condition::Not(needle) => !needle.is_in(text),
            Condition::Match(regex) => regex.is_match(text),
            Condition::Exactly(bytes) => text == &bytes[..],
        })
    }

    /// Whether `is_met` is true for every condition and its index.
    pub(super) fn all_are_met(
        &self,
        is_met: impl Fn(usize, &Condition) -> bool,
    ) -> Result<(), Failing> {
        let mut all = self.all.iter().enumerate();
        let failing = all.find(|(index, condition)| !is_met(*index, condition));
        failing.map_or(Ok(()), |(index, _)| Err(Failing::Condition(index)))
    }

    /// Whether an answer can only be judged in one piece.
    pub(super) fn needs_all(&self) -> bool {
        let is_regex = |it: &Condition| matches!(it, Condition::Match(_));
        self.encoding.is_some() || self.all.iter().any(is_regex)
    }

    /// The same with the condition as text, by which the error is counted. The text is kept as long as the program runs,
    /// once for each condition.
    pub(super) fn unmet(&self, failing: Failing) -> Unmet {
        let Failing::Condition(index) = failing else {
            return Unmet::TooLong;
        };
        let name = || Box::leak(self.all[index].to_string().into_boxed_str());
        Unmet::Condition(self.names[index].get_or_init(|| name()))
    }
}

impl PartialEq for Several {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all && self.encoding == other.encoding
    }
}

impl Eq for Several {}

impl Condition {
    fn read(part: &str) -> Result<Self, Text> {
        let (name, text) = part.split_once(':').ok_or_else(|| unknown(part))?;
        let text = unquote(text).ok_or_else(|| unclosed(part))?;
        if text.is_empty() {
            return Err(tr!(
                "{part:?} has no text, and every answer would meet or fail it; write a text after {name}:",
                "{part:?} 没有文字，所有响应都会符合或都不符合；请在 {name}: 后写上文字"
            ));
        }
        Ok(match name {
            "starts" => Self::Starts(unescape(text)?.into_bytes()),
            "contains" => Self::Contains(Needle::new(unescape(text)?.as_bytes())),
            "not" => Self::Not(Needle::new(unescape(text)?.as_bytes())),
            "match" => Self::Match(regex(part, text)?),
            _ => return Err(unknown(part)),
        })
    }

    /// Its text; a regular expression and bytes have none.
    fn text(&self) -> Option<String> {
        let bytes = match self {
            Self::Starts(start) => start,
            Self::Contains(needle) | Self::Not(needle) => needle.bytes(),
            Self::Match(_) | Self::Exactly(_) => return None,
        };
        Some(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// Compiles `source`, in which `^` and `$` are the beginning and the end of a line.
fn regex(part: &str, source: &str) -> Result<Regex, Text> {
    let built = RegexBuilder::new(source)
        .multi_line(true)
        .crlf(true)
        .size_limit(MOST_COMPILED)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            let most = units::bytes(MOST_COMPILED as f64);
            tr!(
                "{part:?} would need more than {most} of memory; write smaller repetitions",
                "{part:?} 需要超过 {most} 的内存；请减小重复次数"
            )
        }
        other => {
            // The first lines draw where in the expression the error is.
            let text = other.to_string();
            let why = text.lines().last().unwrap_or_default();
            let why = why.strip_prefix("error: ").unwrap_or(why);
            let Text { en, zh } = match why.contains("not supported") {
                true => Text::new(
                    "use several conditions instead, such as not:TEXT",
                    "请改用几个条件，如 not:TEXT",
                ),
                false => Text::new(
                    "write \\ before a character that stands for itself",
                    "表示字符本身时，请在前面写 \\",
                ),
            };
            tr!(
                "invalid regular expression in {part:?}: {why}; {en}",
                "{part:?} 中的正则表达式无效：{why}；{zh}"
            )
        }
    })
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Starts(_) => "starts",
            Self::Contains(_) => "contains",
            Self::Not(_) => "not",
            Self::Match(regex) => return write!(f, "match:\"{}\"", regex.as_str()),
            Self::Exactly(bytes) => {
                return write!(f, "exactly:{}", units::bytes(bytes.len() as f64));
            }
        };
        let text = escape(&self.text().unwrap_or_default());
        write!(f, "{name}:\"{text}\"")
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exactly(bytes), Self::Exactly(other)) => bytes == other,
            // Other conditions that differ have different texts.
            _ => self.to_string() == other.to_string(),
        }
    }
}
