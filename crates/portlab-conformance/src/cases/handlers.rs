//! Handlers that wait, block, compute or panic.

use std::time::{Duration, Instant};

use crate::{
    Case, Failure, Requires, Target, client::random_bytes, failure::ensure, patience::eventually,
};

pub(super) const waiting_handlers_wait_side_by_side: Case = Case {
    about: "four answers that wait for a second each take less time than one after the other",
    requires: &[Requires::AtOnce(4)],
    options: &["--work=wait:1s", "--workers=4"],
    run: |target| side_by_side(target),
    ..Case::ECHO
};

/// Expects that four answers of a second each take less than four seconds. On a busy machine, that may need more than one
/// attempt; answers one after the other always take longer.
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

pub(super) const blocking_handlers_block_only_themselves: Case = Case {
    about: "four handlers that block for a second each run side by side",
    faults: &[22],
    requires: &[Requires::AtOnce(4), Requires::SurvivesBlocking],
    options: &["--work=block:1s", "--workers=4"],
    run: |target| side_by_side(target),
    ..Case::ECHO
};

pub(super) const blocking_handlers_stall_the_port: Case = Case {
    about: "four handlers that block for half a second each run one after the other on each loop, as the model's \
            sheet says; afterwards other clients are served",
    faults: &[22],
    requires: &[Requires::AtOnce(4), Requires::StallsWhenBlocked],
    options: &["--work=block:500ms", "--workers=2"],
    run: |target| {
        let took = four_answers(target)?;
        let on_one = 4_usize.div_ceil(target.promises.loops) as u32;
        ensure!(
            took >= on_one * Duration::from_millis(500),
            "expected one answer after the other, got all after {took:?}"
        );
        target.served_client().map(drop)
    },
    ..Case::ECHO
};

pub(super) const a_computing_handler_answers_rightly: Case = Case {
    about: "answers of handlers that compute come back exactly, and in order",
    options: &["--work=cpu:1ms"],
    run: |target| {
        let mut clients = target.clients(target.crowd(8))?;
        for size in [1, 100, 70_000] {
            let text = random_bytes(size);
            for client in &mut clients {
                client.send_beside(text.clone())?;
            }
            for client in &mut clients {
                client.expect(&text)?;
            }
        }
        Ok(())
    },
    ..Case::ECHO
};

pub(super) const a_panicking_handler_loses_only_its_connection: Case = Case {
    about: "when more handlers panic than a pool has workers, only their own connections end",
    faults: &[21],
    options: &["--work=panic"],
    run: |target| {
        let mut bystander = match target.promises.at_once {
            Some(1) => None,
            _ => Some(target.client()?),
        };
        for _ in 0..40 {
            let mut client = target.client()?;
            client.send(b"panic")?;
            client.expect_to_be_dropped()?;
        }
        match &mut bystander {
            Some(client) => client.expect_silence(Duration::from_millis(50)),
            None => Ok(()),
        }
    },
    ..Case::ECHO
};
