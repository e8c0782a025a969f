//! Fault 11: slow-loris, clients that send a byte now and then.

use crate::{Case, Requires, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "200 clients (or all places) whose lines don't end within --line-timeout are told and closed; others talk \
            meanwhile, or (bounded pools) afterwards",
    faults: &[11],
    requires: &[Requires::AtOnce(3)],
    options: &["--line-timeout=1s"],
    run: |target| {
        let mut slow = Vec::new();
        for _ in 0..target.crowd(200) {
            let mut client = Talker::connect(target)?;
            client.client().drip_beside()?;
            slow.push(client);
        }
        // In a full pool they wait for the places of the slow ones.
        let (mut alice, mut bob) = Talker::pair(target)?;
        alice.say(b"can you hear me?")?;
        bob.hears(b"alice: can you hear me?")?;
        for mut client in slow {
            client.hears_why_it_is_closed(&["line"])?;
        }
        bob.say(b"they have gone")?;
        alice.hears_of(b"bob: they have gone")
    },
    ..Case::CHAT
};
