//! Texts with placeholders, from which answers are made.

use jiff::ZonedDateTime;
use portlab_load::unescape;
use portlab_words::{Text, tr};

use crate::{PeerId, Speech};

/// A text with placeholders.
///
/// | placeholder | stands for |
/// |---|---|
/// | `{echo}` | the received bytes, unchanged |
/// | `{text}` | the received text |
/// | `{length}` | the number of received bytes |
/// | `{time}` | the date and time of this machine |
/// | `{seq}` | the number of the answer, counted from 1 |
/// | `{peer}` | the number of the peer |
///
/// A placeholder is a pair of braces around letters; `{{seq}}` stands for the text `{seq}`, and every other brace for
/// itself. The text may have the escapes `\r \n \t \0 \\ \x41`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Echo,
    Received,
    Length,
    Time,
    Seq,
    Peer,
}

/// What the placeholders stand for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) text: &'a str,
    pub(crate) seq: u64,
    pub(crate) peer: PeerId,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When a placeholder or an escape is unknown.
    pub fn parse(text: &str) -> Result<Self, Text> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, name, escaped, after)) = placeholder(rest) {
            literal(before, &mut parts)?;
            match escaped {
                true => literal(&format!("{{{name}}}"), &mut parts)?,
                false => parts.push(Part::named(name)?),
            }
            rest = after;
        }
        literal(rest, &mut parts)?;
        Ok(Self(parts))
    }

    /// Checks that the encoding has every character of the text.
    ///
    /// # Errors
    /// When it lacks one.
    pub fn check(&self, speech: Speech) -> Result<(), Text> {
        self.render(Moment::default(), speech).map(drop)
    }

    /// The answer of this moment, in bytes, with the line end of `speech`.
    pub(crate) fn render(&self, moment: Moment, speech: Speech) -> Result<Vec<u8>, Text> {
        let encode = |text: &str| speech.encoding.encode(text).map_err(Text::of);
        let mut bytes = Vec::new();
        for part in &self.0 {
            let encoded = match part {
                Part::Echo => moment.bytes.to_vec(),
                Part::Text(text) => encode(text)?,
                Part::Received => encode(moment.text)?,
                Part::Length => encode(&moment.bytes.len().to_string())?,
                Part::Time => encode(&ZonedDateTime::now().strftime("%F %T").to_string())?,
                Part::Seq => encode(&moment.seq.to_string())?,
                Part::Peer => encode(&moment.peer.0.to_string())?,
            };
            bytes.extend(encoded);
        }
        bytes.extend(encode(speech.eol.text())?);
        Ok(bytes)
    }
}

impl Part {
    fn named(name: &str) -> Result<Self, Text> {
        Ok(match name {
            "echo" => Self::Echo,
            "text" => Self::Received,
            "length" => Self::Length,
            "time" => Self::Time,
            "seq" => Self::Seq,
            "peer" => Self::Peer,
            _ => {
                return Err(tr!(
                    "unknown placeholder {{{name}}}: expected {{echo}}, {{text}}, {{length}}, {{time}}, {{seq}} or {{peer}}; \
                     for the characters themselves write {{{{{name}}}}}",
                    "没有 {{{name}}} 这个占位符：可以用 {{echo}}、{{text}}、{{length}}、{{time}}、{{seq}}、{{peer}}；\
                     要发送这几个字符本身，请写 {{{{{name}}}}}"
                ));
            }
        })
    }
}

/// The first placeholder: the text before it, its name, whether it stands for its own characters, and the text behind.
fn placeholder(text: &str) -> Option<(&str, &str, bool, &str)> {
    for (open, _) in text.match_indices('{') {
        let inner = &text[open + 1..];
        let length = inner.bytes().take_while(u8::is_ascii_lowercase).count();
        let (name, behind) = inner.split_at(length);
        let Some(behind) = behind.strip_prefix('}').filter(|_| length > 0) else {
            continue;
        };
        return Some(
            match (text[..open].strip_suffix('{'), behind.strip_prefix('}')) {
                (Some(before), Some(after)) => (before, name, true, after),
                _ => (&text[..open], name, false, behind),
            },
        );
    }
    None
}

fn literal(text: &str, parts: &mut Vec<Part>) -> Result<(), Text> {
    if !text.is_empty() {
        parts.push(Part::Text(unescape(text)?));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &str, speech: Speech) -> Result<Vec<u8>, Text> {
        let moment = Moment {
            bytes: b"\xc4\xe3",
            text: "你",
            seq: 7,
            peer: PeerId(2),
        };
        Template::parse(template)?.render(moment, speech)
    }

    #[test]
    fn placeholders_are_filled_and_other_braces_stay() {
        let said = |template| String::from_utf8(render(template, Speech::default()).unwrap());
        assert_eq!(
            said("{text}/{length}/{seq}/{peer}\\n").unwrap(),
            "你/2/7/2\n"
        );
        assert_eq!(
            said(r#"{"a": {{seq}}, {}}"#).unwrap(),
            r#"{"a": {seq}, {}}"#
        );
        assert_eq!(said("{time}").unwrap().len(), "2026-11-29 08:00:00".len());
    }

    #[test]
    fn texts_are_encoded_and_the_echo_is_not() {
        let speech = Speech {
            encoding: "gbk".parse().unwrap(),
            eol: crate::Eol::CrLf,
        };
        assert_eq!(render("{echo}好", speech).unwrap(), b"\xc4\xe3\xba\xc3\r\n");
        let error = render("😀", speech).unwrap_err().to_string();
        assert!(error.contains('😀') && error.contains("GBK"), "{error}");
    }

    #[test]
    fn an_unknown_placeholder_is_refused_with_the_known_ones() {
        let error = render("{sek}", Speech::default()).unwrap_err();
        for text in [&error.en, &error.zh] {
            assert!(text.contains("{sek}") && text.contains("{seq}"), "{text}");
        }
    }
}
