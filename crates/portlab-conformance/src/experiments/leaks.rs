//! What a client leaves behind in the server: processes, threads, descriptors.

use portlab_sys::{limits, meter};
use portlab_words::{Text, tr};

use super::{
    Experiment, Kind, Needs, Outcome, Processes, Subject, Trouble, Weight, clients::NOT_SERVING,
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
        leaves_nothing(subject, workers, "worker-never-ends", &THREADS)
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
        leaves_nothing(subject, descriptors, "descriptor-leak", &DESCRIPTORS)
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
        leaves_nothing(subject, zombies, "zombies", &ZOMBIES)
    },
    ..Experiment::ANY
};

/// What is counted.
const THREADS: Text = Text::new("threads in its processes", "线程");
const DESCRIPTORS: Text = Text::new("open descriptors", "打开的描述符");
const ZOMBIES: Text = Text::new("zombie processes", "僵尸进程");

/// Expects that `count` of `what` is about the same before and after many clients, each of which has closed.
fn leaves_nothing(
    subject: &mut Subject<'_>,
    count: impl Fn(&Processes) -> usize,
    bug: &'static str,
    what: &Text,
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
                        client.introduce();
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
    let Text { en, zh } = what;
    subject.note(tr!(
        "after {clients} clients that have left, the server has {now} {en} (before: {before})",
        "{clients} 个客户端都下线之后，服务端有 {now} 个{zh}（之前 {before} 个）"
    ));
    Err(Trouble::Bug(bug))
}

/// How many clients come and leave.
const CLIENTS: usize = 12;
