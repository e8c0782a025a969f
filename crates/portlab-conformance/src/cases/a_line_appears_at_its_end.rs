//! Fault 1: one byte per write.

use std::time::Duration;

use crate::{Case, Requires, member::Member};

pub(super) const CASE: Case = Case {
    about: "a line of a chat is delivered when it has ended, once and whole, in however many pieces it comes",
    faults: &[1, 3],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let (mut alice, mut bob) = Member::pair(target)?;
        for byte in "你好, one byte per write\r".bytes() {
            alice.send(&[byte])?;
        }
        bob.client().expect_silence(Duration::from_millis(200))?;
        alice.send(b"\n")?;
        bob.expect_line("alice: 你好, one byte per write".as_bytes())?;
        bob.expect_no_other_line()
    },
    ..Case::CHAT
};
