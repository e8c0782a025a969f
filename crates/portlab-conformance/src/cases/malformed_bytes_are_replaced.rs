//! Fault 4: malformed bytes, and half a character at the end.

use crate::{Case, Requires, Speaks, talker::Talker};

pub(super) static CASE: Case = Case {
    name: "malformed_bytes_are_replaced",
    about: "what is malformed is heard as U+FFFD, and the connection lives",
    faults: &[4],
    speaks: Speaks::Chat,
    requires: &[Requires::AtOnce(2)],
    options: &[],
    run: |target| {
        let mut alice = Talker::join(target, "alice")?;
        let mut bob = Talker::join(target, "bob")?;
        alice.say(b"a\xc0b\xe4\xbd")?;
        bob.hears("alice: a\u{fffd}b\u{fffd}".as_bytes())?;
        alice.say(b"still here")?;
        bob.hears(b"alice: still here")?;
        alice.send(b"half of one: \xe4\xbd")?;
        alice.client().half_close()?;
        bob.hears("alice: half of one: \u{fffd}".as_bytes())?;
        bob.hears(b"* alice left")
    },
};
