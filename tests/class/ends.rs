//! How a page ends: its streams and every process that it started.

use portlab_sys::{
    meter,
    spawn::{Signal, signal_pid},
};
use portlab_testkit::{named, wait_until};
use serde_json::json;

use super::page::Page;

pub(super) const ONCE: &[(&str, fn())] = named![
    a_page_that_cannot_print_its_address_ends,
    a_server_that_ends_by_itself_is_reported_and_its_slot_is_empty,
    ctrl_c_ends_the_streams_and_all_processes,
    a_killed_page_leaves_no_process,
    a_stream_that_is_not_read_delays_no_end,
    a_slow_browser_gets_the_newest_picture,
];

/// A page with two servers under load, one of them with processes, and the processes below the page.
fn busy() -> (Page, Vec<i32>) {
    let page = Page::open();
    page.serve("prefork");
    page.order("/do/serve", &json!({"slot": 1, "model": "threads"}));
    page.order("/do/load", &json!({"on": "both"}));
    page.order("/do/guest", &json!({"slot": 0, "kind": "silent"}));
    page.once("lanes", |it| it["slots"][0]["answers"].as_u64() > Some(0));
    let below = meter::below(page.pid()).unwrap();
    // Two servers, two loads, and the workers of one server.
    assert!(below.len() > 4, "{below:?}");
    (page, below)
}

/// Waits until none of the processes is there, except as a zombie that the system will reap.
pub(super) fn wait_until_gone(processes: &[i32]) {
    let runs = |pid: &&i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().unwrap_or_default();
        !stat.is_empty() && !state.starts_with('Z')
    };
    wait_until("all processes have ended", || {
        !processes.iter().any(|it| runs(&it))
    });
}

fn ctrl_c_ends_the_streams_and_all_processes() {
    let (mut page, below) = busy();
    let stream = page.watch("lanes,stage,figures");
    page.signal(Signal::INT);
    // The stream has an end, so the iterator has one.
    assert!(stream.count() > 0);
    assert!(page.child.wait().unwrap().success());
    wait_until_gone(&below);
}

fn a_killed_page_leaves_no_process() {
    let (mut page, below) = busy();
    page.signal(Signal::KILL);
    page.child.wait().unwrap();
    wait_until_gone(&below);
}

fn a_stream_that_is_not_read_delays_no_end() {
    let (mut page, below) = busy();
    let unread: Vec<_> = (0..20).map(|_| page.watch("lanes")).collect();
    page.signal(Signal::TERM);
    assert!(page.child.wait().unwrap().success());
    wait_until_gone(&below);
    drop(unread);
}

fn a_slow_browser_gets_the_newest_picture() {
    let (page, _) = busy();
    let mut slow = page.watch("lanes");
    let first = slow.next().unwrap().1["at_ms"].as_u64().unwrap();
    // Others get their pictures meanwhile.
    page.once("lanes", |it| it["at_ms"].as_u64() > Some(first + 1_000));
    // The picture of now comes to a new stream at once.
    let newest = page.once("lanes", |_| true)["at_ms"].as_u64().unwrap();
    assert!(newest > first + 1_000, "{newest} after {first}");
}

fn a_page_that_cannot_print_its_address_ends() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = portlab_testkit::command(&["class", "--bind=127.0.0.1:0"]);
    let output = command.stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(portlab_testkit::stderr(&output).contains("No space left"));
}

fn a_server_that_ends_by_itself_is_reported_and_its_slot_is_empty() {
    let page = Page::open();
    page.serve("threads");
    let stage = page.once("stage", |it| it["slots"][0]["pid"].is_i64());
    let pid = stage["slots"][0]["pid"].as_i64().unwrap();
    signal_pid(i32::try_from(pid).unwrap(), Signal::KILL).unwrap();
    let stage = page.once("stage", |it| {
        it["slots"][0].is_null() && !it["notice"].is_null()
    });
    let notice = stage["notice"]["en"].as_str().unwrap();
    assert!(
        notice.contains("threads has ended by itself (signal: 9"),
        "{notice}"
    );
    // The page goes on.
    page.serve("event-loop");
}
