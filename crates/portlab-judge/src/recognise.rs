//! What a server speaks: found out by a few clients that ask harmless questions.

use std::time::Duration;

use portlab_conformance::experiments::{
    Answer, Kind, Progress, Received, Service, Speech, Subject, Visitor, has,
};

/// Finds out what the server of `subject` speaks. If the server ends meanwhile, it is started again.
///
/// First a request of HTTP, which is plain text for every other server; then short lines, once beside a silent client,
/// which would receive a line if the server is a chat.
pub(crate) fn recognise(subject: &mut Subject<'_>) -> Speech {
    let unknown = silent();
    let Some(mut first) = subject.connect() else {
        return unknown;
    };
    let greeting = receive(&mut first, GREETING);
    if first.has_ended() && !greeting.is_empty() {
        return of_sender(subject, greeting, unknown);
    }
    let greets = !greeting.is_empty();
    let request = Speech::http(true).question;
    first.send(&request);
    let page = receive(&mut first, subject.patience);
    let closes = first.has_ended();
    drop(first);
    // A page without a status line is a mistake, and not another protocol.
    if page.starts_with(b"HTTP/") || is_page(&page) {
        return Speech::http(closes);
    }
    let is_down = page.is_empty() && subject.without_answer(Service::Deaf) == Service::Down;
    subject.start_if_down();
    if is_down {
        // A server of HTTP without a page at / may end at once.
        let other = Speech::http_page("/index.html", true);
        let (page, closes) = ask(subject, &other.question);
        if page.starts_with(b"HTTP/") {
            return Speech { closes, ..other };
        }
    }
    if page == request {
        return match is_chat(subject, greets) {
            true => chat(greets),
            false => Speech {
                greets,
                closes,
                ..Speech::echo(LINE)
            },
        };
    }
    if page.is_empty() && subject.is_spinning() {
        return unknown;
    }
    if page.is_empty() || greets {
        let found = is_chat(subject, greets);
        subject.start_if_down();
        if found {
            return chat(greets);
        }
    }
    by_lines(subject, Speech { greets, ..unknown })
}

/// Finds out by three lines what a server speaks that is neither HTTP nor a chat. `unknown` is the answer if nothing comes.
fn by_lines(subject: &mut Subject<'_>, unknown: Speech) -> Speech {
    let greets = unknown.greets;
    subject.speech.greets = greets;
    let (one, closes) = ask(subject, LINE);
    let (again, _) = ask(subject, LINE);
    let (other, _) = ask(subject, OTHER);
    let kind = match () {
        // The members of a chat may have to say their names first.
        () if one.is_empty() && is_chat(subject, true) => return chat(greets),
        () if one.is_empty() => return unknown,
        () if one == LINE && other == OTHER => Kind::Echo,
        () if one == other => {
            // A calculator has the same answer to all that isn't a sum.
            let (sum, _) = ask(subject, SUM);
            if !sum.is_empty() && sum != one {
                return Speech {
                    kind: Kind::Lines,
                    question: SUM.to_vec(),
                    answer: Answer::Exactly(sum),
                    greets,
                    closes,
                };
            }
            Kind::Reply
        }
        () => Kind::Lines,
    };
    // The first line of a member may be its name, which the server answers by a welcome.
    if kind == Kind::Lines && is_chat(subject, true) {
        return chat(greets);
    }
    let answer = match one == again {
        true => Answer::Exactly(one),
        false => Answer::Something,
    };
    Speech {
        kind,
        question: LINE.to_vec(),
        answer,
        greets,
        closes,
    }
}

/// What a server speaks that the user says it is. The questions are the same; what isn't known is learned.
pub(crate) fn told(subject: &mut Subject<'_>, kind: Kind) -> Speech {
    match kind {
        Kind::Echo => Speech::echo(LINE),
        Kind::Http => Speech::http(true),
        Kind::Chat => chat(recognise(subject).greets),
        Kind::Silent => silent(),
        Kind::Reply | Kind::Lines => {
            let mut found = recognise(subject);
            if matches!(found.answer, Answer::Response | Answer::Nothing) {
                found.answer = Answer::Something;
            }
            Speech { kind, ..found }
        }
    }
}

