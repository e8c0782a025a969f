//! `portlab judge --client` on each program of `clients/`. The first line of a program says which bugs it has; those of a
//! right client have only the names of warnings.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{collections::BTreeSet, fs, path::Path};

use portlab_testkit::{command, run, trial};
use serde_json::Value;

fn main() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/judge/clients");
    let files = fs::read_dir(dir).unwrap().map(|it| it.unwrap().path());
    let trials = files.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        trial(name, move || its_bugs_are_named(&path))
    });
    run(trials.collect());
}

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
    let output = command(&["judge", "--client", "--json", "--", runner, file])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let verdict: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    let bugs = verdict["bugs"].as_array().unwrap();
    let named: BTreeSet<_> = bugs
        .iter()
        .map(|it| it["bug"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(named, expected, "{verdict:#}");
    let is_right = file.contains("/right_");
    assert_eq!(output.status.code(), Some(i32::from(!is_right)), "{stderr}");
    // A client of another machine runs unchanged, and the verdict names the address that it dialled.
    if text.contains("\"192.168.131.62\", 8080") && !named.contains("no-connect") {
        assert_eq!(verdict["addr"], "192.168.131.62:8080");
    }
}
