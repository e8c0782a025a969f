//! Fault 25, first half: a race for a name.

use crate::{Case, Requires, failure::ensure, member::Member};

pub(super) const CASE: Case = Case {
    about: "when many clients ask for one name at once, one of them gets it, and the others can take another name",
    faults: &[25],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let count = target.crowd(100);
        let crowd = (0..count).map(|_| Member::connect(target));
        let mut crowd = crowd.collect::<Result<Vec<_>, _>>()?;
        for client in &mut crowd {
            client.send_line(b"alice")?;
        }
        let mut winners = 0;
        for (number, client) in crowd.iter_mut().enumerate() {
            let mut answer = client.next()?;
            while answer.ends_with(b"joined") {
                answer = client.next()?;
            }
            if answer.starts_with(b"* you are alice in lobby") {
                winners += 1;
                continue;
            }
            ensure!(
                answer.starts_with(b"* somebody is called alice already"),
                "got \"{}\"",
                answer.escape_ascii()
            );
            client.send_line(format!("loser{number}").as_bytes())?;
            client.expect_line_with(format!("you are loser{number} in lobby").as_bytes())?;
        }
        ensure!(winners == 1, "{winners} members are called alice");
        Ok(())
    },
    ..Case::CHAT
};
