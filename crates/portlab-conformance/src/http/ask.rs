//! What a rule sends: a row's text, turned into bytes and pauses.

use std::{fmt::Write as _, net::SocketAddr};

use super::known::Known;

/// What is sent on one connection.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) steps: Vec<Step>,
    addr: SocketAddr,
}

/// One step of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `{a*9000}`, `{host}` and other text: sends these bytes in one write.
    Send(Vec<u8>),
    /// `{wait}`: waits for a moment, in which nothing may come.
    Wait,
    /// `{then}`: waits for a moment, so that the server reads what was sent before it.
    Pause,
    /// `{continue}`: waits for an answer; the rest is sent only if it is `100 Continue`.
    Continue,
    /// `{new}`: goes on with another connection, of which the next answer is read.
    New,
    /// `{end}`: sends a FIN.
    End,
}

impl Ask {
    /// Reads a row's text.
    ///
    /// # Panics
    /// If it has an unknown place.
    pub(super) fn new(text: &str, addr: SocketAddr, known: &Known) -> Self {
        let mut steps = vec![Step::Send(Vec::new())];
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            push(&mut steps, before);
            let (place, after) = after.split_once('}').expect("a place ends with }");
            rest = after;
            match place {
                "wait" => steps.push(Step::Wait),
                "then" => steps.push(Step::Pause),
                "continue" => steps.push(Step::Continue),
                "new" => steps.push(Step::New),
                "end" => steps.push(Step::End),
                "host" => push(&mut steps, &addr.to_string()),
                _ => match known.value(place) {
                    Some(value) => push(&mut steps, &value),
                    None => extend(&mut steps, &bytes(place)),
                },
            }
        }
        push(&mut steps, rest);
        steps.retain(|it| *it != Step::Send(Vec::new()));
        Self { steps, addr }
    }

    /// The bytes, as text that shows each of them.
    pub(super) fn shown(&self) -> String {
        let mut text = String::new();
        for step in &self.steps {
            match step {
                Step::Send(bytes) => text += &shown(bytes),
                Step::Wait | Step::Pause => text += "<…>",
                Step::Continue => text += "<100?>",
                Step::New => text += " … ",
                Step::End => text += "<FIN>",
            }
        }
        text
    }

    /// A line for a shell that sends the same: `printf` writes the bytes, and `nc` sends them.
    pub(super) fn line(&self) -> String {
        let (ip, port) = (self.addr.ip(), self.addr.port());
        let lines = self.steps.split(|it| *it == Step::New).map(|steps| {
            let ends = if steps.contains(&Step::End) {
                " -N"
            } else {
                ""
            };
            format!("{{ {}; }} | nc{ends} -w 2 {ip} {port}", commands(steps))
        });
        lines.collect::<Vec<_>>().join("; ")
    }
}

/// The commands of a shell that write what is sent on one connection.
fn commands(steps: &[Step]) -> String {
    let commands = steps.iter().filter_map(|step| match step {
        Step::Send(bytes) => Some(printf(bytes)),
        Step::Wait | Step::Pause | Step::Continue => Some("sleep 0.5".to_owned()),
        Step::End | Step::New => None,
    });
    commands.collect::<Vec<_>>().join("; ")
}

fn push(steps: &mut Vec<Step>, text: &str) {
    extend(steps, text.replace('\n', "\r\n").as_bytes());
}

fn extend(steps: &mut Vec<Step>, bytes: &[u8]) {
    match steps.last_mut() {
        Some(Step::Send(last)) => last.extend_from_slice(bytes),
        _ => steps.push(Step::Send(bytes.to_vec())),
    }
}

/// The bytes of `0a`, or of `a*9000`.
fn bytes(place: &str) -> Vec<u8> {
    if let Some((text, count)) = place.rsplit_once('*') {
        return text
            .repeat(count.parse().expect("a number behind *"))
            .replace('\n', "\r\n")
            .into();
    }
    vec![u8::from_str_radix(place, 16).unwrap_or_else(|_| panic!("unknown place {{{place}}}"))]
}

/// `bytes` as text: `\r\n` at the end of a line, `\xff` for what isn't ASCII; of a long text, the beginning.
pub(super) fn shown(bytes: &[u8]) -> String {
    let mut text = bytes[..bytes.len().min(SHOWN)].escape_ascii().to_string();
    if bytes.len() > SHOWN {
        let more = bytes.len() - SHOWN;
        let _ = write!(text, "… +{more}");
    }
    text.replace("\\'", "'").replace("\\\"", "\"")
}

/// The commands of a shell that write `bytes`. What is repeated often is repeated by the shell.
fn printf(bytes: &[u8]) -> String {
    let mut commands: Vec<String> = Vec::new();
    let (mut text, mut at) = (String::new(), 0);
    while at < bytes.len() {
        let (unit, count) = repeated(&bytes[at..]);
        let mut once = String::new();
        for byte in &bytes[at..at + unit] {
            let _ = match byte {
                b'\r' => write!(once, "\\r"),
                b'\n' => write!(once, "\\n"),
                b'%' => write!(once, "%%"),
                b'\\' => write!(once, "\\\\"),
                b' '..=b'~' if *byte != b'\'' => write!(once, "{}", char::from(*byte)),
                _ => write!(once, "\\{byte:03o}"),
            };
        }
        match count {
            1 => text += &once,
            _ => {
                commands.push(format!("printf '{}'", std::mem::take(&mut text)));
                commands.push(format!("printf '%{count}s' | sed 's/ /{once}/g'"));
            }
        }
        at += unit * count;
    }
    commands.push(format!("printf '{text}'"));
    commands.join("; ")
}

/// The length of what `bytes` begin with and repeat often, and how often; otherwise the first byte once.
fn repeated(bytes: &[u8]) -> (usize, usize) {
    let counts = (1..=5).filter(|unit| *unit <= bytes.len()).map(|unit| {
        let same = bytes.chunks(unit).take_while(|it| *it == &bytes[..unit]);
        (unit, same.count())
    });
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b":,-=\r\n".contains(byte);
    let mut often =
        counts.filter(|(unit, count)| unit * count > LONG && bytes[..*unit].iter().all(is_plain));
    often.next().unwrap_or((1, 1))
}

/// How many bytes of a message are shown.
const SHOWN: usize = 600;

/// How many bytes of a repetition are written out.
const LONG: usize = 40;

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::http::RULES;

    #[test]
    fn a_shell_sends_what_a_rule_sends() {
        let addr = ([127, 0, 0, 1], 80).into();
        let rules = RULES.iter().flat_map(|topic| topic.iter());
        for text in rules.flat_map(|rule| rule.asks) {
            for step in Ask::new(text, addr, &Known::default()).steps {
                let Step::Send(bytes) = step else { continue };
                let output = Command::new("sh").args(["-c", &printf(&bytes)]).output();
                assert_eq!(output.unwrap().stdout, bytes, "{text}");
            }
        }
    }
}
