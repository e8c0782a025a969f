//! Text from outside reaches a terminal without control characters: hostile text for each command, through each source
//! (options, names of files, records, other processes, servers, the environment).

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::symlink,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use portlab_testkit::{Running, binary, portlab, read, server};

/// Clears the screen, sets the title, hides and colours text, returns to the beginning of the line, reverses the text.
const HOSTILE: &str =
    "\x1b[2J\x1b]0;t\x07\x1b[8m\x1b[31mred\x1b[47m\x7f\u{85}\u{9b}2J\r\u{202e}\u{2066}x";

/// Runs the command of `line`, in which `%` stands for `with` and `^` for a space, without and with colours. Returns the
/// output without colours, which must be inert.
#[track_caller]
fn prints(line: &str, with: &str) -> String {
    let run = |colour: &str| {
        let mut command = Command::new(binary());
        command.args(
            line.split(' ')
                .map(|word| word.replace('%', with).replace('^', " ")),
        );
        command.envs([
            (colour, "1"),
            ("LC_MESSAGES", HOSTILE),
            ("COLUMNS", HOSTILE),
        ]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let (plain, coloured) = (run("NO_COLOR"), run("CLICOLOR_FORCE"));
    assert_inert(&plain, line);
    // This program's colours end with `m`, and neither hide nor fill.
    let mut colours = coloured.split("\x1b[");
    let mut rest = colours.next().unwrap().to_owned();
    for colour in colours {
        let (number, text) = colour.split_once('m').unwrap_or_default();
        let is_ours = matches!(number.parse(), Ok(0..=4 | 31..=36));
        assert!(is_ours, "{line}: {coloured:?}");
        rest += text;
    }
    assert_inert(&rest, line);
    assert!(!coloured.contains("\x1b[31mred"), "{line}: {coloured:?}");
    plain
}

#[track_caller]
fn assert_inert(text: &str, of: &str) {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!text.contains(|c| obeyed(c) || turns(c)), "{of}: {text:?}");
}

/// A folder of this test's own, empty, with a hostile name.
fn folder(name: &str) -> String {
    let dir = portlab_testkit::folder(&format!("inert-{name}-{HOSTILE}"));
    dir.into_os_string().into_string().unwrap()
}

#[test]
fn an_option_is_quoted_inert() {
    for line in "% | --% | serve --bind % | serve --bind %:80 | serve --model=% | serve --service=% | serve --work=% \
         | serve --encoding=% | serve --drain=% | serve --output-limit=% | serve --idle-timeout=% | serve --member-rate=% | serve --trace=/proc/% | load % | load %:80 \
         | load 1 --rate=% | load 1 --hex=% | load 1 --expect=% | load 1 --script=% | load 1 --csv=/no/% | connect % | proxy --to=% | proxy --to=1 --bind=% | proxy --to=1 --latency=% \
         | connect 1 --hex=% | connect 1 --encoding=% | assist % | assist udp://% | assist 0 --bind=% | assist --to=% | assist --rule=% | assist --eol=% | assist --encoding=% | assist --replay=% | assist --save=/no/% | doctor % | models % | lesson % | lesson ports --lang=% \
         | ports % | compare --models=% | compare --workload=% | compare --server=% | compare --server=%=x{port} \
         | compare --against=% | compare --quick --out=/proc/% | advise --wait=% | report % \
         | report /dev/null --format=% | report /dev/null --fail-over=%"
        .split(" | ")
    {
        let said = prints(line.trim(), HOSTILE);
        assert!(said.contains("error: "), "{line}: {said}");
    }
}

/// Writes a record after `change` into the folder `dir`.
fn record(dir: &str, change: impl Fn(&mut Value)) {
    let whole = read("crates/portlab-report/testdata/results.json");
    let mut record = serde_json::from_str(&whole).unwrap();
    change(&mut record);
    fs::write(format!("{dir}/results.json"), record.to_string()).unwrap();
}

/// Makes every free text of a record hostile.
fn make_hostile(value: &mut Value) {
    let free = "command portlab_version cpu kernel en zh work first_error reason family term idea blocks cost";
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(key, value)| match value {
            Value::String(_) if free.split(' ').any(|it| it == key) => {
                *value = json!(format!("={HOSTILE}\nsecond"));
            }
            other => make_hostile(other),
        }),
        Value::Array(items) => items.iter_mut().for_each(make_hostile),
        _ => {}
    }
}

