//! `--against`: the models of another build, in the same rounds as those of this one.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use portlab_stats::record::{Kind, Record};
use portlab_testkit::binary;

use super::{compare, compared, folder, portlab, record, refused};

/// A script in `dir`.
fn script(dir: &Path, name: &str, text: &str) -> String {
    let file = dir.join(name);
    fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file.to_str().unwrap().to_owned()
}

/// This program without the computing of this build: another build that uses much less CPU time.
fn quicker(dir: &Path) -> String {
    let text = format!(
        r#"for word; do shift; [ "$word" = --work=cpu:1ms ] && word=--work=none; set -- "$@" "$word"; done
exec '{}' "$@""#,
        binary()
    );
    script(dir, "quicker", &text)
}

fn rounds(record: &Record, model: &str) -> usize {
    let mut cells = record.cells.iter();
    cells.find(|it| it.model == model).unwrap().rounds.len()
}

#[test]
fn another_build_takes_part_in_the_same_rounds() {
    let dir = folder("against-self");
    let options = "--models=threads,event-loop --quick --rounds=2";
    let record = compared(&dir, options, &["--against", binary()]);
    let names: Vec<_> = record.entrants.iter().map(|it| it.name.as_str()).collect();
    let expected = [
        "threads",
        "threads-other",
        "event-loop",
        "event-loop-other",
        "event-loop-again",
    ];
    assert_eq!(names, expected);
    let Kind::Build {
        of,
        program,
        version,
    } = &record.entrants[1].kind
    else {
        panic!("{:?}", record.entrants[1].kind);
    };
    assert_eq!((&of[..], &program[..]), ("threads", binary()));
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    assert!(expected.iter().all(|model| rounds(&record, model) == 2));
    // The report repeats the result.
    let said = portlab(&["report", dir.to_str().unwrap()]);
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(text.contains("This build beside"), "{text}");
    assert!(text.contains("2 rounds, 9 needed"), "{text}");
}

#[test]
fn a_file_that_is_not_a_usable_portlab_is_named() {
    let dir = folder("against-misfits");
    let other = script(&dir, "other", "echo other 1.0");
    let silent = script(&dir, "silent", "exit 0");
    let old = script(
        &dir,
        "old",
        r#"[ "$1" = --version ] && echo portlab 0.0.1 && exit; echo "no such option: $2" >&2; exit 2"#,
    );
    let missing = dir.join("missing").to_str().unwrap().to_owned();
    let out = format!("--out={}", dir.join("out").display());
    for (program, words) in [
        (
            &other,
            r#"is not a portlab program: run with --version, it prints "other 1.0""#,
        ),
        (&silent, "is not a portlab program"),
        (&missing, "can't start"),
        (
            &old,
            "portlab 0.0.1, can't serve threads: the server did not begin to listen: no such option",
        ),
    ] {
        let said = refused(&["compare", "--models=threads", "--against", program, &out]);
        assert!(
            said.contains(words) && said.contains(&program[..]),
            "{words}: {said}"
        );
    }
    let said = refused(&[
        "compare",
        "--models=none",
        "--against",
        binary(),
        "--server=a=b {port}",
    ]);
    assert!(said.contains("--against compares models"), "{said}");
    assert!(refused(&["compare", "--fail-over=5%"]).contains("--against"));
}

#[test]
fn a_build_that_uses_much_more_cpu_time_fails_and_few_rounds_cannot_decide() {
    let dir = folder("against-slower");
    let quicker = quicker(&dir);
    let judged = |rounds: &str| {
        let line = "--models=event-loop --connections=2 --work=cpu:1ms --duration=100ms --no-twin \
                    --fail-over=5%";
        let output = compare(&dir.join("out"), line, &["--against", &quicker, rounds]);
        let text = String::from_utf8(output.stdout).unwrap();
        (
            text + &String::from_utf8(output.stderr).unwrap(),
            output.status.code(),
        )
    };
    let (text, code) = judged("--rounds=2");
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains("this run cannot decide; take at least --rounds 8"),
        "{text}"
    );
    let (text, code) = judged("--rounds=8");
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("failed: event-loop at echo, 2 connections of 64 B: worse by"),
        "{text}"
    );
    assert!(record(&dir.join("out")).complete);
    let results = dir.join("out");
    let again = portlab(&["report", results.to_str().unwrap(), "--fail-over=5%"]);
    assert_eq!(again.status.code(), Some(1));
}
