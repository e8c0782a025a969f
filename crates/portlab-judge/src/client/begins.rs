//! What a client does first: it connects, asks, and reads the answer.

use portlab_conformance::experiments::{Outcome, Trouble};
use portlab_words::{Text, tr};

use super::{
    experiment::{ANY, ClientExperiment, Exam},
    manner::{GREETING, encoding_of, other_than, read_in, utf8},
    run::{QUIET, Run, Settled},
    start::Door,
};
use crate::Traceback;

pub(super) const connects: ClientExperiment = ClientExperiment {
    about: ["connects to a server", "连接服务端"],
    names: &["no-connect", "crashes-at-start"],
    run: |exam| {
        let mut run = exam.begin(Door::Open)?;
        if run.connected(exam.launch.timeout) {
            let seen = run.started().dialled().first().copied();
            if let Some(addr) = seen {
                exam.record
                    .add(tr!("it dialled {addr}", "它连接的地址是 {addr}"));
            }
            let dialled = seen.or_else(|| run.started().here());
            exam.dialled = dialled.map(|it| it.to_string());
            return Ok(());
        }
        if let Some(trouble) = run.started().refusal() {
            let what = trouble.what.clone();
            exam.trouble = Some(trouble);
            return Err(Trouble::Skipped(what));
        }
        let seconds = exam.launch.timeout.as_secs_f64();
        match run.settle(QUIET) {
            _ if run.has_udp() => exam.record.add(Text::new(
                "the program has a UDP socket (SOCK_DGRAM); the judge examines TCP (SOCK_STREAM)",
                "程序用的是 UDP 套接字（SOCK_DGRAM）；这里只评测 TCP（SOCK_STREAM）",
            )),
            Settled::Ended(_) => {}
            _ if run.started().run.has_read_stdin() => exam.record.add(tr!(
                "the client reads its stdin, and doesn't connect within {seconds} s",
                "客户端在读取键盘输入，{seconds} 秒内没有连接"
            )),
            _ => exam.record.add(tr!(
                "the client doesn't connect within {seconds} s",
                "客户端 {seconds} 秒内没有连接"
            )),
        }
        let bug = if run.death().is_some() {
            "crashes-at-start"
        } else {
            "no-connect"
        };
        Err(Trouble::Bug(bug))
    },
    ..ANY
};

pub(super) const asks: ClientExperiment = ClientExperiment {
    about: ["sends something", "发送数据"],
    names: &["sends-nothing", "crashes", "no-connect"],
    run: |exam| {
        let mut run = exam.begin(Door::Open)?;
        if !run.connected(exam.launch.timeout) {
            return Err(Trouble::Bug("no-connect"));
        }
        let mut has_asked = run.asked();
        if !has_asked && !run.is_over() {
            run.send(GREETING);
            exam.manner.is_greeted = true;
            has_asked = run.asked();
        }
        if has_asked {
            let (question, length) = (run.question(), run.first().total);
            let settled = run.settle(QUIET);
            exam.manner.is_eager = run.first().total > length;
            if exam.manner.is_greeted && run.is_over() {
                exam.record.add(Text::new(
                    "the client has sent that only when it ended: before, it waited",
                    "这些数据在客户端结束时才发出；之前它一直在等待",
                ));
                return Err(Trouble::Bug("sends-nothing"));
            }
            exam.manner.learn(question, exam.told);
            exam.manner.question_bytes = match settled {
                Settled::Sending => 0,
                _ => run.first().total,
            };
            return Ok(());
        }
        run.settle(QUIET);
        if run.death().is_some() {
            return Err(Trouble::Bug("crashes"));
        }
        if run.is_over() {
            // A client that only reads, such as one that asks for the time by connecting.
            exam.manner.reads = false;
            return Err(Trouble::Skipped(Text::new(
                "the client sends nothing, and ends",
                "客户端什么也不发送就结束了",
            )));
        }
        exam.record.add(Text::new(
            "the client sends nothing, and waits",
            "客户端什么也没有发送，一直在等待",
        ));
        Err(Trouble::Bug("sends-nothing"))
    },
    ..ANY
};