#[test]
fn a_record_is_reported_on_inert_wherever_it_is() {
    let dir = &folder("record");
    record(dir, make_hostile);
    for options in [
        "",
        " --format=md",
        " --format=csv",
        " --format=html",
        " --lang=zh",
        " --charts %/charts",
    ] {
        let said = prints(&format!("report %{options}"), dir);
        assert!(said.contains("␛[2J"), "{options}: {said}");
    }
    for options in ["", " --format=md", " --fail-over=5%"] {
        prints(&format!("report % %{options}"), dir);
    }
    for name in ["a.html", "a.txt", "a.csv", "a.md"] {
        prints(&format!("report % --out %/{name}"), dir);
        assert_inert(&fs::read_to_string(format!("{dir}/{name}")).unwrap(), name);
    }
    for file in fs::read_dir(format!("{dir}/charts")).unwrap() {
        assert_inert(&fs::read_to_string(file.unwrap().path()).unwrap(), "charts");
    }
}

#[test]
fn an_error_about_a_record_is_inert_and_charts_stay_in_their_folder() {
    let dir = &folder("damaged");
    for (key, words) in [
        ("/workloads/0/ranked_by", "unknown variant"),
        ("/entrants/0/name", "entrants[0].name"),
        ("/format", "isn't a record of a comparison"),
        ("/cells", "cells"),
    ] {
        record(dir, |it| *it.pointer_mut(key).unwrap() = json!(HOSTILE));
        let said = prints("report %", dir);
        assert!(said.contains(words), "{said}");
    }
    let long = format!("\"{}\"", "回".repeat(1000));
    record(dir, |it| {
        let text = it
            .to_string()
            .replace("\"echo\"", &long)
            .replace("\"idle\"", "\"..\"");
        *it = serde_json::from_str(&text).unwrap();
    });
    let said = prints("report % --charts %/charts", dir);
    let charts = fs::read_dir(format!("{dir}/charts")).unwrap().count();
    assert_eq!(said.lines().count(), charts, "{said}");
    assert_eq!(fs::read_dir(dir).unwrap().count(), 2);
}

#[test]
fn another_process_is_named_inert() {
    // The kernel names a process after its file, and its arguments are its own.
    let program = format!("{}/\x1b[2J\u{202e}x", folder("process"));
    symlink(binary(), &program).unwrap();
    let mut command = Command::new(&program);
    command.args(["serve", "--bind=127.0.0.1:0", "--json", "--reply", HOSTILE]);
    let server = Running::start(&mut command);
    let port = &server.addr.port().to_string();
    for line in [
        "ports",
        "ports --json",
        "ports %",
        "ports % --json",
        "doctor %",
        "doctor % --json",
        "serve --bind %",
    ] {
        let said = prints(line, port);
        assert!(said.contains(port), "{line}: {said}");
    }
}

/// A server that sends hostile text at once, and again for everything that it receives.
fn hostile() -> String {
    let answer = format!("HTTP/1.1 500 {HOSTILE}\t你好\r\n");
    let serve = move |mut stream: TcpStream| {
        loop {
            stream.write_all(answer.as_bytes())?;
            if stream.read(&mut [0; 4096])? == 0 {
                return Ok(());
            }
        }
    };
    server(serve).to_string()
}

#[test]
fn a_server_is_quoted_inert() {
    let addr = hostile();
    for line in [
        "load % -c=1 -d=50ms",
        "load % -c=1 -d=50ms --expect=lines:1",
        "load % -c=1 -d=50ms --expect=lines:1 --json",
        "load % -d=50ms --expect=lines:1 --rate=10..20 --steps=2",
        "load % -c=2 -d=50ms --script=chat",
        "doctor % --connect",
        "doctor % --connect --json",
    ] {
        prints(line, &addr);
    }
    // To a pipe, `connect` passes the server's bytes unchanged; its own messages go to stderr.
    let output = portlab(&["connect", &addr, "--send=x", "--wait=50ms", "--trace"]);
    assert_inert(&String::from_utf8(output.stderr).unwrap(), "connect");
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("\t你好\r\n")
    );
    // A foreign server that prints hostile text and ends, in a folder with a hostile name.
    let out = folder("foreign");
    let script = format!("{out}/it");
    fs::write(&script, format!("printf %s '{HOSTILE}' >&2; exit 3")).unwrap();
    let line =
        "compare --models=none --server=x=sh^'%/it'^{port} --no-twin --rounds=1 -d=50ms --out %";
    let said = prints(line, &out);
    assert!(said.contains("␛[2J"), "{said}");
}
