//! What the kernel tells of a process, in its own words.

use std::{fs, io};

use crate::name::inert;

/// What stands behind `name` in what the kernel tells of process `pid`, as in `State: S (sleeping)`;
/// `None` when there is no such process, or no such line. Control characters are shown as `?`: a process
/// names itself as it likes.
///
/// Source: `proc(5)`, `/proc/PID/status`.
#[must_use]
pub fn status(pid: i32, name: &str) -> Option<String> {
    line_of(&format!("/proc/{pid}/status"), name)
}

/// The words by which process `pid` was started, in one line, control characters as in [`status`]. Empty
/// when it has none, as a zombie.
///
/// # Errors
/// When there is no such process.
///
/// Source: `proc(5)`, `/proc/PID/cmdline`.
pub fn command_line(pid: i32) -> io::Result<String> {
    let words = fs::read(format!("/proc/{pid}/cmdline"))?;
    let words = String::from_utf8_lossy(&words);
    // Each word ends with a zero byte.
    Ok(inert(&words.trim_end_matches('\0').replace('\0', " ")))
}

/// How often the calling thread has given up its processor by itself, because it had to wait for
/// something; 0 when the system doesn't tell.
///
/// Source: `voluntary_ctxt_switches` in `proc(5)`, `/proc/PID/status`.
#[must_use]
pub fn times_slept() -> u64 {
    let count = line_of("/proc/thread-self/status", "voluntary_ctxt_switches");
    count.and_then(|it| it.parse().ok()).unwrap_or(0)
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
        process::{Command, Stdio},
        thread,
        time::Duration,
    };

    fn own() -> i32 {
        std::process::id().cast_signed()
    }

    #[test]
    fn a_process_is_told_of_and_one_that_is_no_more_is_not() {
        assert_eq!(status(own(), "Pid"), Some(own().to_string()));
        assert_eq!(status(own(), "Nonsense"), None);
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id().cast_signed();
        child.wait().unwrap();
        assert_eq!(status(pid, "Pid"), None);
        assert!(command_line(pid).is_err());
    }

    #[test]
    fn words_stand_in_one_line_and_paint_nothing() {
        let mut child = Command::new("sh")
            .args(["-c", "read line", "\x1b[31m"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let line = || command_line(child.id().cast_signed()).unwrap();
        // They are in place a moment after it has started.
        while line().is_empty() {
            thread::yield_now();
        }
        assert_eq!(line(), "sh -c read line ?[31m");
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn whoever_sleeps_is_counted() {
        let before = times_slept();
        thread::sleep(Duration::from_millis(1));
        assert!(times_slept() > before);
    }
}
