//! A handler with a bug.

use std::time::Duration;

use crate::Case;

pub(super) const CASE: Case = Case {
    about: "when more handlers panic than a pool has workers, only their own connections end",
    faults: &[21],
    options: &["--work=panic"],
    run: |target| {
        let mut bystander = match target.promises.at_once {
            Some(1) => None,
            _ => Some(target.client()?),
        };
        for _ in 0..40 {
            let mut client = target.client()?;
            client.send(b"mind the gap")?;
            client.expect_to_be_dropped()?;
        }
        match &mut bystander {
            Some(client) => client.expect_silence(Duration::from_millis(50)),
            None => Ok(()),
        }
    },
    ..Case::ECHO
};
