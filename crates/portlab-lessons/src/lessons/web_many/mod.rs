//! Three clients at one web server, the first of which is silent: one loop, threads, processes, coroutines.

use std::{
    io::{self, Read},
    net::SocketAddr,
    time::Duration,
};

use portlab_lab::{Server, ServerError};
use portlab_sys::{
    meter::children,
    process::status,
    socket::uninterrupted,
    sockets::{Socket, holders},
    threads::Thread,
};
use portlab_words::table::columns;

use crate::{
    cast::{
        self, Ends, Student, Visit,
        kernel::{
            accepted, are_asleep, queued, shown, side_of_server, sockets_once, threads_once,
            threads_shown, until,
        },
    },
    stage::{Exit, Stage},
};

/// The response of each server.
const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// How long to wait for a response that should not come.
const PATIENCE: Duration = Duration::from_millis(300);

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    one(stage)?;
    threads(stage)?;
    processes(stage)?;
    copies(stage)?;
    tasks(stage)?;
    gevent(stage)
}

/// One loop: the others wait for the silent client.
fn one(stage: &mut Stage<'_>) -> Result<(), Exit> {
    stage.set("patience", PATIENCE.as_millis());
    let mut step = stage.step("one")?;
    let server = serving(&step, "iterative")?;
    let waited = the_others_wait(server.addr())?;
    step.set("waiting", &waited.table);
    step.seen("queue", waited.queued);
    step.seen("silent", waited.silent);
    step.seen("after", waited.after);
    let student = step.student("one.py", &["0"])?;
    let theirs = student.map(|it| the_others_wait(it.door()?)).transpose()?;
    let are_same = theirs.map(|it| it.queued && it.silent && it.after);
    step.seen("python", are_same);
    step.end()
}

/// A thread for each client.
fn threads(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("threads")?;
    let server = serving(&step, "threads")?;
    let two = |them: &[Thread]| them.len() == 2 && are_asleep(them);
    let (order, left) = served_beside_a(server.addr(), || threads_once(server.pid(), two))?;
    step.set("threads", threads_shown(&left));
    step.seen("first", order.others);
    step.seen("last", order.a);
    step.seen("counted", left.len() == 2);
    let student = step.student("threads.py", &["0"])?;
    step.seen("python", student.map(|it| in_order(&it)).transpose()?);
    step.end()
}

/// A process for each client.
fn processes(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("processes")?;
    let server = serving(&step, "fork")?;
    let own = server.pid();
    // Before A asks: its child ends soon after.
    let (order, family) = served_beside_a(server.addr(), || {
        let is_left = |them: &io::Result<Vec<Member>>| them.as_ref().is_ok_and(|it| waits(it));
        until(cast::PATIENCE, || family_of(own), is_left)
    })?;
    let head = ["PID", "PPID", "Name", "State"].map(str::to_owned);
    let rows: Vec<_> = [&[head][..], &family].concat();
    step.set("family", columns(&rows, 2));
    step.seen("first", order.others && order.a);
    step.seen("child", waits(&family));
    let student = step.student("processes.py", &["0"])?;
    step.seen("python", student.map(|it| in_order(&it)).transpose()?);
    step.end()
}

/// A process: its number, its parent's number, its name, its state.
type Member = [String; 4];

/// The server and its children, at one moment.
fn family_of(server: i32) -> io::Result<Vec<Member>> {
    let all = [vec![server], children(server)?].concat();
    let names = ["Pid", "PPid", "Name", "State"];
    let member = |pid: &i32| names.map(|name| status(*pid, name).unwrap_or_default());
    Ok(all.iter().map(member).collect())
}

/// Whether a server and its only child are left, and both sleep.
fn waits(family: &[Member]) -> bool {
    let sleeps = |[.., state]: &Member| state.starts_with('S');
    let is_child = family.last().map(|it| &it[1]) == family.first().map(|it| &it[0]);
    family.len() == 2 && is_child && family.iter().all(sleeps)
}

/// A parent that keeps its copy of the client's socket.
fn copies(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("copies")?;
    let closing = step.student("processes.py", &["0"])?;
    let closes = closing.map(|it| -> io::Result<bool> {
        let mut visit = Visit::to(it.door()?)?;
        let is_page = visit.get("/")?.text() == "hello";
        Ok(is_page && uninterrupted(|| visit.stream().read(&mut [0]))? == 0)
    });
    step.seen("closes", closes.transpose()?);
    let python = step.python().cloned();
    let keeping = python.map(|python| {
        let closing = include_str!("processes.py");
        let keeping = closing.replace("start()\n    client.close()", "start()");
        Student::python(&python, &keeping, &["0"])
    });
    let kept = keeping.transpose()?.map(|it| kept_open(&it)).transpose()?;
    step.printed("stays", "kept", kept, |it| it.contains("ESTABLISHED"));
    step.end()
}

