//! Answers that are errors by their own protocol, recognised by the form that the protocol gives them.

use portlab_words::{Text, tr};

use crate::{Http, Payload, Script};

/// An answer that reports that the request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorAnswer {
    /// A status line with a status of 400 or more: HTTP (RFC 9112, 4), RTSP, SIP. If the script is HTTP, any status but
    /// 2xx and 3xx.
    Status(u16),
    /// A status of HTTP that isn't among those that were given as fine.
    UnexpectedStatus(u16),
    /// A reply with a code from 400 to 599: SMTP (RFC 5321, 4.2), FTP (RFC 959, 4.2), NNTP.
    Reply(u16),
    /// A line that begins with `-`: an error of Redis (RESP), or `-ERR` of POP3 (RFC 1939, 3).
    Minus,
    /// `ERROR`, `CLIENT_ERROR` or `SERVER_ERROR`: memcached.
    Memcached,
}

/// The protocol of a script, as far as its messages and the server's greeting show it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialect {
    /// No answer is an error (`--any-answer`).
    any: bool,
    /// How HTTP is spoken, if it is.
    http: Option<Http>,
    /// The message that is sent each time; empty if messages are random.
    message: Box<[u8]>,
    /// The message is a command of a protocol whose replies begin with a code of three digits.
    codes: bool,
    /// The message is an array of RESP, so that a line that begins with `-` is an error.
    resp: bool,
}

/// The longest beginning of a message that is looked at.
const BEGINNING: usize = 1024;

/// Commands of SMTP, FTP and NNTP that few other protocols have.
const COMMANDS: &[&str] = &[
    "EHLO",
    "HELO",
    "LHLO",
    "MAIL FROM:",
    "RCPT TO:",
    "STARTTLS",
    "NOOP",
    "RSET",
    "VRFY",
    "EXPN",
    "USER",
    "PASS",
    "SYST",
    "FEAT",
    "PASV",
    "EPSV",
    "AUTHINFO",
    "CAPABILITIES",
];

/// The codes of the greeting of a server that is ready (RFC 5321, 4.3.2; RFC 959, 5.4; RFC 3977, 5.1).
const READY: &[&[u8; 3]] = &[b"220", b"120", b"200", b"201"];

impl Dialect {
    pub(crate) fn of(script: &Script) -> Self {
        let messages: Vec<_> = script.exchanges().map(|it| beginning(it.0)).collect();
        let is_resp = |message: &&[u8]| {
            message.starts_with(b"*") && message.get(1).is_some_and(u8::is_ascii_digit)
        };
        Self {
            any: script.any_answer,
            http: script.http().cloned(),
            codes: messages.iter().any(|it| is_command(it)),
            resp: messages.iter().any(is_resp),
            // With several messages, an answer may belong to any of them.
            message: match (script.dialogue(), script.exchange(0).0) {
                (None, payload @ Payload::Always(_)) => beginning(payload).into(),
                _ => [].into(),
            },
        }
    }

    /// The beginning of the message that is sent each time; `None` if messages are random.
    pub(crate) fn message(&self) -> Option<&[u8]> {
        Some(&*self.message).filter(|it| !it.is_empty())
    }

    /// Recognises the protocol by the server's `greeting`.
    pub(crate) fn read_greeting(&mut self, greeting: &[u8]) {
        let code = READY.iter().any(|code| greeting.starts_with(&code[..]));
        self.codes |= code && reply_code(greeting).is_some();
    }

