//! The threads of a process, and their states.

use std::io;

use procfs::process::Process;

use crate::name::inert;

/// One thread, as the kernel sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The number; the number of the first thread is the number of the process.
    pub tid: i32,
    /// The name, 15 bytes at most, with `?` for control characters.
    pub name: String,
    /// `R` runs or could run, `S` waits for an event, `D` waits and can't be interrupted, `T` is stopped,
    /// `Z` has ended and was not waited for.
    pub state: char,
}

/// The threads of process `pid`, by number.
///
/// # Errors
/// When the process doesn't exist.
///
/// Source: `proc(5)`, `/proc/PID/task/TID/stat`.
pub fn threads(pid: i32) -> io::Result<Vec<Thread>> {
    let tasks = Process::new(pid)
        .and_then(|process| process.tasks())
        .map_err(io::Error::other)?;
    // A thread that ends before it is read is left out.
    let stats = tasks.flatten().filter_map(|task| task.stat().ok());
    let threads = stats.map(|stat| Thread {
        tid: stat.pid,
        name: inert(&stat.comm),
        state: stat.state,
    });
    Ok(threads.collect())
}

/// The state of process `pid`, in the letters of [`Thread::state`]; `None` if there is no such process.
pub fn state(pid: i32) -> Option<char> {
    let stat = Process::new(pid).and_then(|process| process.stat());
    stat.ok().map(|stat| stat.state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_named_thread_is_found_asleep() {
        let (wake, sleep) = std::sync::mpsc::channel::<()>();
        let sleeper = std::thread::Builder::new().name("sleeper".into());
        let sleeper = sleeper.spawn(move || sleep.recv()).unwrap();
        let own = std::process::id() as i32;
        let asleep = || {
            let all = threads(own).unwrap().into_iter();
            all.filter(|it| it.name == "sleeper" && it.state == 'S')
                .count()
        };
        while asleep() == 0 {
            std::thread::yield_now();
        }
        drop(wake);
        let _ = sleeper.join();
    }

    #[test]
    fn control_characters_in_the_name_of_a_thread_are_replaced() {
        let (wake, sleep) = std::sync::mpsc::channel::<()>();
        let namer = std::thread::Builder::new().name("a\x1b[31mRED".into());
        let namer = namer.spawn(move || sleep.recv()).unwrap();
        let own = std::process::id() as i32;
        let is_named = |it: &Thread| it.name == "a?[31mRED";
        // A thread takes its name when it begins to run.
        let since = std::time::Instant::now();
        while !threads(own).unwrap().iter().any(is_named) {
            assert!(since.elapsed().as_secs() < 30, "{:?}", threads(own));
            std::thread::yield_now();
        }
        drop(wake);
        let _ = namer.join();
    }

    #[test]
    fn a_child_that_was_not_waited_for_is_a_zombie() {
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id() as i32;
        while state(pid) != Some('Z') {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(state(pid), None);
    }
}
