//! Deadlock: two threads, each of which holds what the other waits for; and how to find, end and avoid this.

mod desk;
mod people;

use std::{
    sync::{Arc, Barrier, mpsc},
    thread::{self, Builder, JoinHandle},
    time::{Duration, Instant},
};

use portlab_sys::threads::threads;

use self::{
    desk::{Desk, GaveUp, Link, Name},
    people::{Action, Entry, Names, draw_in_order, draw_patiently},
};
use portlab_words::table::columns;

use crate::{
    cast::kernel::{once, own_pid, threads_of},
    stage::{Exit, LessonStep, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let names = &Names::in_(stage.lang());
    let desk = Arc::new(Desk::default());
    let [ming, hong] = knot(stage, names, &desk)?;
    victim(stage, names, &desk, ming, hong)?;
    order(stage, names)?;
    patience(stage, names)
}

/// A thread's attempt to draw.
type Attempt = JoinHandle<Result<(), GaveUp>>;

/// Each takes a thing, and then waits for the other's.
fn knot(stage: &mut Stage<'_>, names: &Names, desk: &Arc<Desk>) -> Result<[Attempt; 2], Exit> {
    let mut step = stage.step("knot")?;
    let [ming, hong] = [names.ming, names.hong];
    let both_have_one = Arc::new(Barrier::new(2));
    let attempt = |who: Name, [first, second]: [Name; 2]| {
        let (desk, both_have_one) = (Arc::clone(desk), Arc::clone(&both_have_one));
        let attempt = move || {
            let _one = desk.take(who, first)?;
            both_have_one.wait();
            let _other = desk.take(who, second)?;
            Ok(())
        };
        Builder::new().name(who.to_owned()).spawn(attempt)
    };
    let attempts = [
        attempt(ming, [names.pen, names.ruler])?,
        attempt(hong, [names.ruler, names.pen])?,
    ];
    let own = own_pid();
    let are_asleep = || {
        let all = threads(own).unwrap_or_default();
        let asleep = all.iter().filter(|it| it.state == 'S');
        asleep
            .filter(|it| [ming, hong].contains(&&*it.name))
            .count()
            == 2
    };
    let wait = once(|| desk.circle().len() == 2 && are_asleep());
    let circle = desk.circle();
    step.set("threads", threads_of(own)?);
    step.set("links", drawn(&circle, names));
    step.set("circle", in_a_line(&circle));
    step.seen("asleep", wait && are_asleep());
    step.seen("circle", circle.len() == 2);
    python_waits(&mut step, names)?;
    step.end()?;
    Ok(attempts)
}

/// The same in Python: the program prints what each thread holds, and then prints no more.
fn python_waits(step: &mut LessonStep<'_, '_>, names: &Names) -> Result<(), Exit> {
    let student = step.student("knot.py", &[names.ming, names.hong])?;
    let Some(student) = student else {
        step.printed("python", "printed", None, |_| true);
        return Ok(());
    };
    let printed = student.line().unwrap_or_default();
    let has_one = |who: Name| printed.contains(&format!("'{who}': 1"));
    let have_one = has_one(names.ming) && has_one(names.hong);
    let are_asleep = || {
        let all = threads(student.pid()).unwrap_or_default();
        all.len() == 3 && all.iter().all(|it| it.state == 'S')
    };
    let wait = once(are_asleep);
    let more = student.line_within(Duration::from_millis(200));
    let is_silent = more == Err(mpsc::RecvTimeoutError::Timeout);
    let is_stuck = have_one && wait && is_silent && are_asleep();
    step.printed("python", "printed", Some(printed), |_| is_stuck);
    Ok(())
}

/// One is asked to give up, and the other goes on.
fn victim(
    stage: &mut Stage<'_>,
    names: &Names,
    desk: &Desk,
    ming: Attempt,
    hong: Attempt,
) -> Result<(), Exit> {
    stage.set("victim", names.hong);
    stage.set("other", names.ming);
    let mut step = stage.step("victim")?;
    desk.ask_to_give_up(names.hong);
    let have_ended = once(|| ming.is_finished() && hong.is_finished());
    let is_refused = have_ended && matches!(hong.join(), Ok(Err(GaveUp)));
    step.seen("refused", is_refused);
    step.seen("goes_on", have_ended && matches!(ming.join(), Ok(Ok(()))));
    step.seen("open", desk.circle().is_empty());
    step.end()
}

/// Both take the pen first; then both take the case in which pen and ruler are.
fn order(stage: &mut Stage<'_>, names: &Names) -> Result<(), Exit> {
    stage.set("rounds", ROUNDS);
    let mut step = stage.step("order")?;
    for (claim, things) in [
        ("ordered", &[names.pen, names.ruler][..]),
        ("single", &[names.case]),
    ] {
        let desk = Arc::new(Desk::default());
        let since = Instant::now();
        let attempts = [names.ming, names.hong].map(|who| {
            let desk = Arc::clone(&desk);
            let things = things.to_vec();
            thread::spawn(move || (0..ROUNDS).all(|_| draw_in_order(&desk, who, &things).is_ok()))
        });
        let have_ended = once(|| attempts.iter().all(JoinHandle::is_finished));
        step.set(claim, since.elapsed().as_millis());
        let went_well = |it: JoinHandle<bool>| matches!(it.join(), Ok(true));
        step.seen(claim, have_ended && attempts.map(went_well) == [true; 2]);
    }
    step.end()
}

/// A thread that has waited too long puts back what it has, and tries again.
fn patience(stage: &mut Stage<'_>, names: &Names) -> Result<(), Exit> {
    let mut step = stage.step("patience")?;
    let desk = Arc::new(Desk::default());
    let both_have_one = Arc::new(Barrier::new(2));
    let (log, entries) = mpsc::channel();
    let attempts = [
        (names.ming, [names.pen, names.ruler], 20),
        (names.hong, [names.ruler, names.pen], 500),
    ];
    for (who, things, ms) in attempts {
        let (desk, both_have_one, log) = (desk.clone(), both_have_one.clone(), log.clone());
        let patience = Duration::from_millis(ms);
        thread::spawn(move || draw_patiently(&desk, who, things, patience, &both_have_one, &log));
    }
    // The log ends when both threads have ended, or after the time limit.
    drop(log);
    let until = Instant::now() + Duration::from_secs(10);
    let next = || entries.recv_timeout(until.saturating_duration_since(Instant::now()));
    let entries: Vec<Entry> = std::iter::from_fn(|| next().ok()).collect();
    let count = |action: Action| entries.iter().filter(|it| it.action == action).count();
    let mut rows: Vec<_> = entries.iter().map(|entry| names.in_words(*entry)).collect();
    if rows.len() > FEW {
        rows.truncate(FEW);
        rows.push(["…", "", ""].map(str::to_owned));
    }
    step.set("log", columns(&rows, 2));
    step.set("backs", count(Action::PutsBack));
    step.seen("back", count(Action::PutsBack) > 0);
    step.seen("draws", count(Action::Draws) == 2);
    let arguments = [names.ming, names.hong];
    let student = step.student("patient.py", &arguments)?;
    let printed = student.map(|it| it.rest().join(", "));
    step.printed("python", "patient", printed, |printed| {
        printed.split(", ").filter(|it| it.ends_with('2')).count() == 2
    });
    step.end()
}

/// A circular wait, a line for each waiting thread.
fn drawn(circle: &[Link], names: &Names) -> String {
    let [waits_for, held_by] = [names.waits_for, names.held_by].map(|it| format!("─{it}→"));
    let row = |it: &Link| [it.who, &waits_for, it.what, &held_by, it.holder].map(str::to_owned);
    columns(&circle.iter().map(row).collect::<Vec<_>>(), 2)
}

/// A circular wait in one line, from a thread back to the same thread.
fn in_a_line(circle: &[Link]) -> String {
    let first = circle.first().map_or("", |it| it.who);
    let link = |it: &Link| format!(" → {} → {}", it.what, it.holder);
    first.to_owned() + &circle.iter().map(link).collect::<String>()
}

/// How often each draws in the steps without a deadlock.
const ROUNDS: u32 = 1000;

/// The most lines of a log that are shown.
const FEW: usize = 14;