    /// The error that an answer reports whose first bytes are `head`; `None` if it reports none.
    pub(crate) fn error_in(&self, head: &[u8]) -> Option<ErrorAnswer> {
        let line = first_line(head).unwrap_or(head);
        if let (Some(http), false) = (&self.http, self.any) {
            return http.error(status(line)?);
        }
        // An echo repeats the message, which may itself look like an error.
        if self.any || (!line.is_empty() && self.message.starts_with(line)) {
            return None;
        }
        let cut = line.len() == head.len();
        let ends_with_crlf = head.get(line.len()..line.len() + 2) == Some(b"\r\n");
        if let Some(status) = status(line) {
            return (status >= 400).then_some(ErrorAnswer::Status(status));
        }
        // The other protocols end their lines with CR LF; the end of a cut line isn't known.
        if !ends_with_crlf && !cut {
            return None;
        }
        let code = reply_code(head).filter(|code| self.codes && (400..600).contains(code));
        if let Some(code) = code {
            return Some(ErrorAnswer::Reply(code));
        }
        if let Some(rest) = line.strip_prefix(b"-") {
            let word = rest
                .iter()
                .take_while(|byte| byte.is_ascii_uppercase())
                .count();
            let ends = rest.get(word).is_none_or(|byte| *byte == b' ');
            return (self.resp || (word > 1 && ends)).then_some(ErrorAnswer::Minus);
        }
        let memcached = line.starts_with(b"CLIENT_ERROR ")
            || line.starts_with(b"SERVER_ERROR ")
            || (line == b"ERROR" && ends_with_crlf);
        memcached.then_some(ErrorAnswer::Memcached)
    }
}

/// What every message of `payload` begins with, as far as it is looked at.
fn beginning(payload: &Payload) -> &[u8] {
    let message = match payload {
        Payload::Random(_) => &[],
        Payload::Always(message) => &message[..],
        Payload::Template(template) => template.beginning(),
    };
    &message[..message.len().min(BEGINNING)]
}

/// Whether a message that begins with `message` is one of the [`COMMANDS`].
fn is_command(message: &[u8]) -> bool {
    let line = first_line(message).unwrap_or_default();
    let is = |command: &&str| {
        let (name, rest) = line.split_at_checked(command.len()).unwrap_or_default();
        let ends = command.ends_with(':') || rest.first().is_none_or(|byte| *byte == b' ');
        name.eq_ignore_ascii_case(command.as_bytes()) && ends
    };
    message.windows(2).any(|end| end == b"\r\n") && COMMANDS.iter().any(is)
}

/// The first line of `bytes` without its end; `None` if none ends in them.
pub(crate) fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = &bytes[..end];
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// The status of a status line, such as `HTTP/1.1 404 Not Found`.
fn status(line: &[u8]) -> Option<u16> {
    let rest = [&b"HTTP/"[..], b"RTSP/", b"SIP/"]
        .iter()
        .find_map(|name| line.strip_prefix(*name))?;
    let (version, rest) = rest.split_at_checked(rest.iter().position(|byte| *byte == b' ')?)?;
    let numeric = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let good = !version.is_empty() && version.len() <= 3 && version.iter().all(numeric);
    let rest = &rest[1..];
    let ends = rest.get(3).is_none_or(|byte| *byte == b' ');
    three_digits(rest).filter(|_| good && ends)
}

/// The code of a reply, such as `550 no such user` or `550-more follows`.
fn reply_code(head: &[u8]) -> Option<u16> {
    let ends = head.get(3).is_some_and(|byte| b" -\r".contains(byte));
    three_digits(head).filter(|_| ends)
}

fn three_digits(bytes: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(bytes.get(..3)?).ok()?;
    digits.parse().ok().filter(|_| !digits.starts_with('+'))
}

impl ErrorAnswer {
    /// What to do about it.
    pub(crate) fn hint(self) -> Text {
        match self {
            Self::UnexpectedStatus(_) => Text::new(
                "check the request; if this status is right, add it to --expect-status",
                "请检查请求；如果这个状态码是对的，请把它加到 --expect-status",
            ),
            Self::Status(_) => Text::new(
                "check the request; to count such answers as any other, use --any-answer; if this status is right, use \
                 --expect-status",
                "请检查请求；要把这样的响应当作普通响应，请使用 --any-answer；如果这个状态码是对的，请使用 --expect-status",
            ),
            _ => Text::new(
                "check --text or --payload; check the message in the file of --dialogue; to count such answers as any \
                 other, use --any-answer",
                "请检查 --text 或 --payload；请检查 --dialogue 文件中的消息；要把这样的响应当作普通响应，请使用 --any-answer",
            ),
        }
    }

