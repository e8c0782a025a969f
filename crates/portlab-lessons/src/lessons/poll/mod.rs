//! `poll`: the list of all sockets goes to the kernel at every call, so that silent clients cost time.

use std::{io, time::Duration};

use portlab_lab::Server;
use portlab_sys::{
    limits::{most_open_files, raise_open_files},
    meter,
    process::polled,
};
use portlab_words::table::columns;

use crate::{
    cast::{
        Client,
        client::crowd,
        kernel::{accepted, are_asleep, sockets_once, threads_once},
    },
    stage::{Exit, LessonStep, Seen, Stage},
};

/// How many clients the first server has.
const CLIENTS: usize = 100;
/// Beside how many silent clients the messages are measured.
const SILENT: [usize; 3] = [0, 100, 1000];
/// The messages of a round.
const MESSAGES: u32 = 200;
/// The rounds of a measurement.
const ROUNDS: u32 = 5;
/// The factor that silent clients cost at least. On an idle machine it is about twenty.
const FACTOR: u32 = 3;
/// More open files than a step needs.
const OPEN_FILES: u64 = 1100;

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    // The clients and sockets of a step are more than the usual limit.
    raise_open_files();
    stage.set("connections", CLIENTS);
    stage.set("messages", MESSAGES * ROUNDS);

    let mut step = stage.step("list")?;
    let server = step.server(&["--model", "poll"])?;
    let list = list_of(server.pid(), server.addr().port(), || {
        crowd(server.addr(), CLIENTS)
    })?;
    step.set("pid", server.pid());
    step.set("entries", list.unwrap_or_default());
    step.set("bytes", list.unwrap_or_default() * ENTRY);
    step.seen("one", threads_once(server.pid(), are_asleep)?.len() == 1);
    step.seen("entries", list.map(|it| it == CLIENTS as u64 + 2));
    at_the_students_server(&mut step)?;
    step.end()?;

    let mut step = stage.step("idle")?;
    let of_poll = measured(&step, "poll")?;
    let row = |at: usize| [SILENT[at].to_string(), cell(&of_poll, at)];
    let silent = step.lang().pick("silent clients", "沉默的客户端");
    step.set("table", table([silent, "poll"], row));
    step.seen("grows", of_poll.as_ref().map(|it| it[2] > it[0] * FACTOR));
    set_times(&mut step, "poll", &of_poll);
    step.end()?;

    let mut step = stage.step("epoll")?;
    let of_epoll = measured(&step, "event-loop")?;
    let row = |at| {
        let [poll, epoll] = [&of_poll, &of_epoll].map(|it| cell(it, at));
        [SILENT[at].to_string(), poll, epoll]
    };
    step.set("both", table([silent, "poll", "epoll"], row));
    let times = of_poll.as_ref().zip(of_epoll.as_ref());
    let is_less = times.map(|(poll, epoll)| epoll[2] * FACTOR < poll[2]);
    step.seen("flat", is_less);
    set_times(&mut step, "epoll", &of_epoll);
    step.end()?;

    let mut step = stage.step("limit")?;
    let student = match most_open_files() < OPEN_FILES {
        true => None,
        false => step.student("limit.py", &[])?,
    };
    let printed = student.map(|it| it.rest().join("\n"));
    let says = |words: &str| {
        let printed = printed.as_deref();
        printed.map(|it| it.lines().any(|line| line.starts_with(words)))
    };
    let (select, poll) = (
        says("1024 select: filedescriptor"),
        says("1024 poll: [(1024, 1)]"),
    );
    let is_taken = says("1023 select: [1023]");
    step.seen("select", select.zip(is_taken).map(|(no, yes)| no && yes));
    step.printed("poll", "limit", printed, |_| poll == Some(true));
    step.end()
}

/// The length of the list with which a server waits in `poll`, when it has accepted the clients of `connect`. `None` if
/// this machine doesn't show it.
fn list_of(
    pid: i32,
    port: u16,
    connect: impl FnOnce() -> io::Result<Vec<Client>>,
) -> io::Result<Option<u64>> {
    let clients = connect()?;
    sockets_once(port, |them| accepted(port, them) == clients.len())?;
    threads_once(pid, are_asleep)?;
    Ok(polled(pid))
}

/// The list of the student's server, in Python.
fn at_the_students_server(step: &mut LessonStep<'_, '_>) -> io::Result<()> {
    let Some(server) = step.student("poll.py", &[])? else {
        step.seen("python", Seen::NotHere);
        return Ok(());
    };
    let door = server.door()?;
    let list = list_of(server.pid(), door.port(), || crowd(door, CLIENTS))?;
    step.set("python_entries", list.unwrap_or_default());
    step.seen("python", list.map(|it| it == CLIENTS as u64 + 1));
    Ok(())
}

/// The times of a server of `model`.
fn measured(stage: &Stage<'_>, model: &str) -> Result<Times, Exit> {
    if most_open_files() < OPEN_FILES {
        return Ok(None);
    }
    let server = stage.server(&["--model", model])?;
    let mut silent = Vec::new();
    let mut times = [Duration::ZERO; 3];
    for (time, size) in times.iter_mut().zip(SILENT) {
        silent.extend(crowd(server.addr(), size - silent.len())?);
        *time = per_message(&server)?;
    }
    // The server ends first: it serves no end of a silent client.
    drop(server);
    Ok(Some(times))
}

/// The server's processor time per message of one client: the least of some rounds, because on a busy machine other
/// programs make some of them slower.
fn per_message(server: &Server) -> io::Result<Duration> {
    let mut client = Client::connect(server.addr())?;
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        let before = meter::usage(server.pid())?.cpu;
        for _ in 0..MESSAGES {
            client.send("hello")?;
            client.receive()?;
        }
        let used = meter::usage(server.pid())?.cpu.saturating_sub(before);
        least = least.min(used / MESSAGES);
    }
    Ok(least)
}

/// Sets `{NAME_none}` and `{NAME_many}`.
fn set_times(step: &mut LessonStep<'_, '_>, name: &str, times: &Times) {
    let [none, _, many] = times.unwrap_or_default();
    step.set(&format!("{name}_none"), micros(none));
    step.set(&format!("{name}_many"), micros(many));
}

/// A row for each number of silent clients.
fn table<const COLUMNS: usize>(
    names: [&str; COLUMNS],
    row: impl Fn(usize) -> [String; COLUMNS],
) -> String {
    let rows = (0..SILENT.len()).map(row);
    let rows = [names.map(str::to_owned)].into_iter().chain(rows);
    columns(&rows.collect::<Vec<_>>(), 2)
}

fn cell(times: &Times, at: usize) -> String {
    times.map_or_else(|| "-".to_owned(), |it| format!("{} µs", micros(it[at])))
}

fn micros(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e6)
}

/// The processor time of a message beside each of [`SILENT`]; `None` if so many files may not be open here.
type Times = Option<[Duration; 3]>;

/// The bytes of an entry of the list, `struct pollfd`.
const ENTRY: u64 = 8;
