//! Deadlock: two who each hold what the other waits for; how it's found, ended, and avoided.

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
    people::{Deed, Does, Names, draw_in_order, draw_patiently},
};
use crate::{
    cast::{
        kernel::{once, own_pid, threads_of},
        not_run,
        table::table,
    },
    lesson::{Lesson, Part},
    stage::{Act, Exit, Seen, Stage},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "deadlock",
    part: Part::Together,
    en: include_str!("en.md"),
    zh: include_str!("zh.md"),
    files: &[
        ("mod.rs", include_str!("mod.rs")),
        ("desk.rs", include_str!("desk.rs")),
        ("people.rs", include_str!("people.rs")),
        ("knot.py", include_str!("knot.py")),
        ("patient.py", include_str!("patient.py")),
    ],
    examples: &[
        (
            "threads",
            "TID   Name     State\n4711  portlab  R\n4712  Ming     S\n4713  Hong     S",
        ),
        (
            "links",
            "Hong  ─waits for→  pen    ─held by→  Ming\nMing  ─waits for→  ruler  ─held by→  Hong",
        ),
        ("circle", "Hong → pen → Ming → ruler → Hong"),
        ("printed", "{'Ming': 1, 'Hong': 1}"),
        ("victim", "Hong"),
        ("other", "Ming"),
        ("rounds", "1000"),
        ("ordered", "12"),
        ("single", "8"),
        (
            "log",
            "Hong  takes      ruler\nMing  takes      pen\nMing  puts back  pen\n\
             Hong  takes      pen\nHong  draws\nMing  takes      pen\nMing  takes      ruler\n\
             Ming  draws",
        ),
        ("backs", "1"),
        ("patient", "Ming 1, Hong 2, Ming 2"),
    ],
    examples_zh: &[
        (
            "threads",
            "TID   Name     State\n4711  portlab  R\n4712  小明     S\n4713  小红     S",
        ),
        (
            "links",
            "小红  ─等→  笔    ─拿着它的是→  小明\n小明  ─等→  尺子  ─拿着它的是→  小红",
        ),
        ("circle", "小红 → 笔 → 小明 → 尺子 → 小红"),
        ("printed", "{'小明': 1, '小红': 1}"),
        ("victim", "小红"),
        ("other", "小明"),
        (
            "log",
            "小红  拿到    尺子\n小明  拿到    笔\n小明  放回    笔\n小红  拿到    笔\n\
             小红  画好了\n小明  拿到    笔\n小明  拿到    尺子\n小明  画好了",
        ),
        ("patient", "小明 1, 小红 2, 小明 2"),
    ],
    play,
};

fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let names = Names::in_(stage.lang());
    let desk = Arc::new(Desk::default());
    let [ming, hong] = knot(stage, names, &desk)?;
    victim(stage, names, &desk, ming, hong)?;
    order(stage, names)?;
    patience(stage, names)
}

/// Somebody's attempt to draw.
type Attempt = JoinHandle<Result<(), GaveUp>>;

/// Each takes a thing, and then waits for the other's.
fn knot(stage: &mut Stage<'_>, names: &Names, desk: &Arc<Desk>) -> Result<[Attempt; 2], Exit> {
    let mut act = stage.step("knot")?;
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
        let asleep = all
            .iter()
            .filter(|it| [ming, hong].contains(&&*it.name) && it.state == 'S');
        asleep.count() == 2
    };
    let wait = once(|| desk.circle().len() == 2 && are_asleep());
    let circle = desk.circle();
    act.set("threads", threads_of(own)?);
    act.set("links", drawn(&circle, names));
    act.set("circle", in_a_line(&circle));
    act.seen("asleep", wait && are_asleep());
    act.seen("circle", circle.len() == 2);
    python_waits(&mut act, names)?;
    act.end()?;
    Ok(attempts)
}

