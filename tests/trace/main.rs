//! The timeline of `serve --trace FILE`, on every model: it is complete and consistent, and it shows what the server
//! did.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod live;
mod server;

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    path::Path,
};

use portlab_backends::{Backend, Sheet, models::runnable};
use portlab_stats::trace::{ACCEPT_QUEUE, CONNECTIONS, Kind, QUEUE, Slice, Trace};
use portlab_sys::{
    meter,
    spawn::{Signal, signal, signal_pid, tie_to_this_thread},
};

use server::Server;

use portlab_testkit::{
    command, folder, named, names, path, refused, stderr, trial, wait_until_read,
};

fn main() {
    let mut trials = Vec::new();
    for sheet in runnable().map(Backend::sheet) {
        for &(name, run) in ON_EVERY_MODEL.iter().chain(live::ON_EVERY_MODEL) {
            let name = format!("{}::{name}", sheet.name);
            trials.push(trial(name, move || run(sheet)));
        }
        if sheet.hub.is_ok() {
            let name = format!("{}::the_mail_of_a_chat_is_in_the_timeline", sheet.name);
            trials.push(trial(name, move || chat(sheet)));
        }
        if sheet.forks() {
            let name = format!("{}::what_a_killed_child_did_is_in_the_timeline", sheet.name);
            trials.push(trial(name, move || killed(sheet)));
        }
    }
    trials.extend(
        ONCE.iter()
            .chain(live::ONCE)
            .map(|&(name, run)| trial(name, run)),
    );
    portlab_testkit::run(trials);
}

