//! Messages: where they end, and whose they are.

use portlab_sys::sockets::{State, sockets_at};
use portlab_words::tr;

use super::{
    Answer, Experiment, Kind, Outcome, Subject, Trouble, Visitor,
    clients::NOT_SERVING,
    http,
    subject::QUIET,
    talk::{PAUSE, Talk, count, has, leave, page, receive_page, said, unreachable},
};

pub(super) const reads_messages_and_not_segments: Experiment = Experiment {
    about: [
        "finds the end of a message, however its bytes arrive",
        "不管数据怎样分段到达，都能分清每条消息",
    ],
    fits: |speech| matches!(speech.kind, Kind::Lines | Kind::Http),
    names: &[ONE_READ],
    unless: &[NOT_SERVING],
    run: |subject| match subject.speech.kind {
        Kind::Http => two_requests_in_one_segment(subject),
        _ => lines_and_segments(subject),
    },
    ..Experiment::ANY
};

const ONE_READ: &str = "one-read-one-message";

/// Sends two lines in one segment, and a line in two.
fn lines_and_segments(subject: &mut Subject<'_>) -> Outcome {
    let question = subject.speech.question.clone();
    let one = said(subject, &[&question], 1)?;
    let core = one.trim_ascii();
    if core.is_empty() {
        return Ok(());
    }
    let is_same = matches!(subject.speech.answer, Answer::Exactly(_));
    let lines = |bytes: &[u8]| count(bytes, b"\n");
    let word = question.trim_ascii();
    subject.note(tr!("now a line in two segments", "下面把一行分两次发送"));
    let (first, second) = question.split_at(question.len() / 2);
    let mut talk = Talk::begin(subject)?;
    let begun = talk.say(&[first], 0, || false);
    let rest = talk.say(&[second], one.len().saturating_sub(begun.len()), || false);
    talk.end();
    let cut = [&*begun, &rest].concat();
    // A server that answers half a line without a line end doesn't speak in lines: it answers whatever has come.
    let has_lines = one.ends_with(b"\n") && (begun.is_empty() || begun.ends_with(b"\n"));
    // An answer with the time in it can only be counted.
    let is_right = |answer: &[u8], times: usize| match (has_lines, is_same) {
        (true, true) => answer == one.repeat(times),
        (true, false) => lines(answer) == times * lines(&one),
        // Without line ends a client can't tell answers apart either: all of the text must be there.
        (false, _) => count(answer, core) >= times || count(answer, word) >= times,
    };
    let has_rest = subject.speech.closes || has(&cut, second.trim_ascii());
    if !is_right(&cut, 1) && (has_lines || !has(&cut, first.trim_ascii()) || !has_rest) {
        return Err(one_read(subject, &cut));
    }
    if subject.speech.closes {
        return Ok(());
    }
    subject.note(tr!("now two lines in one segment", "下面一次发送两行"));
    let two = said(subject, &[&question.repeat(2)], 2 * one.len())?;
    match is_right(&two, 2) {
        true => Ok(()),
        false => Err(one_read(subject, &two)),
    }
}

/// What a wrong answer to cut or joined messages means.
fn one_read(subject: &mut Subject<'_>, answer: &[u8]) -> Trouble {
    match answer.is_empty() {
        true => subject.named(ONE_READ),
        false => Trouble::Bug(ONE_READ),
    }
}

/// Sends two requests in one segment to a server that keeps its connections open.
fn two_requests_in_one_segment(subject: &mut Subject<'_>) -> Outcome {
    let mut client = subject.connect().ok_or_else(unreachable)?;
    let request = http::lasting_request("/");
    let mut is_kept = true;
    let is_sized = |client: &mut Visitor| {
        let response = receive_page(client).response;
        response.is_some_and(|it| it.is_sized())
    };
    for _ in 0..2 {
        is_kept = is_kept && client.send(&request) && is_sized(&mut client);
        is_kept &= !client.has_ended();
    }
    leave(client);
    if !is_kept {
        return Ok(());
    }
    subject.note(tr!(
        "the server keeps a connection open; now two requests in one segment",
        "服务端会保持连接；下面一次发送两个请求"
    ));
    let mut client = subject.connect().ok_or_else(unreachable)?;
    client.send(&request.repeat(2));
    let mut bytes = Vec::new();
    while count(&bytes, b"HTTP/1.") < 2 && !client.has_ended() {
        let (_, more) = client.collect(client.patience(), http::progress);
        if more.is_empty() {
            break;
        }
        bytes.extend(more);
    }
    leave(client);
    match count(&bytes, b"HTTP/1.") {
        2.. => Ok(()),
        _ => Err(one_read(subject, &bytes)),
    }
}

