//! What is drawn is what was recorded: every event of the trace is a move in the right lane, in its order, and the counts
//! are those of the load.

use std::collections::HashMap;

use portlab_backends::{
    Sheet,
    live::{LINES, Reader},
};
use portlab_class::lanes::{Doing, Lanes, Move, Place};
use portlab_stats::trace::{Kind, Trace};
use portlab_testkit::{Running, folder, named, path, printed, wait_until};
use serde_json::{Value, json};

use super::page::Page;

type OnModel = fn(&'static Sheet);

pub(super) const ON_EVERY_MODEL: &[(&str, OnModel)] =
    named![every_event_of_the_trace_is_a_move_in_its_lane,];

pub(super) const ONCE: &[(&str, fn())] = named![
    the_page_counts_what_the_load_counts,
    a_blocked_server_lets_connections_wait_in_the_accept_queue,
    above_a_thousand_messages_a_second_shares_are_shown,
];

const MESSAGES: u64 = 40;

fn every_event_of_the_trace_is_a_move_in_its_lane(sheet: &'static Sheet) {
    let folder = folder(&format!("class-lanes-{}", sheet.name));
    let file = folder.join("trace.json");
    let mut reader = Reader::create(LINES).unwrap();
    let mut server = Running::serve(&[
        "--model",
        sheet.name,
        "--live",
        path(&reader.path()),
        "--trace",
        path(&file),
    ]);
    // One connection: an iterative server serves no second one.
    let addr = server.addr.to_string();
    let messages = MESSAGES.to_string();
    let load: Value = serde_json::from_str(&printed(&[
        "load",
        &addr,
        "-c",
        "1",
        "-n",
        &messages,
        "--warmup=0s",
        "--json",
    ]))
    .unwrap();
    server.stop();
    let trace = Trace::read(std::fs::File::open(&file).unwrap()).unwrap();

    let mut lanes = Lanes::new(sheet.forks());
    assert_eq!(
        reader.read(|event| lanes.apply(&event)),
        0,
        "events were lost"
    );
    let moves = lanes.take_moves();
    compare(&trace, &lanes, &moves);
    // Before it measures, the load verifies the server with a connection of its own.
    let sent = load["bytes_sent"].as_u64().unwrap();
    let read: u64 = trace
        .slices
        .iter()
        .filter_map(|it| it.bytes.filter(|_| it.kind == Kind::Read))
        .sum();
    assert!(
        lanes.bytes_in >= sent && lanes.bytes_in == read,
        "{} of {read}, {sent}",
        lanes.bytes_in
    );
    assert!(lanes.answers >= MESSAGES, "{}", lanes.answers);
    assert_eq!(lanes.at(Place::Lane), [0; 0], "every connection has ended");
}

fn compare(trace: &Trace, lanes: &Lanes, moves: &[Move]) {
    let first_accept = |kind: Doing| {
        moves
            .iter()
            .find(|it| it.doing == kind && it.conn != 0)
            .unwrap()
    };
    let accepted = trace.spans.iter().map(|span| span.start_ns).min().unwrap();
    let began_us = first_accept(Doing::Accept).at_us as i64 - (accepted / 1_000) as i64;
    let ids: HashMap<_, _> = lanes
        .lanes()
        .map(|(it, _)| ((it.pid, it.tid), it.id))
        .collect();
    let mut next: HashMap<u32, usize> = HashMap::new();
    let mut slices: Vec<_> = trace
        .slices
        .iter()
        .filter(|it| it.kind != Kind::Wait)
        .collect();
    slices.sort_by_key(|it| it.end_ns);
    assert!(
        slices.len() as u64 > 3 * MESSAGES,
        "{} slices",
        slices.len()
    );
    for slice in slices {
        let lane = ids[&(slice.pid, slice.tid)];
        let doing = match slice.kind {
            Kind::Accept => Doing::Accept,
            Kind::Read => Doing::Read,
            Kind::Handle => Doing::Handle,
            Kind::Write => Doing::Write,
            Kind::Wait => continue,
        };
        let end_us = slice.end_ns as i64 / 1_000 + began_us;
        // In this lane, behind the move of the slice before.
        let from = next.entry(lane).or_default();
        let is_it = |it: &Move| {
            it.lane == lane && it.doing == doing && (it.at_us as i64 - end_us).abs() <= 1
        };
        let found = moves[*from..].iter().position(is_it);
        let found = found.unwrap_or_else(|| panic!("no move in lane {lane} for {slice:?}"));
        let at = *from + found;
        assert_eq!(
            moves[at].conn != 0,
            slice.conn.is_some() && slice.mail.is_none(),
            "{slice:?}"
        );
        *from = at + 1;
    }
}

fn the_page_counts_what_the_load_counts() {
    let page = Page::open();
    page.serve("event-loop");
    page.turn(&json!({"clients": 4, "rate": 100}));
    page.order("/do/load", &json!({"on": "first"}));
    // The figures have whole seconds; the picture is newer.
    let figures = page.once("figures", |it| {
        it["slots"][0]["load"]["at_s"]
            .as_f64()
            .is_some_and(|it| it >= 2.0)
    });
    let load = &figures["slots"][0]["load"];
    assert_eq!(
        (load["errors"].as_f64(), load["open_connections"].as_f64()),
        (Some(0.0), Some(4.0))
    );
    let picture = page.once("lanes", |_| true);
    let slot = &picture["slots"][0];
    let answers = slot["answers"].as_u64().unwrap();
    assert!(
        answers >= 180,
        "{answers} answers after 2 s at 100 a second"
    );
    // Each message has 64 bytes. The load's first messages verify the server, with other sizes.
    assert!(slot["bytes_in"].as_u64().unwrap() >= 64 * 180, "{slot}");
    assert_eq!(slot["lost"], 0);
    let open = page.once("lanes", |it| {
        let slot = &it["slots"][0];
        let at = |place: &str| slot[place].as_array().map_or(0, Vec::len);
        let in_lanes = slot["lanes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["conn"] != 0)
            .count();
        at("rest") + in_lanes == 4
    });
    assert_eq!(open["slots"][0]["queue"], json!([]));
}

fn a_blocked_server_lets_connections_wait_in_the_accept_queue() {
    let page = Page::open();
    page.turn(&json!({"work": "block:800ms", "clients": 5, "rate": 2}));
    page.serve("iterative");
    page.order("/do/load", &json!({"on": "first"}));
    let picture = page.once("lanes", |it| {
        let slot = &it["slots"][0];
        slot["lanes"][0]["doing"] == "block" && slot["queue"].as_array().unwrap().len() == 4
    });
    let lane = &picture["slots"][0]["lanes"][0];
    assert_ne!(lane["conn"], 0, "{picture}");
    let numbers: Vec<_> = picture["slots"][0]["queue"]
        .as_array()
        .unwrap()
        .iter()
        .collect();
    assert!(!numbers.contains(&&lane["conn"]), "{picture}");
}

fn above_a_thousand_messages_a_second_shares_are_shown() {
    let page = Page::open();
    page.serve("event-loop");
    page.turn(&json!({"clients": 10, "rate": 3000}));
    page.order("/do/load", &json!({"on": "first"}));
    let picture = page.once("lanes", |it| it["slots"][0]["is_fast"] == true);
    let slot = &picture["slots"][0];
    assert_eq!(slot["moves"], json!([]));
    let shares = |slot: &Value| -> u64 {
        let shares = slot["lanes"][0]["shares"].as_array().unwrap();
        shares.iter().map(|it| it.as_u64().unwrap()).sum()
    };
    // Each share is rounded down.
    assert!((93..=100).contains(&shares(slot)), "{slot}");
    page.turn(&json!({"rate": 50}));
    wait_until("events are shown again", || {
        page.once("lanes", |_| true)["slots"][0]["is_fast"] == false
    });
}
