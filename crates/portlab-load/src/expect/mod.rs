//! What counts as an answer: where it ends, and what it contains.

mod conditions;
mod escape;
mod framing;
mod judge;
mod needle;

use std::{fmt, str::FromStr};

use portlab_service::{EncodeError, TextEncoding, nearest};
use portlab_words::{Text, narrow, tr};

pub use conditions::Conditions;
pub use escape::unescape;
pub use framing::Framing;
pub(crate) use judge::Judge;
pub use judge::{Unmet, WrongAnswer};
pub(crate) use needle::Needle;

use crate::Http;

/// What counts as the answer to a message: where it ends, and what it contains.
///
/// As text, its parts are joined by `&`, as in `until:"\r\n"&starts:"OK"&not:"ERR"`: one that says where the answer ends,
/// and any number of conditions. In every part, `\&` stands for an `&`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// Where an answer ends.
    pub framing: Framing,
    /// What it contains. None with [`Framing::Echo`], which compares every byte, and with [`Framing::Nothing`].
    pub conditions: Conditions,
    /// The encoding of answers.
    pub encoding: TextEncoding,
}

/// The beginnings of what says where an answer ends.
const ENDS: [&str; 7] = [
    "echo", "bytes:", "until:", "lines:", "close", "datagram", "none",
];

/// The beginnings of conditions.
const CONDITIONS: [&str; 4] = ["starts:", "contains:", "match:", "not:"];

impl From<Framing> for Expect {
    /// Any answer that ends so.
    fn from(framing: Framing) -> Self {
        Self {
            framing,
            conditions: Conditions::default(),
            encoding: TextEncoding::default(),
        }
    }
}

impl Expect {
    /// The same, as a greeting.
    ///
    /// # Errors
    /// When a greeting can't end so.
    pub fn as_greeting(self) -> Result<Self, Text> {
        match &self.framing {
            Framing::Bytes(_) | Framing::Until(_) | Framing::Lines(_) => Ok(self),
            other => Err(tr!(
                "invalid greeting {other}: expected until:\"\\r\\n\", lines:1 or bytes:100",
                "{other} 不能用作欢迎信息；请写 until:\"\\r\\n\"、lines:1 或 bytes:100"
            )),
        }
    }

    /// The same for answers in `encoding`. What was read from the command line is UTF-8.
    ///
    /// # Errors
    /// When the encoding lacks a character of a text.
    pub fn in_encoding(self, encoding: TextEncoding) -> Result<Self, EncodeError> {
        Ok(Self {
            framing: match self.framing {
                Framing::Until(end) => {
                    let end = String::from_utf8_lossy(end.bytes());
                    Framing::Until(Needle::new(&encoding.encode(&end)?))
                }
                other => other,
            },
            conditions: self.conditions.in_encoding(encoding)?,
            encoding,
        })
    }
}

/// An expectation as it is written: it may leave out where the answer ends, because HTTP says that itself.
#[derive(Clone, Debug)]
pub struct Expectation {
    text: String,
    framing: Option<Framing>,
    conditions: Conditions,
}

impl Expectation {
    /// The expectation of answers whose end it says.
    ///
    /// # Errors
    /// When it doesn't say where the answer ends, or when conditions mean nothing there.
    pub fn with_its_end(self) -> Result<Expect, Text> {
        let Self {
            text,
            framing,
            conditions,
        } = self;
        let Some(framing) = framing else {
            return Err(tr!(
                "{text:?} doesn't say where the answer ends; add that, as in 'lines:1&{text}' or 'close&{text}'",
                "{text:?} 没有说明响应怎样结束；请加上，如 'lines:1&{text}' 或 'close&{text}'"
            ));
        };
        if !conditions.is_empty() && matches!(framing, Framing::Echo | Framing::Nothing) {
            let why = match framing {
                Framing::Echo => Text::new(
                    "an echo is compared byte by byte already",
                    "回显已经逐字节核对",
                ),
                _ => Text::new("no answer is awaited", "不等待响应"),
            };
            let Text { en, zh } = why;
            return Err(tr!(
                "{text:?} has a condition, and {en}; write {framing} alone, or another end, such as lines:1 or close",
                "{text:?} 带有条件，而{zh}；请只写 {framing}，或换一种结尾，如 lines:1 或 close"
            ));
        }
        Ok(Expect {
            conditions,
            ..framing.into()
        })
    }

