//! Comparisons that are ended before they are complete, and continued.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use portlab_sys::{
    marked::{marked, started},
    spawn::{Signal, signal, signal_pid},
};
use portlab_testkit::{binary, words};

use super::{command, compare, compared, folder, record, refused};

#[test]
fn an_interrupted_comparison_shows_what_it_has() {
    let dir = folder("compare-interrupted");
    let options =
        words("--models=event-loop --connections=1 --rounds=500 --duration=100ms --warmup=1ms");
    let mut child = begun(&dir, &options, Stdio::piped());
    signal(&mut child, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("The run was broken off") && text.contains("event-loop"),
        "{text}"
    );
}

/// There is no result, so the exit code is that of a program that SIGINT ended.
#[test]
fn a_comparison_that_is_interrupted_before_its_first_measurement_exits_with_130() {
    let dir = folder("compare-interrupted-early");
    // A server that never listens, so that no measurement is made.
    let server = "--server=silent=sh -c 'exec sleep 600 # {port}'";
    let mut command = command(&["compare", "--out", dir.to_str().unwrap(), server]);
    command.args(["--models=none", "--connections=1", "--start-timeout=10m"]);
    let mut child = command.spawn().unwrap();
    wait_for(&dir.join("running.json"), &mut child);
    signal(&mut child, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted before the first"), "{said}");
}

/// Starts a comparison that takes long, with `stdout`, and waits until it has measured something.
fn begun(dir: &Path, options: &[&str], stdout: Stdio) -> Child {
    let mut command = command(&["compare", "--out", dir.to_str().unwrap()]);
    command.args(options).stdout(stdout).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    wait_for(&dir.join("results.json"), &mut child);
    child
}

fn wait_for(file: &Path, child: &mut Child) {
    while !file.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended at once");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn measurements_of_a_killed_comparison_are_kept_and_continued() {
    let dir = folder("compare-resumed");
    let line = "--models=event-loop,threads --connections=1 --rounds=6 --duration=100ms";
    let options = words(line);
    let mut child = begun(&dir, &options, Stdio::null());
    signal(&mut child, Signal::KILL).unwrap();
    child.wait().unwrap();
    let before = record(&dir);
    assert!(!before.complete && before.measured() > 0 && before.measured() < 18);
    let out = format!("--out={}", dir.display());
    let other = [&["compare", &out, "--resume"], &options[..], &["--size=65"]].concat();
    let said = refused(&other);
    assert!(said.contains("connections, sizes"), "{said}");

    let resumed = [&options[..], &["--resume"]].concat();
    let after = compared(&dir, line, &["--resume"]);
    assert!(after.complete && after.measured() == 18);
    assert_eq!(after.setup.seed, before.setup.seed);
    for (old, new) in before.cells.iter().zip(&after.cells) {
        assert!(old.rounds.iter().all(|round| new.rounds.contains(round)));
    }
    let said = refused(&[&["compare", &out], &resumed[..]].concat());
    assert!(said.contains("is complete"), "{said}");
}

#[test]
fn processes_of_a_killed_comparison_are_ended_by_the_next() {
    let dir = folder("compare-left");
    let program = binary();
    // A server with a child that doesn't end with it.
    let server = format!(
        "--server=left=sh -c \"sleep 600 & echo $! >> '{}'/pids; exec '{program}' serve --bind \
         127.0.0.1:{{port}}\"",
        dir.display()
    );
    let options = words("--models=none --connections=1 --rounds=50 --warmup=1ms");
    let options = [&options[..], &[&server]].concat();
    let mut child = begun(&dir, &options, Stdio::null());
    let out = format!("--out={}", dir.display());
    let busy = refused(&["compare", "--models=threads", &out]);
    assert!(busy.contains(&format!("pid {}", child.id())), "{busy}");
    signal(&mut child, Signal::KILL).unwrap();
    child.wait().unwrap();
    let pids = || {
        let text = fs::read_to_string(dir.join("pids")).unwrap();
        let pids = text.lines().map(|pid| pid.parse().unwrap());
        pids.collect::<Vec<i32>>()
    };
    // If the comparison was killed between two servers, no process is left.
    let left = pids().into_iter().find(|&pid| started(pid).is_some());
    let output = compare(
        &dir,
        "--models=threads --connections=1 --rounds=1 --duration=100ms --no-twin",
        &[],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("was killed"), "{said}");
    let gone = pids().into_iter().all(|pid| started(pid).is_none());
    assert!(gone, "{left:?} is still there; {said}");
    // The process was ended by the keeper of the killed comparison's server, or by the next comparison.
    assert!(said.contains("of its servers w"), "{said}");
    assert!(!dir.join("running.json").exists());
}

#[test]
fn a_hangup_keeps_what_was_measured_and_leaves_no_process() {
    let dir = folder("compare-hangup");
    let program = binary();
    // A server whose child ignores the hangup and has left the session.
    let server = format!(
        "--server=left=sh -c \"nohup setsid sleep 600 & exec '{program}' serve --bind 127.0.0.1:{{port}}\""
    );
    let options = ["--models=fork", &server, "--connections=2", "--rounds=50"];
    let mut child = begun(&dir, &options, Stdio::null());
    let note = fs::read_to_string(dir.join("running.json")).unwrap();
    let note: serde_json::Value = serde_json::from_str(&note).unwrap();
    let servers = || marked("PORTLAB_RUN", note["mark"].as_str().unwrap()).unwrap();
    // When a terminal is closed, the kernel sends one signal, and the shell another.
    for _ in 0..2 {
        signal(&mut child, Signal::HUP).unwrap();
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(servers(), [0; 0]);
    let record = record(&dir);
    assert!(!record.complete && record.measured() > 0);
    assert!(dir.join("report.html").exists() && !dir.join("running.json").exists());

    // If hangups are ignored, the comparison continues.
    let script = format!("trap '' HUP; exec '{program}' compare --no-twin \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", "--models=threads", "--connections=1"]);
    command.args(["--rounds=3", "--duration=200ms", "--out"]);
    command.arg(dir.join("nohup")).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    wait_for(&dir.join("nohup/running.json"), &mut child);
    signal(&mut child, Signal::HUP).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(super::record(&dir.join("nohup")).complete);
}

#[test]
fn an_unfinished_study_is_replaced_only_when_asked() {
    let dir = folder("compare-study");
    let options =
        words("--suite=full --models=event-loop --connections=2 --duration=20ms --size=64");
    let mut child = begun(&dir, &options, Stdio::null());
    // The comparison ends its servers, whichever of them is running.
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
