//! What idle connections add to the cost of a message: of each model, from the fewest idle connections to the most.
//!
//! Said where some connections are active and only the number of idle ones varies. A model's cost **grows** if the whole
//! interval of the ratio, round by round, is above 1.5, and it **stays** if the whole interval is below. Nothing is said of
//! a model whose interval contains 1.5, and nothing at all if CPU isn't ranked at one of the two points.

use portlab_stats::{estimate::Estimate, measure::Measure, record::Cell};
use portlab_words::tr;

use super::Said;
use crate::notes::{
    figures::times,
    places::{Dimension, connections, varies_in},
    sentence::{count, figure, series},
    view::{View, ratio},
};

/// A cost that grows by less stays: with more connections, caches of the processor hold a smaller part of them.
const STAYS: f64 = 1.5;

/// The most models that are told with their figures.
const MOST: usize = 4;

pub(super) fn crowd(view: &View) -> Option<Said> {
    let (lang, measure) = (view.lang, Measure::CpuPerMessage);
    let last = view.groups.len().checked_sub(1)?;
    let varies = varies_in(view.groups.iter().map(|group| group.point));
    view.workload.active_connections?;
    let is_ranked = |at: &usize| view.groups[*at].ranks(measure);
    if varies != [Dimension::Connections] || ![0, last].iter().all(is_ranked) {
        return None;
    }
    let few = view.ranked(0);
    let mut grown: Vec<(&Cell, &Cell, Estimate)> = Vec::new();
    let mut stayed: Vec<&Cell> = Vec::new();
    for cell in view.ranked(last) {
        let first = few.iter().find(|it| it.model == cell.model);
        let Some((first, ratio)) = first.and_then(|it| Some((it, ratio(cell, it, measure)?)))
        else {
            continue;
        };
        match (ratio.low > STAYS, ratio.high < STAYS) {
            (true, _) => grown.push((first, cell, ratio)),
            (_, true) => stayed.push(cell),
            _ => {}
        }
    }
    grown.sort_by(|(.., a), (.., b)| b.median.total_cmp(&a.median));
    let told = grown.iter().take(MOST).map(|(first, cell, ratio)| {
        let (name, factor) = (view.names(&[cell]), figure(times(lang, ratio.median)));
        let [from, to] = [first, cell].map(|it| view.figures(&[it], measure));
        tr!(
            lang,
            "with {name} it is {factor} as much ({from}, then {to})",
            "{name}变成{factor}（从{from}到{to}）"
        )
    });
    let mut told: Vec<String> = told.collect();
    if !stayed.is_empty() {
        let names = view.names(&stayed);
        told.push(tr!(
            lang,
            "with {names} it grows by less than half",
            "{names}增加不到一半"
        ));
    }
    if told.is_empty() {
        return None;
    }
    let [first, last] = [0, last].map(|at| view.groups[at].point.connections);
    let (first, last) = (count(first), connections(view, last));
    let (what, told) = (view.title(measure), series(lang, told));
    Some(Said {
        place: String::new(),
        claims: Vec::new(),
        told: tr!(
            lang,
            "from {first} to {last}, {what} changes: {told}.",
            "从{first}个到{last}，{what}的变化：{told}。"
        ),
    })
}
