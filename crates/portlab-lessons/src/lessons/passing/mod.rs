//! What a descriptor is, and how a process passes one to another process.

use std::{fs, io, net::SocketAddr, time::Duration};

use portlab_lab::Server;
use portlab_sys::{
    meter::tree,
    process::status,
    sockets::{Socket, State, holders},
    spawn::{Signal, signal_pid},
};
use portlab_words::table::columns;

use crate::{
    cast::{
        Client,
        kernel::{
            are_asleep, once, queued, side_of_server, sockets_once, threads_once, unread_from,
        },
    },
    stage::{Exit, LessonStep, Stage},
};

/// How long to wait for an answer that should not come.
const PATIENCE: Duration = Duration::from_millis(300);

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    stage.set("patience", PATIENCE.as_millis());

    let mut step = stage.step("tables")?;
    let server = step.server(&["--model", "passing", "--workers", "1"])?;
    let two = Two::of(&server);
    let port = server.addr().port();
    let sockets = sockets_once(port, |them| listener(them) != 0)?;
    let door = listener(&sockets);
    step.set("parent", two.parent);
    step.set("worker", two.worker);
    two.show(&mut step, "before", &[door]);
    step.seen("parent", descriptor(two.parent, door).is_some());
    step.seen("worker", descriptor(two.worker, door).is_none());
    step.end()?;

    let mut step = stage.step("passed")?;
    let mut first = Client::connect(server.addr())?;
    first.send("hello")?;
    let answer = first.receive()?.unwrap_or_default();
    let (own, mine) = accepted_as(port, &first)?;
    two.show(&mut step, "after", &[door, mine]);
    step.set("inode", mine);
    step.set("first", own);
    step.seen("answered", answer == "hello");
    step.seen("worker", descriptor(two.worker, mine).is_some());
    step.seen("parent", once(|| descriptor(two.parent, mine).is_none()));
    step.end()?;

    let mut step = stage.step("full")?;
    let mut second = Client::connect(server.addr())?;
    second.send("hello")?;
    let own = second.addr()?;
    let sockets = sockets_once(port, |them| {
        unread_from(own, them) == 5 && queued(port, them) == 1
    })?;
    step.set("waits", side_of_server(port, &sockets));
    step.seen("silent", second.receive_within(PATIENCE)?.is_none());
    step.seen("queue", queued(port, &sockets) == 1);
    drop(first);
    step.seen("next", second.receive()?.as_deref() == Some("hello"));
    step.end()?;

    let mut step = stage.step("between")?;
    let (_, last) = accepted_as(port, &second)?;
    drop(second);
    let is_free = once(|| descriptor(two.worker, last).is_none());
    threads_once(two.worker, are_asleep)?;
    signal_pid(two.worker, Signal::STOP)?;
    let is_stopped = once(|| status(two.worker, "State").is_some_and(|it| it.starts_with('T')));
    let mut third = Client::connect(server.addr())?;
    third.send("hello")?;
    let (own, passed) = accepted_as(port, &third)?;
    let is_held = || holders().contains_key(&passed);
    let in_no_table = once(|| !is_held());
    two.show(&mut step, "between", &[door, passed]);
    step.set("third", own);
    step.set("passed", passed);
    step.seen("accepted", passed != 0);
    step.seen("nowhere", is_free && is_stopped && in_no_table);
    signal_pid(two.worker, Signal::CONT)?;
    step.seen("answered", third.receive()?.as_deref() == Some("hello"));
    step.seen("arrived", descriptor(two.worker, passed).is_some());
    step.end()?;

    python(stage)
}

/// The same in Python, with a pipe, and with the number as a text beside it.
fn python(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("python")?;
    let student = step.student("pass.py", &[])?;
    let lines = student.map(|it| it.rest());
    let part = |line: usize, word: usize| {
        let lines = lines.as_deref().unwrap_or_default();
        let line = lines.get(line).map_or("", String::as_str);
        line.split_whitespace().nth(word).unwrap_or("").to_owned()
    };
    for (name, line) in [("number", 0), ("passed_number", 2)] {
        step.set(name, part(line, 1));
    }
    let is_other = part(0, 1) == part(1, 1) && part(1, 2).starts_with("socket:");
    let is_same = part(0, 2).starts_with("pipe:") && part(0, 2) == part(2, 2);
    let is_read = part(3, 1) == "hello";
    step.seen("same", lines.as_ref().map(|_| is_same && is_read));
    let printed = lines.as_ref().map(|lines| lines.join("\n"));
    step.printed("other", "printed", printed, |_| is_other);
    step.end()
}

/// The two processes of the server.
struct Two {
    parent: i32,
    worker: i32,
}

impl Two {
    fn of(server: &Server) -> Self {
        let parent = server.pid();
        let mut worker = 0;
        once(|| {
            let below = tree(parent).unwrap_or_default();
            worker = below.get(1).copied().unwrap_or(0);
            worker != 0
        });
        Self { parent, worker }
    }

    /// Shows by which number each process has the listener, and the connection.
    fn show(&self, step: &mut LessonStep<'_, '_>, name: &str, inodes: &[u64]) {
        let lang = step.lang();
        let [listener, connection] = [
            lang.pick("listener", "监听套接字"),
            lang.pick("connection", "连接"),
        ];
        let head = [
            lang.pick("the kernel's socket", "内核里的套接字")
                .to_owned(),
            format!("{} {}", lang.pick("parent", "父进程"), self.parent),
            format!("{} {}", lang.pick("worker", "工作进程"), self.worker),
        ];
        let number =
            |pid, inode| descriptor(pid, inode).map_or("-".to_owned(), |number| number.to_string());
        let rows = inodes.iter().zip([listener, connection]);
        let rows = rows.map(|(&inode, what)| {
            let socket = format!("socket:[{inode}]  {what}");
            [
                socket,
                number(self.parent, inode),
                number(self.worker, inode),
            ]
        });
        let table: Vec<_> = [head].into_iter().chain(rows).collect();
        step.set(name, columns(&table, 2));
    }
}

/// The number by which the process has the socket, as `/proc/PID/fd` lists it.
fn descriptor(pid: i32, inode: u64) -> Option<i32> {
    let socket = format!("socket:[{inode}]");
    let table = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let mut entries = table.flatten();
    let found = entries.find(|entry| {
        fs::read_link(entry.path()).is_ok_and(|link| link.as_os_str() == socket.as_str())
    });
    found?.file_name().to_str()?.parse().ok()
}

/// The number of the listening socket in the kernel.
fn listener(sockets: &[Socket]) -> u64 {
    let mut all = sockets.iter();
    all.find(|it| it.state == State::Listen)
        .map_or(0, |it| it.inode)
}

/// The client's address, and the number of the server's socket for it, once the server has accepted it.
fn accepted_as(port: u16, client: &Client) -> io::Result<(SocketAddr, u64)> {
    let own = client.addr()?;
    let its = |them: &[Socket]| {
        let mut all = them.iter();
        all.find(|it| it.local.port() == port && it.remote == own)
            .map_or(0, |it| it.inode)
    };
    let sockets = sockets_once(port, |them| its(them) != 0)?;
    Ok((own, its(&sockets)))
}
