//! Lessons that are interrupted by Ctrl-C.

use std::{
    io::{BufRead, BufReader},
    thread,
};

use libtest_mimic::Failed;
use portlab_lessons::Lesson;
use portlab_sys::spawn::{Signal, signal};
use portlab_words::Lang;
use rustix::pipe::fcntl_setpipe_size;

use crate::{check, plays::Room};

/// The shares of a lesson's output after which it is interrupted.
const POINTS: [f64; 4] = [0.0, 0.3, 0.55, 0.8];

pub(crate) fn leaves_nothing_behind(lesson: &'static Lesson) -> Result<(), Failed> {
    // The lesson writes at least as many lines as its text has.
    let lines = lesson.text(Lang::En).lines().count();
    let points = POINTS.map(|part| (lines as f64 * part) as usize);
    let runs = points.map(|after| thread::spawn(move || interrupted_after(lesson, after)));
    for run in runs {
        run.join().map_err(|_| "a run has panicked")??;
    }
    Ok(())
}

/// Interrupts the lesson once it has written `after` lines.
fn interrupted_after(lesson: &Lesson, after: usize) -> Result<(), Failed> {
    let room = Room::new();
    // With pauses, so that the lesson isn't far ahead of this reader.
    let arguments = [lesson.name, "--lang", "en", "--auto", "--fast"];
    let mut child = room.command(&arguments).spawn()?;
    let stdout = child.stdout.take().unwrap();
    // A small pipe: even if this test reads late, the lesson isn't far ahead.
    fcntl_setpipe_size(&stdout, 4096)?;
    let mut lines = BufReader::new(stdout).lines();
    for _ in 0..=after {
        if lines.next().is_none() {
            break;
        }
    }
    signal(&mut child, Signal::INT).map_err(|error| format!("after {after} lines: {error}"))?;
    lines.for_each(drop);
    let output = child.wait_with_output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let said = format!("after {after} lines: {}, {errors}", output.status);
    check(output.status.code() == Some(130), &said)?;
    check(errors.contains("No process and no file is left"), &said)?;
    room.has_no_process()?;
    room.has_no_file()
}
