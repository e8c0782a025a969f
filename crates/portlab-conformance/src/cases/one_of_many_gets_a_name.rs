//! Fault 25, first half: a race for a name.

use crate::{Case, Requires, failure::ensure, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "when all ask for one name at once, one of them gets it and the others may ask for another",
    faults: &[25],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let count = target.crowd(100);
        let crowd = (0..count).map(|_| Talker::connect(target));
        let mut crowd = crowd.collect::<Result<Vec<_>, _>>()?;
        for talker in &mut crowd {
            talker.say(b"alice")?;
        }
        let mut winners = 0;
        for (number, talker) in crowd.iter_mut().enumerate() {
            let mut answer = talker.next()?;
            while answer.ends_with(b"joined") {
                answer = talker.next()?;
            }
            if answer.starts_with(b"* you are alice in lobby") {
                winners += 1;
                continue;
            }
            ensure!(
                answer.starts_with(b"* somebody is called alice already"),
                "heard \"{}\"",
                answer.escape_ascii()
            );
            talker.say(format!("loser{number}").as_bytes())?;
            talker.hears_of(format!("you are loser{number} in lobby").as_bytes())?;
        }
        ensure!(winners == 1, "{winners} members are called alice");
        Ok(())
    },
    ..Case::CHAT
};
