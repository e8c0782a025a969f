//! One client after another: the first, the next, and one that sends nothing.

use std::time::Duration;

use portlab_words::tr;

use super::{Experiment, Kind, Progress, Received, Service, Subject, Trouble, Weight};

/// Servers with these bugs answer no client.
pub(super) const MUTE: &[&str] = &["no-answer", "not-http", "errors-swallowed", "crashes"];

/// Servers with these bugs answer the first client only.
const FIRST_ONLY: &[&str] = &[
    "ends-after-first-client",
    "epoll-closed-before-unregistered",
    "resends-after-end",
];

/// Servers with these bugs have no next client, or none that is answered.
pub(super) const NOT_SERVING: &[&str] = &[
    "no-answer",
    "not-http",
    "errors-swallowed",
    "crashes",
    "ends-after-first-client",
    "keeps-lost-members",
    "epoll-closed-before-unregistered",
    "resends-after-end",
];

pub(super) const answers_a_client: Experiment = Experiment {
    about: ["answers a client", "回答客户端"],
    names: &[
        "no-answer",
        "not-http",
        "wrong-answer",
        "errors-swallowed",
        "crashes",
    ],
    run: |subject| {
        if subject.speech.kind == Kind::Chat {
            // Members who have left are the subject of the next experiment.
            subject.restart();
            return subject.expect_service("no-answer");
        }
        let Some(mut first) = subject.connect() else {
            return Err(subject.named("crashes"));
        };
        let speech = subject.speech.clone();
        let (progress, bytes) = first.ask(&speech);
        if speech.kind != Kind::Silent {
            drop(first);
            return match bytes.is_empty() {
                true => subject.expect_service("no-answer"),
                false if speech.kind == Kind::Http && progress == Progress::Wrong => {
                    Err(subject.named("not-http"))
                }
                false if speech.kind == Kind::Echo && progress != Progress::Right => {
                    Err(subject.named("wrong-answer"))
                }
                false => Ok(()),
            };
        }
        if subject.without_answer(Service::Deaf) == Service::Down {
            return Err(subject.named("crashes"));
        }
        // A server whose errors are swallowed loops past its sockets, or reads the first client only when another one
        // connects.
        let idle = subject.idle();
        let passes_by =
            idle.is_some_and(|it| it.is_spinning || it.is_polling && subject.leaves_unread());
        let _second = subject.connect();
        let is_late = !first.drain(Duration::from_millis(200)).is_empty();
        match is_late || passes_by {
            true => Err(Trouble::Bug("errors-swallowed")),
            false => {
                if subject.reads_stdin() {
                    subject.note(tr!(
                        "the program waits for a line from the keyboard; give one with --typed",
                        "程序正在等待键盘输入；请用 --typed 写明输入什么"
                    ));
                }
                Err(subject.named("no-answer"))
            }
        }
    },
    ..Experiment::ANY
};

pub(super) const serves_the_next_client: Experiment = Experiment {
    about: [
        "serves the next client after the first",
        "第一个客户端走了，还能服务下一个",
    ],
    names: &[
        "crashes",
        "ends-after-first-client",
        "ends-at-empty-connection",
        "keeps-lost-members",
        "epoll-closed-before-unregistered",
        "resends-after-end",
    ],
    unless: &[MUTE],
    run: |subject| {
        // After the last experiment's client, the server may just be ending: the first client here is the server's first.
        subject.restart();
        let service = match subject.served() {
            Ok(first) => match subject.without_answer(Service::Served) {
                // The client has been answered, and has done nothing since. In a chat, another member has left.
                Service::Down if subject.has_failed() && subject.speech.kind != Kind::Chat => {
                    return Err(subject.named("crashes"));
                }
                Service::Down => Service::Down,
                _ => {
                    first.close();
                    ask_after_others(subject)?
                }
            },
            Err(service) => service,
        };
        match service {
            Service::Served => Ok(()),
            Service::Down if subject.has_failed() => Err(match subject.has_slipped() {
                true => subject.named("crashes"),
                // It took the end of a client for a message.
                false => subject.named("ends-at-empty-connection"),
            }),
            // The loop of the first client goes on without a client.
            Service::Deaf if subject.is_spinning() => Err(Trouble::Bug("resends-after-end")),
            _ => Err(subject.named("ends-after-first-client")),
        }
    },
    ..Experiment::ANY
};

/// Asks as a new client when all others have left.
///
/// # Errors
/// If the new members of a chat aren't served although the program runs: it sends to those who have left.
fn ask_after_others(subject: &mut Subject<'_>) -> Result<Service, Trouble> {
    let is_chat = subject.speech.kind == Kind::Chat;
    if is_chat && subject.without_answer(Service::Served) == Service::Down {
        return Ok(Service::Down);
    }
    match subject.ask() {
        Service::Down | Service::Deaf if is_chat => Err(subject.named("keeps-lost-members")),
        service => Ok(service),
    }
}

pub(super) const survives_an_empty_connection: Experiment = Experiment {
    about: [
        "survives a client that connects and closes",
        "客户端连上就断开，服务端不受影响",
    ],
    names: &[
        "ends-at-empty-connection",
        "keeps-lost-members",
        "epoll-closed-before-unregistered",
    ],
    unless: &[MUTE, FIRST_ONLY],
    run: |subject| {
        for _ in 0..2 {
            let Some(client) = subject.connect() else {
                return Err(subject.named("ends-at-empty-connection"));
            };
            client.close();
        }
        subject.note(tr!(
            "both clients have sent nothing",
            "这两个客户端什么也没有发送"
        ));
        match ask_after_others(subject)? {
            Service::Served => Ok(()),
            _ => Err(subject.named("ends-at-empty-connection")),
        }
    },
    ..Experiment::ANY
};

pub(super) const serves_others_beside_a_silent_client: Experiment = Experiment {
    about: [
        "serves others while one client is silent",
        "一个客户端不说话，不影响别的客户端",
    ],
    weight: Weight::Should,
    names: &["one-at-a-time", "crashes"],
    unless: &[MUTE, FIRST_ONLY],
    fits: |speech| speech.kind != Kind::Silent && !speech.question.is_empty(),
    run: |subject| {
        let silent = subject.connect();
        subject.note(tr!(
            "client 1 stays connected and sends nothing",
            "客户端 1 保持连接，什么也不发送"
        ));
        let service = match subject.speech.kind {
            Kind::Chat => next_member(subject),
            _ => subject.ask(),
        };
        drop(silent);
        match service {
            Service::Served => Ok(()),
            Service::Down => Err(subject.named("crashes")),
            _ => Err(Trouble::Bug("one-at-a-time")),
        }
    },
    ..Experiment::ANY
};

/// Connects one more member to a chat: a member with a partner would be two, and the silent client may take the place of
/// one in a small pool. The member is served if it is greeted, or if the server reads its line.
fn next_member(subject: &mut Subject<'_>) -> Service {
    let Some(mut member) = subject.connect_quietly() else {
        return subject.without_answer(Service::Deaf);
    };
    if subject.speech.greets && matches!(member.receive(), Received::Bytes(_)) {
        return Service::Served;
    }
    let number = member.number();
    member.send(format!("judge{number}\n").as_bytes());
    if subject.until(|| member.is_read() != Some(false)) {
        return match member.is_read() {
            Some(_) => Service::Served,
            // The server's sockets can't be seen.
            None => subject.ask(),
        };
    }
    subject.note(tr!(
        "the server doesn't read what client {number} has sent",
        "服务端没有读取客户端 {number} 发送的数据"
    ));
    subject.without_answer(Service::Deaf)
}
