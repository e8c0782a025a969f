//! Foreign servers.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use portlab_lab::python::Python;
use portlab_stats::record::{Kind, Record, Round, Unmetered};
use portlab_sys::marked::started;
use portlab_testkit::binary;

use super::{compare, compared, folder, foreign_server, record};

#[test]
fn a_foreign_server_is_verified_and_metered_with_all_its_processes() {
    let dir = folder("compare-stranger");
    let program = binary();
    // The shell stays, so that there are two processes.
    let in_a_shell = format!(
        "--server=in-a-shell=sh -c \"'{program}' serve --model threads --bind 127.0.0.1:{{port}}; true\""
    );
    let record = compared(
        &dir,
        "--models=event-loop --connections=4 --rounds=2 --duration=100ms --baseline=alone",
        &[&foreign_server("alone"), &in_a_shell],
    );
    // The command in the report can be given to a shell.
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

#[test]
fn a_foreign_server_that_answers_wrongly_or_does_not_start_fails_the_comparison() {
    for (name, command, why) in [
        ("missing", "no-such-program-at-all {port}", "can't start"),
        (
            "brief",
            "sh -c 'echo {port} is mine >&2; exit 3'",
            "is mine",
        ),
        (
            "wrong",
            "'BIN' serve --service reply --bind 127.0.0.1:{port}",
            "verification failed",
        ),
    ] {
        let dir = folder(&format!("compare-{name}"));
        let command = command.replace("BIN", binary());
        let server = format!("--server={name}={command}");
        let output = compare(
            &dir,
            "--models=none --rounds=1 --connections=1 --no-twin",
            &[&server],
        );
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains(why), "{name}: {said}");
        assert!(record(&dir).cells[0].failures[0].reason.en.contains(why));
    }
}

