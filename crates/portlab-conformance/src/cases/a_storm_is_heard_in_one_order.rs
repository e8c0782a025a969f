//! Fault 25, second half: members join, talk and leave in a storm.

use std::net::SocketAddr;

use crate::{
    Case, Failure, Requires, client::Client, failure::ensure, patience::beside, talker::Talker,
};

/// How many members are there at a time, how often each comes, and how many lines each says.
const MEMBERS: usize = 20;
const ROUNDS: usize = 3;
const LINES: usize = 20;

pub(super) const CASE: Case = Case {
    about: "while members come, talk and leave, two that listen hear every line once, each sender's in its order, \
            and both in the same order",
    faults: &[25],
    requires: &[Requires::AtOnce(4)],
    run: |target| {
        let mut one = Talker::join(target, "one")?;
        let mut other = Talker::join(target, "other")?;
        one.hears(b"* other joined")?;
        let members = target.crowd(MEMBERS + 2) - 2;
        let addr = target.addr;
        let threads: Vec<_> = (0..members)
            .map(|member| beside(move || storm(addr, member)))
            .collect();
        threads.into_iter().try_for_each(|ended| ended())?;
        let heard = transcript(&mut one, members * ROUNDS)?;
        let same = transcript(&mut other, members * ROUNDS)?;
        let parts = heard.iter().zip(&same).find(|(one, other)| one != other);
        ensure!(
            parts.is_none(),
            "two members heard different lines: {parts:?}"
        );
        for visit in 0..members * ROUNDS {
            let name = name(visit / ROUNDS, visit % ROUNDS);
            let own = |line: &&String| line.starts_with(&format!("{name}: "));
            let said: Vec<_> = heard.iter().filter(own).cloned().collect();
            let expected: Vec<_> = (0..LINES).map(|it| format!("{name}: line {it}")).collect();
            ensure!(said == expected, "of {name} was heard {said:?}");
        }
        Ok(())
    },
    ..Case::CHAT
};

fn name(member: usize, round: usize) -> String {
    format!("m{member}r{round}")
}

/// Comes, says its lines in writes of random sizes, and leaves, by `/quit` or by a FIN; some times.
fn storm(addr: SocketAddr, member: usize) -> Result<(), Failure> {
    let mut random = fastrand::Rng::with_seed(member as u64);
    for round in 0..ROUNDS {
        let mut talker = Talker::join_over(Client::connect(addr)?, &name(member, round))?;
        let mut text: String = (0..LINES).map(|it| format!("line {it}\n")).collect();
        if random.bool() {
            text += "/quit\n";
        }
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(random.usize(1..=rest.len()));
            talker.send(now)?;
            rest = later;
        }
        talker.client().half_close()?;
        talker.last_lines()?;
    }
    Ok(())
}

/// What is heard until so many members have left.
fn transcript(talker: &mut Talker, members: usize) -> Result<Vec<String>, Failure> {
    let (mut heard, mut left) = (Vec::new(), 0);
    while left < members {
        let line = String::from_utf8_lossy(&talker.next()?).into_owned();
        left += usize::from(line.starts_with("* ") && line.ends_with(" left"));
        heard.push(line);
    }
    Ok(heard)
}
