//! The timeline of `serve --trace FILE`, on every model: it is whole, it is consistent, and it tells what
//! really happened.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod server;

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    path::Path,
    process::Output,
};

use libtest_mimic::{Failed, Trial};
use portlab_backends::{MODELS, Sheet};
use portlab_stats::trace::{ACCEPT_QUEUE, CONNECTIONS, Kind, QUEUE, Slice, Trace};
use portlab_sys::{
    meter,
    spawn::{Signal, signal, signal_pid, tie_to_this_thread},
};

use server::Server;

use portlab_testkit::{command, folder, portlab, wait_until_read};

fn main() {
    let mut trials = Vec::new();
    for sheet in MODELS.iter().map(|model| model.sheet()) {
        for &(name, run) in ON_EVERY_MODEL {
            let name = format!("{}::{name}", sheet.name);
            trials.push(Trial::test(name, move || run(sheet)));
        }
        if sheet.hub.is_ok() {
            let name = format!("{}::a_chat_is_heard_in_the_timeline", sheet.name);
            trials.push(Trial::test(name, move || chat(sheet)));
        }
        if sheet.forks() {
            let name = format!("{}::what_a_killed_child_did_is_in_the_timeline", sheet.name);
            trials.push(Trial::test(name, move || killed(sheet)));
        }
    }
    for &(name, run) in ONCE {
        trials.push(Trial::test(name, run));
    }
    portlab_testkit::run(trials);
}

