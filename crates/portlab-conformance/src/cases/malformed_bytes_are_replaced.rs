//! Fault 4: malformed bytes, and half a character at the end.

use crate::{Case, Requires, member::Member};

pub(super) const CASE: Case = Case {
    about: "malformed bytes are delivered as U+FFFD, and the connection stays open",
    faults: &[4],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let (mut alice, mut bob) = Member::pair(target)?;
        alice.send_line(b"a\xc0b\xe4\xbd")?;
        bob.expect_line("alice: a\u{fffd}b\u{fffd}".as_bytes())?;
        alice.send_line(b"still here")?;
        bob.expect_line(b"alice: still here")?;
        alice.send(b"half of one: \xe4\xbd")?;
        alice.client().half_close()?;
        bob.expect_line("alice: half of one: \u{fffd}".as_bytes())?;
        bob.expect_line(b"* alice left")
    },
    ..Case::CHAT
};
