//! From the bytes of one member to the lines of the others.

use std::time::Duration;

use portlab_sys::meter::anonymous_bytes;

use crate::{Case, Requires, failure::ensure, member::Member, patience::eventually};

pub(super) const a_line_appears_at_its_end: Case = Case {
    about: "a line of a chat is delivered when it has ended, once and whole, however many pieces it arrives in",
    faults: &[1, 3],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let (mut alice, mut bob) = Member::pair(target)?;
        alice.send_one_by_one("你好, one byte per write\r".as_bytes())?;
        bob.client().expect_silence(Duration::from_millis(200))?;
        alice.send(b"\n")?;
        bob.expect_line("alice: 你好, one byte per write".as_bytes())?;
        bob.expect_no_other_line()
    },
    ..Case::CHAT
};

pub(super) const a_hundred_lines_in_one_write: Case = Case {
    about: "a hundred lines in one write are a hundred lines, in their order",
    faults: &[2],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let (mut alice, mut bob) = Member::pair(target)?;
        let lines: String = (0..100).map(|number| format!("line {number}\n")).collect();
        alice.send(lines.as_bytes())?;
        for number in 0..100 {
            bob.expect_line(format!("alice: line {number}").as_bytes())?;
        }
        bob.expect_no_other_line()
    },
    ..Case::CHAT
};

pub(super) const each_member_reads_its_own_encoding: Case = Case {
    about: "members with three encodings receive each other's characters whole, and a question mark for a character that \
            the encoding lacks",
    faults: &[3, 5],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let (mut alice, mut bob) = Member::pair(target)?;
        alice.use_encoding("gbk")?;
        bob.use_encoding("big5")?;
        // "你好" in GBK, and then in Big5, a byte at a time.
        alice.send_one_by_one(b"\xc4\xe3\xba\xc3\n")?;
        bob.expect_line(b"alice: \xa7A\xa6n")?;
        bob.send_one_by_one(b"\xa7A\xa6n\n")?;
        alice.expect_line(b"bob: \xc4\xe3\xba\xc3")?;
        bob.use_encoding("utf-8")?;
        // The standard's GBK would write a euro sign as 0x80, which Python's codec can't read, and a character that
        // isn't in GBK as a reference such as &#128512;.
        bob.send_line("5 €, 😀".as_bytes())?;
        alice.expect_line(b"bob: 5 ?, ?")
    },
    ..Case::CHAT
};

pub(super) const malformed_bytes_are_replaced: Case = Case {
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

pub(super) const escape_sequences_are_made_visible: Case = Case {
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
        alice.send_line(b"still here")?;
        bob.expect_line(b"alice: still here")
    },
    ..Case::CHAT
};

/// How much the server's memory may grow meanwhile.
const BOUND: u64 = 2 << 20;

pub(super) const a_line_without_end_is_cut_off: Case = Case {
    about: "a line of 1 MiB without its end is answered with an error, the connection is closed, and memory is bounded",
    faults: &[14],
    requires: &[Requires::AtOnce(2), Requires::Process],
    run: |target| {
        let pid = target.pid()?;
        let (mut alice, mut bob) = Member::pair(target)?;
        let before = anonymous_bytes(pid)?;
        bob.client().send_beside(vec![b'x'; 1 << 20])?;
        bob.expect_line(b"* a line has at most 4096 bytes; goodbye")?;
        bob.client().expect_to_be_dropped()?;
        alice.expect_line(b"* bob left")?;
        // While a process ends, memory that it shares with others may count twice.
        let mut grown = 0;
        let kept = eventually(|| {
            grown = anonymous_bytes(pid)?.saturating_sub(before);
            Ok(grown < BOUND)
        })?;
        ensure!(
            kept,
            "the server's memory grew by {grown} bytes; the bound is {BOUND}"
        );
        Ok(())
    },
    ..Case::CHAT
};
