//! Servers that aren't ours.

use std::fs;

use portlab_lab::python::Python;
use portlab_stats::record::Kind;
use portlab_sys::marked::started;

use super::{compared, folder, portlab, record, stranger};

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
fn a_stranger_is_not_called_just_to_see_that_it_listens() {
    let Some(python) = Python::find() else {
        eprintln!("skipped: no Python here");
        return;
    };
    let dir = folder("compare-not-called");
    fs::create_dir_all(&dir).unwrap();
    let (program, empty) = (dir.join("echo.py"), dir.join("empty"));
    fs::write(&program, NOTES_EMPTY_CALLS).unwrap();
    let server = format!(
        "--server=noting={} '{}' {{port}} '{}'",
        python.program,
        program.display(),
        empty.display()
    );
    let options = [
        "--models=event-loop",
        &server,
        "--connections=2",
        "--rounds=2",
        "--duration=300ms",
    ];
    let record = compared(&dir.join("results"), &options);
    assert!(record.cells.iter().all(|it| it.errors() == 0), "{record:?}");
    assert!(!empty.exists(), "the server was called and not spoken to");
}

/// An echo that notes each connection on which nothing came: such a one ends many a small server.
const NOTES_EMPTY_CALLS: &str = "\
import socket, sys, threading
def serve(conn):
    heard = 0
    with conn:
        while data := conn.recv(65536):
            heard += len(data)
            conn.sendall(data)
    if not heard:
        open(sys.argv[2], 'a').write('empty\\n')
door = socket.create_server(('127.0.0.1', int(sys.argv[1])), backlog=128)
while True:
    threading.Thread(target=serve, args=(door.accept()[0],), daemon=True).start()
";
