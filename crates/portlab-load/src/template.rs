//! Messages of which each is different: texts with placeholders.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use portlab_service::TextEncoding;
use portlab_words::{Text, tr, units};
use regex::Regex;

use crate::{Lines, unescape};

/// A text with placeholders, from which each message is made.
///
/// | placeholder | stands for |
/// |---|---|
/// | `{seq}` | the number of the message in the run, counted from 0 |
/// | `{conn}` | the number of the connection, counted from 0 |
/// | `{rand:8}` | so many letters and digits, which follow from the seed |
/// | `{line}` | the next line of `--lines` |
///
/// A placeholder is a pair of braces around letters, or around letters, a colon and a value. Every other brace stands for
/// itself, so JSON is sent as it is. `{{seq}}` stands for the text `{seq}`.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Box<[Part]>,
}

#[derive(Clone, Debug)]
enum Part {
    Bytes(Vec<u8>),
    Sequence,
    Connection,
    Random(usize),
    Line(Arc<Lines>),
    /// One of these messages, by the connection's target.
    Target(Vec<Vec<u8>>),
}

/// The numbers that all threads of a run draw from: so no number and no line is taken twice, or left out.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    messages: AtomicU64,
    lines: AtomicU64,
}

/// The longest `{rand:N}`.
const MOST_RANDOM: &str = "64KiB";

impl Template {
    /// Reads a template. The text between placeholders may contain the escapes of [`unescape`], and is sent in
    /// `encoding`.
    ///
    /// # Errors
    /// When a placeholder or an escape is unknown, `{line}` is used without `lines`, or the encoding lacks a character.
    pub fn parse(
        text: &str,
        lines: Option<&Arc<Lines>>,
        encoding: TextEncoding,
    ) -> Result<Self, Text> {
        let (mut parts, mut end) = (Vec::new(), 0);
        let literal = |text: &str, parts: &mut Vec<Part>| {
            let bytes = encoding.encode(&unescape(text)?).map_err(Text::of)?;
            match parts.last_mut() {
                Some(Part::Bytes(before)) => before.extend(bytes),
                _ if bytes.is_empty() => {}
                _ => parts.push(Part::Bytes(bytes)),
            }
            Ok::<_, Text>(())
        };
        for found in PLACEHOLDER.captures_iter(text) {
            let whole = found.get_match();
            literal(&text[end..whole.start()], &mut parts)?;
            match found.get(2) {
                Some(inner) => parts.push(part(inner.as_str(), lines)?),
                None => literal(&text[whole.start() + 1..whole.end() - 1], &mut parts)?,
            }
            end = whole.end();
        }
        literal(&text[end..], &mut parts)?;
        Ok(Self {
            parts: parts.into(),
        })
    }

