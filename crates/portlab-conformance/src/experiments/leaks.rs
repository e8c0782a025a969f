//! What a client leaves behind in the server: processes, threads, descriptors.

use portlab_sys::{limits, meter};
use portlab_words::{Text, tr};

use super::{
    Experiment, Kind, Needs, Outcome, Processes, Subject, Trouble, Weight, clients::NOT_SERVING,
    subject::QUIET,
};

pub(super) const ends_its_workers: Experiment = Experiment {
    about: [
        "ends the thread or process of a client that has left",
        "客户端下线后，为它服务的线程或进程也结束",
    ],
    weight: Weight::Should,
    needs: Needs::Process,
    names: &["worker-never-ends"],
    unless: &[NOT_SERVING, &["ends-at-empty-connection"]],
    run: |subject| {
        let workers = |it: &Processes| it.usage().map_or(0, |it| it.threads as usize);
        leaves_nothing(subject, workers, "worker-never-ends")
    },
    ..Experiment::ANY
};

pub(super) const closes_its_sockets: Experiment = Experiment {
    about: [
        "closes the socket of a client that has left",
        "客户端下线后，关闭它的套接字",
    ],
    weight: Weight::Should,
    needs: Needs::Process,
    names: &["descriptor-leak"],
    unless: &[
        NOT_SERVING,
        &["ends-at-empty-connection", "worker-never-ends"],
    ],
    run: |subject| {
        let descriptors = |it: &Processes| {
            let all = it.all();
            all.iter()
                .map(|pid| limits::descriptors(*pid).unwrap_or(0))
                .sum()
        };
        leaves_nothing(subject, descriptors, "descriptor-leak")
    },
    ..Experiment::ANY
};

pub(super) const reaps_its_children: Experiment = Experiment {
    about: ["reaps its child processes", "子进程结束后，父进程回收它们"],
    weight: Weight::Should,
    needs: Needs::Process,
    names: &["zombies"],
    unless: &[NOT_SERVING, &["ends-at-empty-connection"]],
    run: |subject| {
        let zombies = |it: &Processes| {
            let all = it.all();
            let of = |pid: &i32| meter::zombies(*pid).map_or(0, |it| it.len());
            all.iter().map(of).sum()
        };
        leaves_nothing(subject, zombies, "zombies")
    },
    ..Experiment::ANY
};

/// Expects that `count` is about the same before and after many clients, each of which has closed.
fn leaves_nothing(
    subject: &mut Subject<'_>,
    count: impl Fn(&Processes) -> usize,
    bug: &'static str,
) -> Outcome {
    let Some(processes) = subject.waits().processes else {
        return Ok(());
    };
    let before = count(&processes);
    for _ in 0..CLIENTS {
        match subject.speech.kind {
            Kind::Silent | Kind::Chat => {
                if let Some(mut client) = subject.connect() {
                    // The server may begin to serve a member when it has a name.
                    if subject.speech.kind == Kind::Chat {
                        client.send(format!("judge{}\n", client.number()).as_bytes());
                        client.drain(QUIET);
                    }
                    client.close();
                }
            }
            _ => match subject.served() {
                Ok(client) => client.close(),
                Err(_) => {
                    return Err(Trouble::Blocked(Text::new(
                        "a client was not served",
                        "有一个客户端没有得到服务",
                    )));
                }
            },
        }
    }
    let mut now = 0;
    // A server may reap children and forget clients when the next one comes: a few of the last may be left.
    let is_left = subject.until(|| {
        now = count(&processes);
        now < before + CLIENTS / 2
    });
    if is_left {
        return Ok(());
    }
    let clients = CLIENTS;
    subject.note(match bug {
        "zombies" => tr!(
            "after {clients} clients that have left, there are {now} zombie processes (before: {before})",
            "{clients} 个客户端都下线之后，有 {now} 个僵尸进程（之前 {before} 个）"
        ),
        "descriptor-leak" => tr!(
            "after {clients} clients that have left, the server has {now} open descriptors (before: {before})",
            "{clients} 个客户端都下线之后，服务端有 {now} 个打开的描述符（之前 {before} 个）"
        ),
        _ => tr!(
            "after {clients} clients that have left, the server has {now} threads (before: {before})",
            "{clients} 个客户端都下线之后，服务端有 {now} 个线程（之前 {before} 个）"
        ),
    });
    Err(Trouble::Bug(bug))
}

/// How many clients come and leave.
const CLIENTS: usize = 12;