    /// The expectation of answers of HTTP: its conditions apply to their bodies.
    ///
    /// # Errors
    /// When it says where the answer ends.
    pub fn of_http(self, http: Http) -> Result<Expect, Text> {
        if let Some(framing) = self.framing {
            return Err(tr!(
                "--expect {framing} says where the answer ends, and with a URL HTTP says that itself; write conditions \
                 alone, as in --expect contains:TEXT",
                "--expect {framing} 说明响应怎样结束，而用网址时由 HTTP 决定；请只写条件，如 --expect contains:TEXT"
            ));
        }
        Ok(Expect {
            conditions: self.conditions,
            ..Framing::Http(http).into()
        })
    }
}

impl FromStr for Expectation {
    type Err = Text;

    fn from_str(text: &str) -> Result<Self, Text> {
        let (mut framing, mut conditions) = (None, Vec::new());
        for part in parts(text) {
            if CONDITIONS.iter().any(|it| part.starts_with(it)) {
                conditions.push(part);
            } else if let Some(first) = framing.replace(part.parse::<Framing>()?) {
                return Err(tr!(
                    "{text:?} says twice where the answer ends ({first}, and {part}); keep one of them",
                    "{text:?} 两次说明响应怎样结束（{first} 和 {part}）；请只保留一个"
                ));
            }
        }
        Ok(Self {
            text: text.to_owned(),
            framing,
            conditions: Conditions::read(&conditions)?,
        })
    }
}

impl FromStr for Expect {
    type Err = Text;

    fn from_str(text: &str) -> Result<Self, Text> {
        text.parse::<Expectation>()?.with_its_end()
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_ampersands(&self.framing.text(self.encoding)))?;
        for name in self.conditions.names() {
            write!(f, "&{name}")?;
        }
        Ok(())
    }
}

/// The parts of an expectation, without the backslashes that stand before an `&`. The names of conditions, and what joins
/// them, may have the characters of a Chinese keyboard.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let part = parts.last_mut().expect("there is always a part");
        match (character, characters.clone().next()) {
            ('&', _) => parts.push(String::new()),
            ('＆', _) if condition(characters.as_str()).is_some() => parts.push(String::new()),
            ('\\', Some(next)) => {
                part.extend((next != '&').then_some('\\'));
                part.push(next);
                characters.next();
            }
            _ => part.push(character),
        }
    }
    let ascii = |part: String| match condition(&part) {
        Some((name, text)) => format!("{name}{text}"),
        None => part,
    };
    parts.into_iter().map(ascii).collect()
}

/// The name of the condition that `part` is, with its colon, and what stands behind it.
fn condition(part: &str) -> Option<(&'static str, &str)> {
    let (name, text) = part.split_once([':', '：'])?;
    let name = narrow(name) + ":";
    let known = CONDITIONS.into_iter().find(|it| *it == name)?;
    Some((known, text))
}

/// A part of an expectation, with a backslash before each `&`.
fn with_ampersands(part: &str) -> String {
    part.replace('&', "\\&")
}

/// The error of a part whose name is unknown.
fn unknown(part: &str) -> Text {
    let name = part.find(':').map_or(part, |colon| &part[..=colon]);
    let Text { en, zh } = match nearest(name, ENDS.into_iter().chain(CONDITIONS)) {
        Some(near) => tr!("; did you mean {near:?}?", "；您是指 {near:?} 吗？"),
        None => Text::new(".", "。"),
    };
    tr!(
        "unknown expectation {part:?}{en} Where an answer ends is one of echo, bytes:100, until:\\r\\n, lines:1, close, \
         datagram and none; conditions on it are starts:TEXT, contains:TEXT, match:REGEX and not:TEXT, each joined by & (write \
         \\& for an & in a text)",
        "未知的响应形式 {part:?}{zh}响应的结尾是 echo、bytes:100、until:\\r\\n、lines:1、close、datagram 和 none 之一；条件有 \
         starts:TEXT、contains:TEXT、match:REGEX 和 not:TEXT，用 & 连接（文字里的 & 写作 \\&）"
    )
}

