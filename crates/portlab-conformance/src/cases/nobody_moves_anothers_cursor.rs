//! Fault 24: telnet, NUL, byte order marks, escape sequences, markup.

use crate::{Case, Requires, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "what a screen would obey is shown instead, what telnet negotiates is left out, names hold no markup",
    faults: &[24],
    requires: &[Requires::AtOnce(3)],
    run: |target| {
        let mut nobody = Talker::connect(target)?;
        for name in ["<script>x</script>", "\x1b[31mred", "a b", "\u{202e}evil"] {
            nobody.say(name.as_bytes())?;
            nobody.hears_of(b"can't be in a name")?;
        }
        let mut alice = Talker::connect(target)?;
        alice.send(b"\xff\xfd\x03\xff\xfb\x18\xef\xbb\xbf\xff\xf1alice\r\0\n")?;
        alice.hears_of(b"you are alice in lobby")?;
        let mut bob = Talker::join(target, "bob")?;
        alice.say(b"\x1b[2J\x07 a\0b \xc2\x9b31m <b>\xff\xfb\x01")?;
        bob.hears("alice: ␛[2J␇ a␀b \u{fffd}31m <b>".as_bytes())?;
        alice.say(b"the parser lives")?;
        bob.hears(b"alice: the parser lives")
    },
    ..Case::CHAT
};