    /// The error, in words.
    pub fn text(self) -> Text {
        match self {
            Self::Status(status) => tr!("status {status}", "状态码 {status}"),
            Self::UnexpectedStatus(status) => {
                tr!("unexpected status {status}", "不应有的状态码 {status}")
            }
            Self::Reply(code) => tr!("reply code {code}", "响应码 {code}"),
            Self::Minus => Text::new("a line that begins with -", "以 - 开头的一行"),
            Self::Memcached => Text::new("an ERROR line", "ERROR 开头的一行"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(message: &str, greeting: &str, answer: &str) -> Option<ErrorAnswer> {
        let mut script = Script::echo(1);
        script.payload = Payload::Always(message.as_bytes().into());
        let mut dialect = Dialect::of(&script);
        dialect.read_greeting(greeting.as_bytes());
        dialect.error_in(answer.as_bytes())
    }

    #[test]
    fn an_error_of_a_known_protocol_is_recognised() {
        use ErrorAnswer::{Memcached, Minus, Reply, Status};
        for (message, greeting, answer, expected) in [
            ("GET /\r\n", "", "HTTP/1.1 404 Not Found\r\n", Status(404)),
            (
                "GET /\r\n",
                "",
                "HTTP/1.0 500 Internal\nX: y\n",
                Status(500),
            ),
            ("GET /\r\n", "", "HTTP/2 503", Status(503)),
            ("OPTIONS *\r\n", "", "RTSP/1.0 454 no\r\n", Status(454)),
            ("PNIG\r\n", "", "-ERR unknown command\r\n", Minus),
            ("GET x\r\n", "", "-LOADING\r\n", Minus),
            // Cut by `bytes:8`.
            ("GET x\r\n", "", "-ERR unk", Minus),
            ("*1\r\n$4\r\nPNIG\r\n", "", "-5 bad\r\n", Minus),
            ("NOOP\r\n", "", "421 too busy\r\n", Reply(421)),
            (
                "mail from:<a@b>\r\n",
                "",
                "550-no\r\n550 no\r\n",
                Reply(550),
            ),
            ("XYZ\r\n", "220 ready\r\n", "500 what?\r\n", Reply(500)),
            ("gte x\r\n", "", "ERROR\r\n", Memcached),
            ("get x\r\n", "", "SERVER_ERROR out of memory\r\n", Memcached),
        ] {
            let found = error(message, greeting, answer);
            assert_eq!(found, Some(expected), "{message:?} {answer:?}");
        }
    }

    #[test]
    fn an_answer_that_only_looks_like_an_error_is_not_counted() {
        for (message, greeting, answer) in [
            ("GET /\r\n", "", "HTTP/1.1 200 OK\r\n"),
            ("GET /\r\n", "", "HTTP/1.1 302 Found\r\n"),
            ("GET /\r\n", "", "HTTP/1.1 4040 x\r\n"),
            ("GET /\r\n", "", "HTTP 404 x\r\n"),
            // A number, a list, an option, a line of another kind.
            ("count\r\n", "", "404 items\r\n"),
            ("count\r\n", "Welcome\r\n", "500 coins\r\n"),
            ("NOOP please\r\n", "", "500 coins\n"),
            ("NOOPS\r\n", "", "500 coins\r\n"),
            ("diff\r\n", "", "-5\r\n"),
            ("list\r\n", "", "- item\r\n"),
            ("list\r\n", "", "-A option\r\n"),
            ("list\r\n", "", "-NOTE: x\r\n"),
            ("list\r\n", "", "-OLD\n"),
            ("say\r\n", "", "ERROR is a word\r\n"),
            ("NOOP\r\n", "", "250 fine\r\n"),
            // An echo of the message.
            ("-ERR no\r\n", "", "-ERR no\r\n"),
            ("HTTP/1.1 404 x\r\n\r\n", "", "HTTP/1.1 404 x\r\n"),
            ("", "", ""),
        ] {
            assert_eq!(error(message, greeting, answer), None, "{answer:?}");
        }
        let mut any = Script::echo(1);
        any.any_answer = true;
        let head = b"HTTP/1.1 500 x\r\n";
        assert_eq!(Dialect::of(&any).error_in(head), None);
        any.any_answer = false;
        assert!(Dialect::of(&any).error_in(head).is_some());
    }
}
