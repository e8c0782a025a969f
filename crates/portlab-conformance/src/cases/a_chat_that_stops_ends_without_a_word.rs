//! SIGTERM while members talk.

use portlab_sys::spawn::Signal;

use crate::{Case, Requires, Speaks, failure::ensure, patience::patience, talker::Talker};

pub(super) static CASE: Case = Case {
    name: "a_chat_that_stops_ends_without_a_word",
    about: "when a server is told to stop, every member sees the end, and nobody is told that the others \
            are going; the server exits with 0",
    faults: &[19],
    speaks: Speaks::Chat,
    requires: &[Requires::AtOnce(3), Requires::Process],
    options: &[],
    run: |target| {
        let mut members = Vec::new();
        for number in 0..target.crowd(20) {
            members.push(Talker::join(target, &format!("m{number}"))?);
        }
        let last = members.len() - 1;
        for member in &mut members[..last] {
            member.hears_of(format!("* m{last} joined").as_bytes())?;
        }
        target.process()?.signal(Signal::TERM)?;
        for mut member in members {
            member.client().expect_end()?;
        }
        let status = target.process()?.wait(patience())?;
        ensure!(
            status.is_some_and(|status| status.success()),
            "expected the server to exit with 0, got {status:?}"
        );
        Ok(())
    },
};
