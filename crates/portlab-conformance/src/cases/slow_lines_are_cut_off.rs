//! Fault 11: slow-loris, clients that send a byte now and then.

use crate::{Case, Requires, member::Member};

pub(super) const CASE: Case = Case {
    about: "200 clients (or as many as are served) whose lines don't end within --line-timeout are told why and closed; \
            others talk meanwhile, or (bounded pools) afterwards",
    faults: &[11],
    requires: &[Requires::AtOnce(3)],
    options: &["--line-timeout=1s"],
    run: |target| {
        let mut slow = Vec::new();
        for _ in 0..target.crowd(200) {
            let mut client = Member::connect(target)?;
            client.client().drip_beside()?;
            slow.push(client);
        }
        // In a full pool they wait until slow clients are closed.
        let (mut alice, mut bob) = Member::pair(target)?;
        alice.send_line(b"are you there?")?;
        bob.expect_line(b"alice: are you there?")?;
        for mut client in slow {
            client.expect_close_reason(&["line"])?;
        }
        bob.send_line(b"they are closed")?;
        alice.expect_line_with(b"bob: they are closed")
    },
    ..Case::CHAT
};
