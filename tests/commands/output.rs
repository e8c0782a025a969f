//! The output of every command: to a stdout whose reader has gone, and to files that must be whole.

use std::{
    fs,
    io::{self, PipeWriter, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
};

use portlab_sys::spawn::{Signal, signal};

use portlab_testkit::{
    Foreign, binary, command, echo, echo_changed, folder, free_addr, names, path, portlab, server,
    stderr, words,
};

/// A pipe whose reader has closed it.
fn closed() -> PipeWriter {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer
}

/// How a command ends if the reader of its stdout has gone, and that of its stderr if `both`.
fn unread(arguments: &[&str], both: bool) -> Option<i32> {
    let mut command = command(arguments);
    command.stdout(closed());
    if both {
        command.stderr(closed());
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    assert!(!text.contains("roken pipe"), "{arguments:?}: {text}");
    output.status.code()
}

/// Asserts that a command exits with `code`, with and without readers of its output.
#[track_caller]
fn exits_with(code: i32, arguments: &[&str]) {
    let output = portlab(arguments);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {output:?}"
    );
    assert_eq!(unread(arguments, false), Some(code), "{arguments:?}");
    assert_eq!(unread(arguments, true), Some(code), "{arguments:?}, both");
}

#[test]
fn a_failure_stays_a_failure_if_the_reader_has_gone() {
    let free = free_addr().to_string();
    let lie = |bytes: &mut [u8], _| {
        bytes[0] ^= 1;
        true
    };
    let liar = server(echo_changed(lie)).to_string();
    let mute = server(|mut stream| io::copy(&mut stream, &mut io::sink()).map(drop)).to_string();
    for (code, arguments) in [
        (1, &format!("doctor {free}")[..]),
        (1, &format!("doctor {free} --json --lang=zh")),
        (2, "doctor nonsense"),
        (1, &format!("load {liar} -c=1 --messages=50")),
        (1, &format!("load {liar} -c=1 --messages=50 --json")),
        (
            1,
            &format!("load {liar} -c=1 --messages=50 --rate=100..200 --steps=2"),
        ),
        (2, &format!("load {free} -c=1")),
        (2, &format!("load {free} -c=2 --script=chat")),
        (1, &format!("connect {mute} --send=x --wait=50ms")),
        (2, &format!("connect {free} --send=x")),
        (2, "models no-such-model"),
        (2, "lesson no-such-lesson"),
        (2, "ports 65536"),
        (2, "report /no/such/folder"),
        (2, "compare --models=no-such-model"),
        (2, "serve --bind=192.0.2.1:0"),
        (2, "no-such-command"),
    ] {
        exits_with(code, &words(arguments));
    }
}

#[test]
fn a_success_stays_a_success_if_the_reader_has_gone() {
    let echo = server(echo).to_string();
    let talks_without_end = server(|mut stream| {
        loop {
            stream.write_all(&[b'x'; 4096])?;
        }
    });
    let talks_without_end = talks_without_end.to_string();
    let out = folder("succeeded");
    let compare = "compare --json --models=threads --no-twin -c=1 --rounds=1 --duration=20ms";
    for arguments in [
        "models",
        "models threads --json",
        "lesson",
        "lesson bytes",
        "ports",
        "ports 80 --json",
        "--help",
        "load --json-schema",
        &format!("load {echo} -c=1 --messages=50"),
        &format!("load {echo} -c=1 --messages=50 --csv=/proc/self/fd/1"),
        &format!("{compare} --out={}", path(&out)),
    ] {
        exits_with(0, &words(arguments));
    }
    // Without a reader, `connect` ends although the server sends without end.
    assert_eq!(
        unread(&["connect", &talks_without_end, "--send=x"], false),
        Some(0)
    );
    assert_eq!(unread(&["connect", &talks_without_end], false), Some(0));
}

#[test]
fn a_failed_comparison_fails_too_if_the_reader_has_gone() {
    let out = format!("--out={}", folder("failed").display());
    // A server that answers wrongly.
    let wrong = format!(
        "--server=wrong='{}' serve --service reply --bind 127.0.0.1:{{port}}",
        binary()
    );
    let options = [
        "compare",
        "--quick",
        "--rounds=1",
        "--models=none",
        &wrong,
        &out,
    ];
    exits_with(1, &options);
    exits_with(1, &[&options[..], &["--json"]].concat());
}

#[test]
fn a_server_serves_on_when_no_program_reads_its_output() {
    for model in ["fork", "threads"] {
        let addr = free_addr();
        let mut command = command(&["serve", "--model", model, "--bind", &addr.to_string()]);
        let mut server = Foreign::start(command.stdout(closed()).stderr(closed()), addr);
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(b"x").unwrap();
        stream.read_exact(&mut [0]).unwrap();
        drop(stream);
        signal(&mut server.child, Signal::TERM).unwrap();
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{model}");
    }
}

#[test]
fn the_files_of_a_load_are_whole_if_the_reader_has_gone() {
    let dir = folder("whole");
    let addr = server(echo).to_string();
    let option = |name: &str| format!("--{name}={}", dir.join(name).display());
    let options = [option("hgrm"), option("hlog"), option("csv")];
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let load = [
        &["load", &addr, "-c=1", "--messages=50", "--json"],
        &options[..],
    ]
    .concat();
    assert_eq!(unread(&load, true), Some(0));
    assert_eq!(names(&dir), ["csv", "hgrm", "hlog"]);
    let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    assert!(read("hgrm").contains("#[Buckets"), "{}", read("hgrm"));
    assert!(read("hlog").contains("HIST"), "{}", read("hlog"));
    assert!(read("csv").lines().count() >= 2, "{}", read("csv"));
}

#[test]
fn a_run_without_a_result_leaves_the_old_files_alone() {
    let dir = folder("old");
    let names_of = ["csv", "hgrm", "hlog"];
    let options = names_of.map(|name| {
        fs::write(dir.join(name), "old").unwrap();
        format!("--{name}={}", dir.join(name).display())
    });
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let free = free_addr().to_string();
    let output = portlab(&[&["load", &free, "-c=1"], &options[..]].concat());
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(names(&dir), names_of);
    for name in names_of {
        assert_eq!(fs::read_to_string(dir.join(name)).unwrap(), "old", "{name}");
    }
}

#[test]
fn a_file_that_is_not_regular_is_written_directly() {
    let addr = server(echo).to_string();
    let load = [
        "load",
        &addr,
        "-c=1",
        "--messages=50",
        "--json",
        "--hgrm=/proc/self/fd/2",
    ];
    let output = portlab(&load);
    assert!(stderr(&output).contains("#[Buckets"), "{output:?}");

    // The path isn't /dev/stdout, because a fault here must not replace that file for the whole machine.
    // stdout is a file: it gets the percentiles, and the result behind them.
    let file = folder("stdout").join("both");
    let script = format!(
        "exec '{}' load {addr} -c 1 --messages 50 --hgrm=/proc/self/fd/1",
        binary()
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stderr(Stdio::null());
    command.stdout(fs::File::create(&file).unwrap());
    assert!(command.status().unwrap().success());
    let text = fs::read_to_string(&file).unwrap();
    let (percentiles, result) = text.split_once("#[Buckets").expect(&text);
    assert!(percentiles.contains("TotalCount"), "{text}");
    assert!(result.contains("believable"), "{text}");

    let dir = folder("nine");
    // A descriptor of a file, other than stdout and stderr, is written through.
    let script = format!(
        "exec '{}' load {addr} -c 1 --messages 50 --hgrm=/dev/fd/9 9>'{}/nine'",
        binary(),
        dir.display()
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let nine = fs::read_to_string(dir.join("nine")).unwrap();
    assert!(nine.contains("#[Buckets"), "{nine}");
}
