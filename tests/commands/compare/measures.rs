//! The measurements: every workload, sweeps, controls, and what the record keeps.

use std::{fs, path::Path};

use portlab_stats::{
    analysis::groups,
    record::{Pinning, Rate},
};
use serde_json::Value;

use portlab_testkit::words;

use super::{compare, compared, folder, foreign_server, refused};

#[test]
fn a_comparison_keeps_its_measurements_and_names_the_cells_that_were_not_run() {
    let dir = folder("compare");
    let output = compare(
        &dir,
        "--models=threads,event-loop,prefork --connections=1,4 --workers=2 \
             --rounds=2 --duration=100ms --warmup=10ms --seed=7",
        &[],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("at most 2 at a time; --workers 4 for more"),
        "{text}"
    );
    assert!(
        text.contains("CPU/msg") && text.contains("seed 7"),
        "{text}"
    );

    let record = json_of(&dir);
    assert_eq!(record["complete"], true);
    assert_eq!(record["setup"]["seed"], 7);
    assert!(!record["environment"]["kernel"].as_str().unwrap().is_empty());
    let cells = record["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 8, "with the twin");
    for cell in cells {
        let rounds = cell["rounds"].as_array().unwrap();
        if cell["model"] == "prefork" && cell["connections"] == 4 {
            assert!(cell["not_run"]["serves_fewer"].is_u64() && rounds.is_empty());
            continue;
        }
        assert_eq!(rounds.len(), 2, "{cell}");
        for round in rounds {
            are_above_0(
                round,
                "messages peak_pss_bytes threads processes latency_p50_ns server_cpu_us_per_message",
            );
            assert_eq!(round["errors"], 0);
        }
    }
    let first = |model: &str, connections: u64| {
        let mut cells = cells.iter();
        let found = cells.find(|it| it["model"] == model && it["connections"] == connections);
        &found.unwrap()["rounds"][0]
    };
    assert_eq!(first("threads", 4)["threads"], 5);
    assert_eq!(first("prefork", 1)["processes"], 3);
    let left: Vec<_> = fs::read_dir(&dir).unwrap().flatten().collect();
    let mut left: Vec<_> = left.iter().map(fs::DirEntry::file_name).collect();
    left.sort();
    assert_eq!(left, ["report.html", "results.json"]);
}

#[test]
fn a_comparison_with_controls_prints_what_the_traits_cost() {
    let output = compare(
        &folder("compare-controls"),
        "--controls --models=event-loop --connections=4 --rounds=1 --duration=100ms",
        &[],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("What the traits cost"), "{text}");
    let server = foreign_server("sh");
    let none = ["compare", "--controls", "--models=none", &server];
    assert!(refused(&none).contains("--models has no model"));
}

/// A server that makes a process for each connection is measured only after it has made them all.
#[test]
fn every_connection_is_served_before_the_load_begins() {
    let record = compared(
        &folder("compare-served"),
        "--models=fork --workload=echo,idle,http --connections=60 --rounds=2 --duration=100ms",
        &[],
    );
    for cell in &record.cells {
        for round in &cell.rounds {
            assert_eq!(round.processes, 61, "{cell:?}");
        }
    }
}

#[test]
fn a_sweep_measures_every_combination() {
    let dir = folder("compare-sweep");
    let record = compared(
        &dir,
        "--models=threads,prethreaded --connections=1..4x4 --size=64..4KiBx64 \
             --workers=4,8 --rounds=1 --duration=100ms --no-twin --pin=off",
        &[],
    );
    let groups = groups(&record);
    let points = groups.iter().map(|group| {
        let point = group.point;
        (
            point.connections,
            point.size_bytes,
            point.workers_asked.unwrap(),
        )
    });
    let expected = [(1, 64), (1, 4096), (4, 64), (4, 4096)];
    let expected = expected.map(|(connections, size)| [4, 8].map(|it| (connections, size, it)));
    assert_eq!(points.collect::<Vec<_>>(), expected.concat());
    for cell in record.cells.iter().filter(|it| it.model == "prethreaded") {
        assert_eq!(Some(cell.workers), cell.point.workers_asked);
        assert_eq!(cell.rounds[0].threads, cell.workers as u64 + 1);
    }
    assert!(matches!(record.environment.pinning, Pinning::Together(_)));
}

#[test]
fn every_workload_measures_what_it_is_for() {
    let dir = folder("compare-workloads");
    let record = compared(
        &dir,
        "--models=threads,event-loop --workload=stream,wait,churn,idle,slow,crowd,skew,chat \
             --connections=10 --rounds=2 --duration=200ms --seed=1",
        &[],
    );
    let cell = |workload: &str, model: &str| {
        let mut cells = record.cells.iter();
        cells
            .find(|cell| cell.workload == workload && cell.model == model)
            .unwrap()
    };
    for cell in &record.cells {
        assert_eq!((cell.rounds.len(), cell.errors()), (2, 0), "{cell:?}");
        if cell.workload != "idle" {
            assert!(cell.latencies.count() > 0, "{cell:?}");
        }
    }
    // No model answers sooner than after 5 ms.
    assert!(cell("wait", "threads").rounds[0].latency_p50_ns >= 5_000_000);
    // A connection for each message: a thread for each connection, and none of them stays.
    assert!(
        cell("churn", "threads").rounds[0]
            .context_switches_per_message
            .is_some()
    );
    let idle = &cell("idle", "threads").rounds[0];
    assert_eq!((idle.messages, idle.server_cpu_us_per_message), (0, None));
    assert_eq!(
        (idle.threads, cell("idle", "event-loop").rounds[0].threads),
        (11, 1)
    );
    // Ten connections send messages beside ten idle ones.
    assert_eq!(cell("crowd", "threads").rounds[0].threads, 21);
    for cell in &record.cells {
        let heavy = cell.rounds[0].heavy_messages_per_s;
        assert_eq!(
            heavy.is_some_and(|it| it > 0.0),
            cell.workload == "skew",
            "{cell:?}"
        );
    }
    // In a chat of ten, a message is nine deliveries.
    let chat = &cell("chat", "event-loop").rounds[0];
    assert!(chat.messages > chat.latency_count.unwrap() * 8);
}

#[test]
fn an_open_loop_runs_at_a_common_rate_and_at_half_of_each_models_best() {
    let dir = folder("compare-rate");
    let record = compared(
        &dir,
        "--models=event-loop,threads --workload=rate --work=wait:2ms --connections=4 \
             --rounds=2 --duration=100ms",
        &[],
    );
    for cell in &record.cells {
        // Four connections that wait 2 ms each can't be answered more than 2,000 times a second.
        let best = cell.best_per_s.unwrap();
        assert!((1.0..=2_000.0).contains(&best), "{cell:?}");
        let offered = cell.rounds[0].offered_per_s.unwrap();
        match cell.point.rate.unwrap() {
            Rate::HalfOfBest => assert_eq!(offered, (best / 2.0).round()),
            Rate::Common => assert!(offered <= best / 2.0 && offered >= 1.0),
            Rate::PerS(_) => panic!("no rate was given"),
        }
        assert!(cell.rounds[0].pacing_lag_p99_ns.is_some());
    }
    let fixed = compared(
        &folder("compare-rate-fixed"),
        "--models=threads --rate=200..400 --connections=4 --rounds=1 --duration=100ms",
        &[],
    );
    assert_eq!(fixed.workloads[0].name, "rate");
    let offered = fixed.cells.iter().map(|cell| cell.rounds[0].offered_per_s);
    assert_eq!(
        offered.collect::<Vec<_>>(),
        [200.0, 200.0, 400.0, 400.0].map(Some)
    );
}

#[test]
fn a_comparison_of_chats_ranks_by_fan_out_and_keeps_its_measurements() {
    let dir = folder("compare-chat");
    let output = compare(
        &dir,
        "--service=chat --models=iterative,threads,event-loop,prefork \
             --connections=4 --workers=3 --depth=2 --rounds=2 --duration=100ms --seed=7",
        &[],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for word in [
        "4 members",
        "deliveries/s",
        "fan-out p50",
        "CPU/delivery",
        "serves one connection at a time, so members could not exchange messages",
        "at most 3 at a time; --workers 4 for more",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }

    let record = json_of(&dir);
    let workload = &record["workloads"][0];
    assert_eq!(
        (&workload["service"], &workload["rooms"]),
        (&"chat".into(), &1.into())
    );
    for cell in record["cells"].as_array().unwrap() {
        let rounds = cell["rounds"].as_array().unwrap();
        if !cell["not_run"].is_null() {
            assert!(rounds.is_empty(), "{cell}");
            continue;
        }
        assert_eq!(rounds.len(), 2, "{cell}");
        for round in rounds {
            are_above_0(
                round,
                "messages latency_count latency_p50_ns peak_pss_bytes elapsed_ms messages_per_s \
                 server_cpu_us_per_message generator_cpu_us_per_message",
            );
            assert_eq!(round["errors"], 0, "{cell}");
        }
    }
}

fn json_of(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("results.json")).unwrap()).unwrap()
}

fn are_above_0(round: &Value, keys: &str) {
    for key in words(keys) {
        assert!(round[key].as_f64().unwrap() > 0.0, "{key} in {round}");
    }
}
