//! Nothing that `judge` starts survives it, in whatever way it ends.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    process::{Child, Stdio},
};

use portlab_sys::{
    marked::started,
    meter,
    spawn::{Signal, signal},
};
use portlab_testkit::{command, folder, wait_until};

/// Starts three processes that have left their parent, group, session and environment, and that ignore SIGTERM, and
/// stays alive itself.
const ESCAPES: &str = r#"
import os, signal, socket, sys, time

for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(name, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve("/bin/sleep", ["sleep", "600"], {})
        os._exit(0)
    os.wait()
s = socket.socket()
if sys.argv[2] == "client":
    s.connect(("10.0.0.1", 8080))
else:
    s.bind(("127.0.0.1", 0))
    s.listen()
open(sys.argv[1], "a").close()
while True:
    time.sleep(60)
"#;

/// The keeper, the program and what it has started.
const PROCESSES: usize = 5;

/// The number and the start of a process: another process may get the number later.
type Process = (i32, u64);

/// Starts `portlab judge` with the program, waits until all of its processes run, and returns them.
fn begun(name: &str, side: &str, is_unprivileged: bool) -> (Child, Vec<Process>) {
    let dir = folder(name);
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
    let (file, marker) = (dir.join("escapes.py"), dir.join("ready"));
    fs::write(&file, ESCAPES).unwrap();
    let mut command = command(&["judge"]);
    if side == "client" {
        command.arg("--client");
    }
    command
        .args(["--", "python3"])
        .args([&file, &marker])
        .arg(side);
    if is_unprivileged {
        command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
    }
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    let pid = child.id().cast_signed();
    let mut found = Vec::new();
    wait_until("all run", || {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?}: {:?}", said(&mut child));
        let below = meter::below(pid).unwrap_or_default();
        found = below
            .iter()
            .filter_map(|&it| Some((it, started(it)?)))
            .collect();
        marker.exists() && found.len() == PROCESSES
    });
    (child, found)
}

fn said(child: &mut Child) -> String {
    std::io::read_to_string(child.stderr.take().unwrap()).unwrap()
}

fn nothing_is_left(processes: &[Process]) {
    wait_until("nothing is left", || {
        !processes
            .iter()
            .any(|&(pid, start)| started(pid) == Some(start))
    });
}

fn check(name: &str, side: &str, is_unprivileged: bool, end: Signal) {
    let (mut child, processes) = begun(name, side, is_unprivileged);
    signal(&mut child, end).unwrap();
    child.wait().unwrap();
    nothing_is_left(&processes);
}

#[test]
fn nothing_survives_sigkill() {
    check("judge-kill-server", "server", false, Signal::KILL);
    check("judge-kill-client", "client", false, Signal::KILL);
}

#[test]
fn nothing_survives_sigkill_of_a_user_without_privileges() {
    // Other users can't become this one.
    if is_root() {
        check("judge-kill-unprivileged", "server", true, Signal::KILL);
        check(
            "judge-kill-unprivileged-client",
            "client",
            true,
            Signal::KILL,
        );
    }
}

#[test]
fn nothing_survives_ctrl_c() {
    check("judge-int-server", "server", false, Signal::INT);
    check("judge-int-client", "client", false, Signal::INT);
}

#[test]
fn nothing_survives_a_closed_pipe() {
    let (mut child, processes) = begun("judge-pipe", "client", false);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    let status = child.wait().unwrap();
    // The client sends nothing: a bug, and no message about the pipe.
    assert_eq!((status.code(), said(&mut child)), (Some(1), String::new()));
    nothing_is_left(&processes);
}

/// A user that owns nothing.
const UNPRIVILEGED: u32 = 65_534;

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0)
}
