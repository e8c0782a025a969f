//! Texts: bytes that are not text, characters that two segments divide, and the encoding of the answer.

use portlab_service::TextEncoding;
use portlab_words::tr;

use super::{
    Answer, Experiment, Kind, Outcome, Service, Subject, Trouble, Weight,
    clients::NOT_SERVING,
    talk::{has, said},
};

pub(super) const survives_bytes_that_are_not_text: Experiment = Experiment {
    about: [
        "survives bytes that are not text",
        "收到不是文字的字节，服务端不受影响",
    ],
    fits: |speech| speech.kind != Kind::Silent,
    names: &[NON_TEXT],
    unless: &[NOT_SERVING],
    run: |subject| {
        let bytes: &[u8] = match subject.speech.kind {
            Kind::Http => b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Name: \xff\xfe\x81\r\n\r\n",
            _ => b"\xff\xfe\x81\n",
        };
        let answer = said(subject, &[bytes], 1)?;
        if answer.is_empty() {
            subject.expect_service(NON_TEXT)?;
            // A thread may write its traceback after it has closed the connection.
            subject.without_answer(Service::Served);
        }
        match subject.decoding_has_failed("") {
            true => Err(subject.named(NON_TEXT)),
            false => Ok(()),
        }
    },
    ..Experiment::ANY
};

const NON_TEXT: &str = "dies-at-non-text";

pub(super) const keeps_characters_whole: Experiment = Experiment {
    about: [
        "reads a character whose bytes come in two segments",
        "一个汉字的字节分两次到达，也能正确读出",
    ],
    fits: |speech| !matches!(speech.kind, Kind::Silent | Kind::Http),
    names: &[SPLITS],
    unless: &[NOT_SERVING, &["shared-state"]],
    run: |subject| {
        for encoding in ["utf-8", "gbk"] {
            a_divided_character(subject, encoding)?;
        }
        Ok(())
    },
    ..Experiment::ANY
};

const SPLITS: &str = "splits-character";

/// Sends a text in `encoding` at once, and then in two parts, the first of which ends inside a character.
fn a_divided_character(subject: &mut Subject<'_>, encoding: &'static str) -> Outcome {
    let text = encoded(encoding, TEXT);
    let whole = said(subject, &[&text], 1)?;
    // The server takes texts in the other encoding only.
    let is_other = whole.is_empty() || has(&whole, REPLACEMENT);
    if is_other {
        subject.revive();
        return Ok(());
    }
    let name = encoding.to_uppercase();
    subject.note(tr!(
        "now the same text in two parts; the first ends inside the {name} character 好",
        "下面把同样的文字分两次发送，第一次只发到 {name} 汉字“好”的一半"
    ));
    subject.encoding = Some(encoding);
    let (first, second) = text.split_at(encoded(encoding, "你").len() + 1);
    let cut = said(subject, &[first, second], whole.len())?;
    if cut.is_empty() {
        // If the program ends, an event says so.
        subject.without_answer(Service::Deaf);
    }
    if cut.is_empty() || subject.decoding_has_failed("") {
        return Err(subject.named(SPLITS));
    }
    let text = text.trim_ascii_end();
    // The answer may be sent in two parts, too, if it has the bytes as they came; or end with the first part.
    let has_rest = subject.speech.closes || has(&cut, second.trim_ascii_end());
    // Each part may have an answer of its own: then the character is in the second one.
    let (begin, rest) = text.split_at(first.len() - 1);
    let is_whole = cut
        .windows(begin.len())
        .position(|it| it == begin)
        .is_some_and(|at| has(&cut[at + begin.len()..], rest));
    let is_kept = has(&cut, text) || has(&cut, first) && has_rest || is_whole;
    match has(&cut, REPLACEMENT) || has(&whole, text) && !is_kept {
        true => Err(Trouble::Bug(SPLITS)),
        false => Ok(()),
    }
}

pub(super) const answers_in_the_encoding_of_the_question: Experiment = Experiment {
    about: [
        "answers in the encoding of the question",
        "用什么编码提问，就用什么编码回答",
    ],
    weight: Weight::Should,
    fits: |speech| speech.answers() && speech.kind != Kind::Http,
    names: &[GBK_AS_UTF8],
    unless: &[NOT_SERVING, &["shared-state"]],
    run: |subject| {
        let answer = said(subject, &[&encoded("gbk", TEXT)], 1)?;
        // A server may say 你好 by itself.
        if has(&answer, "世界".as_bytes()) {
            subject.note(tr!(
                "the question was in GBK, and its text came back in UTF-8",
                "问题是 GBK 编码的，同样的文字却以 UTF-8 编码返回"
            ));
            return Err(Trouble::Bug(GBK_AS_UTF8));
        }
        let Answer::Exactly(answer) = subject.speech.answer.clone() else {
            return Ok(());
        };
        if subject.speech.kind != Kind::Reply
            || answer.is_ascii()
            || str::from_utf8(&answer).is_err()
        {
            return Ok(());
        }
        // The fixed answer is in UTF-8. If a text in UTF-8 is an error for the server, the server expects GBK.
        said(subject, &[NO_GBK.as_bytes()], 1)?;
        subject.without_answer(Service::Deaf);
        match subject.decoding_has_failed("'gb") {
            true => Err(Trouble::Bug(GBK_AS_UTF8)),
            false => Ok(()),
        }
    },
    ..Experiment::ANY
};

const GBK_AS_UTF8: &str = "gbk-answered-as-utf8";

fn encoded(encoding: &str, text: &str) -> Vec<u8> {
    let encoding: Result<TextEncoding, _> = encoding.parse();
    let bytes = encoding.ok().and_then(|it| it.encode(text).ok());
    bytes.expect("both encodings have the characters of the texts here")
}

/// A text that both encodings have.
const TEXT: &str = "你好，世界\n";

/// In UTF-8, a text whose bytes aren't GBK: their number is odd.
const NO_GBK: &str = "你好世界你\n";

/// U+FFFD in UTF-8: what decoders put for bytes that aren't text.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();
