//! Status and command line of a process, as the kernel writes them.

use std::{fs, io};

use crate::name::inert;

/// The value of the line `name` in the status of process `pid`, as in `State: S (sleeping)`. `None` if there is no
/// such process or no such line. Control characters are shown as `?`, because a process chooses its name.
///
/// Source: `proc(5)`, `/proc/PID/status`.
pub fn status(pid: i32, name: &str) -> Option<String> {
    line_of(&format!("/proc/{pid}/status"), name)
}

/// The arguments of process `pid` in one line, with control characters as in [`status`]. Empty if it has none, as
/// a zombie.
///
/// # Errors
/// When there is no such process.
///
/// Source: `proc(5)`, `/proc/PID/cmdline`.
pub fn command_line(pid: i32) -> io::Result<String> {
    let arguments = fs::read(format!("/proc/{pid}/cmdline"))?;
    let arguments = String::from_utf8_lossy(&arguments);
    // Each argument ends with a zero byte.
    Ok(inert(&arguments.trim_end_matches('\0').replace('\0', " ")))
}

/// How often the calling thread has slept, that is, released its processor to wait for an event. 0 if the system
/// doesn't count it.
///
/// Source: `voluntary_ctxt_switches` in `proc(5)`, `/proc/PID/status`.
pub fn times_slept() -> u64 {
    let count = line_of("/proc/thread-self/status", "voluntary_ctxt_switches");
    count.and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// This process.
pub(crate) fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

fn line_of(file: &str, name: &str) -> Option<String> {
    let status = fs::read(file).ok()?;
    let status = String::from_utf8_lossy(&status);
    let mut values = status.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = values.find(|(listed, _)| *listed == name)?;
    Some(inert(value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::Read,
        process::{Command, Stdio},
        thread,
        time::Duration,
    };

    #[test]
    fn a_process_has_a_status_until_it_is_reaped() {
        assert_eq!(status(own_pid(), "Pid"), Some(own_pid().to_string()));
        assert_eq!(status(own_pid(), "Nonsense"), None);
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id().cast_signed();
        child.wait().unwrap();
        assert_eq!(status(pid, "Pid"), None);
        assert!(command_line(pid).is_err());
    }

    #[test]
    fn arguments_stand_in_one_line_without_control_characters() {
        let mut child = Command::new("sh")
            .args(["-c", "echo started; read line", "\x1b[31m"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Until `sh` runs, the kernel shows the arguments of this process, and for a moment none.
        let mut started = [0; "started".len()];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut started)
            .unwrap();
        let line = command_line(child.id().cast_signed()).unwrap();
        assert_eq!(line, "sh -c echo started; read line ?[31m");
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn sleeping_is_counted() {
        let before = times_slept();
        thread::sleep(Duration::from_millis(1));
        assert!(times_slept() > before);
    }
}
