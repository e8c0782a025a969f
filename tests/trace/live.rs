//! The ring of `serve --live FILE`, on every model: it has what the file has, and what begins.

use std::collections::HashMap;

use portlab_backends::{
    Sheet,
    live::{LINES, LiveEvent, LiveWhat, Reader},
};
use portlab_stats::trace::{Kind, Trace};
use portlab_sys::spawn::Signal;

use portlab_testkit::{Running, command, named, path, refused};

use super::{MS, OnModel, WORKERS, crowd, exchange, leave, server::Server, sheet};

pub(super) const ON_EVERY_MODEL: &[(&str, OnModel)] = named![
    the_ring_has_every_event_of_the_file,
    a_handler_that_waits_is_seen_while_it_waits,
];

pub(super) const ONCE: &[(&str, fn())] = named![
    a_file_that_is_no_ring_is_refused,
    a_reader_that_comes_late_counts_what_it_has_lost,
];

/// Messages on each connection.
const MESSAGES: usize = 10;

/// A slice as both have it: when it ended, its kind, the connection's process and number, and its bytes.
type Done = (u64, Kind, (u32, u32), Option<u64>);

fn the_ring_has_every_event_of_the_file(sheet: &'static Sheet) {
    let mut reader = Reader::create(LINES).unwrap();
    let server = Server::start(sheet, "echo", &["--live", path(&reader.path())]);
    let mut streams: Vec<_> = (0..crowd(sheet)).map(|_| server.connect()).collect();
    for _ in 0..MESSAGES {
        streams.iter_mut().for_each(exchange);
    }
    streams.into_iter().for_each(leave);
    let trace = server.stop();
    let events = read(&mut reader);
    let began_ns = began_ns(&trace, &events);
    compare_slices(&trace, &events, began_ns);
    compare_connections(&trace, &events, began_ns);
    for of_thread in by_thread(&events).values() {
        for (before, event) in of_thread.iter().zip(&of_thread[1..]) {
            let waited = matches!(event.what, LiveWhat::Wait | LiveWhat::Block);
            // A thread of a pool begins to wait for a job when it has done one.
            if waited && !event.begins {
                // An accept that finds no connection, at a stop, was a wait.
                let is_of_it = [event.what, LiveWhat::Accept].contains(&before.what);
                assert!(before.begins && is_of_it, "{before:?}, then {event:?}");
            }
        }
    }
}

/// The file's times are relative to the beginning of the recording, which the first accepted connection shows.
fn began_ns(trace: &Trace, events: &[LiveEvent]) -> u64 {
    let accepted = events.iter().filter(|it| it.peer_port().is_some());
    let first = accepted.map(|it| it.at_ns).min().unwrap();
    first - trace.spans.iter().map(|span| span.start_ns).min().unwrap()
}

fn compare_slices(trace: &Trace, events: &[LiveEvent], began_ns: u64) {
    let mut in_file: HashMap<_, Vec<Done>> = HashMap::new();
    for it in &trace.slices {
        let conn = it.conn.map_or((0, 0), |conn| (conn.pid, conn.number));
        let done = (it.end_ns + began_ns, it.kind, conn, it.bytes);
        let of_thread = in_file.entry((it.pid, it.tid)).or_default();
        of_thread.push(done);
    }
    let in_ring = by_thread(events);
    let mut count = 0;
    for (thread, mut in_file) in in_file {
        in_file.sort_by_key(|done| done.0);
        let (waits, others): (Vec<_>, Vec<_>) =
            in_file.into_iter().partition(|done| done.1 == Kind::Wait);
        let ended = in_ring.get(&thread).into_iter().flatten();
        let ended = ended.filter(|event| !event.begins).filter_map(done);
        let (live_waits, live_others): (Vec<_>, Vec<_>) =
            ended.partition(|done| done.1 == Kind::Wait);
        assert_eq!(live_others, others, "of thread {thread:?}");
        count += others.len();
        // The waiting of a blocking call is an event in the file only.
        for wait in live_waits {
            assert!(waits.contains(&wait), "{wait:?} of thread {thread:?}");
        }
    }
    assert!(count > 3 * MESSAGES, "{count} slices");
}

fn done(event: &LiveEvent) -> Option<Done> {
    let (kind, bytes) = match event.what {
        LiveWhat::Accept => (Kind::Accept, None),
        LiveWhat::Read => (Kind::Read, Some(event.extra)),
        LiveWhat::Handle | LiveWhat::Hub => (Kind::Handle, None),
        LiveWhat::Write => (Kind::Write, Some(event.extra)),
        LiveWhat::Wait | LiveWhat::Block => (Kind::Wait, None),
        LiveWhat::Close | LiveWhat::Queued | LiveWhat::Taken | LiveWhat::Timer => return None,
    };
    let conn = ((event.conn >> 32) as u32, event.conn_in_process());
    Some((event.at_ns, kind, conn, bytes))
}