/// The same in Python: it says what each has, and then nothing more.
fn python_waits(act: &mut Act<'_, '_>, names: &Names) -> Result<(), Exit> {
    let student = act.stage().student("knot.py", &[names.ming, names.hong])?;
    let Some(student) = student else {
        let not_run = not_run(act.stage().lang());
        act.set("printed", not_run);
        act.seen("python", Seen::NotHere);
        return Ok(());
    };
    let printed = student.line().unwrap_or_default();
    let have_one = [names.ming, names.hong]
        .iter()
        .all(|it| printed.contains(&format!("'{it}': 1")));
    let are_asleep = || {
        let all = threads(student.pid()).unwrap_or_default();
        all.len() == 3 && all.iter().all(|it| it.state == 'S')
    };
    let wait = once(are_asleep);
    let more = student.line_within(Duration::from_millis(200));
    let is_silent = more == Err(mpsc::RecvTimeoutError::Timeout);
    act.seen("python", have_one && wait && is_silent && are_asleep());
    act.set("printed", printed);
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
    let mut act = stage.step("victim")?;
    desk.ask_to_give_up(names.hong);
    let have_ended = once(|| ming.is_finished() && hong.is_finished());
    act.seen(
        "refused",
        have_ended && matches!(hong.join(), Ok(Err(GaveUp))),
    );
    act.seen("goes_on", have_ended && matches!(ming.join(), Ok(Ok(()))));
    act.seen("open", desk.circle().is_empty());
    act.end()
}

/// Both take the pen first; then both take the case in which pen and ruler are.
fn order(stage: &mut Stage<'_>, names: &'static Names) -> Result<(), Exit> {
    stage.set("rounds", ROUNDS);
    let mut act = stage.step("order")?;
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
        act.set(claim, since.elapsed().as_millis());
        let all_went_well = have_ended
            && attempts
                .map(JoinHandle::join)
                .iter()
                .all(|it| matches!(it, Ok(true)));
        act.seen(claim, all_went_well);
    }
    act.end()
}

/// Whoever has waited too long puts back what it has, and tries again.
fn patience(stage: &mut Stage<'_>, names: &'static Names) -> Result<(), Exit> {
    let mut act = stage.step("patience")?;
    let desk = Arc::new(Desk::default());
    let both_have_one = Arc::new(Barrier::new(2));
    let (log, deeds) = mpsc::channel();
    let attempts = [
        (names.ming, [names.pen, names.ruler], 20),
        (names.hong, [names.ruler, names.pen], 500),
    ];
    for (who, things, ms) in attempts {
        let (desk, both_have_one, log) = (desk.clone(), both_have_one.clone(), log.clone());
        let patience = Duration::from_millis(ms);
        thread::spawn(move || draw_patiently(&desk, who, things, patience, &both_have_one, &log));
    }
    // The log ends when both have, or else when that has taken too long.
    drop(log);
    let until = Instant::now() + Duration::from_secs(10);
    let next = || deeds.recv_timeout(until.saturating_duration_since(Instant::now()));
    let deeds: Vec<Deed> = std::iter::from_fn(|| next().ok()).collect();
    let count = |does: Does| deeds.iter().filter(|it| it.does == does).count();
    let mut rows: Vec<_> = deeds.iter().map(|deed| names.told(*deed)).collect();
    if rows.len() > FEW {
        rows.truncate(FEW);
        rows.push(["…", "", ""].map(str::to_owned));
    }
    act.set("log", table(&rows));
    act.set("backs", count(Does::PutsBack));
    act.seen("back", count(Does::PutsBack) > 0);
    act.seen("draws", count(Does::Draws) == 2);
    let arguments = [names.ming, names.hong];
    let student = act.stage().student("patient.py", &arguments)?;
    let printed = student.map(|it| it.rest());
    let draws = |printed: &Vec<String>| printed.iter().filter(|it| it.ends_with('2')).count();
    act.seen("python", printed.as_ref().map(|it| draws(it) == 2));
    let printed = printed.map(|it| it.join(", "));
    let not_run = not_run(act.stage().lang());
    act.set("patient", printed.as_deref().unwrap_or(not_run));
    act.end()
}

/// A circle, a line for each who waits.
fn drawn(circle: &[Link], names: &Names) -> String {
    let [waits_for, held_by] = [names.waits_for, names.held_by].map(|it| format!("─{it}→"));
    let rows = circle
        .iter()
        .map(|it| [it.who, &waits_for, it.what, &held_by, it.holder].map(str::to_owned));
    table(&rows.collect::<Vec<_>>())
}

/// A circle, from somebody back to the same.
fn in_a_line(circle: &[Link]) -> String {
    let first = circle.first().map_or("", |it| it.who);
    let rest = circle
        .iter()
        .map(|it| format!(" → {} → {}", it.what, it.holder));
    first.to_owned() + &rest.collect::<String>()
}

/// How often each draws where nobody gets stuck.
const ROUNDS: u32 = 1000;

/// Lines of a log that can be read at once.
const FEW: usize = 14;
