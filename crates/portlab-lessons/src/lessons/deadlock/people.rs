//! What the persons at the desk do, and all names in both languages.

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

/// Takes one thing, and waits for the other for as long as its patience lasts. Then it puts the first
/// one back for a while, and begins again.
pub(super) fn draw_patiently(
    desk: &Desk,
    who: Name,
    [first, second]: [Name; 2],
    patience: Duration,
    both_have_one: &Barrier,
    log: &Sender<Deed>,
) -> Result<(), GaveUp> {
    let note = |does, what| {
        // The receiver is gone when the lesson was left.
        let _ = log.send(Deed { who, does, what });
    };
    let mut one = desk.take(who, first)?;
    note(Does::Takes, first);
    both_have_one.wait();
    let _other = loop {
        match desk.take_within(patience, who, second) {
            Ok(other) => break other,
            Err(GaveUp) => note(Does::PutsBack, first),
        }
        drop(one);
        thread::sleep(patience);
        one = desk.take(who, first)?;
        note(Does::Takes, first);
    };
    note(Does::Takes, second);
    note(Does::Draws, "");
    Ok(())
}

/// What a person did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed {
    pub(super) who: Name,
    pub(super) does: Does,
    pub(super) what: Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    Takes,
    PutsBack,
    Draws,
}

/// What everything is called.
pub(super) struct Names {
    pub(super) ming: Name,
    pub(super) hong: Name,
    pub(super) pen: Name,
    pub(super) ruler: Name,
    /// The case that pen and ruler lie in.
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

    /// A deed in words.
    pub(super) fn told(&self, deed: Deed) -> [String; 3] {
        let does = match deed.does {
            Does::Takes => self.takes,
            Does::PutsBack => self.puts_back,
            Does::Draws => self.draws,
        };
        [deed.who, does, deed.what].map(str::to_owned)
    }
}
