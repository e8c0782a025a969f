//! What it costs to make a process or a thread for each connection, in a workload of short
//! connections.
//!
//! A model that makes one for each connection is compared with the model of its family that makes them in advance: the
//! difference is the cost of making. Said if its whole interval is above 0, and the ratio differs.

use portlab_stats::{
    analysis::differs,
    estimate::Estimate,
    measure::Measure,
    record::{Cell, Counts, Serves},
};
use portlab_words::{tr, units::nanos};

use super::Said;
use crate::notes::{
    sentence::figure,
    view::{Carrier, View, ratio},
};

pub(super) fn made(view: &View) -> Vec<Said> {
    if view.workload.counts != Counts::Connections {
        return Vec::new();
    }
    let points = || (0..view.groups.len()).rev();
    let said = [Carrier::Process, Carrier::Thread].into_iter();
    said.filter_map(|carrier| points().find_map(|at| told(view, at, carrier)))
        .collect()
}

/// What it costs to make a `carrier` for each connection, at the point `at`.
fn told(view: &View, at: usize, carrier: Carrier) -> Option<Said> {
    let (lang, measure) = (view.lang, Measure::CpuPerMessage);
    let ranked = view.ranked(at);
    let maker = *ranked.iter().find(|it| view.carrier(it) == Some(carrier))?;
    let kin = *ranked.iter().find(|it| is_kin(view, maker, it))?;
    let ratio = ratio(maker, kin, measure)?;
    if ratio.median < 1.0 || !differs(ratio, view.groups[at].floor(measure)) {
        return None;
    }
    let more = difference(maker, kin).filter(|more| more.low > 0.0)?;
    let (more, what) = (figure(nanos(more.median)), view.title(measure));
    let [own, its] = [maker, kin].map(|cell| view.figures(&[cell], measure));
    let [maker, kin] = [maker, kin].map(|cell| view.names(&[cell]));
    let told = match carrier {
        Carrier::Process => tr!(
            lang,
            "making a process for each connection costs about {more}: {own} {what} with {maker}, {its} with {kin}, which makes them in advance.",
            "为每个连接创建一个进程，代价大约是{more}：{maker}{what}是{own}，提前创建进程的{kin}是{its}。"
        ),
        Carrier::Thread => tr!(
            lang,
            "making a thread for each connection costs about {more}: {own} {what} with {maker}, {its} with {kin}, which makes them in advance.",
            "为每个连接创建一个线程，代价大约是{more}：{maker}{what}是{own}，提前创建线程的{kin}是{its}。"
        ),
    };
    Some(Said::of(view, at..=at, told))
}

/// Whether `kin` is of the same family as `maker`, and makes its workers in advance, by their sheets.
fn is_kin(view: &View, maker: &Cell, kin: &Cell) -> bool {
    let facts = view.facts(maker).zip(view.facts(kin));
    facts.is_some_and(|(maker, kin)| {
        maker.family == kin.family && kin.serves == Some(Serves::Workers)
    })
}

/// How much more CPU `maker` takes, round by round.
fn difference(maker: &Cell, kin: &Cell) -> Option<Estimate> {
    let measure = Measure::CpuPerMessage;
    let pairs = maker.rounds.iter().filter_map(|round| {
        let same = kin.rounds.iter().find(|it| it.round == round.round)?;
        Some(measure.of(maker, round)? - measure.of(kin, same)?)
    });
    Estimate::of(pairs)
}
