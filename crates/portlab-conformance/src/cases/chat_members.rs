//! Members that join, talk and leave at once.

use std::{net::SocketAddr, thread, time::Duration};

use portlab_sys::meter::usage;

use crate::{
    Case, Failure, Requires, Target,
    client::Client,
    failure::ensure,
    member::Member,
    patience::{beside, eventually},
};

pub(super) const one_of_many_gets_a_name: Case = Case {
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
                answer.starts_with(b"* another member is called alice; "),
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

pub(super) const a_lost_member_is_announced: Case = Case {
    about: "when one of 200 members resets its connection in the middle of a line, the others receive a line that says so, and no part of the unfinished line",
    faults: &[7, 8],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let count = target.crowd(200) - 1;
        let mut crowd = Member::members(target, count)?;
        let mut lost = Member::join(target, "lost")?;
        for client in &mut crowd {
            client.expect_line_with(b"* lost joined")?;
        }
        lost.send(b"in the middle of a li")?;
        lost.into_client().reset()?;
        for client in &mut crowd {
            client.expect_line(b"* lost lost the connection")?;
        }
        crowd[0].send_line(b"go on")?;
        for client in &mut crowd[1..] {
            client.expect_line(b"m0: go on")?;
        }
        Ok(())
    },
    ..Case::CHAT
};

/// The members whose names are compared with the unknown name.
const COMPARED: usize = 60;
/// How often a message is sent to an unknown name.
const TIMES: usize = 50;
/// An allowance for the work of the system, and for the tick that an ended process may add.
const SLACK: Duration = Duration::from_millis(200);

pub(super) const a_long_name_costs_no_more_than_a_short_one: Case = Case {
    about: "/msg with an unknown name of 4,000 bytes takes the server no more CPU time than ten with 20",
    requires: &[Requires::AtOnce(2), Requires::Process],
    run: |target| {
        let mut members = Vec::new();
        for number in 0..target.crowd(COMPARED) {
            members.push(Member::join(target, &format!("member{number}"))?);
        }
        let mut last = members.pop().ok_or_else(|| Failure::new("no member"))?;
        let short = cost(target, &mut last, 20)?;
        let long = cost(target, &mut last, 4_000)?;
        ensure!(
            long < 10 * short + SLACK,
            "{TIMES} short names took {short:?} of CPU time, {TIMES} long ones {long:?}"
        );
        Ok(())
    },
    ..Case::CHAT
};

/// The CPU time that the server takes to answer messages to a name of so many bytes.
fn cost(target: &mut Target<'_>, member: &mut Member, length: usize) -> Result<Duration, Failure> {
    let pid = target.pid()?;
    let before = usage(pid)?.cpu;
    for _ in 0..TIMES {
        member.send_line(format!("/msg {} hello", "x".repeat(length)).as_bytes())?;
        let answer = member.next()?;
        ensure!(
            answer.starts_with(b"* "),
            "got \"{}\"",
            answer.escape_ascii()
        );
    }
    Ok(usage(pid)?.cpu.saturating_sub(before))
}

/// The bytes of the flood of commands; each answer has more bytes than its command.
const FLOOD: usize = 64 << 20;
/// The lines that another member sends meanwhile.
const ASKED: usize = 21;
/// The pause before each of these lines.
const PAUSE: Duration = Duration::from_millis(5);
/// The median line may wait for at most so many bytes of answers. A read of 64 KiB has 13,000 commands.
const BOUND: u64 = 2_000 * ANSWER;
const ANSWER: u64 = "* in lobby: alice, bob, flood\r\n".len() as u64;

pub(super) const a_flood_of_commands_does_not_delay_others: Case = Case {
    about: "while a member sends /who without a pause, the lines of other members wait for few of its answers",
    requires: &[Requires::AtOnce(3)],
    // On a busy machine the member may read more slowly than it sends.
    options: &["--output-limit=256MiB", "--soft-limit=256MiB"],
    run: |target| {
        let (mut alice, mut bob) = Member::pair(target)?;
        let flood = Member::join(target, "flood")?.into_client();
        alice.expect_line(b"* flood joined")?;
        bob.expect_line(b"* flood joined")?;
        let answered = flood.read_beside()?;
        flood.send_beside(b"/who\n".repeat(FLOOD / 5))?;
        ensure!(eventually(|| Ok(answered() > 0))?, "/who has no answer");
        let mut half = 0;
        // On a busy machine, a line may also wait for this process: one attempt without such a wait is enough.
        let fair = eventually(|| {
            let mut waits = Vec::new();
            for _ in 0..ASKED {
                // Without a pause, all lines would arrive between two turns of the server.
                thread::sleep(PAUSE);
                let before = answered();
                alice.send_line(b"may I?")?;
                bob.expect_line(b"alice: may I?")?;
                waits.push(answered() - before);
            }
            waits.sort_unstable();
            half = waits[ASKED / 2];
            Ok::<_, Failure>(half < BOUND)
        })?;
        flood.end()?;
        ensure!(
            fair,
            "half of the lines waited for {half} bytes of answers to another member; the bound is {BOUND}"
        );
        Ok(())
    },
    ..Case::CHAT
};

/// The members that are connected at a time, how often each joins, and how many lines each sends.
const MEMBERS: usize = 20;
const ROUNDS: usize = 3;
const LINES: usize = 20;

pub(super) const all_members_receive_the_lines_in_one_order: Case = Case {
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

/// Joins, sends its lines in writes of random sizes, and leaves by `/quit` or a FIN, [`ROUNDS`] times.
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

/// All lines until `members` members have left.
fn transcript(client: &mut Member, members: usize) -> Result<Vec<String>, Failure> {
    let (mut lines, mut left) = (Vec::new(), 0);
    while left < members {
        let line = String::from_utf8_lossy(&client.next()?).into_owned();
        left += usize::from(line.starts_with("* ") && line.ends_with(" left"));
        lines.push(line);
    }
    Ok(lines)
}

pub(super) const a_member_that_leaves_gets_all_its_answers: Case = Case {
    about: "commands and the end in one write, by /quit or a FIN: all answers arrive, in their order, and \
            then the end",
    faults: &[6],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        for round in 0..10 {
            for quits in [true, false] {
                let mut alice = Member::connect(target)?;
                let last = if quits { "/quit\n" } else { "" };
                let text = format!("alice{round}{quits}\n/who\n/bad\n/rooms\n{last}");
                alice.send(text.as_bytes())?;
                alice.client().half_close()?;
                for part in [
                    "you are alice",
                    "in lobby:",
                    "unknown command /bad",
                    "rooms: lobby",
                ] {
                    alice.expect_line_with(part.as_bytes())?;
                }
                if quits {
                    alice.expect_line_with(b"* goodbye")?;
                }
                // The member of the last round may be announced late: its connection ends a moment before it leaves
                // the room.
                for line in alice.last_lines()? {
                    ensure!(
                        line.starts_with(b"* alice") && line.ends_with(b" left"),
                        "expected no other line, got {}",
                        line.escape_ascii()
                    );
                }
            }
        }
        Ok(())
    },
    ..Case::CHAT
};
