//! Handlers that wait, each in its model's own idiom.

use std::time::{Duration, Instant};

use crate::{Case, Failure, Requires, Target, failure::ensure, patience::eventually};

pub(super) const CASE: Case = Case {
    about: "four clients whose answers take a second each have them sooner than one after the other",
    requires: &[Requires::AtOnce(4)],
    options: &["--work=wait:1s", "--workers=4"],
    run: |target| side_by_side(target),
    ..Case::ECHO
};

/// Four answers of a second each take less than four seconds. A busy machine may need more than one
/// attempt; answers that come one after the other are never so soon.
pub(super) fn side_by_side(target: &mut Target<'_>) -> Result<(), Failure> {
    let mut took = Duration::ZERO;
    let were = eventually(|| {
        took = four_answers(target)?;
        ensure!(
            took >= Duration::from_secs(1),
            "no answer may come before its second, in {took:?}"
        );
        Ok(took < Duration::from_secs(4))
    })?;
    ensure!(were, "one after the other, in {took:?}");
    Ok(())
}

/// Has four clients ask at once, and says how long it took until all had their answers.
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