/// Processes that a foreign server has started are ended with it, after a failure too. Its output may be in any encoding.
#[test]
fn processes_that_a_foreign_server_has_started_are_ended_with_it() {
    let dir = folder("compare-strange");
    let program = binary();
    let pids = dir.join("pids");
    let with_a_child = |name: &str, service: &str| {
        format!(
            "--server={name}=sh -c \"sleep 600 & echo $! >> '{}'; printf '\\304\\343\\n'; exec \
             '{program}' serve --service {service} --bind 127.0.0.1:{{port}}\"",
            pids.display()
        )
    };
    let output = compare(
        &dir,
        "--models=none --connections=2 --rounds=2 --duration=100ms --warmup=1ms",
        &[
            &with_a_child("right", "echo"),
            &with_a_child("wrong", "reply"),
        ],
    );
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
fn a_server_that_fails_several_times_is_given_up() {
    let dir = folder("compare-hopeless");
    let output = compare(
        &dir,
        "--models=event-loop --connections=1 --rounds=5 --duration=100ms \
             --warmup=1ms",
        &["--server=missing=no-such-program-at-all {port}"],
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("given up: missing"), "{said}");
    let record = record(&dir);
    assert!(record.complete);
    let cell = |name: &str| record.cells.iter().find(|cell| cell.model == name).unwrap();
    assert_eq!(cell("missing").failures.len(), 3);
    assert_eq!(cell("event-loop").rounds.len(), 5);
}

#[test]
fn a_foreign_server_gets_no_empty_connection() {
    let Some(python) = Python::find() else {
        eprintln!("skipped: no Python here");
        return;
    };
    let dir = folder("compare-not-called");
    fs::create_dir_all(&dir).unwrap();
    let (program, empty) = (dir.join("echo.py"), dir.join("empty"));
    fs::write(&program, NOTES_EMPTY_CONNECTIONS).unwrap();
    let server = format!(
        "--server=noting={} '{}' {{port}} '{}'",
        python.program,
        program.display(),
        empty.display()
    );
    let line = "--models=event-loop --connections=2 --rounds=2 --duration=100ms";
    let record = compared(&dir.join("results"), line, &[&server]);
    assert!(record.cells.iter().all(|it| it.errors() == 0), "{record:?}");
    assert!(!empty.exists(), "the server got an empty connection");
}

/// An echo that notes each connection on which it received nothing: such a connection ends many small servers.
const NOTES_EMPTY_CONNECTIONS: &str = "\
import socket, sys, threading
def serve(conn):
    received = 0
    with conn:
        while data := conn.recv(65536):
            received += len(data)
            conn.sendall(data)
    if not received:
        open(sys.argv[2], 'a').write('empty\\n')
door = socket.create_server(('127.0.0.1', int(sys.argv[1])), backlog=128)
while True:
    threading.Thread(target=serve, args=(door.accept()[0],), daemon=True).start()
";

/// Measures the foreign server `command` alone, once; returns the record, and stderr.
fn alone(dir: &Path, command: &str, more: &[&str]) -> (Record, String) {
    let command = command.replace("BIN", binary());
    let server = format!("--server=it={command}");
    let line = "--models=none --connections=4 --rounds=1 --duration=100ms --warmup=1ms --no-twin";
    let output = compare(dir, line, &[&[&*server], more].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (record(dir), said)
}

fn only_round(record: &Record) -> &Round {
    let cell = &record.cells[0];
    assert_eq!((cell.rounds.len(), cell.errors()), (1, 0), "{cell:?}");
    &cell.rounds[0]
}

/// The process that serves has lost its parent; the process that was started does nothing.
#[test]
fn an_orphan_behind_a_shell_is_metered_and_ended() {
    let dir = folder("compare-orphan");
    let command = format!(
        "sh -c \"('BIN' serve --model threads --bind 127.0.0.1:{{port}} & echo $! > '{}/pid'); while sleep \
         0.01; do :; done\"",
        dir.display()
    );
    let (record, _) = alone(&dir, &command, &[]);
    // A thread for each of the four connections, and the one that accepts, beside the shell and its sleep.
    let round = only_round(&record);
    assert!((6..=7).contains(&round.threads), "{round:?}");
    assert!((2..=3).contains(&round.processes), "{round:?}");
    let pid = fs::read_to_string(dir.join("pid")).unwrap();
    assert_eq!(started(pid.trim().parse().unwrap()), None);
}

/// The server has left its parent, its session, its process group and its environment, and has several processes.
#[test]
fn a_daemon_is_metered_and_ended() {
    let dir = folder("compare-daemon");
    let serve = "'BIN' serve --model prefork --workers 4 --bind 127.0.0.1:{port}";
    let pids = dir.join("pids");
    let command = format!(
        "sh -c \"env -i sleep 600 & echo $! > '{}'; (setsid env -i {serve} &)\"",
        pids.display()
    );
    let (record, said) = alone(&dir, &command, &[]);
    let round = only_round(&record);
    // The process `sleep`, and five processes of the server.
    assert_eq!(round.processes, 6, "{said}");
    assert!(round.server_cpu_us_per_message.unwrap() > 0.1);
    let pid = fs::read_to_string(pids).unwrap();
    assert_eq!(started(pid.trim().parse().unwrap()), None);
    let port = portlab_sys::sockets::sockets().unwrap();
    let listening = port.iter().filter(|it| it.state_name() == "LISTEN");
    let held = portlab_sys::sockets::holders();
    let left = listening.filter_map(|it| held.get(&it.inode)).flatten();
    let mut left = left.filter(|it| {
        let words = portlab_sys::process::command_line(it.pid).unwrap_or_default();
        words.contains("prefork --workers 4 --bind")
    });
    assert_eq!(left.next(), None);
}

#[test]
fn a_server_that_the_command_did_not_start_is_refused() {
    let dir = folder("compare-elsewhere");
    let file = dir.join("port");
    let written = file.clone();
    // This process is the foreign server: it reads the port from a file.
    let server = thread::spawn(move || {
        let since = Instant::now();
        let port: u16 = loop {
            let text = fs::read_to_string(&written).unwrap_or_default();
            if let Ok(port) = text.trim().parse() {
                break port;
            }
            assert!(since.elapsed() < Duration::from_secs(60));
            thread::sleep(Duration::from_millis(2));
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        for stream in listener.incoming().flatten() {
            let (mut stream, mut buffer) = (stream, [0; 4096]);
            let length = stream.read(&mut buffer).unwrap_or(0);
            let _ = stream.write_all(&buffer[..length]);
            if &buffer[..length] == b"bye" {
                break;
            }
        }
        port
    });
    let command = format!(
        "sh -c \"echo {{port}} > '{}'; exec sleep 600\"",
        file.display()
    );
    let (record, said) = alone(&dir, &command, &[]);
    let failed = &record.cells[0].failures[0];
    assert_eq!(failed.unmetered, Some(Unmetered::Listener), "{said}");
    let pid = std::process::id().to_string();
    assert!(failed.reason.en.contains(&pid), "{said}");
    let port = fs::read_to_string(&file).unwrap();
    let mut last =
        std::net::TcpStream::connect(("127.0.0.1", port.trim().parse().unwrap())).unwrap();
    last.write_all(b"bye").unwrap();
    server.join().unwrap();
}

#[test]
fn a_server_that_listens_elsewhere_or_not_in_time_is_reported() {
    let reason = |name: &str, command: &str, more: &[&str]| {
        let (record, _) = alone(&folder(name), command, more);
        record.cells[0].failures[0].reason.en.clone()
    };
    if TcpListener::bind("[::1]:0").is_ok() {
        let why = reason(
            "compare-v6",
            "'BIN' serve --bind [::1]:{port}",
            &["--start-timeout=50s"],
        );
        assert!(why.contains("listens on [::1]:"), "{why}");
    }
    let silent = "sh -c 'exec sleep 600 # {port}'";
    let why = reason("compare-silent", silent, &["--start-timeout=100ms"]);
    assert!(
        why.contains("after 0.1 s") && why.contains("--start-timeout"),
        "{why}"
    );
}
