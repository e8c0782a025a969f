//! What a client speaks, and what a right server answers.

use portlab_conformance::experiments::Kind;
use portlab_service::TextEncoding;

use super::caller::Caller;

/// What a client speaks, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    pub(super) kind: Kind,
    /// In which encoding answers are written.
    pub(super) encoding: TextEncoding,
    /// Whether every question is sent back, rather than answered by a text.
    pub(super) is_echoed: bool,
    /// The first question.
    pub(super) question: Vec<u8>,
    /// How many bytes the client sends before it waits; 0 if it never waits.
    pub(super) question_bytes: usize,
    /// Whether the client waits for a greeting first.
    pub(super) is_greeted: bool,
    /// The answer that the user says.
    pub(super) told_answer: Option<String>,
    /// Whether the client sends more before it is answered.
    pub(super) is_eager: bool,
    /// Whether the client reads the whole answer.
    pub(super) reads: bool,
}

/// The answer of a server that answers in words. Its UTF-8 is invalid GBK, and its GBK is invalid UTF-8: a client that decodes
/// with the wrong encoding can't miss it.
pub(super) const ANSWER: &str = "你好，我是服务端，收到你的消息";

/// What is sent to a client that sends nothing.
pub(super) const GREETING: &[u8] = b"hello\n";

impl Manner {
    /// A manner before the client has said anything.
    pub(super) fn unknown(kind: Option<Kind>, told_answer: Option<String>) -> Self {
        Self {
            kind: kind.unwrap_or(Kind::Silent),
            encoding: utf8(),
            is_echoed: false,
            question: Vec::new(),
            question_bytes: 0,
            is_greeted: false,
            told_answer,
            is_eager: false,
            reads: true,
        }
    }

    /// Learns from the first question. `kind` is what the user says.
    pub(super) fn learn(&mut self, question: Vec<u8>, kind: Option<Kind>) {
        self.kind = kind.unwrap_or(match &question[..] {
            it if is_http(it) => Kind::Http,
            it if it.ends_with(b"\n") => Kind::Lines,
            _ => Kind::Reply,
        });
        self.is_echoed = self.kind == Kind::Echo;
        self.encoding = encoding_of(&question).unwrap_or(utf8());
        self.question = question;
    }

    /// Whether a server needs to know where a message ends, and the protocol says it.
    pub(super) fn is_framed(&self) -> bool {
        matches!(self.kind, Kind::Http | Kind::Lines | Kind::Chat)
    }

    /// Whether what a connection has sent is a whole question. Text without a line end is whole when nothing more comes.
    pub(super) fn is_whole(&self, caller: &Caller) -> bool {
        let pending = &caller.pending[..];
        match self.kind {
            _ if pending.is_empty() => false,
            Kind::Http => is_complete(pending),
            Kind::Lines | Kind::Chat if pending.ends_with(b"\n") => true,
            Kind::Silent if is_http(pending) => is_complete(pending),
            _ => caller.last.elapsed() > super::run::BETWEEN_PARTS,
        }
    }

    /// The right answer to a question.
    pub(super) fn answer(&self, question: &[u8]) -> Vec<u8> {
        match self.kind {
            Kind::Http => self.response(question, "<h1>", 1),
            _ if self.is_echoed => question.to_vec(),
            _ => {
                let mut answer = self.encode(self.text());
                let has_end = answer.ends_with(b"\n");
                if matches!(self.kind, Kind::Lines | Kind::Chat) && !has_end {
                    answer.push(b'\n');
                }
                answer
            }
        }
    }

    /// The text of an answer.
    pub(super) fn text(&self) -> &str {
        self.told_answer.as_deref().unwrap_or(ANSWER)
    }

