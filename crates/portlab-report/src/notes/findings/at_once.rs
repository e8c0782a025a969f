//! How many messages a model works on at once, where the handler does work of a known length.
//!
//! By Little's law the throughput times the length of the work is how many are worked on (J. Little,
//! "A Proof for the Queuing Formula L = λW", 1961). Said if its interval lies within a tenth of one, of the number of
//! workers, or of all connections. Withheld if the generator was the limit; in an open loop, because the generator
//! chooses the throughput; and with several messages in flight on a connection, because one read may bring two.

use portlab_stats::{
    analysis::Refusal,
    measure::Measure,
    record::{Cell, Counts},
};
use portlab_words::{
    tr,
    units::{duration, nanos, short},
};

use super::Said;
use crate::notes::{
    sentence::{count, figure},
    view::View,
};

/// How far the throughput may be from the computed one, as a share.
const CLOSE: f64 = 0.1;

pub(super) fn at_once(view: &View) -> Vec<Said> {
    let Some((work, length_s)) = work(view) else {
        return Vec::new();
    };
    let at = view.groups.len() - 1;
    let connections = view.groups[at].point.connections;
    if connections < 2 || view.groups[at].point.rate.is_some() {
        return Vec::new();
    }
    // With one processor for all, or on a busy machine, the throughput says nothing about a model.
    let refusal = view.groups[at].refusal(Measure::MessagesPerS);
    if matches!(refusal, Some(Refusal::OneProcessor | Refusal::Busy(_))) {
        return Vec::new();
    }
    let ranked = view.ranked(at);
    let mut workers: Vec<usize> = ranked.iter().map(|cell| cell.workers).collect();
    workers.retain(|&workers| workers > 1 && workers < connections);
    workers.sort_unstable();
    workers.dedup();
    let mut kinds = vec![(Many::One, 1)];
    kinds.extend(workers.into_iter().map(|workers| (Many::Workers, workers)));
    if work != Work::Computes {
        kinds.push((Many::All, connections));
    }
    let said = kinds.into_iter().filter_map(|(kind, many)| {
        let is_it = |cell: &&&Cell| {
            (kind != Many::Workers || cell.workers == many) && works_on(cell, many, length_s)
        };
        let cells: Vec<&Cell> = ranked.iter().filter(is_it).copied().collect();
        let told = || told(view, &cells, (kind, work), (many, length_s));
        (!cells.is_empty()).then(|| Said::of(view, at..=at, told()))
    });
    said.collect()
}

/// Whether `cell` works on `many` messages at a time, if each takes `length_s`.
fn works_on(cell: &Cell, many: usize, length_s: f64) -> bool {
    let is_close = |per_s: f64| {
        let share = per_s * length_s / many as f64;
        (1.0 - CLOSE..=1.0 + CLOSE).contains(&share)
    };
    let rate = cell.figure(Measure::MessagesPerS);
    let is_close = rate.is_some_and(|it| is_close(it.low) && is_close(it.high));
    is_close && !cell.generator_was_the_limit()
}

fn told(
    view: &View,
    cells: &[&Cell],
    kind: (Many, Work),
    (many, length_s): (usize, f64),
) -> String {
    let (lang, names) = (view.lang, view.names(cells));
    let lead = match kind {
        (Many::One, Work::Waits) => tr!(
            lang,
            "{names} wait[s|] for one message at a time",
            "{names}一次只等待一条消息"
        ),
        (Many::One, Work::Blocks) => tr!(
            lang,
            "{names} serve[s|] one message at a time, and while a handler blocks the other connections wait",
            "{names}一次只处理一条消息，处理函数阻塞时，其他连接都得等"
        ),
        (Many::One, Work::Computes) => tr!(
            lang,
            "{names} compute[s|] on one processor",
            "{names}只用一个处理器计算"
        ),
        (Many::Workers, Work::Waits) => tr!(
            lang,
            "{names} wait[s|] for as many messages at a time as there are workers",
            "{names}有几个工作者，就同时等待几条消息"
        ),
        (Many::Workers, Work::Blocks) => tr!(
            lang,
            "{names} serve[s|] as many messages at a time as there are workers, because each handler that blocks occupies one",
            "{names}有几个工作者，就同时处理几条消息，每个阻塞的处理函数占住一个"
        ),
        (Many::Workers, Work::Computes) => tr!(
            lang,
            "{names} compute[s|] with all workers at once",
            "{names}的工作者全部同时计算"
        ),
        (Many::All, Work::Waits) => tr!(
            lang,
            "{names} wait[s|] for all at once",
            "{names}同时等待所有消息"
        ),
        (Many::All, Work::Blocks) => tr!(
            lang,
            "with {names}, a handler that blocks doesn't delay other connections",
            "{names}的处理函数阻塞时，别的连接不受影响"
        ),
        (Many::All, Work::Computes) => tr!(
            lang,
            "{names} compute[s|] for all at once",
            "{names}同时为所有连接计算"
        ),
    };
    let what = view.title(Measure::MessagesPerS);
    let rate = view.figures(cells, Measure::MessagesPerS);
    let expected = figure(short(many as f64 / length_s));
    let (many, length) = (count(many), figure(nanos(length_s * 1e9)));
    tr!(
        lang,
        "{lead}: {rate} {what}; by Little's law, {many} message[|s] of {length} at a time would be {expected}.",
        "{lead}：{what}是{rate}；按利特尔法则，同时{many}条、每条{length}，应为{expected}。"
    )
}

/// How many messages are worked on at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Many {
    One,
    Workers,
    All,
}

/// What a handler does for a known time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Waits,
    Blocks,
    Computes,
}

/// What the handler of a workload does, and how long, in seconds.
fn work(view: &View) -> Option<(Work, f64)> {
    let workload = view.workload;
    if workload.counts != Counts::Messages || workload.depth != 1 || view.groups.is_empty() {
        return None;
    }
    let (work, length) = workload.work.split_once(':')?;
    let work = match work {
        "wait" => Work::Waits,
        "block" => Work::Blocks,
        "cpu" => Work::Computes,
        _ => return None,
    };
    let length = duration("0s", "1h")(length).ok()?;
    (!length.is_zero()).then_some((work, length.as_secs_f64()))
}
