//! The functions that read a server's bytes, for the fuzz targets in `tests/fuzz/`. Each one panics if an assertion
//! fails.

use std::sync::Arc;

use crate::{Answers, Expect, Framing, Payload, Script, shown::shown, status::Dialect};

pub use crate::chat::fuzz_lines as chat_lines;

/// An answer ends at the same byte however reads cut the input, and it has at least one byte. The input is
/// an expectation, a line feed, the length of a read, and what is read.
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
    let whole = ends(&expect.framing, input, input.len().max(1));
    assert!(whole.is_sorted_by(|one, next| one < next), "{whole:?}");
    assert_eq!(
        ends(&expect.framing, input, usize::from(*length).max(1)),
        whole
    );
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
    whole.count(all);
    for length in 0..=answer.len() {
        let came = &answer[..length];
        if let Some(sorted) = answers.sort(came, length == answer.len(), &dialect) {
            // Whether CR LF ends the line is seen when the line is whole.
            assert_eq!(sorted.error, all.error, "{length} of {answer:?}");
            answers.count(sorted);
            break;
        }
    }
    assert_eq!(answers.lines(), whole.lines());
    for line in whole.lines() {
        assert!(!line.line.contains(char::is_control), "{line:?}");
    }
    assert!(shown(answer, true).len() <= 12 * answer.len() + 4);
}
