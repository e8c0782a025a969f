//! What the command line refuses before a run, and which options the hints after it may name.

use std::{fs, path::PathBuf};

use clap::{Args as _, Command, FromArgMatches};
use portlab_load::Plan;
use portlab_testkit::folder;

use super::{Args, find, limits, plan::plan};

/// The plan of `portlab load` with these words.
fn planned(words: &[&str]) -> anyhow::Result<Plan> {
    let command = Args::augment_args(Command::new("load").no_binary_name(true));
    let args = Args::from_arg_matches(&command.try_get_matches_from(words)?)?;
    let plan = plan(&args)?;
    plan.check()?;
    let (fails, finds) = (&args.limits.fail_if, args.limits.find());
    limits::check(fails, &plan)?;
    limits::check(&finds, &plan)?;
    if !finds.is_empty() {
        find::goal(args.pace.rate, &plan, &finds)?;
    }
    Ok(plan)
}

/// A file with `text`.
fn file(name: &str, text: &str) -> PathBuf {
    let file = folder(name).join("file.txt");
    fs::write(&file, text).unwrap();
    file
}

/// Each of `cases` is refused, and the message has all of its parts. Spaces divide the options of a case.
#[track_caller]
fn refuses(target: &str, cases: &[(&str, &[&str])]) {
    for (options, parts) in cases {
        let words: Vec<_> = target.split(' ').chain(options.split(' ')).collect();
        let words: Vec<_> = words.into_iter().filter(|it| !it.is_empty()).collect();
        let error = planned(&words).err().map(|it| format!("{it:#}"));
        let error = error.unwrap_or_else(|| panic!("accepted: {words:?}"));
        for part in *parts {
            assert!(error.contains(part), "{words:?}: {error}");
        }
    }
}

#[test]
fn a_run_takes_each_option_that_its_hints_may_name() {
    let file = file("takes", "say hello\\n\n");
    let [dialogue, payload] =
        ["dialogue", "payload"].map(|it| format!("--{it}={}", file.display()));
    let options = [
        "--text=a",
        &payload,
        "--greeting=lines:1",
        "--expect=bytes:9",
        "--size=9",
        "--depth=2",
        "--method=PUT",
        "--expect-status=200",
        "--any-answer",
        "--per-connection=5",
        "--reconnect",
        "--threads=2",
        "--find=errors<1",
    ];
    for kind in [
        &["127.0.0.1:1"][..],
        &["http://127.0.0.1:1/"],
        &["http://127.0.0.1:1/", "--idle"],
        &["127.0.0.1:1", &dialogue],
        &["127.0.0.1:1", "--script=chat"],
        &["127.0.0.1:1", "--idle"],
        &["127.0.0.1:1", "--think=1ms"],
        &["127.0.0.1:1", "--expect=close"],
        &["127.0.0.1:1", "--messages=9"],
        &["udp://127.0.0.1:1"],
    ] {
        let plan = planned(kind).unwrap();
        for option in options {
            let name = option.split('=').next().unwrap();
            if plan.takes(name) && !kind.iter().any(|it| it.starts_with(name)) {
                let planned = planned(&[kind, &[option]].concat());
                assert!(planned.is_ok(), "{kind:?} {option}: {planned:?}");
            }
        }
    }
}

#[test]
fn limits_that_a_run_can_not_have_are_refused() {
    refuses(
        "127.0.0.1:1",
        &[
            ("--fail-if=p99=5ms", &["is not a limit", "as in p99>5ms"]),
            ("--fail-if=p99>5", &["invalid bound of p99"]),
            ("--fail-if=pp99>5ms", &["did you mean p99?", "connect-p99"]),
            ("--fail-if=p99>5ms&errors>0", &["each its own --fail-if"]),
            ("--fail-if=rate<0.99", &["needs --rate"]),
            (
                "--idle --fail-if=p99>5ms",
                &["an idle run sends no messages"],
            ),
            ("--fail-if=delivery-p99>5ms", &["--script chat"]),
            ("--find=p99>10ms", &["as in p99<10ms"]),
            ("--find=p99<10ms&", &["is not a limit"]),
            ("--find=p99<10ms --rate=1k", &["the range of interest"]),
            (
                "--find=p99<10ms -d=20ms",
                &["too short for a limit of 10.0 ms"],
            ),
            ("--find=p99<10ms --idle", &["cannot be used with"]),
            ("--find=p99<10ms --steps=3", &["cannot be used with"]),
            (
                "--find=p99<10ms --fail-if=errors>0",
                &["cannot be used with"],
            ),
            ("--find=delivery-p99<10ms", &["--script chat"]),
            ("--arrivals=poisson", &["add --rate or --find"]),
        ],
    );
}

