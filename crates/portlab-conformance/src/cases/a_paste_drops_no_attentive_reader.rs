//! A member that says very much at once, to members that read.

use std::{thread, time::Duration};

use crate::{Case, Requires, failure::ensure, patience::beside, talker::Talker};

/// 128 KiB of line ends, and 128 KiB of lines.
const PASTES: [(&[u8], usize); 2] = [
    (b"\n", 128 << 10),
    (b"a line of a text that was pasted\n", 4 << 10),
];

pub(super) const CASE: Case = Case {
    about: "when a member pastes 128 KiB, members that read hear every line of it and stay, and so does the paster",
    requires: &[Requires::AtOnce(4)],
    // At full speed.
    options: &["--member-rate=off"],
    run: |target| {
        let readers = Talker::members(target, 3)?;
        let mut paster = Talker::join(target, "paster")?;
        let listen = |mut reader: Talker| {
            beside(move || {
                reader.hears_of(b"* paster joined")?;
                for (line, count) in PASTES {
                    for _ in 0..count {
                        let said = [b"paster: ", line.trim_ascii_end()].concat();
                        reader.hears(said.trim_ascii_end())?;
                    }
                }
                Ok(reader)
            })
        };
        let threads: Vec<_> = readers.into_iter().map(listen).collect();
        for (line, count) in PASTES {
            paster.send(&line.repeat(count))?;
            // A pause, in which a server may take a member for one that has little to say.
            thread::sleep(Duration::from_millis(300));
        }
        let mut readers = threads
            .into_iter()
            .map(|ended| ended())
            .collect::<Result<Vec<_>, _>>()?;
        // Each is still there, and has heard nothing else.
        for reader in &mut readers {
            reader.has_heard_all()?;
        }
        let still_in = paster.has_heard_all();
        ensure!(still_in.is_ok(), "the paster was dropped: {still_in:?}");
        Ok(())
    },
    ..Case::CHAT
};
