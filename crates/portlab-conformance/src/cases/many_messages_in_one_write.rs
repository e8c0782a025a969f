//! A client that sends many messages at once.

use crate::Case;

pub(super) const CASE: Case = Case {
    about: "a hundred lines in one write come back in order, none lost or doubled",
    faults: &[2],
    run: |target| {
        let lines: String = (0..100).map(|number| format!("line {number}\n")).collect();
        let mut client = target.client()?;
        client.send(lines.as_bytes())?;
        client.expect(lines.as_bytes())?;
        client.half_close()?;
        client.expect_end()
    },
    ..Case::ECHO
};
