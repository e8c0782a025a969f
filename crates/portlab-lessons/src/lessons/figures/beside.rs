//! Processes, threads and coroutines side by side: what was measured, and what else distinguishes them.

use std::io;

use portlab_lab::Server;
use portlab_sys::{sockets::holders, spawn::signal_pid};
use portlab_words::{Lang, Text, table::columns};
use rustix::process::Signal;

use super::{MODELS, connected, each};
use crate::{
    cast::{
        Client, PATIENCE,
        kernel::{sockets_at, until},
    },
    stage::{Exit, Stage},
};

/// What the steps before have measured, for each model.
pub(super) struct Measured {
    pub(super) bytes: [f64; MODELS.len()],
    pub(super) cpu_us: [f64; MODELS.len()],
    pub(super) switches: [f64; MODELS.len()],
}

/// Kills the process that serves one of two clients, and shows the table. The servers aren't used after this.
pub(super) fn side_by_side(
    stage: &mut Stage<'_>,
    servers: &[Server],
    measured: &Measured,
) -> Result<(), Exit> {
    let mut step = stage.step("beside")?;
    let is_other_served = each(servers, is_other_client_served)?;
    step.seen("crash", is_other_served[0]);
    step.seen("others", !is_other_served[1] && !is_other_served[2]);
    let rows = rows(step.lang(), measured, is_other_served);
    step.set("table", columns(&rows, 2));
    step.end()
}

/// Kills the process that serves the first of two clients. Returns whether the second client still gets an answer.
fn is_other_client_served(server: &Server) -> io::Result<bool> {
    let mut clients = connected(server.addr(), 2)?;
    signal_pid(process_of(&clients[0], server)?, Signal::KILL)?;
    // The first client's connection ends before the second client asks.
    let ended = clients[0].receive();
    if matches!(&ended, Ok(Some(word)) if !word.is_empty()) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let answer = clients[1].send("hello").and_then(|()| clients[1].receive());
    Ok(matches!(answer, Ok(Some(word)) if word == "hello"))
}

/// The process that serves a client: the only one that holds the server's end of the connection.
fn process_of(client: &Client, server: &Server) -> io::Result<i32> {
    let ends = (server.addr(), client.addr()?);
    let processes = || {
        let all = sockets_at(ends.0.port())?;
        let own = all.iter().find(|it| (it.local, it.remote) == ends);
        let mut holders = holders();
        let held = own.and_then(|it| holders.remove(&it.inode));
        Ok(held.unwrap_or_default())
    };
    // The parent of `fork` closes its copy a moment later.
    let is_one = |found: &io::Result<Vec<_>>| found.as_ref().map_or(true, |it| it.len() == 1);
    match until(PATIENCE, processes, is_one)?.as_slice() {
        [one] => Ok(one.pid),
        _ => Err(io::Error::other(Text::new(
            "no process of the server holds the client's connection alone",
            "服务端没有一个进程单独持有这个客户端的连接",
        ))),
    }
}

/// The table: a row for each question, a column for each of the three.
fn rows(
    lang: Lang,
    measured: &Measured,
    is_other_served: [bool; MODELS.len()],
) -> Vec<[String; MODELS.len() + 1]> {
    let words = |row: [&str; 4]| row.map(str::to_owned);
    let figures = |name: &str, figures: [f64; 3], digits: usize| {
        let [a, b, c] = figures.map(|it| format!("{it:.digits$}"));
        [name.to_owned(), a, b, c]
    };
    let [one, all] = lang.pick(["that client", "all"], ["一个", "全部"]);
    let [a, b, c] = is_other_served.map(|served| if served { one } else { all });
    vec![
        words(lang.pick(
            ["", "process", "thread", "coroutine"],
            ["", "进程", "线程", "协程"],
        )),
        words(lang.pick(
            ["managed by", "kernel", "kernel", "program"],
            ["由谁管理", "内核", "内核", "程序自己"],
        )),
        words(lang.pick(
            ["global variables", "own copy", "shared", "shared"],
            ["全局变量", "各有一份", "共享", "共享"],
        )),
        words(lang.pick(
            ["cores", "all", "all*", "one"],
            ["用几个核", "所有的", "所有的*", "一个"],
        )),
        figures(
            lang.pick("KiB per client", "每个客户端 KiB"),
            measured.bytes.map(|it| it / 1024.0),
            1,
        ),
        figures(
            lang.pick("CPU µs per client", "每个客户端 CPU 微秒"),
            measured.cpu_us,
            0,
        ),
        figures(
            lang.pick("switches/message", "每条消息切换"),
            measured.switches,
            2,
        ),
        words([lang.pick("a crash ends", "崩溃时断开"), a, b, c]),
    ]
}
