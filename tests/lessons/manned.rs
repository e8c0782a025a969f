//! Lessons that somebody watches, and answers.

use std::{
    io::{Cursor, Write},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use libtest_mimic::Failed;
use portlab_lessons::{Exit, Hall, Pace, find, play};
use portlab_report::Lang;

use crate::check;

/// What is shown, kept.
#[derive(Clone, Default)]
struct Board(Arc<Mutex<Vec<u8>>>);

impl Write for Board {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Plays the first lesson to somebody who types `answers`; what was shown, and how it ended.
fn watched(answers: &str) -> (String, Result<(), Exit>) {
    let board = Board::default();
    let mut hall = Hall {
        lang: Lang::En,
        width: 80,
        pace: Pace::Enter,
        program: PathBuf::from(env!("CARGO_BIN_EXE_portlab")),
        out: Box::new(board.clone()),
        answers: Box::new(Cursor::new(answers.to_owned())),
    };
    let ended = play(find("ports").unwrap(), &mut hall).map(drop);
    let shown = String::from_utf8(board.0.lock().unwrap().clone()).unwrap();
    (shown, ended)
}

pub(crate) fn a_guess_is_told_right_or_wrong() -> Result<(), Failed> {
    // The story; the first step: a right guess, its outcome; the second: a wrong one, its outcome;
    // then Enter to the end.
    let answers = format!("\n3\n\n1\n\n{}", "\n".repeat(20));
    let (shown, ended) = watched(&answers);
    ended?;
    check(shown.contains("You guessed right: "), &shown)?;
    check(
        shown.contains("It came otherwise: Each hears the word"),
        &shown,
    )?;
    check(
        shown.contains("So it came: The second one is refused"),
        shown,
    )
}

pub(crate) fn the_outcome_is_not_shown_before_the_guess() -> Result<(), Failed> {
    // All input ends where the first guess is asked for.
    let (shown, ended) = watched("\n");
    check(matches!(ended, Err(Exit::Left)), format!("{ended:?}"))?;
    check(
        shown.contains("Which number will the system choose?"),
        &shown,
    )?;
    check(!shown.contains("LISTEN") && !shown.contains('✓'), shown)
}

pub(crate) fn whoever_watches_may_leave_anywhere() -> Result<(), Failed> {
    for enters in 0..4 {
        let answers = "\n".repeat(enters) + "q\n";
        let (shown, ended) = watched(&answers);
        check(
            matches!(ended, Err(Exit::Left)),
            format!("{ended:?}\n{shown}"),
        )?;
    }
    Ok(())
}
