//! How a connection ends: by a reset, by half a close, or by a close that the server must notice.

use std::time::{Duration, Instant};

use portlab_words::tr;

use super::{
    Answer, Experiment, Kind, Needs, Progress, Received, Subject, Trouble, Weight,
    clients::NOT_SERVING, subject::QUIET, talk::unreachable,
};

pub(super) const survives_a_reset: Experiment = Experiment {
    about: [
        "survives a client that resets its connection",
        "客户端异常断开（复位），服务端不受影响",
    ],
    names: &["ends-at-reset", "epoll-closed-before-unregistered"],
    unless: &[NOT_SERVING],
    run: |subject| {
        // The reset arrives before the server accepts: the server is paused meanwhile, if that is allowed.
        let paused = subject.pause();
        match subject.connect() {
            Some(mut client) => {
                client.send(&subject.speech.question.clone());
                client.reset();
            }
            None => return Err(subject.named("ends-at-reset")),
        }
        drop(paused);
        subject.expect_service("ends-at-reset")?;
        // The reset arrives while the server answers, or when it waits for the next message.
        if subject.speech.kind != Kind::Silent
            && let Ok(mut client) = subject.served()
        {
            client.send(&subject.speech.question.clone());
            client.reset();
        }
        subject.expect_service("ends-at-reset")
    },
    ..Experiment::ANY
};

pub(super) const answers_after_half_close: Experiment = Experiment {
    about: [
        "answers a client that has finished sending",
        "客户端半关闭以后，仍然收到完整的回答",
    ],
    weight: Weight::Should,
    fits: |speech| speech.answers() && !speech.question.is_empty(),
    names: &["closes-at-half-close"],
    unless: &[NOT_SERVING],
    run: |subject| {
        let greeting = match subject.speech.greets {
            true => greeting(subject),
            false => 0,
        };
        // The question and the FIN are both there when the server runs on.
        let paused = subject.pause();
        let Some(mut client) = subject.connect_quietly() else {
            return Err(subject.named("closes-at-half-close"));
        };
        client.send(&subject.speech.question.clone());
        client.half_close();
        drop(paused);
        let speech = subject.speech.clone();
        // The greeting and the answer may come together.
        let (progress, bytes) = client.collect(subject.patience, |bytes, has_ended| {
            match bytes.get(greeting..) {
                Some(answer) => speech.progress(answer, has_ended),
                None => Progress::Partial,
            }
        });
        let bytes = bytes.get(greeting..).unwrap_or_default();
        // The answer may differ each time, but not become much shorter.
        let has_answer = match &subject.speech.answer {
            Answer::Exactly(whole) if subject.speech.kind != Kind::Echo => {
                10 * bytes.len() >= 9 * whole.len() && !bytes.is_empty()
            }
            Answer::Response => !bytes.is_empty() && progress != Progress::Wrong,
            _ => progress == Progress::Right,
        };
        match has_answer {
            true => Ok(()),
            false => Err(subject.named("closes-at-half-close")),
        }
    },
    ..Experiment::ANY
};

/// How many bytes a client receives that has sent nothing.
fn greeting(subject: &mut Subject<'_>) -> usize {
    let Some(mut client) = subject.connect_quietly() else {
        return 0;
    };
    let greeting = client.drain(QUIET).len();
    client.close();
    greeting
}

pub(super) const sends_the_rest_after_half_close: Experiment = Experiment {
    about: [
        "sends everything before it closes",
        "关闭之前，把该发的都发完",
    ],
    weight: Weight::Should,
    fits: |speech| speech.kind == Kind::Echo && !speech.closes,
    names: &["closes-at-half-close"],
    unless: &[NOT_SERVING, &["closes-at-half-close", "send-not-sendall"]],
    run: |subject| {
        let Some(mut client) = subject.connect_narrow() else {
            return Err(subject.named("closes-at-half-close"));
        };
        let sent = client.send_until_full(&super::large::text());
        client.half_close();
        std::thread::sleep(Duration::from_millis(200));
        let (_, bytes) = client.collect_until(|bytes| bytes.len() >= sent);
        match bytes.len() == sent {
            true => Ok(()),
            false => Err(subject.named("closes-at-half-close")),
        }
    },
    ..Experiment::ANY
};

pub(super) const notices_the_end: Experiment = Experiment {
    about: ["notices that a client has closed", "能发现客户端已经下线"],
    names: &["resends-after-end"],
    unless: &[NOT_SERVING, &["busy-loop"]],
    run: |subject| {
        let client = match subject.speech.kind {
            Kind::Silent => subject.connect(),
            _ => subject.served().ok(),
        };
        let mut client = client.ok_or_else(unreachable)?;
        if !client.has_ended() {
            client.half_close();
            let (reads, bytes) = flood(&mut client);
            if reads >= FLOOD {
                subject.note(tr!(
                    "the server goes on sending: {bytes} bytes after the client's FIN",
                    "客户端的 FIN 之后，服务端还在发送：{bytes} 字节"
                ));
                return Err(Trouble::Bug("resends-after-end"));
            }
        }
        client.close();
        match subject.is_spinning() {
            true => Err(Trouble::Bug("resends-after-end")),
            false => Ok(()),
        }
    },
    ..Experiment::ANY
};

/// Reads for a moment. Returns how often something came, and how many bytes.
fn flood(client: &mut super::Visitor) -> (usize, usize) {
    let since = Instant::now();
    let (mut reads, mut all) = (0, 0);
    while since.elapsed() < LISTENING {
        match client.read(LISTENING) {
            Received::Bytes(bytes) => {
                reads += 1;
                all += bytes.len();
            }
            _ => break,
        }
    }
    (reads, all)
}

pub(super) const does_not_spin: Experiment = Experiment {
    about: ["waits without using the processor", "没有数据时不占用 CPU"],
    weight: Weight::Should,
    needs: Needs::Process,
    names: &["busy-loop"],
    unless: &[&["errors-swallowed", "resends-after-end"]],
    run: |subject| {
        // A client that has left may keep the server busy, which is another bug: so no client was there before.
        subject.restart();
        if subject.is_spinning() {
            return Err(Trouble::Bug("busy-loop"));
        }
        let _client = subject.connect();
        match subject.is_spinning() {
            true => Err(Trouble::Bug("busy-loop")),
            false => Ok(()),
        }
    },
    ..Experiment::ANY
};

/// For how long a client reads after its FIN.
const LISTENING: Duration = Duration::from_millis(300);

/// How often something must come in this time. One late answer is allowed.
const FLOOD: usize = 4;
