//! How a server shares its work if one connection has many messages in flight and the others have one: how many times as
//! many answers as another connection the heavy one gets.
//!
//! If the server takes a turn for each connection, that is about one; if it answers all messages that have come before it
//! turns to the next connection, as many as the heavy one has in flight. The ratio is taken round by round. Withheld if the
//! generator was the limit, and for a model with fewer than two rounds.

use portlab_stats::{estimate::Estimate, measure::Measure, record::Cell};
use portlab_words::tr;

use super::Said;
use crate::notes::{
    figures::{range, times},
    sentence::{count, series},
    view::View,
};

/// Models whose shares are within this factor of each other are told together.
const ALIKE: f64 = 1.5;

/// The most groups in the sentence: those between the first and the last aren't told.
const MOST: usize = 4;

pub(super) fn skew(view: &View) -> Option<Said> {
    let (lang, heavy) = (view.lang, view.workload.heavy_depth?);
    let at = view.groups.len().checked_sub(1)?;
    if view.groups[at].generator_was_the_limit() {
        return None;
    }
    let ranked = view.ranked(at).into_iter();
    let mut shares: Vec<(&Cell, Estimate)> = ranked
        .filter_map(|cell| Some((cell, share(cell)?)))
        .collect();
    shares.sort_by(|(_, a), (_, b)| a.median.total_cmp(&b.median));
    let is_alike =
        |(_, a): &(&Cell, Estimate), (_, b): &(&Cell, Estimate)| b.median < a.median * ALIKE;
    let mut groups: Vec<_> = shares.chunk_by(is_alike).collect();
    while groups.len() > MOST {
        groups.remove(groups.len() / 2);
    }
    if groups.is_empty() {
        return None;
    }
    let told: Vec<String> = groups
        .into_iter()
        .map(|group| {
            let (cells, shares): (Vec<&Cell>, Vec<Estimate>) = group.iter().copied().unzip();
            let names = view.names(&cells);
            let shares = shares.into_iter().map(|it| it.median);
            let factor = range(lang, shares, |it| times(lang, it));
            let p99 = view.figures(&cells, Measure::LatencyP99);
            tr!(
                lang,
                "{factor} with {names}, where the others' p99 is {p99}",
                "{names}是{factor}，其他连接的 p99 是{p99}"
            )
        })
        .collect();
    let (told, heavy) = (series(lang, told), count(heavy));
    let told = tr!(
        lang,
        "compared with another connection, the one with {heavy} in flight gets this many answers: {told}.",
        "深度为{heavy}的那个连接，得到的响应数与其他一个连接相比：{told}。"
    );
    Some(Said::of(view, at..=at, told))
}

/// How many times as many messages as another connection the heavy one gets answered, round by round.
fn share(cell: &Cell) -> Option<Estimate> {
    let others = cell.point.connections.saturating_sub(1).max(1) as f64;
    let shares = cell.rounds.iter().map(|round| {
        let other = Measure::MessagesPerS.of(cell, round)? / others;
        let heavy = Measure::HeavyMessagesPerS.of(cell, round)?;
        (other > 0.0).then_some(heavy / other)
    });
    let shares: Option<Vec<f64>> = shares.collect();
    Estimate::of(shares?).filter(|share| share.count > 1)
}