type OnModel = fn(&'static Sheet) -> Result<(), Failed>;
type Once = fn() -> Result<(), Failed>;

const ON_EVERY_MODEL: &[(&str, OnModel)] = &[
    ("every_byte_of_every_connection_is_there", echo),
    ("a_wait_takes_its_time", wait),
    ("a_block_is_a_wait_of_whoever_runs_the_handler", block),
    ("computing_is_handling", compute),
    ("what_there_is_no_room_for_is_counted", tiny),
];

const ONCE: &[(&str, Once)] = &[
    ("jobs_wait_in_the_queue_of_the_loops_pool", jobs),
    ("callers_wait_in_the_queue_of_the_pool", callers),
    ("callers_wait_in_the_accept_queue_of_who_is_deaf", deaf),
    ("the_waiting_of_a_runtime_is_no_connections", parked),
    ("a_hundred_short_lived_children_are_in_one_file", churn),
    (
        "a_handler_that_outlives_the_deadline_costs_no_timeline",
        stuck,
    ),
    (
        "a_file_that_cannot_be_written_is_refused_at_once",
        unwritable,
    ),
    (
        "the_file_is_replaced_as_a_whole_and_nothing_else_is_left",
        replaced,
    ),
    ("whoever_has_no_json_is_told_where_to_look", told),
];

/// A message's length, which nothing else has.
const LENGTH: usize = 777;
const WORKERS: usize = 4;

fn echo(sheet: &'static Sheet) -> Result<(), Failed> {
    let (clients, messages) = (crowd(sheet), 5);
    let server = Server::start(sheet, "echo", &[]);
    let mut streams: Vec<_> = (0..clients).map(|_| server.connect()).collect();
    for _ in 0..messages {
        for stream in &mut streams {
            say_and_hear(stream);
        }
    }
    // A busy machine may keep its server so busy that it waits for nobody before.
    server.wait_until_asleep();
    streams.into_iter().for_each(leave);
    let trace = server.stop();
    check(&trace, sheet)?;
    let spans = trace.spans.len();
    ensure(spans == clients, || format!("{spans} connections"))?;
    for span in &trace.spans {
        ensure(span.closed, || format!("no end was seen: {span:?}"))?;
        let of_it = slices_of(&trace, |slice| slice.conn == Some(span.conn));
        for kind in [Kind::Read, Kind::Write] {
            let bytes = bytes(&of_it, kind);
            ensure(bytes == (messages * LENGTH) as u64, || {
                format!("{bytes} bytes of {kind:?}")
            })?;
        }
        let accepted = of_it.iter().filter(|slice| slice.kind == Kind::Accept);
        ensure(accepted.count() == 1, || {
            format!("not accepted once: {span:?}")
        })?;
        // Nothing is done for a connection before it is accepted, or after it has ended.
        ensure(
            of_it.iter().all(|slice| slice.end_ns <= span.end_ns),
            || format!("something was done behind the end of {span:?}"),
        )?;
    }
    for kind in Kind::ALL {
        let some = trace.slices.iter().any(|slice| slice.kind == kind);
        ensure(some, || format!("no slice of {kind:?}"))?;
    }
    let most = most(&trace, CONNECTIONS);
    ensure(most == clients as u64, || {
        format!("{most} connections at once")
    })
}

fn wait(sheet: &'static Sheet) -> Result<(), Failed> {
    let trace = one_message_with_work(sheet, "wait:100ms");
    check(&trace, sheet)?;
    let span = trace.spans[0];
    ensure(span.end_ns - span.start_ns >= 100 * MS, || {
        format!("too short: {span:?}")
    })?;
    // A loop waits for what is left until its timer: less, if it gets to that late.
    let waited = longest(&trace, |slice| slice.kind == Kind::Wait);
    ensure(waited >= 20 * MS, || format!("waited for {waited} ns"))
}

fn block(sheet: &'static Sheet) -> Result<(), Failed> {
    let trace = one_message_with_work(sheet, "block:20ms");
    check(&trace, sheet)?;
    let conn = trace.spans[0].conn;
    let waited = longest(&trace, |slice| {
        slice.kind == Kind::Wait && slice.conn == Some(conn)
    });
    ensure(waited >= 20 * MS, || format!("blocked for {waited} ns"))
}

fn compute(sheet: &'static Sheet) -> Result<(), Failed> {
    let trace = one_message_with_work(sheet, "cpu:5ms");
    check(&trace, sheet)?;
    let conn = trace.spans[0].conn;
    let handled = longest(&trace, |slice| {
        slice.kind == Kind::Handle && slice.conn == Some(conn)
    });
    ensure(handled >= 5 * MS, || format!("computed for {handled} ns"))
}

fn tiny(sheet: &'static Sheet) -> Result<(), Failed> {
    let server = Server::start(sheet, "echo", &["--trace-events=64"]);
    let mut stream = server.connect();
    for _ in 0..100 {
        say_and_hear(&mut stream);
    }
    leave(stream);
    let trace = server.stop();
    check_structure(&trace)?;
    let about = &trace.about;
    ensure(about.events <= 64 && about.not_recorded >= 200, || {
        format!("{about:?}")
    })?;
    let last = trace.slices.iter().map(|slice| slice.end_ns).max();
    ensure(last < Some(about.recorded_until_ns), || {
        format!("{last:?} is behind the end: {about:?}")
    })
}

fn chat(sheet: &'static Sheet) -> Result<(), Failed> {
    let server = Server::start(sheet, "chat", &[]);
    let mut members: Vec<_> = ["anna", "bert", "cleo"]
        .map(|name| {
            let mut stream = BufReader::new(server.connect());
            writeln!(stream.get_mut(), "{name}").unwrap();
            hear_of(&mut stream, &format!("you are {name}"));
            stream
        })
        .into();
    writeln!(members[0].get_mut(), "is anybody there?").unwrap();
    for other in &mut members[1..] {
        hear_of(other, "anna: is anybody there?");
    }
    for mut member in members {
        writeln!(member.get_mut(), "/quit").unwrap();
        member.read_to_end(&mut Vec::new()).unwrap();
    }
    let trace = server.stop();
    check(&trace, sheet)?;
    ensure(trace.spans.len() == 3, || {
        format!("{} members", trace.spans.len())
    })?;
    let hub = slices_of(&trace, |slice| slice.mail.is_some());
    ensure(hub.iter().any(|slice| slice.mail == Some(2)), || {
        format!("nothing was said to two: {hub:?}")
    })?;
    let homes: HashSet<_> = hub.iter().map(|slice| slice.pid).collect();
    let broker = trace
        .processes
        .iter()
        .find(|process| process.name.ends_with("broker"));
    let forks = sheet.forks();
    ensure(broker.is_some() == forks && homes.len() == 1, || {
        format!("the hub is in {homes:?}, of {:?}", trace.processes)
    })?;
    ensure(
        broker.is_none_or(|broker| homes.contains(&broker.pid)),
        || "the hub is not the broker's".to_owned(),
    )
}

fn killed(sheet: &'static Sheet) -> Result<(), Failed> {
    let server = Server::start(sheet, "echo", &[]);
    let mut stream = server.connect();
    say_and_hear(&mut stream);
    let parent = server.running.pid();
    for pid in meter::tree(parent)?
        .into_iter()
        .filter(|pid| *pid != parent)
    {
        signal_pid(pid, Signal::KILL)?;
    }
    // Its end is heard: no process is left that holds it.
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    let trace = server.stop();
    check_structure(&trace)?;
    let (span, read) = (trace.spans[0], bytes(&trace.slices, Kind::Read));
    ensure(!span.closed && read == LENGTH as u64, || {
        format!("read {read} bytes of {span:?}")
    })
}

fn jobs() -> Result<(), Failed> {
    let sheet = sheet("loop-pool");
    let server = Server::start(sheet, "echo", &["--work=block:20ms", "--workers=1"]);
    let mut streams = [(); 3].map(|()| server.connect());
    for stream in &mut streams {
        stream.write_all(&[b'x'; LENGTH]).unwrap();
    }
    for stream in &mut streams {
        stream.read_exact(&mut [0; LENGTH]).unwrap();
    }
    streams.into_iter().for_each(leave);
    let trace = server.stop();
    check(&trace, sheet)?;
    ensure(most(&trace, QUEUE) >= 1, || "no job has waited".to_owned())?;
    // The loop keeps the sockets, and the pool's threads do the work.
    let tids = |kind| -> HashSet<u32> {
        let slices = slices_of(&trace, |slice| slice.kind == kind && slice.conn.is_some());
        slices.iter().map(|slice| slice.tid).collect()
    };
    ensure(tids(Kind::Read).is_disjoint(&tids(Kind::Wait)), || {
        "the loop has done the work".to_owned()
    })
}

fn callers() -> Result<(), Failed> {
    let sheet = sheet("pool");
    let server = Server::start(sheet, "echo", &["--workers=1"]);
    let mut streams = [(); 3].map(|()| server.connect());
    // Whoever is served first is known when he is heard; the others wait until he has gone.
    let mut answers = streams.iter_mut();
    say_and_hear(answers.next().unwrap());
    streams.into_iter().for_each(leave);
    let trace = server.stop();
    check(&trace, sheet)?;
    ensure(most(&trace, QUEUE) >= 1, || {
        "no caller has waited".to_owned()
    })
}

fn deaf() -> Result<(), Failed> {
    let sheet = sheet("iterative");
    let server = Server::start(sheet, "echo", &[]);
    let mut first = server.connect();
    say_and_hear(&mut first);
    let mut others = [(); 3].map(|()| server.connect());
    leave(first);
    others.iter_mut().for_each(|stream| {
        say_and_hear(stream);
        stream.shutdown(Shutdown::Both).unwrap();
    });
    let trace = server.stop();
    check(&trace, sheet)?;
    let most = most(&trace, ACCEPT_QUEUE);
    ensure(most == 2, || format!("{most} were waiting behind the next"))
}

fn parked() -> Result<(), Failed> {
    for name in ["tasks", "tasks-single", "event-loop"] {
        let trace = one_message_with_work(sheet(name), "wait:20ms");
        let waiting = slices_of(&trace, |slice| slice.kind == Kind::Wait);
        ensure(waiting.iter().all(|slice| slice.conn.is_none()), || {
            format!("{name}: a thread has waited for one connection: {waiting:?}")
        })?;
    }
    Ok(())
}

fn churn() -> Result<(), Failed> {
    let sheet = sheet("fork");
    let server = Server::start(sheet, "echo", &[]);
    for _ in 0..100 {
        let mut stream = server.connect();
        say_and_hear(&mut stream);
        leave(stream);
    }
    let (folder, file) = (server.folder.clone(), server.file.clone());
    let trace = server.stop();
    check(&trace, sheet)?;
    let pids: HashSet<_> = trace.processes.iter().map(|process| process.pid).collect();
    ensure(pids.len() >= 101 && trace.spans.len() == 100, || {
        format!(
            "{} processes, {} connections",
            pids.len(),
            trace.spans.len()
        )
    })?;
    only(&folder, &file)
}

fn stuck() -> Result<(), Failed> {
    for name in ["iterative", "event-loop", "threads", "fork", "tasks"] {
        let options = ["--work=block:1h", "--drain=50ms"];
        let server = Server::start(sheet(name), "echo", &options);
        let mut stream = server.connect();
        stream.write_all(&[b'x'; LENGTH]).unwrap();
        wait_until_read(&stream);
        let trace = server.stop();
        check_structure(&trace)?;
        let read = bytes(&trace.slices, Kind::Read);
        ensure(read == LENGTH as u64, || {
            format!("{name}: read {read} bytes")
        })?;
    }
    Ok(())
}

fn unwritable() -> Result<(), Failed> {
    let folder = folder("unwritable");
    let absent = folder.join("absent/trace.json");
    for (file, remedy) in [
        (absent.as_path(), "folder that can be written to"),
        (&folder, "name one, such as"),
        (Path::new("/dev/null"), "name one, such as"),
    ] {
        let output = serve_and_fail(&["--trace", file.to_str().unwrap()]);
        let text = String::from_utf8_lossy(&output.stderr);
        let named = text.contains(file.to_str().unwrap()) && text.contains(remedy);
        ensure(output.status.code() == Some(2) && named, || {
            text.to_string()
        })?;
    }
    let file = folder.join("trace.json");
    let options = [
        "--model=threads-textbook",
        "--trace",
        file.to_str().unwrap(),
    ];
    let output = serve_and_fail(&options);
    let text = String::from_utf8_lossy(&output.stderr);
    ensure(text.contains("threads-textbook records no trace"), || {
        text.to_string()
    })?;
    let left = fs::read_dir(&folder)?.count();
    ensure(left == 0, || format!("{left} files were left"))
}

fn replaced() -> Result<(), Failed> {
    let server = Server::start(sheet("threads"), "echo", &[]);
    fs::write(&server.file, "an older file")?;
    let mut stream = server.connect();
    say_and_hear(&mut stream);
    ensure(fs::read(&server.file)? == b"an older file", || {
        "it was touched before the end".to_owned()
    })?;
    leave(stream);
    let (folder, file) = (server.folder.clone(), server.file.clone());
    check(&server.stop(), sheet("threads"))?;
    only(&folder, &file)
}

fn told() -> Result<(), Failed> {
    let file = folder("told").join("trace.json");
    let mut command = command(&["serve", "--bind=127.0.0.1:0", "--trace"]);
    let mut child = tie_to_this_thread(command.arg(&file)).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line)?;
    signal(&mut child, Signal::TERM)?;
    let text = String::from_utf8(child.wait_with_output()?.stderr)?;
    let hint = format!("vizviewer {}", file.display());
    ensure(
        text.contains(&hint) && text.contains("ui.perfetto.dev"),
        || text,
    )
}

