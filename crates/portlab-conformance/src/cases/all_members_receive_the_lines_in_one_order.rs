//! Fault 25, second half: many members join, talk and leave at once.

use std::net::SocketAddr;

use crate::{
    Case, Failure, Requires, client::Client, failure::ensure, member::Member, patience::beside,
};

/// How many members there are at a time, how often each joins, and how many lines it sends.
const MEMBERS: usize = 20;
const ROUNDS: usize = 3;
const LINES: usize = 20;

pub(super) const CASE: Case = Case {
    about: "while members join, talk and leave, two other members receive every line once, in the order of its \
            sender, and both in the same order",
    faults: &[25],
    requires: &[Requires::AtOnce(4)],
    run: |target| {
        let mut one = Member::join(target, "one")?;
        let mut other = Member::join(target, "other")?;
        one.expect_line(b"* other joined")?;
        let members = target.crowd(MEMBERS + 2) - 2;
        let addr = target.addr;
        let threads: Vec<_> = (0..members)
            .map(|member| beside(move || storm(addr, member)))
            .collect();
        threads.into_iter().try_for_each(|ended| ended())?;
        let received = transcript(&mut one, members * ROUNDS)?;
        let same = transcript(&mut other, members * ROUNDS)?;
        let differ = received.iter().zip(&same).find(|(one, other)| one != other);
        ensure!(
            differ.is_none(),
            "two members received different lines: {differ:?}"
        );
        for visit in 0..members * ROUNDS {
            let name = name(visit / ROUNDS, visit % ROUNDS);
            let own = |line: &&String| line.starts_with(&format!("{name}: "));
            let lines: Vec<_> = received.iter().filter(own).cloned().collect();
            let expected: Vec<_> = (0..LINES).map(|it| format!("{name}: line {it}")).collect();
            ensure!(lines == expected, "received of {name}: {lines:?}");
        }
        Ok(())
    },
    ..Case::CHAT
};

fn name(member: usize, round: usize) -> String {
    format!("m{member}r{round}")
}

/// Joins, sends its lines in writes of random sizes, and leaves by `/quit` or a FIN, some times.
fn storm(addr: SocketAddr, member: usize) -> Result<(), Failure> {
    let mut random = fastrand::Rng::with_seed(member as u64);
    for round in 0..ROUNDS {
        let mut client = Member::join_over(Client::connect(addr)?, &name(member, round))?;
        let mut text: String = (0..LINES).map(|it| format!("line {it}\n")).collect();
        if random.bool() {
            text += "/quit\n";
        }
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(random.usize(1..=rest.len()));
            client.send(now)?;
            rest = later;
        }
        client.client().half_close()?;
        client.last_lines()?;
    }
    Ok(())
}

/// All lines until so many members have left.
fn transcript(client: &mut Member, members: usize) -> Result<Vec<String>, Failure> {
    let (mut lines, mut left) = (Vec::new(), 0);
    while left < members {
        let line = String::from_utf8_lossy(&client.next()?).into_owned();
        left += usize::from(line.starts_with("* ") && line.ends_with(" left"));
        lines.push(line);
    }
    Ok(lines)
}
