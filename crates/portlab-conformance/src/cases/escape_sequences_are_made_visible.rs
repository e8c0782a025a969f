//! Fault 24: telnet, NUL, byte order marks, escape sequences, markup.

use crate::{Case, Requires, member::Member};

pub(super) const CASE: Case = Case {
    about: "control characters are made visible, telnet negotiation is left out, names contain no markup",
    faults: &[24],
    requires: &[Requires::AtOnce(3)],
    run: |target| {
        let mut refused = Member::connect(target)?;
        for name in ["<script>x</script>", "\x1b[31mred", "a b", "\u{202e}evil"] {
            refused.send_line(name.as_bytes())?;
            refused.expect_line_with(b"can't be in a name")?;
        }
        let mut alice = Member::connect(target)?;
        alice.send(b"\xff\xfd\x03\xff\xfb\x18\xef\xbb\xbf\xff\xf1alice\r\0\n")?;
        alice.expect_line_with(b"you are alice in lobby")?;
        let mut bob = Member::join(target, "bob")?;
        alice.send_line(b"\x1b[2J\x07 a\0b \xc2\x9b31m <b>\xff\xfb\x01")?;
        bob.expect_line("alice: ␛[2J␇ a␀b \u{fffd}31m <b>".as_bytes())?;
        alice.send_line(b"the parser lives")?;
        bob.expect_line(b"alice: the parser lives")
    },
    ..Case::CHAT
};
