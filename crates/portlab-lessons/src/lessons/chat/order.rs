//! One order for all members: by a lock, or by one thread.

use std::{io, thread};

use portlab_lab::Server;
use portlab_sys::threads::threads;

use super::member::Member;
use crate::stage::{Exit, Stage};

/// The lines of each of the two members that talk.
const LINES: usize = 100;

/// `on_a_loop` is the server of the steps before.
pub(super) fn threads_and_a_loop(stage: &mut Stage<'_>, on_a_loop: &Server) -> Result<(), Exit> {
    stage.set("said", 2 * LINES);
    let mut step = stage.step("order")?;
    let server = step.server(&["--service", "chat", "--model", "threads"])?;
    let join = |name| Member::join(server.addr(), name, "utf-8");
    let mut listeners = [join("hong")?, join("wang")?];
    let talkers = [join("ming")?, join("li")?]
        .map(|mut talker| thread::spawn(move || talk(&mut talker).map(|()| talker)));
    let [hong, wang] = listeners.each_mut().map(listen);
    let (hong, wang) = (hong?, wang?);
    step.seen("same", hong == wang);
    let own = |name: &str| {
        hong.iter()
            .filter(|line| line.starts_with(name))
            .cloned()
            .collect::<Vec<_>>()
    };
    let in_order = |name: &str| {
        let said = (1..=LINES).map(|number| format!("{name}: {number}"));
        own(name) == said.collect::<Vec<_>>()
    };
    step.seen("own", in_order("ming") && in_order("li"));
    step.set("order", lines_around_the_first_change(&hong));

    let many = threads(server.pid())?.len();
    let few = threads(on_a_loop.pid())?.len();
    step.set("count", many);
    step.set("loop_count", few);
    step.seen("many", many > 4);
    step.seen("few", few == 1);
    for talker in talkers {
        drop(talker.join());
    }
    step.end()
}

fn talk(talker: &mut Member) -> io::Result<()> {
    (1..=LINES).try_for_each(|number| talker.say(&number.to_string()))
}

/// The lines of both members that send, in the order in which they come.
fn listen(listener: &mut Member) -> io::Result<Vec<String>> {
    let mut heard = Vec::new();
    while heard.len() < 2 * LINES {
        let line = listener.hear()?;
        if !line.starts_with("* ") {
            heard.push(line);
        }
    }
    Ok(heard)
}

/// Some lines around the first change from one sender to the other.
fn lines_around_the_first_change(heard: &[String]) -> String {
    let speaker = |line: &String| line.split(':').next().map(str::to_owned);
    let change = heard
        .windows(2)
        .position(|two| speaker(&two[0]) != speaker(&two[1]));
    let first = change.unwrap_or(0).saturating_sub(2);
    let some = heard.iter().skip(first).take(6);
    some.map(|line| line.replace(':', ""))
        .collect::<Vec<_>>()
        .join(", ")
}
