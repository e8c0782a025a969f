//! Faults 3 and 5: texts cut at every byte, and what an encoding has no place for.

use crate::{Case, Requires, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "members of three encodings hear each other, whole characters and question marks where there is none",
    faults: &[3, 5],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let (mut alice, mut bob) = Talker::pair(target)?;
        alice.speak("gbk")?;
        bob.speak("big5")?;
        // "你好" in GBK, and then in Big5, a byte at a time.
        for byte in *b"\xc4\xe3\xba\xc3\n" {
            alice.send(&[byte])?;
        }
        bob.hears(b"alice: \xa7A\xa6n")?;
        for byte in *b"\xa7A\xa6n\n" {
            bob.send(&[byte])?;
        }
        alice.hears(b"bob: \xc4\xe3\xba\xc3")?;
        bob.speak("utf-8")?;
        // The standard would write an euro sign as 0x80, which Python's codec can't read, and what
        // is not in GBK as a reference such as &#128512;.
        bob.say("5 €, 😀".as_bytes())?;
        alice.hears(b"bob: 5 ?, ?")
    },
    ..Case::CHAT
};
