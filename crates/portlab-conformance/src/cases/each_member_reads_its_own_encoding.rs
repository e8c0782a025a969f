//! Faults 3 and 5: texts cut at every byte, and characters that an encoding lacks.

use crate::{Case, Requires, member::Member};

pub(super) const CASE: Case = Case {
    about: "members with three encodings receive each other's characters whole, and a question mark for a character that \
            the encoding lacks",
    faults: &[3, 5],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let (mut alice, mut bob) = Member::pair(target)?;
        alice.speak("gbk")?;
        bob.speak("big5")?;
        // "你好" in GBK, and then in Big5, a byte at a time.
        for byte in *b"\xc4\xe3\xba\xc3\n" {
            alice.send(&[byte])?;
        }
        bob.expect_line(b"alice: \xa7A\xa6n")?;
        for byte in *b"\xa7A\xa6n\n" {
            bob.send(&[byte])?;
        }
        alice.expect_line(b"bob: \xc4\xe3\xba\xc3")?;
        bob.speak("utf-8")?;
        // The standard would write an euro sign as 0x80, which Python's codec can't read, and what
        // is not in GBK as a reference such as &#128512;.
        bob.send_line("5 €, 😀".as_bytes())?;
        alice.expect_line(b"bob: 5 ?, ?")
    },
    ..Case::CHAT
};
