//! Which servers' slowest messages wait many times as long as the usual.
//!
//! The p99 divided by the p50, round by round, under the highest load. Said if the whole interval is above 3, and at least
//! twice the steadiest model's. Withheld if the generator was the limit, and for quantiles of too few latencies.

use portlab_stats::{estimate::Estimate, measure::Measure, record::Cell};
use portlab_words::tr;

use super::Said;
use crate::notes::{
    figures::{range, times},
    places::connections,
    sentence::{count, figure},
    view::View,
};

/// A p99 of this many times the p50 is a long tail.
const LONG: f64 = 3.0;

/// And this many times as long as the steadiest model's.
const LONGER: f64 = 2.0;

pub(super) fn tail(view: &View) -> Option<Said> {
    let (lang, at) = (view.lang, view.groups.len().checked_sub(1)?);
    if !view.groups[at].ranks(Measure::LatencyP99) {
        return None;
    }
    let ranked = view.ranked(at).into_iter();
    let mut tails: Vec<(&Cell, Estimate)> =
        ranked.filter_map(|cell| Some((cell, of(cell)?))).collect();
    tails.sort_by(|(_, a), (_, b)| a.median.total_cmp(&b.median));
    let (steady, short) = tails.first().copied()?;
    tails.retain(|(_, tail)| tail.low >= LONG && tail.low >= LONGER * short.high);
    let (cells, long): (Vec<&Cell>, Vec<f64>) = tails
        .iter()
        .map(|(cell, tail)| (*cell, tail.median))
        .unzip();
    let workers = cells.first()?.workers;
    let (names, steady) = (view.names(&cells), view.names(&[steady]));
    let mut p99 = view.figures(&cells, Measure::LatencyP99);
    // If these servers have equally many workers, fewer than connections, messages wait in a queue: the sentence says so.
    let most = view.groups[at].point.connections;
    if workers > 1 && workers < most && cells.iter().all(|it| it.workers == workers) {
        let (workers, connections) = (count(workers), connections(view, most));
        p99 = tr!(
            lang,
            "{p99}; {workers} workers for {connections}",
            "{p99}；{connections}，{workers}个工作者"
        );
    }
    let long = range(lang, long, |ratio| times(lang, ratio));
    let short = figure(times(lang, short.median));
    let told = tr!(
        lang,
        "the p99 is {long} the p50 with {names} ({p99}), and {short} with {steady}.",
        "{names}的 p99 是 p50 的{long}（{p99}），{steady}是{short}。"
    );
    Some(Said::of(view, at..=at, told))
}

/// The p99 of a cell divided by its p50, round by round.
fn of(cell: &Cell) -> Option<Estimate> {
    let ratios = cell.rounds.iter().map(|round| {
        let p50 = Measure::LatencyP50.of(cell, round)?;
        let p99 = Measure::LatencyP99.of(cell, round)?;
        (p50 > 0.0).then_some(p99 / p50)
    });
    let ratios: Option<Vec<f64>> = ratios.collect();
    Estimate::of(ratios?)
}
