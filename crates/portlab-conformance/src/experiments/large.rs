//! Much data, and a client that reads slowly: a call of `send` may take a part of it only.

use std::time::Duration;

use portlab_words::{Text, tr};

use super::{Experiment, Kind, Subject, Trouble, clients::NOT_SERVING, http, talk::leave};

pub(super) const sends_all: Experiment = Experiment {
    about: [
        "sends everything to a client that reads slowly",
        "客户端接收得慢，也能收到全部数据",
    ],
    fits: |speech| speech.answers() && !(speech.kind == Kind::Echo && speech.closes),
    names: &["send-not-sendall"],
    unless: &[NOT_SERVING],
    run: |subject| {
        if subject.speech.kind == Kind::Echo {
            let Some(mut client) = subject.connect_narrow() else {
                return Err(subject.named("send-not-sendall"));
            };
            let sent = client.send_until_full(&text());
            std::thread::sleep(SLOW);
            return expect(subject, &mut client, sent);
        }
        let Some((question, length)) = largest(subject)? else {
            return Err(Trouble::Skipped(Text::new(
                "the answer is short",
                "它的回答很短",
            )));
        };
        let Some(mut client) = subject.connect_narrow() else {
            return Err(subject.named("send-not-sendall"));
        };
        client.send(&question);
        std::thread::sleep(SLOW);
        expect(subject, &mut client, length)
    },
    ..Experiment::ANY
};

/// The question whose answer is long, and its length: the usual one, or that for a page to which the first page links.
fn largest(subject: &mut Subject<'_>) -> Result<Option<(Vec<u8>, usize)>, Trouble> {
    let speech = subject.speech.clone();
    let Some(mut client) = subject.connect() else {
        return Err(subject.named("send-not-sendall"));
    };
    let (_, whole) = client.ask(&speech);
    leave(client);
    let mut found = vec![(speech.question, whole.len())];
    let first = http::response(&whole).filter(|_| speech.kind == Kind::Http);
    for path in first.iter().flat_map(http::Response::links).take(LINKS) {
        let Some(mut client) = subject.connect() else {
            break;
        };
        let request = http::request(&path);
        client.send(&request);
        // The head says how long the page is.
        let (_, bytes) = client.collect_until(|bytes| http::response(bytes).is_some());
        let whole = http::response(&bytes).and_then(|it| it.whole(bytes.len()));
        found.extend(whole.map(|length| (request, length)));
        client.reset();
    }
    let largest = found.into_iter().max_by_key(|(_, length)| *length);
    Ok(largest.filter(|(_, length)| *length >= SMALL))
}

/// Expects `length` bytes.
fn expect(subject: &mut Subject<'_>, client: &mut super::Visitor, length: usize) -> super::Outcome {
    let (is_whole, bytes) = client.collect_until(|bytes| bytes.len() >= length);
    if is_whole {
        return Ok(());
    }
    let got = bytes.len();
    subject.note(tr!(
        "{got} of {length} bytes have come",
        "一共应该有 {length} 字节，只收到 {got} 字节"
    ));
    Err(subject.named("send-not-sendall"))
}

/// More than the buffers on the way to a slow client take, as lines of plain text.
pub(super) fn text() -> Vec<u8> {
    b"a line of text, forty bytes long ......\n".repeat(LINES)
}

/// 400 kB.
const LINES: usize = 10_000;

/// For how long a slow client doesn't read.
const SLOW: Duration = Duration::from_millis(300);

/// How many links are followed.
const LINKS: usize = 8;

/// An answer that fits into any send buffer.
const SMALL: usize = 16 * 1024;
