//! Comparisons as people make them: what is measured, what isn't and why, and what is kept.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use portlab_stats::{
    analysis::groups,
    read::read,
    record::{Kind, Pinning, Rate, Record},
};
use portlab_sys::{
    marked::started,
    spawn::{Signal, signal, signal_pid},
};
use serde_json::Value;

fn portlab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portlab"))
        .args(arguments)
        .output()
        .unwrap()
}

/// Runs a command that can't be run, and returns what it says on stderr.
fn refused(arguments: &[&str]) -> String {
    let output = portlab(arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert!(output.stdout.is_empty(), "{arguments:?} wrote to stdout");
    assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    text
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Compares with `options`, keeping the results in `dir`, and returns the record.
fn compared(dir: &Path, options: &[&str]) -> Record {
    let out = format!("--out={}", dir.display());
    let output = portlab(&[&["compare", &out], options].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{options:?}: {said}");
    record(dir)
}

fn record(dir: &Path) -> Record {
    read(&fs::read_to_string(dir.join("results.json")).unwrap()).unwrap()
}

/// This program's own echo, as a stranger.
fn stranger(name: &str) -> String {
    let program = env!("CARGO_BIN_EXE_portlab");
    format!("--server={name}='{program}' serve --model event-loop --bind 127.0.0.1:{{port}}")
}

#[test]
fn a_comparison_keeps_what_it_measured_and_shows_what_it_could_not() {
    let dir = folder("compare");
    let out = format!("--out={}", dir.display());
    let output = portlab(&[
        "compare",
        "--models=threads,event-loop,prefork",
        "--connections=1,4",
        "--workers=2",
        "--rounds=2",
        "--duration=300ms",
        "--warmup=10ms",
        "--seed=7",
        &out,
    ]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("serves 2 at a time; --workers 4 for more"),
        "{text}"
    );
    assert!(
        text.contains("CPU/msg") && text.contains("seed 7"),
        "{text}"
    );

    let record: Value =
        serde_json::from_slice(&fs::read(dir.join("results.json")).unwrap()).unwrap();
    assert_eq!(record["complete"], true);
    assert_eq!(record["setup"]["seed"], 7);
    assert!(!record["environment"]["kernel"].as_str().unwrap().is_empty());
    let cells = record["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 8, "with the twin");
    for cell in cells {
        let rounds = cell["rounds"].as_array().unwrap();
        if cell["model"] == "prefork" && cell["connections"] == 4 {
            assert!(cell["not_run"].as_str().is_some() && rounds.is_empty());
            continue;
        }
        assert_eq!(rounds.len(), 2, "{cell}");
        for round in rounds {
            for key in [
                "messages",
                "peak_pss_bytes",
                "threads",
                "processes",
                "latency_p50_ns",
            ] {
                assert!(round[key].as_u64().unwrap() > 0, "{key} in {cell}");
            }
            assert!(round["server_cpu_us_per_message"].as_f64().unwrap() > 0.0);
            assert_eq!(round["errors"], 0);
        }
    }
    let threads = cells
        .iter()
        .find(|cell| cell["model"] == "threads" && cell["connections"] == 4);
    assert_eq!(threads.unwrap()["rounds"][0]["threads"], 5);
    let prefork = cells
        .iter()
        .find(|cell| cell["model"] == "prefork" && cell["connections"] == 1);
    assert_eq!(prefork.unwrap()["rounds"][0]["processes"], 3);
    let left: Vec<_> = fs::read_dir(&dir).unwrap().flatten().collect();
    let mut left: Vec<_> = left.iter().map(fs::DirEntry::file_name).collect();
    left.sort();
    assert_eq!(left, ["report.html", "results.json"]);
}

#[test]
fn a_server_that_answers_wrongly_is_not_measured_and_fails_the_comparison() {
    let dir = folder("compare-panic");
    let out = format!("--out={}", dir.display());
    let output = portlab(&[
        "compare",
        "--models=threads",
        "--connections=1",
        "--rounds=1",
        "--work=panic",
        &out,
    ]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("failed: not measured, for it failed verification"),
        "{text}"
    );
}

#[test]
fn a_comparison_of_chats_ranks_by_fan_out_and_keeps_what_it_measured() {
    let dir = folder("compare-chat");
    let out = format!("--out={}", dir.display());
    let output = portlab(&[
        "compare",
        "--service=chat",
        "--models=iterative,threads,event-loop,prefork",
        "--connections=4",
        "--workers=3",
        "--depth=2",
        "--rounds=2",
        "--duration=300ms",
        "--seed=7",
        &out,
    ]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for word in [
        "4 members",
        "deliveries/s",
        "fan-out p50",
        "CPU/delivery",
        "it serves one caller at a time, so nobody would ever hear another",
        "serves 3 at a time; --workers 4 for more",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }

    let record: Value =
        serde_json::from_slice(&fs::read(dir.join("results.json")).unwrap()).unwrap();
    let workload = &record["workloads"][0];
    assert_eq!(
        (&workload["service"], &workload["rooms"]),
        (&"chat".into(), &1.into())
    );
    for cell in record["cells"].as_array().unwrap() {
        let rounds = cell["rounds"].as_array().unwrap();
        if cell["not_run"].is_string() {
            assert!(rounds.is_empty(), "{cell}");
            continue;
        }
        assert_eq!(rounds.len(), 2, "{cell}");
        for round in rounds {
            for key in [
                "messages",
                "latency_count",
                "latency_p50_ns",
                "peak_pss_bytes",
            ] {
                assert!(round[key].as_u64().unwrap() > 0, "{key} in {cell}");
            }
            for key in [
                "elapsed_ms",
                "messages_per_s",
                "server_cpu_us_per_message",
                "generator_cpu_us_per_message",
            ] {
                assert!(round[key].as_f64().unwrap() > 0.0, "{key} in {cell}");
            }
            assert_eq!(round["errors"], 0, "{cell}");
        }
    }
}

#[test]
fn a_comparison_of_chats_that_makes_no_sense_is_refused_with_the_remedy() {
    for (options, remedy) in [
        (&["--connections=1"][..], "at least 2"),
        (&["--connections=10,5", "--rooms=3"], "at least 6"),
        (&["--rooms=0"], "1 to 99"),
        (&["--rooms=100"], "1 to 99"),
        (&["--controls"], "leave it out"),
        (&["--threads=2"], "leave out --threads"),
        (&["--size=4096"], "--size 4080"),
        (&["--size=0"], "at least 1"),
        (&["--depth=0"], "at least 1"),
    ] {
        let text = refused(&[&["compare", "--service=chat"], options].concat());
        assert!(text.contains(remedy), "{options:?}: {text}");
        assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    }
    assert!(refused(&["compare", "--rooms=2"]).contains("--workload chat"));
    assert!(refused(&["compare", "--service=chatt"]).contains("'chat'"));
}

#[test]
fn a_chat_that_is_none_is_not_measured_and_fails_the_comparison() {
    let dir = folder("compare-chat-panic");
    let out = format!("--out={}", dir.display());
    let output = portlab(&[
        "compare",
        "--service=chat",
        "--models=threads",
        "--connections=4",
        "--rounds=1",
        "--work=panic",
        &out,
    ]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("failed: not measured, for it failed verification"),
        "{text}"
    );
}

#[test]
fn a_comparison_with_controls_says_what_the_traits_cost() {
    let dir = folder("compare-controls");
    let out = format!("--out={}", dir.display());
    let output = portlab(&[
        "compare",
        "--controls",
        "--models=event-loop",
        "--connections=4",
        "--rounds=1",
        "--duration=300ms",
        &out,
    ]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("What the traits cost"), "{text}");
    assert!(refused(&["compare", "--controls", "--models=fork", &out]).contains("control"));
}

#[test]
fn an_interrupted_comparison_shows_what_it_has() {
    let dir = folder("compare-interrupted");
    let mut command = Command::new(env!("CARGO_BIN_EXE_portlab"));
    command.args([
        "compare",
        "--models=event-loop",
        "--connections=1",
        "--rounds=500",
    ]);
    command
        .args(["--duration=300ms", "--warmup=1ms", "--out"])
        .arg(&dir);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !dir.join("results.json").exists() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before its first measurement"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    signal(&mut child, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("incomplete") && text.contains("event-loop"),
        "{text}"
    );
}

#[test]
fn a_stranger_is_verified_and_metered_with_all_that_it_starts() {
    let dir = folder("compare-stranger");
    let program = env!("CARGO_BIN_EXE_portlab");
    // The shell stays, so that there are two processes.
    let in_a_shell = format!(
        "--server=in-a-shell=sh -c \"'{program}' serve --model threads --bind 127.0.0.1:{{port}}; true\""
    );
    let record = compared(
        &dir,
        &[
            "--models=event-loop",
            &stranger("alone"),
            &in_a_shell,
            "--connections=4",
            "--rounds=2",
            "--duration=300ms",
            "--baseline=alone",
        ],
    );
    // What stands in the report can be given to a shell.
    let words = shlex::split(&record.command).unwrap();
    assert!(words.contains(&in_a_shell), "{}", record.command);
    let kinds = record
        .entrants
        .iter()
        .map(|it| (it.name.as_str(), &it.kind));
    let foreign: Vec<_> = kinds
        .filter(|(_, kind)| matches!(kind, Kind::Foreign { .. }))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(foreign, ["alone", "in-a-shell"]);
    assert!(
        record.entrant("alone-again").is_some(),
        "the baseline has a twin"
    );
    for cell in &record.cells {
        assert_eq!((cell.rounds.len(), cell.errors()), (2, 0), "{cell:?}");
        let round = &cell.rounds[0];
        let expected = match cell.model.as_str() {
            "in-a-shell" => (2, 6),
            _ => (1, 1),
        };
        assert_eq!((round.processes, round.threads), expected, "{}", cell.model);
        assert!(round.server_cpu_us_per_message.unwrap() > 0.1);
    }
}

/// A server that makes a process for each connection is not measured while it still does.
#[test]
fn every_connection_is_served_before_the_load_begins() {
    let record = compared(
        &folder("compare-served"),
        &[
            "--models=fork",
            "--workload=echo,idle",
            "--connections=60",
            "--rounds=2",
            "--duration=300ms",
        ],
    );
    for cell in &record.cells {
        for round in &cell.rounds {
            assert_eq!(round.processes, 61, "{cell:?}");
        }
    }
}

#[test]
fn a_stranger_that_lies_or_does_not_come_fails_the_comparison() {
    for (name, command, why) in [
        ("nobody", "no-such-program-at-all {port}", "can't start"),
        (
            "brief",
            "sh -c 'echo {port} is mine >&2; exit 3'",
            "is mine",
        ),
        (
            "liar",
            "'BIN' serve --service reply --bind 127.0.0.1:{port}",
            "failed verification",
        ),
    ] {
        let dir = folder(&format!("compare-{name}"));
        let command = command.replace("BIN", env!("CARGO_BIN_EXE_portlab"));
        let server = format!("--server={name}={command}");
        let out = format!("--out={}", dir.display());
        let output = portlab(&[
            "compare",
            "--models=none",
            &server,
            "--rounds=1",
            "--connections=1",
            "--no-twin",
            &out,
        ]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains(why), "{name}: {said}");
        assert!(record(&dir).cells[0].failures[0].reason.contains(why));
    }
}

/// Whatever becomes of a stranger, what it has started itself doesn't outlive it; and it may say what
/// it likes, in any encoding.
#[test]
fn what_a_stranger_has_started_goes_with_it() {
    let dir = folder("compare-strange");
    let program = env!("CARGO_BIN_EXE_portlab");
    let pids = dir.join("pids");
    let with_a_child = |name: &str, service: &str| {
        format!(
            "--server={name}=sh -c \"sleep 600 & echo $! >> '{}'; printf '\\304\\343\\n'; exec \
             '{program}' serve --service {service} --bind 127.0.0.1:{{port}}\"",
            pids.display()
        )
    };
    let out = format!("--out={}", dir.display());
    let output = portlab(&[
        "compare",
        "--models=none",
        &with_a_child("right", "echo"),
        &with_a_child("wrong", "reply"),
        "--connections=2",
        "--rounds=2",
        "--duration=300ms",
        "--warmup=1ms",
        &out,
    ]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let record = record(&dir);
    let cell = |name: &str| record.cells.iter().find(|cell| cell.model == name).unwrap();
    assert_eq!(
        (cell("right").rounds.len(), cell("wrong").failures.len()),
        (2, 2)
    );
    let text = fs::read_to_string(&pids).unwrap();
    let pids: Vec<i32> = text.lines().map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.len() >= 4, "{text}");
    assert!(pids.into_iter().all(|pid| started(pid).is_none()));
}

#[test]
fn who_fails_again_and_again_is_given_up() {
    let dir = folder("compare-hopeless");
    let out = format!("--out={}", dir.display());
    let output = portlab(&[
        "compare",
        "--models=event-loop",
        "--server=nobody=no-such-program-at-all {port}",
        "--connections=1",
        "--rounds=5",
        "--duration=300ms",
        "--warmup=1ms",
        &out,
    ]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("given up: nobody"), "{said}");
    let record = record(&dir);
    assert!(record.complete);
    let cell = |name: &str| record.cells.iter().find(|cell| cell.model == name).unwrap();
    assert_eq!(cell("nobody").failures.len(), 3);
    assert_eq!(cell("event-loop").rounds.len(), 5);
}

#[test]
fn what_makes_no_sense_is_refused_with_the_remedy() {
    for (options, remedy) in [
        (&["--server=x"][..], "NAME='COMMAND'"),
        (&["--server=x=python3 echo.py"], "{port}"),
        (&["--server=x='python3 {port}"], "isn't closed"),
        (&["--server=a b=echo {port}"], "is no name"),
        (
            &["--models=threads", "--server=threads=x {port}"],
            "my-threads",
        ),
        (&["--models=none"], "nobody takes part"),
        (&["--models=none,threads"], "leave out"),
        (
            &["--models=fork", "--server=fork-again=x {port}"],
            "the second time",
        ),
        (&["--duration=100us"], "below 1ms"),
        (&["--duration=99999999999s"], "longer than an hour"),
        (&["--rate=1000M"], "at most 10M"),
        (&["--rounds=501"], "500"),
        (&["--models=fork", "--baseline=tasks"], "choose one of fork"),
        (&["--workload=ecko"], "echo"),
        (&["--rate=1k", "--workload=echo"], "--workload rate"),
        (&["--workload=echo,churn", "--depth=2"], "choose one"),
        (&["--workload=echo,churn", "--work=wait:1ms"], "choose one"),
        (&["--workload=slow", "--connections=1"], "at least 2"),
        (&["--connections=9..1"], "smaller number first"),
        (&["--connections=1..9x1"], "factor above 1"),
        (&["--workers=0"], "1 to 65535"),
        (&["--suite=class", "--workload=echo"], "cannot be used with"),
        (&["--suite=clas"], "class"),
    ] {
        let text = refused(&[&["compare"], options].concat());
        assert!(text.contains(remedy), "{options:?}: {text}");
    }
}

#[test]
fn a_sweep_measures_every_combination() {
    let dir = folder("compare-sweep");
    let record = compared(
        &dir,
        &[
            "--models=threads,prethreaded",
            "--connections=1..4x4",
            "--size=64..4KiBx64",
            "--workers=4,8",
            "--rounds=1",
            "--duration=300ms",
            "--no-twin",
            "--pin=off",
        ],
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
    let mut expected = Vec::new();
    for connections in [1, 4] {
        for size in [64, 4096] {
            expected.extend([4, 8].map(|workers| (connections, size, workers)));
        }
    }
    assert_eq!(points.collect::<Vec<_>>(), expected);
    let threads = record
        .cells
        .iter()
        .filter(|cell| cell.model == "prethreaded");
    for cell in threads {
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
        &[
            "--models=threads,event-loop",
            "--workload=stream,wait,churn,idle,slow,chat",
            "--connections=10",
            "--rounds=2",
            "--duration=300ms",
            "--seed=1",
        ],
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
    // Whatever they do, nobody answers sooner than after 5 ms.
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
    // In a chat of ten, a message is nine deliveries.
    let chat = &cell("chat", "event-loop").rounds[0];
    assert!(chat.messages > chat.latency_count.unwrap() * 8);
}

#[test]
fn an_open_loop_runs_at_what_all_can_bear_and_at_half_of_what_each_can() {
    let dir = folder("compare-rate");
    let record = compared(
        &dir,
        &[
            "--models=event-loop,threads",
            "--workload=rate",
            "--work=wait:2ms",
            "--connections=4",
            "--rounds=2",
            "--duration=300ms",
        ],
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
        &[
            "--models=threads",
            "--rate=200..400",
            "--connections=4",
            "--rounds=1",
            "--duration=300ms",
        ],
    );
    assert_eq!(fixed.workloads[0].name, "rate");
    let offered = fixed.cells.iter().map(|cell| cell.rounds[0].offered_per_s);
    assert_eq!(
        offered.collect::<Vec<_>>(),
        [200.0, 200.0, 400.0, 400.0].map(Some)
    );
}

/// Starts a comparison that takes long, and waits until it has measured something.
fn begun(dir: &Path, options: &[&str]) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_portlab"))
        .args(["compare", "--out"])
        .arg(dir)
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !dir.join("results.json").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended at once");
        thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn what_a_killed_comparison_has_measured_is_kept_and_gone_on_with() {
    let dir = folder("compare-resumed");
    let options = [
        "--models=event-loop,threads",
        "--connections=1",
        "--rounds=6",
        "--duration=300ms",
    ];
    let mut child = begun(&dir, &options);
    signal(&mut child, Signal::KILL).unwrap();
    child.wait().unwrap();
    let before = record(&dir);
    assert!(!before.complete && before.measured() > 0 && before.measured() < 18);
    let out = format!("--out={}", dir.display());
    let other = [&["compare", &out, "--resume"], &options[..], &["--size=65"]].concat();
    let said = refused(&other);
    assert!(said.contains("connections, sizes"), "{said}");

    let resumed = [&options[..], &["--resume"]].concat();
    let after = compared(&dir, &resumed);
    assert!(after.complete && after.measured() == 18);
    assert_eq!(after.setup.seed, before.setup.seed);
    for (old, new) in before.cells.iter().zip(&after.cells) {
        assert!(old.rounds.iter().all(|round| new.rounds.contains(round)));
    }
    let said = refused(&[&["compare", &out], &resumed[..]].concat());
    assert!(said.contains("is complete"), "{said}");
}

#[test]
fn what_a_killed_comparison_has_left_behind_is_ended_by_the_next() {
    let dir = folder("compare-left");
    let program = env!("CARGO_BIN_EXE_portlab");
    // A server with a child that nobody tells of the end.
    let server = format!(
        "--server=left=sh -c \"sleep 600 & echo $! >> '{}'/pids; exec '{program}' serve --bind \
         127.0.0.1:{{port}}\"",
        dir.display()
    );
    let options = [
        "--models=none",
        &server,
        "--connections=1",
        "--rounds=50",
        "--warmup=1ms",
    ];
    let mut child = begun(&dir, &options);
    let out = format!("--out={}", dir.display());
    let busy = refused(&["compare", "--models=threads", &out]);
    assert!(busy.contains(&format!("pid {}", child.id())), "{busy}");
    signal(&mut child, Signal::KILL).unwrap();
    child.wait().unwrap();
    let pids = || {
        let text = fs::read_to_string(dir.join("pids")).unwrap();
        text.lines()
            .map(|pid| pid.parse().unwrap())
            .collect::<Vec<i32>>()
    };
    // Killed between two servers, it has left nothing: then one is put in its place.
    let left = pids().into_iter().find(|&pid| started(pid).is_some());
    let output = portlab(&[
        "compare",
        "--models=threads",
        "--connections=1",
        "--rounds=1",
        "--no-twin",
        &out,
    ]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("was killed"), "{said}");
    let gone = pids().into_iter().all(|pid| started(pid).is_none());
    assert!(gone, "{left:?} is still there; {said}");
    if left.is_some() {
        assert!(said.contains("been ended"), "{said}");
    }
    assert!(!dir.join("running.json").exists());
}

#[test]
fn an_unfinished_study_is_not_lost_by_a_slip() {
    let dir = folder("compare-study");
    let options = [
        "--suite=full",
        "--models=event-loop",
        "--connections=2",
        "--duration=20ms",
        "--size=64",
    ];
    let mut child = begun(&dir, &options);
    // Its servers go with it, wherever it is.
    signal_pid(child.id() as i32, Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let out = format!("--out={}", dir.display());
    let said = refused(&["compare", "--quick", &out]);
    assert!(
        said.contains("--resume") && said.contains("--fresh"),
        "{said}"
    );
    fs::write(dir.join("results.json"), "mine").unwrap();
    let said = refused(&["compare", "--quick", &out]);
    assert!(said.contains("another folder"), "{said}");
    assert_eq!(fs::read(dir.join("results.json")).unwrap(), b"mine");
}
