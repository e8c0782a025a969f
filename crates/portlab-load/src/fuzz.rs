//! The functions that read a server's bytes, for the fuzz targets in `tests/fuzz/`. Each one panics if an assertion
//! fails.

use std::sync::Arc;

use portlab_service::TextEncoding;

use crate::{
    Answers, Conditions, Expect, Framing, Judge, Lines, Payload, Program, Script, Template,
    program::Cursor, shown::shown, status::Dialect, template::Numbers,
};

pub use crate::chat::fuzz_lines as chat_lines;
pub use crate::{
    http::fuzz::{answers as http_answers, requests as http_requests},
    openmetrics::fuzz_requests as scrapes,
    tls::fuzz_certificates as certificates,
};

/// An answer ends at the same byte however reads cut the input, it has at least one byte, and its conditions are judged the
/// same. The input is an expectation, a line feed, the length of a read, and what is read.
pub fn answers(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let (Some(text), Some([length, input @ ..])) = (parts.next(), parts.next()) else {
        return;
    };
    let Some(expect) = str::from_utf8(text)
        .ok()
        .and_then(|it| it.parse::<Expect>().ok())
    else {
        return;
    };
    let piece = usize::from(*length).max(1);
    let whole = ends(&expect.framing, input, input.len().max(1));
    assert!(whole.is_sorted_by(|one, next| one < next), "{whole:?}");
    assert_eq!(ends(&expect.framing, input, piece), whole);
    let mut from = 0;
    // What comes after the last answer is one too, if the server closes.
    for end in whole.into_iter().chain([input.len()]) {
        same_verdict(&expect.conditions, &input[from..end], piece);
        from = end;
    }
}

/// An answer is judged the same in one piece and in pieces of `piece` bytes.
fn same_verdict(conditions: &Conditions, answer: &[u8], piece: usize) {
    if let (Some(mut judge), Some(several)) = (Judge::begin(conditions), conditions.several()) {
        answer.chunks(piece).for_each(|it| judge.take(it));
        assert_eq!(judge.failing(), several.judge(answer), "{answer:?}");
    }
}

/// Feeds `input` in pieces of `piece` bytes and returns after how many bytes each answer ends.
pub(crate) fn ends(framing: &Framing, input: &[u8], piece: usize) -> Vec<usize> {
    let (mut ends, mut progress) = (Vec::new(), framing.begin(5));
    for (index, piece_of) in input.chunks(piece).enumerate() {
        let mut rest = piece_of;
        while let Some(used) = framing.take(&mut progress, rest) {
            rest = &rest[used..];
            ends.push(index * piece + piece_of.len() - rest.len());
            progress = framing.begin(5);
            if rest.is_empty() {
                break;
            }
        }
    }
    ends
}

/// The first line of an answer is the same however much of the answer has come with it, and so is the
/// error that it reports. The input is a message, an empty byte, and an answer.
pub fn first_lines(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (Some(message), Some(answer)) = (parts.next(), parts.next()) else {
        return;
    };
    let dialect = Dialect::of(&Script {
        payload: Payload::Always(Arc::from(message)),
        expect: Framing::Close.into(),
        ..Script::echo(1)
    });
    let (mut answers, mut whole) = (Answers::default(), Answers::default());
    let all = whole.sort(answer, true, &dialect).expect("it is whole");
    whole.count(all, 1);
    for length in 0..=answer.len() {
        let came = &answer[..length];
        if let Some(sorted) = answers.sort(came, length == answer.len(), &dialect) {
            // Whether CR LF ends the line is seen when the line is whole.
            assert_eq!(sorted.error, all.error, "{length} of {answer:?}");
            answers.count(sorted, 1);
            break;
        }
    }
    assert_eq!(answers.lines(), whole.lines());
    for line in whole.lines() {
        assert!(!line.line.contains(char::is_control), "{line:?}");
    }
    assert!(shown(answer, true, TextEncoding::default()).len() <= 12 * answer.len() + 4);
}

/// The lines that the templates and dialogues below are filled with.
fn two_lines() -> Arc<Lines> {
    Arc::new(Lines::new(b"one\ntwo\n".to_vec()).expect("there are two"))
}

/// A template is refused in both languages, or gives messages of the lengths that it announces.
pub fn templates(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let template = match Template::parse(text, Some(&two_lines()), TextEncoding::default()) {
        Err(error) => return assert!(!error.zh.is_ascii(), "{error:?}"),
        Ok(template) => template,
    };
    let (numbers, mut random) = (Numbers::default(), fastrand::Rng::with_seed(1));
    let mut message = Vec::new();
    for connection in 0..3 {
        message.clear();
        template.render(connection, &numbers, &mut random, &mut message);
        assert!(template.sizes().contains(&message.len()), "{message:?}");
        assert!(message.starts_with(template.beginning()));
        assert!(template.bytes().is_none_or(|it| it == message));
    }
    if !text.contains(['{', '\\']) {
        assert_eq!(message, input);
    }
}

/// A dialogue file is refused with a line that it has, or every connection comes to its end, or to a message, in a few
/// steps.
pub fn dialogues(input: &[u8]) {
    let program = match Program::read(input, Some(&two_lines()), TextEncoding::default()) {
        Err(fault) => {
            let lines = input.split(|byte| *byte == b'\n').count();
            assert!((1..=lines).contains(&fault.line), "{fault}");
            assert!(!fault.what.zh.is_ascii(), "{fault:?}");
            return;
        }
        Ok(program) => program,
    };
    let mut random = fastrand::Rng::with_seed(1);
    let most = 300;
    let mut said = |cursor: &mut Cursor| {
        let mut said = 0;
        while said < most {
            cursor.advance(&program, &mut random);
            let Some(exchange) = cursor.take(&program) else {
                break;
            };
            let exchange = &program.exchanges()[exchange as usize];
            assert!(*exchange.payload.sizes().start() > 0, "{exchange:?}");
            said += 1;
        }
        said
    };
    let mut cursor = Cursor::default();
    let messages = program.messages().unwrap_or(most);
    assert_eq!(said(&mut cursor), messages.min(most));
    if let Some(last) = cursor.jump_to_last(&program) {
        assert_eq!(said(&mut cursor), last.min(most));
    }
}
