//! A command that may cost a server much CPU time.

use std::time::Duration;

use portlab_sys::meter::usage;

use crate::{Case, Failure, Requires, Target, failure::ensure, member::Member};

/// How many members there are to compare a name with.
const MEMBERS: usize = 60;
/// How often a message is sent to an unknown name.
const TIMES: usize = 50;
/// An allowance for the work of the system, and for the tick that a process that ended may count.
const SLACK: Duration = Duration::from_millis(200);

pub(super) const CASE: Case = Case {
    about: "/msg with an unknown name of 4,000 bytes takes the server no more CPU time than ten with 20",
    requires: &[Requires::AtOnce(2), Requires::Process],
    run: |target| {
        let mut members = Vec::new();
        for number in 0..target.crowd(MEMBERS) {
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
