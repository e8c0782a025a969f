//! Handlers that wait, each in its model's own idiom.

use std::time::{Duration, Instant};

use crate::{Case, Requires, Speaks, failure::ensure};

pub(super) static CASE: Case = Case {
    name: "waiting_handlers_wait_side_by_side",
    about: "four clients whose answers take a second each have them sooner than one after the other",
    faults: &[],
    speaks: Speaks::Echo,
    requires: &[Requires::AtOnce(4)],
    options: &["--work=wait:1s", "--workers=4"],
    run: |target| {
        let took = four_answers(target)?;
        ensure!(
            took >= Duration::from_secs(1),
            "no answer may come before its second, in {took:?}"
        );
        ensure!(
            took < Duration::from_secs(4),
            "one after the other, in {took:?}"
        );
        Ok(())
    },
};

/// Has four clients ask at once, and says how long it took until all had their answers.
pub(super) fn four_answers(target: &mut crate::Target<'_>) -> Result<Duration, crate::Failure> {
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(target.client()?);
    }
    let since = Instant::now();
    for client in &mut clients {
        client.send(b"how long?")?;
    }
    for client in &mut clients {
        client.expect(b"how long?")?;
    }
    Ok(since.elapsed())
}