#[test]
fn messages_that_can_not_be_sent_are_refused() {
    let [blank, empty, said, wrong, unknown, endless, line] = [
        ("blank", "one\n\ntwo\n"),
        ("empty", ""),
        ("said", "say a\n"),
        ("wrong", "say a\nsya b\n"),
        ("unknown", "say a\nexpect ehco\n"),
        ("endless", "repeat 2\nsay a\n"),
        ("line", "say {line}\n"),
    ]
    .map(|(name, text)| file(&format!("refused-{name}"), text));
    let [blank, empty] = [blank, empty].map(|it| format!("--lines={}", it.display()));
    let [said, wrong, unknown, endless, line] =
        [said, wrong, unknown, endless, line].map(|it| format!("--dialogue={}", it.display()));
    let both = |file: &str, option: &str| format!("{file} {option}");
    refuses(
        "127.0.0.1:1",
        &[
            (
                r"--text={sqe}\n",
                &["unknown placeholder {sqe}", "{seq}, {conn}"],
            ),
            (r"--text={line}", &["--lines FILE"]),
            (
                &both(&blank, "--text={line}"),
                &["is empty", r"--text '{line}\n'"],
            ),
            (&both(&blank, "--text=x"), &["--text", "{line}"]),
            (&empty, &["file", "empty"]),
            ("--think=5ms --depth=2", &["allows no depth of 2"]),
            ("--think=50ms..5ms", &["shorter time first"]),
            ("--think=5ms --rate=10", &["--think", "--rate"]),
            ("--think=5ms --find=p99<10ms", &["--think", "--find"]),
            ("--shuffle", &["--lines"]),
            (
                &wrong,
                &["file.txt:2: unknown word \"sya\"", "did you mean say?"],
            ),
            (&unknown, &["file.txt:2: ", "ehco"]),
            (&line, &["file.txt:1: ", "--lines"]),
            (&endless, &["file.txt:1: ", "no end"]),
            (
                &both(&said, "--per-connection=2"),
                &["--per-connection", "repeat N"],
            ),
            (&both(&said, "--depth=2"), &["a dialogue", "no depth of 2"]),
            (&both(&said, "--text=x"), &["--dialogue", "--text"]),
            (&both(&said, "--expect=echo"), &["--dialogue", "--expect"]),
            (&both(&said, "--think=1s"), &["--dialogue", "--think"]),
            (&both(&said, "--idle"), &["--dialogue", "--idle"]),
            ("--dialogue=/nowhere", &["/nowhere", "--dialogue"]),
        ],
    );
}

#[test]
fn options_that_contradict_their_target_are_refused() {
    refuses(
        "http://127.0.0.1:1/",
        &[
            ("--text=x", &["--text is for messages of bytes"]),
            ("--size=9", &["--size is for messages of bytes"]),
            ("--script=chat", &["--script chat is for messages"]),
            ("--expect=lines:1", &["--expect lines:1 says where"]),
            ("127.0.0.1:2", &["write both as URLs"]),
            ("--header=A", &["has no colon"]),
            ("--header=A:b\r\nC:d", &["the character \\r"]),
            ("--body-file=/nowhere", &["the file of --body-file"]),
        ],
    );
    refuses(
        "",
        &[
            ("8080 --header=A:b", &["write http://127.0.0.1:8080/"]),
            ("unix:/x --body=b", &["give a URL"]),
            ("localhost:8080/a", &["write http://localhost:8080/a"]),
            ("127.0.0.1:1 --method=GET", &["write http://127.0.0.1:1/"]),
            (
                "127.0.0.1:1 --expect-status=200",
                &["write http://127.0.0.1:1/"],
            ),
            (
                "http://u:p@127.0.0.1:1/",
                &["--header \"Authorization: Basic"],
            ),
        ],
    );
}