fn compare_connections(trace: &Trace, events: &[LiveEvent], began_ns: u64) {
    for span in &trace.spans {
        let id = u64::from(span.conn.pid) << 32 | u64::from(span.conn.number);
        let of_it = events.iter().filter(|event| event.conn == id);
        let ports: Vec<_> = of_it.clone().filter_map(LiveEvent::peer_port).collect();
        assert_eq!(ports, [span.peer_port], "{span:?}");
        let closed = of_it.filter(|event| event.what == LiveWhat::Close);
        let last = closed.map(|event| event.at_ns).max();
        assert_eq!(last, Some(span.end_ns + began_ns), "{span:?}");
    }
    let accepted: Vec<_> = events
        .iter()
        .filter(|it| it.peer_port().is_some())
        .collect();
    for event in events.iter().filter(|event| !is_for_none(event)) {
        let is_known = accepted.iter().any(|it| it.conn == event.conn);
        assert!(is_known, "{event:?}");
    }
    let count = |what| events.iter().filter(|event| event.what == what).count();
    assert_eq!(count(LiveWhat::Queued), count(LiveWhat::Taken));
}

/// A thread waits for a connection, for events of many, or for a job.
fn is_for_none(event: &LiveEvent) -> bool {
    let accepts = event.what == LiveWhat::Accept && event.begins;
    event.conn == 0 && (accepts || event.what == LiveWhat::Wait)
}

fn a_handler_that_waits_is_seen_while_it_waits(sheet: &'static Sheet) {
    let mut reader = Reader::create(LINES).unwrap();
    let server = start(sheet, &reader, &["--work=wait:50ms"]);
    let mut stream = server.connect();
    exchange(&mut stream);
    leave(stream);
    end(server);
    let events = read(&mut reader);
    let conn = events.iter().find_map(|it| it.peer_port().map(|_| it.conn));
    let of_work = |event: &&LiveEvent| matches!(event.what, LiveWhat::Timer | LiveWhat::Block);
    let waits: Vec<_> = events.iter().filter(of_work).collect();
    let first = waits[0];
    assert_eq!(Some(first.conn), conn, "{first:?}");
    let until_ns = match (first.what, &waits[1..]) {
        // A loop, a task or a coroutine: the thread is free, and the answer comes later.
        (LiveWhat::Timer, []) => first.at_ns + first.extra,
        (LiveWhat::Block, [end]) if first.begins && !end.begins => first.at_ns + end.duration_ns,
        _ => panic!("{waits:?}"),
    };
    assert!(until_ns >= first.at_ns + 50 * MS, "{waits:?}");
    let mut all = events.iter();
    let answer = all.find(|event| event.what == LiveWhat::Write && !event.begins);
    assert!(
        answer.is_some_and(|answer| answer.at_ns >= until_ns),
        "{answer:?}"
    );
}

fn a_file_that_is_no_ring_is_refused() {
    for file in ["/dev/null", "/proc/self/status", "/absent"] {
        let text = refused(&["serve", "--bind=127.0.0.1:0", "--live", file]);
        assert!(
            text.contains(file) && text.contains("portlab class"),
            "{text}"
        );
    }
    let twin = ["serve", "--model=threads-textbook", "--live", "/dev/null"];
    let text = refused(&twin);
    assert!(
        text.contains("threads-textbook records no events"),
        "{text}"
    );
}

fn a_reader_that_comes_late_counts_what_it_has_lost() {
    let mut reader = Reader::create(64).unwrap();
    let server = start(sheet("event-loop"), &reader, &[]);
    let mut stream = server.connect();
    for _ in 0..100 {
        exchange(&mut stream);
    }
    leave(stream);
    end(server);
    let mut kept = Vec::new();
    let lost = reader.read(|event| kept.push(event));
    assert!(lost >= 3 * 100 - 64, "lost {lost}");
    assert_eq!(kept.len(), 64);
    assert!(kept.iter().any(|event| event.what == LiveWhat::Close));
}

fn start(sheet: &Sheet, reader: &Reader, options: &[&str]) -> Running {
    let mut command = command(&["serve", "--json", "--bind=127.0.0.1:0", "--live"]);
    command.arg(reader.path());
    command.args([
        format!("--model={}", sheet.name),
        format!("--workers={WORKERS}"),
    ]);
    Running::start(command.args(options))
}

/// Ends the server, so that all of its events are in the ring.
fn end(mut server: Running) {
    server.signal(Signal::TERM);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

fn read(reader: &mut Reader) -> Vec<LiveEvent> {
    let mut events = Vec::new();
    assert_eq!(reader.read(|event| events.push(event)), 0, "lost");
    events
}

fn by_thread(events: &[LiveEvent]) -> HashMap<(u32, u32), Vec<LiveEvent>> {
    let mut threads: HashMap<_, Vec<_>> = HashMap::new();
    for event in events {
        let of_thread = threads.entry((event.pid, event.tid)).or_default();
        of_thread.push(*event);
    }
    threads
}