pub(super) const keeps_clients_apart: Experiment = Experiment {
    about: [
        "keeps the data of two clients apart",
        "两个客户端的数据互不混淆",
    ],
    fits: |speech| speech.answers() && !speech.question.is_empty(),
    names: &[SHARED],
    unless: &[NOT_SERVING, &["one-at-a-time"]],
    run: |subject| {
        if subject.speech.kind == Kind::Http {
            return pages_of_two(subject);
        }
        half_a_message_and_another(subject)?;
        for _ in 0..ROUNDS {
            both_at_once(subject)?;
        }
        Ok(())
    },
    ..Experiment::ANY
};

const SHARED: &str = "shared-state";

/// The first client sends half a line, the second one a line, and the first one the rest.
fn half_a_message_and_another(subject: &mut Subject<'_>) -> Outcome {
    let usual = said(subject, &[SECOND], 1)?;
    if usual.is_empty() {
        return Ok(());
    }
    let (mut first, mut second) = (Talk::begin(subject)?, Talk::begin(subject)?);
    // Only when both are accepted, a global variable has the second client.
    let port = subject.addr.port();
    subject.until(|| !has_queue(port));
    let (begin, rest) = FIRST.split_at(5);
    let begun = first.say(&[begin], 0, || false);
    let too_early = second.say(&[], 0, || false);
    let answer = second.say(&[SECOND], usual.len(), || false);
    let finished = first.say(&[rest], 1, || false);
    first.end();
    second.end();
    let of_first = [begun, finished].concat();
    let is_mixed = has(&answer, b"alpha") || has(&of_first, b"bravo");
    // The first client was accepted first: if only the second one is answered, the answer went astray.
    let is_astray = of_first.is_empty() && !answer.is_empty();
    match is_mixed || !too_early.is_empty() {
        true => Err(Trouble::Bug(SHARED)),
        false if is_astray => Err(subject.named(SHARED)),
        false => Ok(()),
    }
}

/// Whether a client that has connected to the server at `port` isn't accepted yet.
fn has_queue(port: u16) -> bool {
    let at_port = sockets_at(port).unwrap_or_default();
    let mut of_server = at_port.iter().filter(|it| it.local.port() == port);
    of_server.any(|it| it.state == State::Established && it.inode == 0)
}

/// Both clients send a line at the same time.
fn both_at_once(subject: &mut Subject<'_>) -> Outcome {
    let [mut first, mut second] = subject.pair().ok_or_else(unreachable)?;
    first.send(FIRST);
    second.send(SECOND);
    let answers = [&mut first, &mut second].map(|client| {
        let (_, mut bytes) = client.collect_until(|bytes| !bytes.is_empty());
        if !client.has_ended() {
            bytes.extend(client.drain(QUIET));
        }
        bytes
    });
    leave(first);
    leave(second);
    match has(&answers[0], b"bravo") || has(&answers[1], b"alpha") {
        true => Err(Trouble::Bug(SHARED)),
        false if answers[0].is_empty() && !answers[1].is_empty() => Err(subject.named(SHARED)),
        false => Ok(()),
    }
}

/// Two clients ask for two pages, one of which doesn't exist, in turns.
fn pages_of_two(subject: &mut Subject<'_>) -> Outcome {
    let requests = ["/", http::MISSING].map(http::request);
    let mut usual = [None; 2];
    for (status, request) in usual.iter_mut().zip(&requests) {
        *status = page(subject, request)?.status();
    }
    if usual[0] == usual[1] || usual.contains(&None) {
        subject.revive();
        return Ok(());
    }
    let [mut first, mut second] = subject.pair().ok_or_else(unreachable)?;
    let (begin, rest) = requests[0].split_at(requests[0].len() - 2);
    first.send(begin);
    if !first.drain(PAUSE).is_empty() || first.has_ended() {
        // It answers before the request ends: another experiment judges that.
        return Ok(());
    }
    second.send(&requests[1]);
    let of_second = receive_page(&mut second).status();
    first.send(rest);
    let of_first = receive_page(&mut first).status();
    leave(first);
    leave(second);
    let is_other = |got: Option<u16>, usual| got.is_some() && got != usual;
    match is_other(of_first, usual[0]) || is_other(of_second, usual[1]) {
        true => Err(Trouble::Bug(SHARED)),
        false => Ok(()),
    }
}

const FIRST: &[u8] = b"alpha 11\n";
const SECOND: &[u8] = b"bravo 22\n";

/// How often two clients send at the same time.
const ROUNDS: usize = 3;
