//! Nothing that comes from outside reaches a terminal as more than text: for each command, hostile text through each
//! entrance (options, names of files, records, other processes, servers, the environment).

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use portlab_sys::spawn::tie_to_this_thread;
use serde_json::{Value, json};

const PORTLAB: &str = env!("CARGO_BIN_EXE_portlab");
/// Clears the screen, sets the title, hides, goes to the line's begin, turns the text around.
const HOSTILE: &str =
    "\x1b[2J\x1b]0;t\x07\x1b[8m\x1b[31mred\x1b[47m\x7f\u{85}\u{9b}2J\r\u{202e}\u{2066}x";

/// Runs a command as off a terminal and as on one, and returns what it prints off a terminal, which must be inert.
#[track_caller]
fn prints(arguments: &[&str]) -> String {
    let run = |colour: &str| {
        let mut command = Command::new(PORTLAB);
        let command = command
            .args(arguments)
            .env(colour, "1")
            .stdin(Stdio::null());
        let output = command
            .env("LC_MESSAGES", HOSTILE)
            .env("COLUMNS", HOSTILE)
            .output()
            .unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let (plain, coloured) = (run("NO_COLOR"), run("CLICOLOR_FORCE"));
    assert_inert(&plain, arguments);
    // This program's colours, which end with `m`, and neither hide nor fill.
    let mut colours = coloured.split("\x1b[");
    let mut rest = colours.next().unwrap().to_owned();
    for colour in colours {
        let (numbers, text) = colour.split_once('m').unwrap_or_default();
        let is_ours =
            ["0", "1", "2", "3", "4", "31", "32", "33", "34", "35", "36"].contains(&numbers);
        assert!(is_ours, "{arguments:?}: {coloured:?}");
        rest += text;
    }
    assert_inert(&rest, arguments);
    let is_strangers = coloured.contains("\x1b[31mred");
    assert!(!is_strangers, "{arguments:?}: {coloured:?}");
    plain
}

#[track_caller]
fn assert_inert(text: &str, of: &[&str]) {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(
        !text.contains(|c| obeyed(c) || turns(c)),
        "{of:?}: {text:?}"
    );
}

/// A folder of this test's own, empty, with a hostile name if it `is_hostile`.
fn folder(name: &str, is_hostile: bool) -> PathBuf {
    let name = match is_hostile {
        true => format!("inert-{name}-{}", HOSTILE.replace('/', "")),
        false => format!("inert-{name}"),
    };
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_option_is_quoted_inert() {
    let with = |words: &[&'static str]| {
        let words: Vec<String> = words.iter().map(|it| it.replace('%', HOSTILE)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said = prints(&words);
        assert!(said.contains("error: "), "{words:?}: {said}");
    };
    for words in [
        &["%"][..],
        &["--%"],
        &["serve", "--bind", "%"],
        &["serve", "--bind", "%:80"],
        &["serve", "--model=%"],
        &["serve", "--service=%"],
        &["serve", "--work=%"],
        &["serve", "--encoding=%"],
        &["serve", "--drain=%"],
        &["serve", "--hard-limit=%"],
        &["load", "%"],
        &["load", "%:80"],
        &["load", "1", "--rate=%"],
        &["load", "1", "--hex=%"],
        &["load", "1", "--expect=%"],
        &["load", "1", "--script=%"],
        &["load", "1", "--request=/%"],
        &["load", "1", "--csv=/no/%"],
        &["connect", "%"],
        &["connect", "1", "--hex=%"],
        &["connect", "1", "--encoding=%"],
        &["doctor", "%"],
        &["models", "%"],
        &["lesson", "%"],
        &["lesson", "ports", "--lang=%"],
        &["ports", "%"],
        &["compare", "--models=%"],
        &["compare", "--workload=%"],
        &["compare", "--server=%"],
        &["compare", "--server=%=sh {port}"],
        &["compare", "--against=%"],
        &["compare", "--quick", "--out=/proc/%"],
        &["advise", "--wait=%"],
        &["report", "%"],
        &["report", "/dev/null", "--format=%"],
        &["report", "/dev/null", "--fail-over=%"],
    ] {
        with(words);
    }
}

/// A record in which every text that may be anything is hostile, in a folder.
fn record(dir: &Path, change: impl Fn(&mut Value)) -> PathBuf {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../portlab-report/testdata/results.json");
    let mut record: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    record["command"] = json!(format!("={HOSTILE}\nsecond"));
    record["portlab_version"] = json!(HOSTILE);
    for key in ["cpu", "kernel"] {
        record["environment"][key] = json!(HOSTILE);
    }
    for entrant in record["entrants"].as_array_mut().unwrap() {
        for fact in entrant["sheet"].as_object_mut().into_iter().flatten() {
            *fact.1 = json!(HOSTILE);
        }
        if entrant["kind"].get("foreign").is_some() {
            entrant["kind"]["foreign"]["command"] = json!(HOSTILE);
        }
    }
    for workload in record["workloads"].as_array_mut().unwrap() {
        workload["title"] = json!({"en": HOSTILE, "zh": HOSTILE});
        workload["asks"] = json!({"en": HOSTILE, "zh": HOSTILE});
        workload["work"] = json!(format!("={HOSTILE}"));
    }
    for cell in record["cells"].as_array_mut().unwrap() {
        for round in cell["rounds"].as_array_mut().unwrap() {
            round["first_error"] = json!(format!("@{HOSTILE}"));
        }
        for failed in cell
            .get_mut("failures")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            failed["reason"] = json!(format!("-{HOSTILE}\n+second"));
        }
    }
    change(&mut record);
    fs::write(dir.join("results.json"), record.to_string()).unwrap();
    dir.to_owned()
}

#[test]
fn a_record_is_reported_on_inert_wherever_it_is() {
    let dir = record(&folder("record", true), |_| {});
    let dir = path(&dir);
    for options in [
        &[][..],
        &["--format=md"],
        &["--format=csv"],
        &["--format=html"],
        &["--lang=zh"],
        &[dir],
        &[dir, "--format=md"],
        &[dir, "--fail-over=5%"],
        &["--charts", &format!("{dir}/charts")],
    ] {
        let said = prints(&[&["report", dir], options].concat());
        assert!(
            options.contains(&dir) || said.contains("␛[2J"),
            "{options:?}: {said}"
        );
    }
    for name in ["report.html", "report.txt", "report.csv", "report.md"] {
        let file = format!("{dir}/{name}");
        prints(&["report", dir, "--out", &file]);
        assert_inert(&fs::read_to_string(&file).unwrap(), &[name]);
    }
    for file in fs::read_dir(format!("{dir}/charts")).unwrap() {
        assert_inert(
            &fs::read_to_string(file.unwrap().path()).unwrap(),
            &["chart"],
        );
    }
}

#[test]
fn an_error_about_a_record_is_inert_and_charts_stay_in_their_folder() {
    let dir = folder("damaged", false);
    for (change, words) in [
        (
            |it| it["workloads"][0]["ranked_by"] = json!(HOSTILE),
            "unknown variant",
        ),
        (
            |it| it["entrants"][0]["name"] = json!(HOSTILE),
            "entrants[0].name",
        ),
        (
            |it| it["format"] = json!(format!("portlab-comparison/{HOSTILE}")),
            "newer portlab",
        ),
        (|it| it["cells"] = json!({HOSTILE: HOSTILE}), "cells"),
    ] as [(fn(&mut Value), &str); 4]
    {
        let said = prints(&["report", path(&record(&dir, change))]);
        assert!(said.contains(words), "{said}");
    }
    let long = "回".repeat(1000);
    let record = record(&dir, |it| {
        let text = it
            .to_string()
            .replace("\"echo\"", &format!("\"{long}\""))
            .replace("\"idle\"", "\"..\"");
        *it = serde_json::from_str(&text).unwrap();
    });
    let charts = dir.join("charts");
    let said = prints(&["report", path(&record), "--charts", path(&charts)]);
    assert_eq!(
        said.lines().count(),
        fs::read_dir(&charts).unwrap().count(),
        "{said}"
    );
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 2);
}

#[test]
fn another_process_is_named_inert() {
    // The kernel takes a process's name from the file, and a program may call itself anything.
    let dir = folder("process", false);
    let program = dir.join("\x1b[2J\u{202e}x");
    symlink(PORTLAB, &program).unwrap();
    let arguments: Vec<_> = [
        "serve",
        "--bind=127.0.0.1:0",
        "--json",
        &format!("--reply={HOSTILE}"),
    ]
    .map(str::to_owned)
    .into();
    let mut command = Command::new(&program);
    let mut child = tie_to_this_thread(command.args(arguments).stdout(Stdio::piped()))
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    let addr = line["addr"].as_str().unwrap();
    let port = addr.split_once(':').unwrap().1;
    for arguments in [
        &["ports"][..],
        &["ports", "--json"],
        &["ports", port],
        &["ports", port, "--json", "--lang=zh"],
        &["doctor", addr],
        &["doctor", addr, "--json"],
        &["serve", "--bind", addr],
    ] {
        let said = prints(arguments);
        assert!(said.contains(port), "{arguments:?}: {said}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_server_is_quoted_inert() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let answer = format!("HTTP/1.1 500 {HOSTILE}\t你好\r\n");
                let mut buffer = [0; 4096];
                while stream.write_all(answer.as_bytes()).is_ok()
                    && stream.read(&mut buffer).is_ok_and(|it| it > 0)
                {}
            });
        }
    });
    let few = ["-c=1", "-d=50ms"];
    let csv = folder("csv", true).join("a.csv");
    let csv = path(&csv);
    for arguments in [
        &[&["load", &addr], &few[..]].concat()[..],
        &[&["load", &addr, "--expect=lines:1"], &few[..]].concat(),
        &[&["load", &addr, "--expect=lines:1", "--json"], &few[..]].concat(),
        &[
            "load",
            &addr,
            "--expect=lines:1",
            "--rate=10..20",
            "--steps=2",
            "-d=50ms",
        ],
        &["load", &addr, "--script=chat", "-c=2", "-d=50ms"],
        &[&["load", &addr, "--csv", csv], &few[..]].concat(),
        &["doctor", &addr, "--connect"],
        &["doctor", &addr, "--connect", "--json"],
    ] {
        prints(arguments);
    }
    // Into a pipe, `connect` hands on what the server sends; what it says of it goes to stderr.
    let mut command = Command::new(PORTLAB);
    command.args(["connect", &addr, "--send=x", "--wait=50ms", "--trace"]);
    let output = command.output().unwrap();
    assert_inert(&String::from_utf8(output.stderr).unwrap(), &["connect"]);
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("\t你好\r\n")
    );
    let out = folder("foreign", true);
    let complains = format!("--server=x=sh -c 'printf %s \"{HOSTILE}\" >&2; exit 3' {{port}}");
    let said = prints(&[
        "compare",
        "--models=none",
        &complains,
        "--no-twin",
        "--rounds=1",
        "-d=50ms",
        "--out",
        path(&out),
    ]);
    assert!(said.contains("␛[2J"), "{said}");
}
