//! Which servers keep up with the rate of an open loop: see [`Cell::kept_up`].
//!
//! Withheld for a server that had errors or was measured once, and if the generator was late itself.

use portlab_stats::{
    measure::Measure,
    record::{Cell, Round},
};
use portlab_words::tr;

use super::Said;
use crate::notes::{
    claim::Claim,
    figures::{percent, range},
    sentence::series,
    view::View,
};

pub(super) fn rate(view: &View) -> Vec<Said> {
    let told = (0..view.groups.len()).rev().filter_map(|at| told(view, at));
    let mut told: Vec<Told> = told.collect();
    // The highest rate, and the lowest at which a server fell behind, unless that is the same.
    let first = told.iter().rposition(|it| it.fell_behind);
    let mut kept = [Some(0), first].into_iter().flatten().collect::<Vec<_>>();
    kept.dedup();
    let mut at = 0..;
    told.retain(|_| at.next().is_some_and(|at| kept.contains(&at)));
    told.into_iter().rev().map(|it| it.said).collect()
}

struct Told {
    fell_behind: bool,
    said: Said,
}

fn told(view: &View, at: usize) -> Option<Told> {
    let (lang, group) = (view.lang, &view.groups[at]);
    if group.point.rate.is_none() || group.generator_was_the_limit() {
        return None;
    }
    let with = |kept: bool| -> Vec<&Cell> {
        let cells = group.cells.iter().copied();
        let cells = cells.filter(|it| group.is_well(it) && it.kept_up() == Some(kept));
        cells.collect()
    };
    let (kept, behind) = (with(true), with(false));
    let mut told = Vec::new();
    if !kept.is_empty() {
        let names = view.names(&kept);
        let p99 = view.figures(&kept, Measure::LatencyP99);
        told.push(match p99.is_empty() {
            true => tr!(lang, "{names} kept up", "{names}跟上了"),
            false => tr!(
                lang,
                "{names} kept up (p99 {p99})",
                "{names}跟上了（p99 是{p99}）"
            ),
        });
    }
    if !behind.is_empty() {
        let rounds = |cell: &&Cell| cell.rounds.iter().filter(|it| unsent(it)).count() as f64;
        let rounds_of = |counts: Vec<f64>| range(lang, counts, |count| format!("{count:.0}"));
        let names = view.names(&behind);
        let share = range(lang, behind.iter().filter_map(|it| answered(it)), percent);
        let some = rounds_of(behind.iter().map(rounds).collect());
        let all = rounds_of(behind.iter().map(|it| it.rounds.len() as f64).collect());
        told.push(tr!(
            lang,
            "{names} fell behind: {share} of the due messages were answered, and in {some} of {all} rounds some found no free connection",
            "{names}没跟上：应发的消息有{share}得到响应，{all}轮中有{some}轮，消息到期时没有空闲的连接可用"
        ));
    }
    if told.is_empty() {
        return None;
    }
    let told = series(lang, told) + lang.pick(".", "。");
    let kept = kept
        .iter()
        .map(|cell| Claim::KeptUp(at, cell.model.clone()));
    let late = behind
        .iter()
        .map(|cell| Claim::FellBehind(at, cell.model.clone()));
    Some(Told {
        fell_behind: !behind.is_empty(),
        said: Said::of(view, at..=at, told).claiming(kept.chain(late)),
    })
}

/// The share of the due messages that were answered, over all rounds.
fn answered(cell: &Cell) -> Option<f64> {
    let due = cell.due_messages()?;
    let messages = cell.rounds.iter().map(|round| round.messages as f64);
    (due > 0.0).then(|| messages.sum::<f64>() / due)
}

fn unsent(round: &Round) -> bool {
    round.due_not_sent != Some(0)
}
