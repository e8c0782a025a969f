//! Handlers that wait, in the idiom of each model.

use std::time::{Duration, Instant};

use crate::{Case, Failure, Requires, Target, failure::ensure, patience::eventually};

pub(super) const CASE: Case = Case {
    about: "four answers that wait for a second each come sooner than one after the other",
    requires: &[Requires::AtOnce(4)],
    options: &["--work=wait:1s", "--workers=4"],
    run: |target| side_by_side(target),
    ..Case::ECHO
};

/// Expects that four answers of a second each take less than four seconds. On a busy machine that may need more than one
/// attempt; answers that come one after the other always take longer.
pub(super) fn side_by_side(target: &mut Target<'_>) -> Result<(), Failure> {
    let mut took = Duration::ZERO;
    let is_so = eventually(|| {
        took = four_answers(target)?;
        ensure!(
            took >= Duration::from_secs(1),
            "expected a second of waiting, got all answers after {took:?}"
        );
        Ok(took < Duration::from_secs(4))
    })?;
    ensure!(
        is_so,
        "expected less than 4 s, got all answers after {took:?}"
    );
    Ok(())
}

/// Lets four clients ask at once, and returns how long it took until all had their answers.
pub(super) fn four_answers(target: &mut Target<'_>) -> Result<Duration, Failure> {
    let mut clients = target.clients(4)?;
    let since = Instant::now();
    for client in &mut clients {
        client.send(b"how long?")?;
    }
    for client in &mut clients {
        client.expect(b"how long?")?;
    }
    Ok(since.elapsed())
}
