//! Fault 1: one byte per write.

use std::time::Duration;

use crate::{Case, Requires, Speaks, talker::Talker};

pub(super) static CASE: Case = Case {
    name: "a_line_appears_at_its_end",
    about: "a line of a chat is heard when it has ended, however many pieces it comes in, and as one",
    faults: &[1, 3],
    speaks: Speaks::Chat,
    requires: &[Requires::AtOnce(2)],
    options: &[],
    run: |target| {
        let mut alice = Talker::join(target, "alice")?;
        let mut bob = Talker::join(target, "bob")?;
        alice.hears(b"* bob joined")?;
        for byte in "你好, one byte per write\r".bytes() {
            alice.send(&[byte])?;
        }
        bob.client().expect_silence(Duration::from_millis(200))?;
        alice.send(b"\n")?;
        bob.hears("alice: 你好, one byte per write".as_bytes())?;
        bob.has_heard_all()
    },
};
