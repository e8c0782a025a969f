//! Fault 1: one byte per write.

use std::time::Duration;

use crate::{Case, Requires, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "a line of a chat is heard when it has ended, however many pieces it comes in, and as one",
    faults: &[1, 3],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let (mut alice, mut bob) = Talker::pair(target)?;
        for byte in "你好, one byte per write\r".bytes() {
            alice.send(&[byte])?;
        }
        bob.client().expect_silence(Duration::from_millis(200))?;
        alice.send(b"\n")?;
        bob.hears("alice: 你好, one byte per write".as_bytes())?;
        bob.has_heard_all()
    },
    ..Case::CHAT
};