type OnModel = fn(&'static Sheet);

const ON_EVERY_MODEL: &[(&str, OnModel)] = named![
    every_byte_of_every_connection_is_there,
    a_wait_is_as_long_as_the_work,
    a_block_is_a_wait_of_the_thread_that_runs_the_handler,
    computing_is_in_a_handle_slice,
    events_without_room_are_counted,
];

const ONCE: &[(&str, fn())] = named![
    jobs_wait_in_the_queue_of_the_loops_pool,
    connections_wait_in_the_queue_of_the_pool,
    clients_wait_in_the_accept_queue_of_an_iterative_server,
    the_wait_of_a_runtime_has_no_connection,
    a_hundred_short_lived_children_are_in_one_file,
    a_handler_beyond_the_deadline_loses_no_timeline,
    a_file_that_cannot_be_written_is_refused_at_once,
    the_file_is_replaced_as_a_whole_and_nothing_else_is_left,
    without_json_stderr_names_the_viewers,
];

/// The length of a message, different from every other length in these tests.
const LENGTH: usize = 777;
const WORKERS: usize = 4;

fn every_byte_of_every_connection_is_there(sheet: &'static Sheet) {
    let (clients, messages) = (crowd(sheet), 5);
    let server = Server::start(sheet, "echo", &[]);
    let mut streams: Vec<_> = (0..clients).map(|_| server.connect()).collect();
    for _ in 0..messages {
        for stream in &mut streams {
            exchange(stream);
        }
    }
    // On a busy machine the server may not have waited before.
    server.wait_until_asleep();
    streams.into_iter().for_each(leave);
    let trace = server.stop();
    check(&trace, sheet);
    assert_eq!(trace.spans.len(), clients);
    for span in &trace.spans {
        assert!(span.closed, "no end was seen: {span:?}");
        let of_it = slices_of(&trace, |slice| slice.conn == Some(span.conn));
        for kind in [Kind::Read, Kind::Write] {
            let all = (messages * LENGTH) as u64;
            assert_eq!(bytes(&of_it, kind), all, "{kind:?}");
        }
        let accepted = of_it.iter().filter(|slice| slice.kind == Kind::Accept);
        assert_eq!(accepted.count(), 1, "{span:?}");
        // Nothing is done for a connection before it is accepted, or after it has ended.
        let late = of_it.iter().find(|slice| slice.end_ns > span.end_ns);
        assert_eq!(late, None, "{span:?}");
    }
    for kind in Kind::ALL {
        let some = trace.slices.iter().any(|slice| slice.kind == kind);
        assert!(some, "no slice of {kind:?}");
    }
    assert_eq!(most(&trace, CONNECTIONS), clients as u64);
}

fn a_wait_is_as_long_as_the_work(sheet: &'static Sheet) {
    let trace = one_message_with_work(sheet, "wait:100ms");
    check(&trace, sheet);
    let span = trace.spans[0];
    assert!(span.end_ns - span.start_ns >= 100 * MS, "{span:?}");
    // A loop waits until its timer is due: for less time, if the loop starts to wait late.
    let waited = longest(&trace, |slice| slice.kind == Kind::Wait);
    assert!(waited >= 20 * MS, "waited for {waited} ns");
}

fn a_block_is_a_wait_of_the_thread_that_runs_the_handler(sheet: &'static Sheet) {
    let trace = one_message_with_work(sheet, "block:20ms");
    check(&trace, sheet);
    let conn = Some(trace.spans[0].conn);
    let waited = longest(&trace, |it| it.kind == Kind::Wait && it.conn == conn);
    assert!(waited >= 20 * MS, "blocked for {waited} ns");
}

fn computing_is_in_a_handle_slice(sheet: &'static Sheet) {
    let trace = one_message_with_work(sheet, "cpu:5ms");
    check(&trace, sheet);
    let conn = Some(trace.spans[0].conn);
    let handled = longest(&trace, |it| it.kind == Kind::Handle && it.conn == conn);
    assert!(handled >= 5 * MS, "computed for {handled} ns");
}

fn events_without_room_are_counted(sheet: &'static Sheet) {
    let server = Server::start(sheet, "echo", &["--trace-events=64"]);
    let mut stream = server.connect();
    for _ in 0..100 {
        exchange(&mut stream);
    }
    leave(stream);
    let trace = server.stop();
    check_structure(&trace);
    let about = &trace.about;
    assert!(about.events <= 64 && about.not_recorded >= 200, "{about:?}");
    let last = trace.slices.iter().map(|slice| slice.end_ns).max();
    assert!(last < Some(about.recorded_until_ns), "{last:?}, {about:?}");
}

fn chat(sheet: &'static Sheet) {
    let server = Server::start(sheet, "chat", &[]);
    let mut members: Vec<_> = ["anna", "bert", "cleo"]
        .map(|name| {
            let mut stream = BufReader::new(server.connect());
            writeln!(stream.get_mut(), "{name}").unwrap();
            wait_for_line(&mut stream, &format!("you are {name}"));
            stream
        })
        .into();
    writeln!(members[0].get_mut(), "hello, everyone").unwrap();
    for other in &mut members[1..] {
        wait_for_line(other, "anna: hello, everyone");
    }
    for mut member in members {
        writeln!(member.get_mut(), "/quit").unwrap();
        member.read_to_end(&mut Vec::new()).unwrap();
    }
    let trace = server.stop();
    check(&trace, sheet);
    assert_eq!(trace.spans.len(), 3);
    let hub = slices_of(&trace, |slice| slice.mail.is_some());
    assert!(hub.iter().any(|slice| slice.mail == Some(2)), "{hub:?}");
    let homes: HashSet<_> = hub.iter().map(|slice| slice.pid).collect();
    assert_eq!(homes.len(), 1, "the hub is in {homes:?}");
    let mut all = trace.processes.iter();
    let broker = all.find(|process| process.name.ends_with("broker"));
    assert_eq!(broker.is_some(), sheet.forks());
    assert!(broker.is_none_or(|broker| homes.contains(&broker.pid)));
}

fn killed(sheet: &'static Sheet) {
    let server = Server::start(sheet, "echo", &[]);
    let mut stream = server.connect();
    exchange(&mut stream);
    let parent = server.running.pid();
    for pid in meter::tree(parent).unwrap().split_off(1) {
        signal_pid(pid, Signal::KILL).unwrap();
    }
    // The connection ends, because no process holds it any more.
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    let trace = server.stop();
    check_structure(&trace);
    let (span, read) = (trace.spans[0], bytes(&trace.slices, Kind::Read));
    assert_eq!((span.closed, read), (false, LENGTH as u64), "{span:?}");
}

fn jobs_wait_in_the_queue_of_the_loops_pool() {
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
    check(&trace, sheet);
    assert!(most(&trace, QUEUE) >= 1, "no job has waited");
    // The loop keeps the sockets, and the pool's threads do the work.
    let tids = |kind| -> HashSet<u32> {
        let slices = slices_of(&trace, |slice| slice.kind == kind && slice.conn.is_some());
        slices.iter().map(|slice| slice.tid).collect()
    };
    assert!(tids(Kind::Read).is_disjoint(&tids(Kind::Wait)));
}

fn connections_wait_in_the_queue_of_the_pool() {
    let sheet = sheet("pool");
    let server = Server::start(sheet, "echo", &["--workers=1"]);
    let mut streams = [(); 3].map(|()| server.connect());
    // The first client is answered; the others wait until its connection is closed.
    let mut answers = streams.iter_mut();
    exchange(answers.next().unwrap());
    streams.into_iter().for_each(leave);
    let trace = server.stop();
    check(&trace, sheet);
    assert!(most(&trace, QUEUE) >= 1, "no connection has waited");
}

fn clients_wait_in_the_accept_queue_of_an_iterative_server() {
    let sheet = sheet("iterative");
    let server = Server::start(sheet, "echo", &[]);
    let mut first = server.connect();
    exchange(&mut first);
    let mut others = [(); 3].map(|()| server.connect());
    leave(first);
    others.iter_mut().for_each(|stream| {
        exchange(stream);
        stream.shutdown(Shutdown::Both).unwrap();
    });
    let trace = server.stop();
    check(&trace, sheet);
    assert_eq!(most(&trace, ACCEPT_QUEUE), 2, "two wait behind the next");
}

fn the_wait_of_a_runtime_has_no_connection() {
    for name in ["tasks", "tasks-single", "event-loop"] {
        let trace = one_message_with_work(sheet(name), "wait:20ms");
        let for_one = slices_of(&trace, |it| it.kind == Kind::Wait && it.conn.is_some());
        assert_eq!(for_one, [], "{name}");
    }
}

fn a_hundred_short_lived_children_are_in_one_file() {
    let sheet = sheet("fork");
    let server = Server::start(sheet, "echo", &[]);
    for _ in 0..100 {
        visit(&server);
    }
    let file = server.file.clone();
    let trace = server.stop();
    check(&trace, sheet);
    let pids: HashSet<_> = trace.processes.iter().map(|it| it.pid).collect();
    assert!(pids.len() > 100, "{} processes", pids.len());
    assert_eq!(trace.spans.len(), 100);
    is_alone(&file);
}

fn a_handler_beyond_the_deadline_loses_no_timeline() {
    for name in ["iterative", "event-loop", "threads", "fork", "tasks"] {
        let options = ["--work=block:1h", "--drain=50ms"];
        let server = Server::start(sheet(name), "echo", &options);
        let mut stream = server.connect();
        stream.write_all(&[b'x'; LENGTH]).unwrap();
        wait_until_read(&stream);
        let trace = server.stop();
        check_structure(&trace);
        assert_eq!(bytes(&trace.slices, Kind::Read), LENGTH as u64, "{name}");
    }
}

fn a_file_that_cannot_be_written_is_refused_at_once() {
    let folder = folder("unwritable");
    let absent = folder.join("absent/trace.json");
    for (file, remedy) in [
        (absent.as_path(), "folder that can be written to"),
        (&folder, "write a file's name, such as"),
        (Path::new("/dev/null"), "write a file's name, such as"),
    ] {
        let text = refused(&["serve", "--bind=127.0.0.1:0", "--trace", path(file)]);
        assert!(text.contains(path(file)) && text.contains(remedy), "{text}");
    }
    let file = folder.join("trace.json");
    let twin = ["serve", "--model=threads-textbook", "--trace", path(&file)];
    let text = refused(&twin);
    assert!(text.contains("threads-textbook records no trace"), "{text}");
    assert_eq!(names(&folder), [""; 0], "files were left");
}

fn the_file_is_replaced_as_a_whole_and_nothing_else_is_left() {
    let server = Server::start(sheet("threads"), "echo", &[]);
    fs::write(&server.file, "an older file").unwrap();
    visit(&server);
    assert_eq!(fs::read(&server.file).unwrap(), b"an older file");
    let file = server.file.clone();
    check(&server.stop(), sheet("threads"));
    is_alone(&file);
}

fn without_json_stderr_names_the_viewers() {
    let file = folder("told").join("trace.json");
    let mut command = command(&["serve", "--bind=127.0.0.1:0", "--trace"]);
    let mut child = tie_to_this_thread(command.arg(&file)).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.as_mut().unwrap());
    stdout.read_line(&mut line).unwrap();
    signal(&mut child, Signal::TERM).unwrap();
    let text = stderr(&child.wait_with_output().unwrap());
    let hint = format!("vizviewer {}", file.display());
    assert!(
        text.contains(&hint) && text.contains("ui.perfetto.dev"),
        "{text}"
    );
}

