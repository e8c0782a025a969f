//! What a lesson's function and its text must agree on.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use portlab_words::Lang;

use super::{
    Exit, Play, Report,
    Seen::{self, *},
    Stage,
    reading::Reading,
};
use crate::{
    run::{Answers, Choices, LessonRun, Pace, READING},
    script::Script,
};

const TEXT: &str = "# T\n## goal\nG\n## story\nS\n## step one: One\nSay.\n### ask\nQ\n- [x] right\n- wrong\n\
    ### seen\n- a: A is {a}.\n- b: B.\n- b?: No B here.\n### why\nBecause.\n";

#[derive(Clone, Default)]
struct Board(Arc<Mutex<Vec<u8>>>);

impl Write for Board {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Plays the text above with a function. Returns what was shown, and the outcome.
fn played(play_it: Play) -> (String, Result<Report, Exit>) {
    let board = Board::default();
    let report = played_on(Box::new(board.clone()), Pace::Straight, play_it);
    let shown = board.0.lock().unwrap().clone();
    (String::from_utf8(shown).unwrap(), report)
}

fn played_on(out: Box<dyn Write>, pace: Pace, play_it: Play) -> Result<Report, Exit> {
    played_from(0, TEXT, out, pace, play_it)
}

fn played_from(
    first_step: usize,
    text: &str,
    out: Box<dyn Write>,
    pace: Pace,
    play_it: Play,
) -> Result<Report, Exit> {
    let mut run = LessonRun {
        lang: Lang::En,
        width: 80,
        pace,
        seed: crate::order::SEED,
        choices: Choices {
            first_step,
            ..Choices::default()
        },
        program: PathBuf::new(),
        out,
        answers: Answers::new(io::pipe().unwrap().0.into()),
    };
    Stage::play(Script::parse(text, &[])?, &[], &mut run, play_it)
}

/// Plays the text's only step: sets `{a}` and records what was seen.
fn one(stage: &mut Stage<'_>, a: Option<&str>, seen: &[(&str, Seen)]) -> Result<(), Exit> {
    let mut step = stage.step("one")?;
    if let Some(a) = a {
        step.set("a", a);
    }
    for (key, seen) in seen {
        step.seen(key, *seen);
    }
    step.end()
}

#[test]
fn what_was_seen_is_shown_with_the_answer_and_the_reason() {
    let (shown, report) = played(|stage| one(stage, Some("7"), &[("a", Yes), ("b", NotHere)]));
    for text in ["A is 7.", "No B here.", "The outcome: “right”", "Because."] {
        assert!(shown.contains(text), "{text} is not in\n{shown}");
    }
    let report = report.unwrap();
    assert_eq!(
        (report.held, report.not_here),
        (vec!["one/a".into()], vec!["one/b".into()])
    );
    assert!(report.failed.is_empty());
}

#[test]
fn marks_and_names_within_a_value_are_shown_as_they_are() {
    const A: Option<&str> = Some("{b} **c** `d`");
    let (shown, report) = played(|stage| one(stage, A, &[("a", Yes), ("b", Yes)]));
    assert!(shown.contains("A is {b} **c** `d`."), "{shown}");
    assert!(report.unwrap().failed.is_empty());
}

#[test]
fn the_pauses_together_are_bounded_also_with_long_values() {
    let left = |text: &str| {
        let script = Script::parse(TEXT, &[]).unwrap();
        let mut reading = Reading::of(&script);
        let pauses = [text, text, "A"].map(|text| reading.pause(text) + reading.stop());
        let pauses: Duration = pauses.iter().sum();
        assert!(pauses <= READING, "{pauses:?}");
        pauses
    };
    assert_eq!(left(&"long ".repeat(100_000)), READING);
    // A short text gets as much time as is comfortable.
    assert!(left("A") < READING / 10);
}

#[test]
fn what_this_machine_cannot_show_is_still_explained() {
    let (shown, report) = played(|stage| one(stage, None, &[("a", Moot), ("b", NotHere)]));
    for text in [
        "No B here.",
        "On other machines the outcome is: “right”",
        "Because.",
    ] {
        assert!(shown.contains(text), "{text} is not in\n{shown}");
    }
    assert!(!shown.contains("A is"), "{shown}");
    assert_eq!(report.unwrap().held.len(), 0);
}

#[test]
fn a_step_that_is_not_shown_counts_only_if_it_failed() {
    fn both(stage: &mut Stage<'_>, first: Seen) -> Result<(), Exit> {
        let mut step = stage.step("one")?;
        // The user isn't asked while a step is set up.
        assert!(!step.is_interactive());
        step.set("a", "7");
        step.seen("a", first);
        step.seen("b", NotHere);
        step.end()?;
        let mut step = stage.step("two")?;
        assert_eq!(step.run().pace, Pace::Clock);
        step.seen("c", Yes);
        step.end()
    }
    let text = format!("{TEXT}## step two: Two\nDo.\n### seen\n- c: C.\n");
    for (play_it, failed) in [
        ((|stage| both(stage, Yes)) as Play, &[][..]),
        (|stage| both(stage, No), &["one/a".to_owned()]),
    ] {
        let board = Board::default();
        let out = Box::new(board.clone());
        let report = played_from(1, &text, out, Pace::Clock, play_it).unwrap();
        assert_eq!(
            (&report.held[..], &report.failed[..]),
            (&["two/c".to_owned()][..], failed)
        );
        assert_eq!(report.not_here.len(), 0);
        let shown = String::from_utf8(board.0.lock().unwrap().clone()).unwrap();
        for hidden in ["Say.", "Because.", "right", "Story"] {
            assert!(!shown.contains(hidden), "{hidden} is in\n{shown}");
        }
        assert!(shown.contains("Do.") && shown.contains("C."), "{shown}");
        assert_eq!(shown.contains("A is 7."), !failed.is_empty(), "{shown}");
    }
}

#[test]
fn a_failed_claim_is_reported_and_the_explanation_is_left_out() {
    let (shown, report) = played(|stage| one(stage, Some("7"), &[("a", Yes), ("b", No)]));
    assert_eq!(report.unwrap().failed, ["one/b"]);
    assert!(
        shown.contains('✗') && shown.contains("should have"),
        "{shown}"
    );
    assert!(
        !shown.contains("Because.") && !shown.contains("The outcome: "),
        "{shown}"
    );
}

#[test]
fn a_failed_claim_is_counted_also_after_the_reader_has_closed_the_pipe() {
    let (reader, closed) = io::pipe().unwrap();
    drop(reader);
    let report = played_on(Box::new(closed), Pace::Clock, |stage| {
        // After the reader has closed the pipe, there are no pauses.
        assert_eq!(stage.run().pace, Pace::Straight);
        one(stage, Some("7"), &[("a", Yes), ("b", No)])
    });
    assert_eq!(report.unwrap().failed, ["one/b"]);
}

#[test]
fn a_function_that_contradicts_its_text_is_refused() {
    let refused: [(Play, &str); 6] = [
        (
            |stage| one(stage, Some("7"), &[("a", Yes)]),
            "claim b was not recorded",
        ),
        (
            |stage| one(stage, None, &[("c", Yes)]),
            "claim c is not in the text",
        ),
        (
            |stage| one(stage, None, &[("a", Yes), ("b", Yes)]),
            "{a} has no value yet",
        ),
        (
            |stage| one(stage, Some("7"), &[("a", NotHere), ("b", Yes)]),
            "claim a has no text `a?`",
        ),
        (|stage| stage.step("two").map(drop), "is not in the text"),
        (|_| Ok(()), "was not played"),
    ];
    for (play_it, expected) in refused {
        match played(play_it).1 {
            Err(Exit::Mismatch { what, .. }) => assert_eq!(what, expected),
            other => panic!("{other:?}"),
        }
    }
}