    /// A response of HTTP, whose text has the answer `times` times.
    pub(super) fn response(&self, question: &[u8], begin: &str, times: usize) -> Vec<u8> {
        let body = self.encode(&format!("{begin}{}\n", self.text().repeat(times)));
        let close = if self.closes_after(question) {
            "Connection: close\r\n"
        } else {
            ""
        };
        let charset = self.encoding.name().to_lowercase();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset={charset}\r\nContent-Length: {}\r\n{close}\r\n",
            body.len()
        );
        let mut response = head.into_bytes();
        if !question.starts_with(b"HEAD ") {
            response.extend(body);
        }
        response
    }

    /// Whether the server closes after its answer: the client of HTTP asks for it, or expects it.
    pub(super) fn closes_after(&self, question: &[u8]) -> bool {
        if self.kind != Kind::Http {
            return false;
        }
        let head = String::from_utf8_lossy(question).to_lowercase();
        let first = head.lines().next().unwrap_or_default();
        !first.ends_with("http/1.1") || head.contains("connection: close")
    }

    pub(super) fn encode(&self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encoding.encode_with_marks(text, &mut bytes);
        bytes
    }

    /// Where `answer` may be cut between two characters, near its middle; of HTTP, in its body.
    pub(super) fn cut(&self, answer: &[u8]) -> usize {
        let from = match self.kind {
            Kind::Http => find(answer, b"\r\n\r\n").map_or(0, |it| it + 4),
            _ => 0,
        };
        let middle = from + (answer.len() - from) / 2;
        // A prefix that can be decoded ends between two characters. An echo of bytes that aren't text has none.
        let whole = |at: &usize| decodes(self.encoding, &answer[from..*at]);
        let mut near = (middle..answer.len()).take(LONGEST);
        near.find(whole).unwrap_or(middle)
    }

    /// Where `answer` may be cut inside a character; `None` if each of its characters has one byte.
    pub(super) fn cut_inside(&self, answer: &[u8]) -> Option<usize> {
        let between = self.cut(answer);
        let begin = between + answer[between..].iter().position(|it| !it.is_ascii())?;
        let mut near = (begin + 1..answer.len()).take(LONGEST);
        near.find(|at| !decodes(self.encoding, &answer[begin..*at]))
    }
}

/// What a client sends has an answer that can be cut, for the fuzz targets in `tests/fuzz/`. The input is the kind that the
/// user says, and the question.
pub fn fuzz_questions(input: &[u8]) {
    let [kind, question @ ..] = input else {
        return;
    };
    let kind = Kind::ALL.get(usize::from(*kind)).copied();
    let mut manner = Manner::unknown(kind, None);
    manner.learn(question.to_vec(), kind);
    is_complete(question);
    for answer in [manner.answer(question), manner.response(question, "", 2)] {
        let between = manner.cut(&answer);
        assert!(between <= answer.len());
        let Some(inside) = manner.cut_inside(&answer) else {
            continue;
        };
        assert!(between < inside && inside < answer.len());
        assert!(!decodes(manner.encoding, &answer[between..inside]));
    }
}

pub(super) fn utf8() -> TextEncoding {
    "utf-8".parse().expect("every browser knows it")
}

fn gbk() -> TextEncoding {
    "gbk".parse().expect("every browser knows it")
}

/// UTF-8 or GBK, whichever `encoding` isn't.
pub(super) fn other_than(encoding: TextEncoding) -> TextEncoding {
    if encoding == utf8() { gbk() } else { utf8() }
}

/// The encoding of a text that has characters beyond ASCII; `None` for ASCII and for bytes that are text in neither encoding.
pub(super) fn encoding_of(text: &[u8]) -> Option<TextEncoding> {
    let mut both = [utf8(), gbk()].into_iter();
    if text.is_ascii() {
        return None;
    }
    both.find(|it| decodes(*it, text))
}

/// Whether `bytes` are a text in `encoding`.
fn decodes(encoding: TextEncoding, bytes: &[u8]) -> bool {
    encoding.decoder().decode(bytes, true, &mut String::new())
}

