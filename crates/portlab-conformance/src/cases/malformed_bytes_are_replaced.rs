//! Fault 4: malformed bytes, and half a character at the end.

use crate::{Case, Requires, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "what is malformed is heard as U+FFFD, and the connection lives",
    faults: &[4],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let (mut alice, mut bob) = Talker::pair(target)?;
        alice.say(b"a\xc0b\xe4\xbd")?;
        bob.hears("alice: a\u{fffd}b\u{fffd}".as_bytes())?;
        alice.say(b"still here")?;
        bob.hears(b"alice: still here")?;
        alice.send(b"half of one: \xe4\xbd")?;
        alice.client().half_close()?;
        bob.hears("alice: half of one: \u{fffd}".as_bytes())?;
        bob.hears(b"* alice left")
    },
    ..Case::CHAT
};