/// What a server speaks whose question the user says: `kind`, or else a reply, of which the experiments expect least.
pub(crate) fn asked(subject: &mut Subject<'_>, question: &[u8], kind: Option<Kind>) -> Speech {
    let Some(mut first) = subject.connect() else {
        return silent();
    };
    let greets = !receive(&mut first, GREETING).is_empty();
    drop(first);
    subject.start_if_down();
    subject.speech.greets = greets;
    let (answer, closes) = ask(subject, question);
    let (again, _) = ask(subject, question);
    let (usual, answer) = match () {
        () if answer.is_empty() => (Kind::Silent, Answer::Nothing),
        () if answer == again => (Kind::Reply, Answer::Exactly(answer)),
        () => (Kind::Reply, Answer::Something),
    };
    Speech {
        kind: kind.filter(|_| usual != Kind::Silent).unwrap_or(usual),
        question: question.to_vec(),
        answer,
        greets,
        closes,
    }
}

/// A server that sends nothing.
fn silent() -> Speech {
    Speech {
        kind: Kind::Silent,
        question: LINE.to_vec(),
        answer: Answer::Nothing,
        greets: false,
        closes: false,
    }
}

fn chat(greets: bool) -> Speech {
    Speech {
        kind: Kind::Chat,
        answer: Answer::Something,
        greets,
        ..silent()
    }
}

/// A server that sends and closes without a question.
fn of_sender(subject: &mut Subject<'_>, greeting: Vec<u8>, unknown: Speech) -> Speech {
    subject.start_if_down();
    let again = subject
        .connect()
        .map(|mut it| receive(&mut it, subject.patience));
    let answer = match again.is_none_or(|it| it == greeting) {
        true => Answer::Exactly(greeting),
        false => Answer::Something,
    };
    Speech {
        kind: Kind::Reply,
        question: Vec::new(),
        answer,
        closes: true,
        ..unknown
    }
}

/// Asks `line` on a connection of its own. Returns the answer, and whether the server closed after it. A server that ends
/// meanwhile, perhaps because of the client before, is asked once more.
fn ask(subject: &mut Subject<'_>, line: &[u8]) -> (Vec<u8>, bool) {
    for _ in 0..2 {
        if let Some(mut client) = subject.connect() {
            client.send(line);
            let answer = receive(&mut client, subject.patience);
            if !answer.is_empty() {
                return (answer, client.has_ended());
            }
        }
        if subject.without_answer(Service::Deaf) != Service::Down {
            break;
        }
        subject.start_if_down();
    }
    Default::default()
}

/// Whether a client receives what another one sends. With `named`, each first sends a line, which may be its name.
fn is_chat(subject: &mut Subject<'_>, named: bool) -> bool {
    // A chat may still send to the clients that have left.
    subject.restart();
    let members = match named {
        true => subject.members(),
        false => subject.pair(),
    };
    let Some([mut listener, mut speaker]) = members else {
        return false;
    };
    speaker.send(LINE);
    let (progress, _) = listener.collect(GREETING, |bytes, has_ended| match () {
        () if has(bytes, LINE.trim_ascii_end()) => Progress::Right,
        () if has_ended => Progress::Wrong,
        () => Progress::Partial,
    });
    progress == Progress::Right
}

/// Whether `bytes` begin as a page of HTML does.
fn is_page(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    let begins = |tag: &&str| {
        let begin = bytes.get(..tag.len());
        begin.is_some_and(|it| it.eq_ignore_ascii_case(tag.as_bytes()))
    };
    ["<!doctype", "<html", "<head", "<body", "<h1"]
        .iter()
        .any(begins)
}

/// What comes within `limit`, until the server is quiet for a moment.
fn receive(client: &mut Visitor, limit: Duration) -> Vec<u8> {
    match client.receive_within(limit) {
        Received::Bytes(mut bytes) => {
            bytes.extend(client.drain(QUIET));
            bytes
        }
        _ => Vec::new(),
    }
}

/// The two questions. Servers that read one line and servers that read bytes take both.
const LINE: &[u8] = b"hello 4711\n";
const OTHER: &[u8] = b"good morning 0815\n";

/// A question to a calculator.
const SUM: &[u8] = b"1+2\n";

/// How long a greeting may take.
const GREETING: Duration = Duration::from_millis(250);

/// How long a server is quiet when its answer is over.
const QUIET: Duration = Duration::from_millis(100);
