//! A member that sends many lines at once, to members that read.

use std::{thread, time::Duration};

use crate::{Case, Requires, failure::ensure, member::Member, patience::beside};

/// 128 KiB of line ends, and 128 KiB of lines.
const PASTES: [(&[u8], usize); 2] = [
    (b"\n", 128 << 10),
    (b"a line of a text that was pasted\n", 4 << 10),
];

pub(super) const CASE: Case = Case {
    about: "when a member pastes 128 KiB, members that read receive every line of it, and no member is dropped",
    requires: &[Requires::AtOnce(4)],
    // At full speed.
    options: &["--member-rate=off"],
    run: |target| {
        let readers = Member::members(target, 3)?;
        let mut paster = Member::join(target, "paster")?;
        let listen = |mut reader: Member| {
            beside(move || {
                reader.expect_line_with(b"* paster joined")?;
                for (line, count) in PASTES {
                    for _ in 0..count {
                        let line = [b"paster: ", line.trim_ascii_end()].concat();
                        reader.expect_line(line.trim_ascii_end())?;
                    }
                }
                Ok(reader)
            })
        };
        let threads: Vec<_> = readers.into_iter().map(listen).collect();
        for (line, count) in PASTES {
            paster.send(&line.repeat(count))?;
            // A pause, after which a server may forget how much the member has sent.
            thread::sleep(Duration::from_millis(300));
        }
        let mut readers = threads
            .into_iter()
            .map(|ended| ended())
            .collect::<Result<Vec<_>, _>>()?;
        // Each is still connected, and has received no other line.
        for reader in &mut readers {
            reader.expect_no_other_line()?;
        }
        let still_in = paster.expect_no_other_line();
        ensure!(still_in.is_ok(), "the paster was dropped: {still_in:?}");
        Ok(())
    },
    ..Case::CHAT
};
