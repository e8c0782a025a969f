//! How a client ends a program: two experiments that see the same end have found the same bug.

use std::{thread, time::Duration};

use portlab_sys::meter::is_runnable;
use portlab_words::Text;

use super::{Program, errors};

/// How a program has ended, as far as that can be told apart from other ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending(String);

/// How a bug that was named has ended the program.
#[derive(Clone, Debug)]
pub struct KnownEnd {
    /// The bug's name.
    pub bug: &'static str,
    /// The bug's title.
    pub title: Text,
    /// The end.
    pub ending: Ending,
}

impl Ending {
    /// The end of `program`. `None` if it runs and listens.
    pub(crate) fn of(program: &mut dyn Program) -> Option<Self> {
        let Some(how) = ended(program) else {
            return (!program.is_listening()).then(|| Self("it listens no more".to_owned()));
        };
        if program.has_failed() {
            // A moment later, the last of what the program has written to stderr is read.
            for _ in 0..LOOKS {
                if let Some(error) = error(&program.complaints()) {
                    return Some(Self(error));
                }
                thread::sleep(LOOK);
            }
        }
        Some(Self(how.en.into_owned()))
    }
}

/// How `program` has ended. A program that ends closes its sockets first: if it no longer listens, it gets a moment, and on a
/// busy machine more.
pub(crate) fn ended(program: &mut dyn Program) -> Option<Text> {
    let mut looks = 0;
    loop {
        let ended = program.ended();
        let is_running = || looks < LONGER * LOOKS && is_runnable(&program.processes().all());
        if ended.is_some() || program.is_listening() || looks >= LOOKS && !is_running() {
            return ended;
        }
        looks += 1;
        thread::sleep(LOOK);
    }
}

/// The last error of Python in `complaints`, and the line of the program at which it was raised. The text of the error
/// may differ each time. A reset is one error, whether the program was sending or receiving.
pub(super) fn error(complaints: &str) -> Option<String> {
    let (last, error) = errors::last(complaints)?;
    let name = error.split(':').next().filter(|it| !it.is_empty())?;
    if RESETS.contains(&name) {
        return Some(RESETS[0].to_owned());
    }
    let mut frames = last
        .lines()
        .filter(|line| line.trim_start().starts_with("File \""));
    Some(format!("{name} {}", frames.next_back()?.trim()))
}

/// The errors of a program whose client has reset its connection.
const RESETS: [&str; 3] = [
    "ConnectionResetError",
    "BrokenPipeError",
    "ConnectionAbortedError",
];

/// How often, and after what time, a program that ends is looked at.
const LOOKS: usize = 40;
const LOOK: Duration = Duration::from_millis(5);

/// How often longer a program is looked at that runs.
const LONGER: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn traceback(line: usize, error: &str) -> Option<String> {
        super::error(&format!(
            "noise\nTraceback (most recent call last):\n  File \"server.py\", line {line}, in <module>\n    x()\n{error}\n"
        ))
    }

    #[test]
    fn two_ends_are_the_same_if_the_error_and_its_line_are() {
        let first = traceback(7, "KeyError: 8");
        assert!(first.is_some());
        assert_eq!(first, traceback(7, "KeyError: 9"));
        assert_ne!(first, traceback(9, "KeyError: 8"));
        assert_ne!(first, traceback(7, "IndexError: 8"));
        assert_eq!(error("segmentation fault"), None);
    }

    #[test]
    fn a_reset_is_the_same_end_at_each_line() {
        let receiving = traceback(7, "ConnectionResetError: [Errno 104] reset");
        assert!(receiving.is_some());
        assert_eq!(receiving, traceback(9, "BrokenPipeError: [Errno 32]"));
    }
}
