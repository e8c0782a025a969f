//! The actions of the persons at the desk, and all names in both languages.

use std::{
    sync::{Barrier, mpsc::Sender},
    thread,
    time::Duration,
};

use portlab_words::Lang;

use super::desk::{Desk, GaveUp, Name};

/// Takes one thing after the other, in the order of `things`.
pub(super) fn draw_in_order(desk: &Desk, who: Name, things: &[Name]) -> Result<(), GaveUp> {
    let held: Result<Vec<_>, GaveUp> = things.iter().map(|thing| desk.take(who, thing)).collect();
    held.map(drop)
}

/// Takes one thing, and waits for the other for `patience` at most. When this time is over, it puts the first thing back,
/// pauses, and tries again.
pub(super) fn draw_patiently(
    desk: &Desk,
    who: Name,
    [first, second]: [Name; 2],
    patience: Duration,
    both_have_one: &Barrier,
    log: &Sender<Entry>,
) -> Result<(), GaveUp> {
    let note = |action, what| {
        // Fails when the user has quit the lesson, which drops the receiver.
        let _ = log.send(Entry { who, action, what });
    };
    let mut one = desk.take(who, first)?;
    note(Action::Takes, first);
    both_have_one.wait();
    let _other = loop {
        match desk.take_within(patience, who, second) {
            Ok(other) => break other,
            Err(GaveUp) => note(Action::PutsBack, first),
        }
        drop(one);
        thread::sleep(patience);
        one = desk.take(who, first)?;
        note(Action::Takes, first);
    };
    note(Action::Takes, second);
    note(Action::Draws, "");
    Ok(())
}

/// A line of the log: the action of a person.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) who: Name,
    pub(super) action: Action,
    pub(super) what: Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Takes,
    PutsBack,
    Draws,
}

/// The names of the persons, the things and the actions.
pub(super) struct Names {
    pub(super) ming: Name,
    pub(super) hong: Name,
    pub(super) pen: Name,
    pub(super) ruler: Name,
    /// The case for pen and ruler.
    pub(super) case: Name,
    pub(super) waits_for: Name,
    pub(super) held_by: Name,
    takes: Name,
    puts_back: Name,
    draws: Name,
}

impl Names {
    pub(super) fn in_(lang: Lang) -> Self {
        let [ming, hong] = lang.pick(["Ming", "Hong"], ["小明", "小红"]);
        let [pen, ruler, case] =
            lang.pick(["pen", "ruler", "pencil case"], ["笔", "尺子", "文具盒"]);
        let [waits_for, held_by] = lang.pick(["waits for", "held by"], ["等", "持有者是"]);
        let [takes, puts_back, draws] =
            lang.pick(["takes", "puts back", "draws"], ["拿到", "放回", "画好了"]);
        Self {
            ming,
            hong,
            pen,
            ruler,
            case,
            waits_for,
            held_by,
            takes,
            puts_back,
            draws,
        }
    }

    /// A line of the log in words.
    pub(super) fn in_words(&self, entry: Entry) -> [String; 3] {
        let action = match entry.action {
            Action::Takes => self.takes,
            Action::PutsBack => self.puts_back,
            Action::Draws => self.draws,
        };
        [entry.who, action, entry.what].map(str::to_owned)
    }
}