/// Checks a timeline that had room for all events.
fn check(trace: &Trace, sheet: &Sheet) {
    check_structure(trace);
    let about = &trace.about;
    assert_eq!((about.not_recorded, &*about.model), (0, sheet.name));
    for name in [CONNECTIONS, QUEUE] {
        let counter = trace.counter(name);
        let last = counter.and_then(|counter| counter.samples.last());
        assert!(
            last.is_none_or(|(_, value)| *value == 0),
            "{name}: {last:?}"
        );
    }
    let last = trace.slices.iter().map(|slice| slice.end_ns).max();
    assert!(last <= Some(about.recorded_until_ns), "{about:?}");
}

/// Checks the structure of any timeline.
fn check_structure(trace: &Trace) {
    assert_eq!(trace.overlap(), None);
    let mut names = HashMap::new();
    for process in &trace.processes {
        assert!(process.name.starts_with("portlab "), "{process:?}");
        for thread in &process.threads {
            let named = !thread.name.is_empty();
            let again = names.insert((process.pid, thread.tid), &thread.name);
            assert!(named && again.is_none(), "{process:?}");
        }
    }
    for slice in &trace.slices {
        let is_known = names.contains_key(&(slice.pid, slice.tid));
        let transfers = matches!(slice.kind, Kind::Read | Kind::Write);
        assert!(is_known && slice.bytes.is_some() == transfers, "{slice:?}");
        assert!(
            slice.conn.is_some() || slice.kind == Kind::Wait,
            "{slice:?}"
        );
    }
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
    let slices = slices_of(trace, wanted).into_iter();
    let lengths = slices.map(|slice| slice.end_ns - slice.start_ns);
    lengths.max().unwrap_or(0)
}

fn most(trace: &Trace, name: &str) -> u64 {
    let samples = trace.counter(name).map(|counter| &counter.samples);
    let values = samples.into_iter().flatten().map(|(_, value)| *value);
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
    visit(&server);
    server.stop()
}

/// A connection with one message.
fn visit(server: &Server) {
    let mut stream = server.connect();
    exchange(&mut stream);
    leave(stream);
}

fn exchange(stream: &mut TcpStream) {
    stream.write_all(&[b'x'; LENGTH]).unwrap();
    stream.read_exact(&mut [0; LENGTH]).unwrap();
}

/// Closes, and waits until the server has closed as well.
fn leave(mut stream: TcpStream) {
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

fn wait_for_line(stream: &mut BufReader<TcpStream>, part: &str) {
    let mut line = String::new();
    while !line.contains(part) {
        line.clear();
        assert_ne!(stream.read_line(&mut line).unwrap(), 0, "{part}");
    }
}

/// Asserts that the folder of the trace has no other file.
fn is_alone(trace: &Path) {
    let files = names(trace.parent().unwrap());
    assert_eq!(files, [trace.file_name().unwrap().to_str().unwrap()]);
}