pub(super) const reads_the_answer: ClientExperiment = ClientExperiment {
    about: ["reads an ordinary answer", "能读懂普通的回答"],
    names: &["crashes", "mixed-encodings"],
    fits: |manner| !manner.question.is_empty(),
    run: read_an_answer,
    ..ANY
};

/// Answers in words, in both encodings, and with an echo, until an answer suits the client.
fn read_an_answer(exam: &mut Exam<'_>) -> Outcome {
    let said = encoding_of(&exam.manner.question);
    let first = said.unwrap_or(utf8());
    let second = other_than(first);
    let is_echo = exam.manner.is_echoed;
    let is_told = exam.launch.answer.is_some();
    let mut was_garbled = false;
    for (encoding, is_echoed) in [(first, false), (second, false), (first, true)] {
        if (is_echo && !is_echoed) || (is_told && is_echoed) {
            continue;
        }
        exam.manner.encoding = encoding;
        exam.manner.is_echoed = is_echoed;
        let mut run = exam.asked()?;
        match answered(exam, &mut run) {
            Suits::Well => {
                // An echo is right in any encoding, and then the first answer was only not the one that the client wants.
                let is_mixed = was_garbled && said.is_some() && !is_echoed;
                return if is_mixed {
                    Err(Trouble::Bug("mixed-encodings"))
                } else {
                    Ok(())
                };
            }
            Suits::Garbled => was_garbled = true,
            Suits::Not => {}
        }
    }
    exam.manner.encoding = first;
    exam.manner.is_echoed = is_echo;
    if is_own_error(&exam.complaints.borrow()) || is_told {
        return Err(Trouble::Bug("crashes"));
    }
    exam.manner.reads = false;
    Err(Trouble::Skipped(Text::new(
        "the client needs another answer: give one with --answer TEXT",
        "这个客户端需要别的回答：请用 --answer 写出来",
    )))
}

/// Whether the last error is one that no answer causes: a wrong name, or a text where bytes are needed.
fn is_own_error(stderr: &str) -> bool {
    let own = [
        "NameError",
        "UnboundLocalError",
        "AttributeError",
        "TypeError",
        "ImportError",
    ];
    match Traceback::of(stderr, None) {
        Some(traceback) => own.iter().any(|it| traceback.error.starts_with(it)),
        None => true,
    }
}

/// Whether an answer suits a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Suits {
    Well,
    /// The client can't decode it.
    Garbled,
    /// The client dies.
    Not,
}

fn answered(exam: &mut Exam<'_>, run: &mut Run) -> Suits {
    let manner = exam.manner.clone();
    let question = run.question();
    if run.is_over() {
        // A client that only sends.
        exam.manner.reads = false;
        return Suits::Well;
    }
    run.send(&manner.answer(&question));
    run.serve();
    run.settle(QUIET);
    let died_at_once = run.death();
    exam.manner.reads = run.has_read_all();
    // Some clients decode the answer when the server has closed.
    if !run.is_over() {
        run.finish();
        run.settle(QUIET);
    }
    let garbled = is_garbled(exam, run);
    match died_at_once {
        _ if garbled => Suits::Garbled,
        Some(_) => Suits::Not,
        None => Suits::Well,
    }
}

/// Whether the client couldn't decode what was sent, or has printed it wrongly.
fn is_garbled(exam: &Exam<'_>, run: &mut Run) -> bool {
    if run
        .death()
        .is_some_and(|it| it.contains("UnicodeDecodeError"))
    {
        return true;
    }
    let other = other_than(exam.manner.encoding);
    let bytes = exam.manner.encode(exam.manner.text());
    // The beginning is enough, and the end may be cut.
    let misread: String = read_in(other, &bytes).chars().take(6).collect();
    let is_misread = !exam.manner.text().starts_with(&misread);
    let stdout = run.started().run.stdout();
    stdout.contains('\u{fffd}') || (is_misread && stdout.contains(&misread))
}
