//! `portlab judge --client` on each program of `clients/`. The first line of a program says which bugs it has; those of a
//! right client have only the names of warnings.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{collections::BTreeSet, fs, path::Path};

use portlab_testkit::{arguments, command, free_addr, trial};
use serde_json::Value;

fn main() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/judge/clients");
    let files = fs::read_dir(dir).unwrap().map(|it| it.unwrap().path());
    let files = files.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        trial(name, move || its_bugs_are_named(&path))
    });
    let mut trials: Vec<_> = files.collect();
    trials.extend([
        trial("a_told_port", a_client_is_judged_at_a_told_port),
        trial("a_given_port", a_client_is_judged_at_a_given_port),
        trial("a_told_answer", a_client_gets_the_answer_that_it_needs),
    ]);
    // Most of the time of a trial is the start of programs, which needs processors.
    let mut arguments = arguments();
    arguments.test_threads = Some(AT_ONCE);
    libtest_mimic::run(&arguments, trials).exit();
}

/// How many programs are judged at once.
const AT_ONCE: usize = 4;

fn its_bugs_are_named(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let line = text.lines().next().unwrap();
    let listed = line.strip_prefix("# bugs: ").unwrap();
    let expected: BTreeSet<_> = listed
        .split(' ')
        .filter(|it| *it != "none")
        .map(str::to_owned)
        .collect();
    let file = path.to_str().unwrap();
    let runner = match path.extension().is_some_and(|it| it == "py") {
        true => "python3",
        false => "bash",
    };
    // Others that run beside this test need the processors too.
    let mut command = command(&["judge", "--client", "--json"]);
    let timeout = match expected.contains("no-connect") {
        true => "--start-timeout=3s",
        false => "--start-timeout=1min",
    };
    command.args([timeout, "--", runner, file]);
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let verdict: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    let bugs = verdict["bugs"].as_array().unwrap();
    let named: BTreeSet<_> = bugs
        .iter()
        .map(|it| it["bug"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(named, expected, "{verdict:#}");
    // The code to write has the encoding of the program.
    if let Some(bug) = bugs.iter().find(|it| it["bug"] == "splits-character") {
        let code = bug["code"].as_str().unwrap();
        assert_eq!(code.contains("gbk"), text.contains("gbk"), "{verdict:#}");
    }
    let is_right = file.contains("/right_");
    assert_eq!(output.status.code(), Some(i32::from(!is_right)), "{stderr}");
    // A client of another machine runs unchanged, and the verdict names the address that it dialled.
    if text.contains("\"192.168.131.62\", 8080") && !named.contains("no-connect") {
        assert_eq!(verdict["addr"], "192.168.131.62:8080");
    }
}

/// Dials the port that is its argument, sends a line, and needs a number.
const NEEDS_A_NUMBER: &str = "\
import socket, sys
try:
    client = socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=60)
    client.sendall(b'1+2\\n')
    line = client.makefile().readline()
    if line:
        print(int(line))
except OSError as error:
    sys.exit(str(error))
";

/// The results of some experiments with that client, by name.
fn results(options: &[&str], port: &str) -> Value {
    let mut command = command(&["judge", "--client", "--json"]);
    command.args(["--start-timeout=1min"]).args(options);
    command.args(["--", "python3", "-c", NEEDS_A_NUMBER, port]);
    let output = command.output().unwrap();
    let verdict: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let rows = verdict["experiments"].as_array().unwrap();
    rows.iter()
        .map(|it| {
            (
                it["experiment"].as_str().unwrap().to_owned(),
                it["result"].clone(),
            )
        })
        .collect()
}

/// Where the system doesn't show which port a program dials, the user says it.
fn a_client_is_judged_at_a_told_port() {
    let port = free_addr().port().to_string();
    let results = results(&["--port", &port, "--answer", "3"], &port);
    assert_eq!(results["connects"], "pass", "{results:#}");
    assert_eq!(results["reads_the_answer"], "pass", "{results:#}");
    assert_eq!(results["connection_refused"], "pass", "{results:#}");
}

fn a_client_is_judged_at_a_given_port() {
    let results = results(&["--answer", "3"], "{port}");
    assert_eq!(results["reads_the_answer"], "pass", "{results:#}");
}

/// Without it, the judge can't tell whether the client or the answer is wrong.
fn a_client_gets_the_answer_that_it_needs() {
    let without = results(&[], "4711");
    assert_eq!(without["reads_the_answer"], "skipped", "{without:#}");
    let with = results(&["--answer", "3"], "4711");
    assert_eq!(with["reads_the_answer"], "pass", "{with:#}");
    assert_eq!(with["answer_in_two_pieces"], "pass", "{with:#}");
}