    /// A message without placeholders.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self {
            parts: Box::new([Part::Bytes(bytes)]),
        }
    }

    /// A message for each target.
    pub fn by_target(messages: Vec<Vec<u8>>) -> Self {
        Self {
            parts: Box::new([Part::Target(messages)]),
        }
    }

    /// The message, if it has no placeholder, so that all messages are alike.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &*self.parts {
            [] => Some(&[]),
            [Part::Bytes(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// Whether messages contain lines of a file.
    pub fn has_lines(&self) -> bool {
        self.parts.iter().any(|it| matches!(it, Part::Line(_)))
    }

    /// Whether each message contains its number.
    pub(crate) fn has_sequence(&self) -> bool {
        self.parts.iter().any(|it| matches!(it, Part::Sequence))
    }

    /// What every message begins with.
    pub(crate) fn beginning(&self) -> &[u8] {
        match self.parts.first() {
            Some(Part::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    /// The text between the placeholders.
    pub(crate) fn literal(&self) -> Vec<u8> {
        let bytes = self.parts.iter().filter_map(|part| match part {
            Part::Bytes(bytes) => Some(&bytes[..]),
            _ => None,
        });
        bytes.collect::<Vec<_>>().concat()
    }

    /// Whether consecutive messages of a connection differ.
    pub(crate) fn differs(&self) -> bool {
        let differs = |part: &Part| match part {
            Part::Bytes(_) | Part::Connection | Part::Target(_) => false,
            Part::Sequence | Part::Random(_) => true,
            Part::Line(lines) => lines.count() > 1,
        };
        self.parts.iter().any(differs)
    }

    /// The lengths of the shortest message and of the longest one.
    pub fn sizes(&self) -> RangeInclusive<usize> {
        let (mut least, mut most) = (0, 0);
        for part in &self.parts {
            let sizes = match part {
                Part::Bytes(bytes) => bytes.len()..=bytes.len(),
                Part::Random(length) => *length..=*length,
                Part::Sequence => 1..=LONGEST_NUMBER,
                Part::Connection => 1..=LONGEST_CONNECTION,
                Part::Line(lines) => lines.sizes(),
                Part::Target(messages) => {
                    let lengths = || messages.iter().map(Vec::len);
                    lengths().min().unwrap_or(0)..=lengths().max().unwrap_or(0)
                }
            };
            least += sizes.start();
            most += sizes.end();
        }
        least..=most
    }

    /// Appends the next message, one of the run's connection `connection`, to `into`; returns its number.
    pub(crate) fn render(
        &self,
        connection: usize,
        numbers: &Numbers,
        random: &mut fastrand::Rng,
        into: &mut Vec<u8>,
    ) -> u64 {
        // Every message has a number, whether it contains the number or not.
        let sequence = numbers.messages.fetch_add(1, Relaxed);
        let mut taken = None;
        for part in &self.parts {
            match part {
                Part::Bytes(bytes) => into.extend_from_slice(bytes),
                Part::Sequence => into.extend_from_slice(sequence.to_string().as_bytes()),
                Part::Connection => into.extend_from_slice(connection.to_string().as_bytes()),
                Part::Random(length) => {
                    let letters = (0..*length).map(|_| random.alphanumeric() as u8);
                    into.extend(letters);
                }
                Part::Line(lines) => {
                    let number = *taken.get_or_insert_with(|| numbers.lines.fetch_add(1, Relaxed));
                    into.extend_from_slice(lines.line(number));
                }
                Part::Target(messages) => {
                    into.extend_from_slice(&messages[connection % messages.len()]);
                }
            }
        }
        sequence
    }
}

/// The digits of the largest number of a message, and of a connection.
const LONGEST_NUMBER: usize = 20;
const LONGEST_CONNECTION: usize = 7;

/// A placeholder, or one in double braces.
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    let inner = "([A-Za-z][A-Za-z0-9]*(?::[A-Za-z0-9]+)?)";
    let either = format!("\\{{\\{{{inner}\\}}\\}}|\\{{{inner}\\}}");
    Regex::new(&either).expect("the expression is valid, as every test shows")
});

fn part(inner: &str, lines: Option<&Arc<Lines>>) -> Result<Part, Text> {
    Ok(match inner.split_once(':') {
        None => match inner {
            "seq" => Part::Sequence,
            "conn" => Part::Connection,
            "line" => Part::Line(Arc::clone(lines.ok_or_else(|| {
                Text::new(
                    "{line} stands for a line of --lines FILE, which is missing",
                    "{line} 代表 --lines FILE 的一行，但没有给出 --lines",
                )
            })?)),
            "rand" => {
                return Err(Text::new(
                    "{rand} needs a length; write {rand:8}",
                    "{rand} 需要长度；请写 {rand:8}",
                ));
            }
            _ => return Err(unknown(inner)),
        },
        Some(("rand", length)) => Part::Random(units::size("1", MOST_RANDOM)(length)?),
        Some((name @ ("seq" | "conn" | "line"), _)) => {
            return Err(tr!(
                "{{{inner}}}: {name} takes no value; write {{{name}}}",
                "{{{inner}}}：{name} 不带值；请写 {{{name}}}"
            ));
        }
        Some(_) => return Err(unknown(inner)),
    })
}

fn unknown(inner: &str) -> Text {
    tr!(
        "unknown placeholder {{{inner}}}: expected {{seq}}, {{conn}}, {{rand:8}} or {{line}}; to send these \
         characters themselves, write {{{{{inner}}}}}",
        "未知的占位符 {{{inner}}}：应为 {{seq}}、{{conn}}、{{rand:8}} 或 {{line}}；要原样发送这几个字符，请写 {{{{{inner}}}}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages that `text` gives, one after another, on connection 7.
    fn rendered<const N: usize>(text: &str) -> [String; N] {
        let lines = Arc::new(Lines::new(b"one\ntwo\n".to_vec()).unwrap());
        let template = template(text, Some(&lines)).unwrap();
        let (numbers, mut random) = (Numbers::default(), fastrand::Rng::with_seed(1));
        std::array::from_fn(|_| {
            let mut message = Vec::new();
            template.render(7, &numbers, &mut random, &mut message);
            assert!(template.sizes().contains(&message.len()), "{message:?}");
            String::from_utf8(message).unwrap()
        })
    }

    fn template(text: &str, lines: Option<&Arc<Lines>>) -> Result<Template, Text> {
        Template::parse(text, lines, TextEncoding::default())
    }

    #[test]
    fn placeholders_stand_for_numbers_random_letters_and_lines() {
        assert_eq!(
            rendered("{seq}:{conn}:{line}\\n"),
            ["0:7:one\n", "1:7:two\n", "2:7:one\n"]
        );
        assert_eq!(rendered("{line}{line} "), ["oneone ", "twotwo "]);
        let [one, two] = rendered("{rand:8}");
        assert_eq!((one.len(), two.len(), one == two), (8, 8, false));
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn other_braces_stand_for_themselves() {
        for (text, expected) in [
            (r#"{"a":{"b":{seq}}}"#, r#"{"a":{"b":0}}"#),
            (
                r#"{"a":1} {} {0} { seq } {a b} {a:} }{"#,
                r#"{"a":1} {} {0} { seq } {a b} {a:} }{"#,
            ),
            ("{{seq}} {{rand:8}} {{x}} {{{seq}", "{seq} {rand:8} {x} {{0"),
            ("\\x7bseq}", "{seq}"),
            ("你{conn}好", "你7好"),
            ("", ""),
        ] {
            assert_eq!(rendered(text), [expected], "{text}");
        }
        assert_eq!(
            template("a{{seq}}b", None).unwrap().bytes(),
            Some(&b"a{seq}b"[..])
        );
        assert_eq!(template("a{seq}", None).unwrap().bytes(), None);
    }

    #[test]
    fn an_unknown_placeholder_is_refused_with_what_may_be_written() {
        for (text, part) in [
            ("{sqe}", "unknown placeholder {sqe}: expected {seq}"),
            ("{a:1}", "write {{a:1}}"),
            ("{rand}", "write {rand:8}"),
            ("{rand:0}", "between 1 and 64KiB"),
            ("{rand:1GiB}", "between 1 and 64KiB"),
            ("{seq:8}", "write {seq}"),
            ("{line}", "--lines"),
            ("\\q{seq}", "unknown escape"),
            ("\\x4{seq}", "unknown escape"),
        ] {
            let error = template(text, None).unwrap_err();
            assert!(error.en.contains(part), "{text}: {error}");
            assert!(!error.zh.is_ascii(), "{error:?}");
        }
    }

    #[test]
    fn only_what_changes_from_message_to_message_makes_messages_differ() {
        for (text, differs) in [
            ("x", false),
            ("{conn}", false),
            ("{seq}", true),
            ("{rand:4}", true),
        ] {
            assert_eq!(template(text, None).unwrap().differs(), differs, "{text}");
        }
    }
}
