//! Nothing that `judge` starts survives it, in whatever way it ends.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
};

use portlab_sys::{
    marked::started,
    meter,
    spawn::{Signal, signal},
};
use portlab_testkit::{binary, command, folder, wait_until};

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

/// Starts `judge`, a `portlab judge`, with the program in `dir`, waits until all of its processes run, and returns them.
fn begun(mut judge: Command, dir: &Path, side: &str) -> (Child, Vec<Process>) {
    let (file, marker) = (dir.join("escapes.py"), dir.join("ready"));
    fs::write(&file, ESCAPES).unwrap();
    // Another user reads the program and makes the marker, whatever the umask is.
    for (path, mode) in [(dir, 0o777), (&file, 0o644)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    if side == "client" {
        judge.arg("--client");
    }
    judge.args(["--", "python3"]).args([&file, &marker]);
    let mut child = judge.arg(side).stdin(Stdio::null()).spawn().unwrap();
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

fn check(judge: Command, dir: &Path, side: &str, end: Signal) {
    let (mut child, processes) = begun(judge, dir, side);
    signal(&mut child, end).unwrap();
    child.wait().unwrap();
    nothing_is_left(&processes);
}

#[test]
fn nothing_survives_sigkill() {
    for side in ["server", "client"] {
        let dir = folder(&format!("judge-kill-{side}"));
        check(command(&["judge"]), &dir, side, Signal::KILL);
    }
}

#[test]
fn nothing_survives_sigkill_of_a_user_without_privileges() {
    // Other users can't become this one.
    if !is_root() {
        return;
    }
    let public = Public::new();
    for side in ["server", "client"] {
        let dir = public.0.join(side);
        fs::create_dir(&dir).unwrap();
        let mut judge = Command::new(public.portlab());
        judge.arg("judge").uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        judge.stdout(Stdio::piped()).stderr(Stdio::piped());
        check(judge, &dir, side, Signal::KILL);
    }
}

#[test]
fn nothing_survives_ctrl_c() {
    for side in ["server", "client"] {
        let dir = folder(&format!("judge-int-{side}"));
        check(command(&["judge"]), &dir, side, Signal::INT);
    }
}

#[test]
fn nothing_survives_a_closed_pipe() {
    let (mut child, processes) = begun(command(&["judge"]), &folder("judge-pipe"), "client");
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

/// A folder with a copy of portlab that every user reaches, until the test ends. The repository may be in a folder of
/// one user only.
struct Public(PathBuf);

impl Public {
    fn new() -> Self {
        let dir = env::temp_dir().join(format!("portlab-leftovers-{}", process::id()));
        fs::create_dir(&dir).unwrap();
        let public = Self(dir);
        fs::set_permissions(&public.0, fs::Permissions::from_mode(0o755)).unwrap();
        // A process that another test starts would have a copy of this test's descriptor of the new file for a moment,
        // and a file that is open for writing can't be executed.
        let mut install = Command::new("install");
        let install = install.args(["-m", "755", binary()]).arg(public.portlab());
        assert!(install.status().unwrap().success());
        public
    }

    fn portlab(&self) -> PathBuf {
        self.0.join("portlab")
    }
}

impl Drop for Public {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