/// What holds for every timeline in which there was room for everything.
fn check(trace: &Trace, sheet: &Sheet) -> Result<(), Failed> {
    check_structure(trace)?;
    let about = &trace.about;
    ensure(about.not_recorded == 0 && about.model == sheet.name, || {
        format!("{about:?}")
    })?;
    for name in [CONNECTIONS, QUEUE] {
        let last = trace
            .counter(name)
            .and_then(|counter| counter.samples.last());
        ensure(last.is_none_or(|(_, value)| *value == 0), || {
            format!("{name} ends with {last:?}")
        })?;
    }
    let last = trace.slices.iter().map(|slice| slice.end_ns).max();
    ensure(last <= Some(about.recorded_until_ns), || {
        format!("{about:?}")
    })
}

/// What holds for every timeline.
fn check_structure(trace: &Trace) -> Result<(), Failed> {
    let overlap = trace.overlap();
    ensure(overlap.is_none(), || format!("these overlap: {overlap:?}"))?;
    let mut names = HashMap::new();
    for process in &trace.processes {
        ensure(process.name.starts_with("portlab "), || {
            format!("{process:?}")
        })?;
        for thread in &process.threads {
            let named = !thread.name.is_empty();
            let again = names.insert((process.pid, thread.tid), &thread.name);
            ensure(named && again.is_none(), || format!("{process:?}"))?;
        }
    }
    for slice in &trace.slices {
        ensure(names.contains_key(&(slice.pid, slice.tid)), || {
            format!("nobody's: {slice:?}")
        })?;
        let transfers = matches!(slice.kind, Kind::Read | Kind::Write);
        ensure(slice.bytes.is_some() == transfers, || format!("{slice:?}"))?;
        ensure(slice.conn.is_some() || slice.kind == Kind::Wait, || {
            format!("for nobody: {slice:?}")
        })?;
    }
    Ok(())
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what().into()) }
}