/// The server's end of a connection whose page has come, when the child that sent it has ended.
fn kept_open(student: &Student) -> io::Result<String> {
    let mut visit = Visit::to(student.door()?)?;
    visit.get("/")?;
    let ends = Ends::of(visit.stream())?;
    let is_parents = |end: &Socket| {
        let holders = holders();
        let by = holders.get(&end.inode).map_or(&[][..], Vec::as_slice);
        by.iter().map(|it| it.pid).eq([student.pid()])
    };
    let of_server = ends.once(|all| all.first().is_some_and(is_parents))?;
    Ok(shown(&of_server[..of_server.len().min(1)]))
}

/// A coroutine for each client, all on one thread.
fn tasks(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("tasks")?;
    let server = serving(&step, "tasks-single")?;
    let one = |them: &[Thread]| them.len() == 1 && are_asleep(them);
    let (order, left) = served_beside_a(server.addr(), || threads_once(server.pid(), one))?;
    step.set("threads", threads_shown(&left));
    step.seen("first", order.others && order.a);
    step.seen("counted", left.len() == 1);
    let student = step.student("tasks.py", &["0"])?;
    step.seen("python", student.map(|it| in_order(&it)).transpose()?);
    step.end()
}

/// The loop of the first step, with gevent.
fn gevent(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("gevent")?;
    let has_gevent = step.python().and_then(|it| it.package("gevent")).is_some();
    let student = match has_gevent {
        true => step.student("green.py", &["0"])?,
        false => None,
    };
    step.seen("gevent", student.map(|it| in_order(&it)).transpose()?);
    step.end()
}

/// A server of `model` that sends the page to each request.
fn serving(stage: &Stage<'_>, model: &str) -> Result<Server, ServerError> {
    stage.server(&["--model", model, "--service", "reply", "--reply", PAGE])
}

/// What B and C saw behind the silent A.
struct Waited {
    /// The server's side while A was silent.
    table: String,
    /// Whether both waited in the queue.
    queued: bool,
    /// Whether both received nothing.
    silent: bool,
    /// Whether all three got the page as soon as A had asked.
    after: bool,
}

/// A connects and is silent; B and C request the page; then A does.
fn the_others_wait(addr: SocketAddr) -> io::Result<Waited> {
    let port = addr.port();
    let mut a = Visit::to(addr)?;
    sockets_once(port, |all| accepted(port, all) == 1)?;
    let mut others = [Visit::to(addr)?, Visit::to(addr)?];
    for other in &mut others {
        other.send("GET / HTTP/1.1\r\n\r\n")?;
    }
    let waiting = sockets_once(port, |all| queued(port, all) == 2)?;
    let table = side_of_server(port, &waiting);
    let [b, c] = others.each_ref().map(|it| it.is_silent(PATIENCE));
    let silent = b? && c?;
    let first = is_page(&mut a);
    drop(a);
    // C is served when B has left.
    let both = others.into_iter().all(|mut other| {
        let response = other.response();
        response.is_ok_and(|it| it.text() == "hello")
    });
    Ok(Waited {
        table,
        queued: queued(port, &waiting) == 2 && accepted(port, &waiting) == 1,
        silent,
        after: first && both,
    })
}

/// Who got the page.
struct Order {
    /// B and C, while A was silent.
    others: bool,
    /// A, when it asked at last.
    a: bool,
}

/// A connects and is silent; B and C request the page, one after the other; `look` looks at the server; then A asks.
fn served_beside_a<T>(
    addr: SocketAddr,
    look: impl FnOnce() -> io::Result<T>,
) -> io::Result<(Order, T)> {
    let mut a = Visit::to(addr)?;
    let mut others = true;
    for _client in ["B", "C"] {
        others &= is_page(&mut Visit::to(addr)?);
    }
    let seen = look()?;
    let a = is_page(&mut a);
    Ok((Order { others, a }, seen))
}

/// Whether a student's server serves B, C and A, in this order.
fn in_order(student: &Student) -> io::Result<bool> {
    let (order, ()) = served_beside_a(student.door()?, || Ok(()))?;
    Ok(order.others && order.a)
}

/// Requests the page. Returns whether it came, within the patience of all visits.
fn is_page(visit: &mut Visit) -> bool {
    let response = visit.get("/");
    response.is_ok_and(|it| it.text() == "hello")
}