/// `bytes` read in `encoding`, with replacements.
pub(super) fn read_in(encoding: TextEncoding, bytes: &[u8]) -> String {
    let mut text = String::new();
    encoding.decoder().decode(bytes, true, &mut text);
    text
}

fn is_http(question: &[u8]) -> bool {
    let line = question.split(|it| *it == b'\n').next().unwrap_or_default();
    let mut words = line.split(|it| *it == b' ');
    let method = words.next().unwrap_or_default();
    !method.is_empty()
        && method.iter().all(u8::is_ascii_uppercase)
        && words.nth(1).is_some_and(|it| it.starts_with(b"HTTP/"))
}

/// Whether the head of a request has come, and the body that it promises.
fn is_complete(request: &[u8]) -> bool {
    let end = find(request, b"\r\n\r\n").map(|it| it + 4);
    let Some(end) = end.or_else(|| find(request, b"\n\n").map(|it| it + 2)) else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length = head
        .lines()
        .find_map(|it| it.strip_prefix("content-length:"));
    let length: usize = length.and_then(|it| it.trim().parse().ok()).unwrap_or(0);
    request.len() - end >= length || request.len() >= MOST
}

pub(super) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|it| it == part)
}

/// The most bytes of a character.
const LONGEST: usize = 4;

/// A request that is longer than what is kept counts as whole.
const MOST: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn manner(question: &[u8]) -> Manner {
        let mut manner = Manner::unknown(None, None);
        manner.learn(question.to_vec(), None);
        manner
    }

    #[test]
    fn the_answer_is_wrong_in_the_other_encoding() {
        let gbk_bytes = gbk().encode(ANSWER).unwrap();
        assert!(!decodes(utf8(), &gbk_bytes));
        assert!(!decodes(gbk(), ANSWER.as_bytes()));
        assert!(!decodes(gbk(), format!("{ANSWER}\n").as_bytes()));
    }

    #[test]
    fn a_question_shows_its_kind_and_encoding() {
        let of = |question: &[u8]| {
            let manner = manner(question);
            (manner.kind, manner.encoding.name())
        };
        assert_eq!(of("你好".as_bytes()), (Kind::Reply, "UTF-8"));
        assert_eq!(of(b"\xc4\xe3\xba\xc3\r\n"), (Kind::Lines, "GBK"));
        assert_eq!(of(b"GET / HTTP/1.1\r\n"), (Kind::Http, "UTF-8"));
        assert_eq!(of(b"GET /"), (Kind::Reply, "UTF-8"));
    }

    #[test]
    fn an_answer_is_cut_between_characters_and_inside_of_one() {
        for question in [
            "你好".as_bytes(),
            b"\xc4\xe3\xba\xc3\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        ] {
            let manner = manner(question);
            let answer = manner.answer(question);
            let between = manner.cut(&answer);
            assert!(between > 0 && between < answer.len());
            assert!(decodes(manner.encoding, &answer[..between]));
            assert!(decodes(manner.encoding, &answer[between..]));
            let inside = manner.cut_inside(&answer).unwrap();
            assert!(!decodes(manner.encoding, &answer[..inside]));
            assert!(!decodes(manner.encoding, &answer[inside..]));
        }
        assert_eq!(manner(b"x").cut_inside(b"only ASCII"), None);
        // An echo of much that isn't text is cut at once.
        let manner = Manner::unknown(Some(Kind::Echo), None);
        let bytes = vec![0xff; 1 << 14];
        assert_eq!(manner.cut(&bytes), bytes.len() / 2);
        assert_eq!(manner.cut_inside(&vec![b'a'; 1 << 14]), None);
    }

    #[test]
    fn a_length_beyond_all_numbers_of_bytes_has_not_come() {
        let head = "POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n";
        assert!(!is_complete(head.as_bytes()));
        let in_the_body = "POST / HTTP/1.1\r\n\r\nContent-Length: 9\r\n";
        assert!(is_complete(in_the_body.as_bytes()));
    }
}