const MS: u64 = 1_000_000;

fn slices_of(trace: &Trace, wanted: impl Fn(&Slice) -> bool) -> Vec<Slice> {
    let wanted = trace.slices.iter().filter(|slice| wanted(slice));
    wanted.copied().collect()
}

fn bytes(slices: &[Slice], kind: Kind) -> u64 {
    let of_kind = slices.iter().filter(|slice| slice.kind == kind);
    of_kind.filter_map(|slice| slice.bytes).sum()
}

fn longest(trace: &Trace, wanted: impl Fn(&Slice) -> bool) -> u64 {
    let lengths = slices_of(trace, wanted)
        .into_iter()
        .map(|slice| slice.end_ns - slice.start_ns);
    lengths.max().unwrap_or(0)
}

fn most(trace: &Trace, name: &str) -> u64 {
    let counter = trace.counter(name);
    let values = counter
        .iter()
        .flat_map(|counter| counter.samples.iter().map(|(_, value)| *value));
    values.max().unwrap_or(0)
}

fn sheet(name: &str) -> &'static Sheet {
    portlab_backends::find(name).unwrap().sheet()
}

/// How many clients a model serves at once here.
fn crowd(sheet: &Sheet) -> usize {
    sheet.capacity(WORKERS).unwrap_or(WORKERS).min(WORKERS)
}

fn one_message_with_work(sheet: &'static Sheet, work: &str) -> Trace {
    let server = Server::start(sheet, "echo", &[&format!("--work={work}")]);
    let mut stream = server.connect();
    say_and_hear(&mut stream);
    leave(stream);
    server.stop()
}

fn say_and_hear(stream: &mut TcpStream) {
    stream.write_all(&[b'x'; LENGTH]).unwrap();
    stream.read_exact(&mut [0; LENGTH]).unwrap();
}

/// Closes, and waits until the server has closed as well.
fn leave(mut stream: TcpStream) {
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

fn hear_of(stream: &mut BufReader<TcpStream>, part: &str) {
    let mut line = String::new();
    while !line.contains(part) {
        line.clear();
        assert!(
            stream.read_line(&mut line).unwrap() > 0,
            "not heard: {part}"
        );
    }
}

/// Nothing but `file` is in `folder`.
fn only(folder: &Path, file: &Path) -> Result<(), Failed> {
    let files: Vec<_> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    ensure(files == [file], || format!("{files:?}"))
}

fn serve_and_fail(options: &[&str]) -> Output {
    portlab(&[&["serve", "--bind=127.0.0.1:0"], options].concat())
}