/// The error of a text that begins with a quotation mark and doesn't end with one.
fn unclosed(part: &str) -> Text {
    tr!(
        "the text in {part:?} begins with a quotation mark and doesn't end with one; add it, and write \\& for an & in \
         the text; if the text itself begins with a mark, put the whole text in marks",
        "{part:?} 的文字以引号开头，却没有以引号结尾；请补上；文字里的 & 写作 \\&；如果文字本身以引号开头，请给整段文字加上引号"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Expect {
        text.parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn conditions_are_joined_by_an_ampersand() {
        for (text, written) in [
            ("lines:1&starts:OK", "lines:1&starts:\"OK\""),
            ("not:ERR&close", "close&not:\"ERR\""),
            (
                "until:\"\\r\\n\"&starts:\"OK \"&not:ERR&match:^OK \\d+$",
                "until:\"\\r\\n\"&starts:\"OK \"&not:\"ERR\"&match:\"^OK \\d+$\"",
            ),
            (
                "until:\\&\\&&contains:a\\&b",
                "until:\"\\&\\&\"&contains:\"a\\&b\"",
            ),
            ("lines:1&contains:\"\"ok\"\"", "lines:1&contains:\"\"ok\"\""),
            (
                "lines:1&match:[a-z\\&\\&[^x]]",
                "lines:1&match:\"[a-z\\&\\&[^x]]\"",
            ),
            ("lines:1&match:a\\\\\\&b", "lines:1&match:\"a\\\\\\&b\""),
            // Texts stay as they are.
            (
                "lines:1& ｓtarts：a：＆b＆not：，",
                "lines:1&starts:\"a：＆b\"&not:\"，\"",
            ),
        ] {
            assert_eq!(read(text).to_string(), written);
            assert_eq!(read(written), read(text));
        }
    }

    #[test]
    fn a_wrong_expectation_is_refused_with_the_remedy() {
        for (text, part) in [
            ("lines:1&", "unknown expectation \"\""),
            ("ehco", "bytes:100"),
            ("bytes:x", "4KiB"),
            ("bytes:18446744073709551616", "between 0 and 1TiB"),
            ("lines:99999999999999999999", "between 0 and 1T"),
            ("bytes:0", "none"),
            ("until:", "none"),
            ("until:\\xff", "\\x7f"),
            ("until:\\x", "\\x7f"),
            ("lines:1&stars:OK", "did you mean \"starts:\"?"),
            ("lines:1&contains", "did you mean \"contains:\"?"),
            ("until:a&b", "\\& for an &"),
            ("starts:OK", "'lines:1&starts:OK'"),
            ("lines:1&close", "says twice"),
            ("echo&starts:OK", "compared byte by byte"),
            ("none&not:OK", "no answer is awaited"),
            ("lines:1&starts:", "after starts:"),
            ("lines:1&match:\"\"", "after match:"),
            ("lines:1&contains:\"a", "quotation mark"),
            ("lines:1&starts:\\q", "\\r \\n"),
            ("lines:1&match:(", "unclosed group"),
            ("lines:1&match:\\w{9999}", "10.0 MiB"),
        ] {
            let error = text.parse::<Expect>().unwrap_err();
            assert!(error.en.contains(part), "{text}: {error}");
            assert!(!error.zh.is_ascii(), "{error:?}");
        }
    }

    #[test]
    fn an_answer_is_right_if_it_meets_every_condition() {
        for (conditions, right, wrong) in [
            (
                "starts:OK",
                &["OK\n", "OK then\n"][..],
                &["ok\n", "O", ""][..],
            ),
            (
                "starts:a&contains:b&not:c",
                &["a b\n"],
                &["b a\n", "a\n", "a b c\n"],
            ),
            // The beginning and the end of a line, whichever its end is.
            (
                "match:^OK$",
                &["OK\n", "OK\r\n", "x\r\nOK\r\ny\r\n"],
                &["OK.\n"],
            ),
            ("match:\\A.K\\b", &["好K\n"], &["x\nOK\n"]),
        ] {
            let expect = read(&format!("close&{conditions}"));
            for (answers, met) in [(right, true), (wrong, false)] {
                for answer in answers {
                    let judged = judged(&expect.conditions, answer.as_bytes(), 3);
                    assert_eq!(judged.is_ok(), met, "{conditions}: {answer:?}");
                }
            }
        }
    }

    #[test]
    fn an_answer_is_compared_with_the_bytes_that_it_must_consist_of() {
        let conditions = Conditions::exactly(*b"\0abab");
        for (answer, met) in [
            (&b"\0abab"[..], true),
            (b"\0aba", false),
            (b"\0ababa", false),
            (b"\0abbb", false),
            (b"", false),
        ] {
            for piece in 1..=6 {
                let expected = match met {
                    true => Ok(()),
                    false => Err(Unmet::Condition("exactly:5 B")),
                };
                assert_eq!(judged(&conditions, answer, piece), expected, "{answer:?}");
            }
        }
        assert_ne!(conditions, Conditions::exactly(*b"\0abac"));
    }

    #[test]
    fn the_condition_that_fails_is_named() {
        let conditions = read("close&starts:a&not:\"b\\&\"&not:c").conditions;
        assert_eq!(
            judged(&conditions, b"abc b& c", 2),
            Err(Unmet::Condition("not:\"b&\""))
        );
    }

    #[test]
    fn a_regular_expression_needs_the_answer_whole_and_within_a_limit() {
        let long = "x".repeat(Conditions::MOST_KEPT);
        let conditions = read("close&match:x$").conditions;
        assert_eq!(judged(&conditions, long.as_bytes(), 1 << 16), Ok(()));
        let longer = long + "x";
        for (text, expected) in [("match:x$", Err(Unmet::TooLong)), ("not:y", Ok(()))] {
            let conditions = read(&format!("close&{text}")).conditions;
            assert_eq!(judged(&conditions, longer.as_bytes(), 1 << 16), expected);
        }
    }

    #[test]
    fn an_answer_in_another_encoding_is_judged_by_its_characters() {
        let gbk: TextEncoding = "gbk".parse().unwrap();
        let answer = gbk.encode("你好\n").unwrap();
        for (text, met) in [
            ("starts:你", true),
            ("contains:好", true),
            ("not:\u{7584}", true),
            ("match:^.好$", true),
            ("contains:\u{3f3}", false),
        ] {
            let expect = read(&format!("lines:1&{text}"));
            let judged = expect
                .in_encoding(gbk)
                .map(|it| judged(&it.conditions, &answer, 1).is_ok());
            // GBK lacks the last character.
            assert_eq!(judged.unwrap_or(false), met, "{text}");
        }
        let until = read("until:\"好\\r\\n\"");
        let text = until.to_string();
        assert_eq!(until.in_encoding(gbk).unwrap().to_string(), text);
        // The second byte of one character and the first one of the next are a third.
        let middle = gbk.encode("你好").unwrap()[1..3].to_vec();
        let mut third = String::new();
        gbk.decoder().decode(&middle, true, &mut third);
        let expect = read(&format!("lines:1&not:{third}"));
        let conditions = expect.in_encoding(gbk).unwrap().conditions;
        assert_eq!(judged(&conditions, &answer, 5), Ok(()), "{third}");
    }

    /// The verdict on `answer`, which must be the same in one piece and in pieces of `piece` bytes.
    fn judged(conditions: &Conditions, answer: &[u8], piece: usize) -> Result<(), Unmet> {
        let whole = conditions.judge(answer);
        let mut judge = Judge::begin(conditions).unwrap();
        answer.chunks(piece).for_each(|it| judge.take(it));
        assert_eq!(judge.end(), whole, "{conditions:?} {answer:?}");
        whole
    }

    proptest! {
        #[test]
        fn a_verdict_does_not_depend_on_where_reads_cut(
            conditions in prop::collection::vec("(starts|contains|not|match):[ab]{1,3}", 1..4),
            answer in "[ab]{0,12}",
            piece in 1..5_usize,
        ) {
            let expect = read(&format!("close&{}", conditions.join("&")));
            let verdict = judged(&expect.conditions, answer.as_bytes(), piece);
            let met = conditions.iter().all(|it| match it.split_once(':').unwrap() {
                ("starts", text) => answer.starts_with(text),
                ("not", text) => !answer.contains(text),
                (_, text) => answer.contains(text),
            });
            prop_assert_eq!(verdict.is_ok(), met);
        }
    }
}
