//! How the ranked measure changes from the first point of a workload to the last, for the best and
//! for the worst at the last.
//!
//! Said of a model that was measured without errors at both points, and whose figures differ there as those of two models
//! must. Withheld if the ranked measure isn't ranked at one of the two points.

use portlab_stats::{
    analysis::{Group, differs},
    measure::Measure,
    record::Cell,
};
use portlab_words::tr;

use super::Said;
use crate::notes::{
    places::point,
    sentence::series,
    view::{View, ratio},
};

/// A change by less than this factor isn't told.
const LEAST: f64 = 1.1;

pub(super) fn sweep(view: &View) -> Option<Said> {
    let last = view.groups.len().checked_sub(1).filter(|last| *last > 0)?;
    // The finding `crowd` tells it of every model.
    if view.workload.active_connections.is_some() {
        return None;
    }
    let measure = view.measure();
    if ![0, last].iter().all(|&at| view.groups[at].ranks(measure)) {
        return None;
    }
    let known = |cell: &&Cell| first_of(view, cell).is_some();
    let best = view.best(last).into_iter().find(known);
    let mut others = view.others(last).into_iter().rev().map(|(cell, _)| cell);
    let worst = others.find(known);
    let told: Vec<String> = [best, worst]
        .into_iter()
        .flatten()
        .filter_map(|cell| told(view, cell))
        .collect();
    if told.is_empty() {
        return None;
    }
    let [first, last] = [0, last].map(|at| point(view, view.groups[at].point));
    let (what, told) = (view.title(measure), series(view.lang, told));
    Some(Said {
        place: String::new(),
        claims: Vec::new(),
        told: tr!(
            view.lang,
            "between {first} and {last}, {what} changes: {told}.",
            "从{first}到{last}，{what}的变化：{told}。"
        ),
    })
}

/// The cell of the same model at the first point, if it is ranked and has a figure.
fn first_of<'a>(view: &View<'a>, cell: &Cell) -> Option<&'a Cell> {
    let own = view.ranked(0).into_iter();
    let mut own = own.filter(|it| it.figure(view.measure()).is_some());
    own.find(|it| it.model == cell.model)
}

/// How the figure of one model changes, and its context switches if they change in the same direction.
fn told(view: &View, cell: &Cell) -> Option<String> {
    let (lang, measure) = (view.lang, view.measure());
    let first = first_of(view, cell)?;
    // The resolution depends on the number of connections.
    if first.is_below(measure) || cell.is_below(measure) {
        return None;
    }
    let change = change(view, first, cell, measure)?;
    let name = view.names(&[cell]);
    let [from, to] = [first, cell].map(|cell| view.figures(&[cell], measure));
    let told = match change {
        Change::Falls => tr!(
            lang,
            "with {name} it falls from {from} to {to}",
            "{name}从{from}降到{to}"
        ),
        Change::Grows => tr!(
            lang,
            "with {name} it grows from {from} to {to}",
            "{name}从{from}升到{to}"
        ),
    };
    let switches = Measure::SwitchesPerMessage;
    if measure != Measure::CpuPerMessage
        || self::change(view, first, cell, switches) != Some(change)
    {
        return Some(told);
    }
    // The sentence doesn't say that one causes the other.
    let [from, to] = [first, cell].map(|cell| view.figures(&[cell], switches));
    Some(match change {
        Change::Falls => tr!(
            lang,
            "{told}, and context switches fall from {from} to {to}",
            "{told}，同时上下文切换从{from}次降到{to}次"
        ),
        Change::Grows => tr!(
            lang,
            "{told}, and context switches grow from {from} to {to}",
            "{told}，同时上下文切换从{from}次升到{to}次"
        ),
    })
}

/// The direction of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Falls,
    Grows,
}

/// How `measure` changes from one cell to another; `None` where they don't differ.
fn change(view: &View, first: &Cell, last: &Cell, measure: Measure) -> Option<Change> {
    let ratio = ratio(last, first, measure)?;
    let groups = [view.groups.first()?, view.groups.last()?];
    let tells = |group: &&Group| differs(ratio, group.floor(measure));
    if !groups.iter().all(tells) || ratio.median.max(1.0 / ratio.median) < LEAST {
        return None;
    }
    Some(match ratio.median < 1.0 {
        true => Change::Falls,
        false => Change::Grows,
    })
}
