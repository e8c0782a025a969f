//! How many messages a model works on at once, where the handler does work of a known length.
//!
//! By Little's law the throughput times the length of the work is how many are worked on (J. Little,
//! "A Proof for the Queuing Formula L = λW", 1961). Said where its interval lies within a tenth of
//! one, of the number of workers, or of all connections; withheld where the generator was the limit,
//! in an open loop, whose throughput is the generator's choice, and with several messages in flight
//! on a connection, of which one read may bring two.

use portlab_stats::{
    analysis::Refusal,
    measure::Measure,
    record::{Cell, Counts},
};
use portlab_words::{
    Text,
    units::{duration, nanos, short},
};

use super::Said;
use crate::notes::{
    parts::{Words, words},
    view::View,
};

/// How far the arithmetic may be off, in parts.
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
    // Of one processor for all, or of a busy machine, the throughput tells nothing of a model.
    let refusal = view.groups[at].refusal(Measure::MessagesPerS);
    if matches!(refusal, Some(Refusal::OneProcessor | Refusal::Busy(_))) {
        return Vec::new();
    }
    let ranked = view.ranked(at);
    let works_on = |cell: &&Cell, so_many: usize| {
        let rate = cell.figure(Measure::MessagesPerS);
        let close = 1.0 - CLOSE..=1.0 + CLOSE;
        let share = |per_s: f64| per_s * length_s / so_many as f64;
        !cell.generator_was_the_limit()
            && rate.is_some_and(|it| {
                [it.low, it.high]
                    .iter()
                    .all(|it| close.contains(&share(*it)))
            })
    };
    let mut counts: Vec<usize> = ranked.iter().map(|cell| cell.workers).collect();
    counts.retain(|&workers| workers > 1 && workers < connections);
    counts.sort_unstable();
    counts.dedup();
    let mut said = Vec::new();
    let mut say = |so_many: usize, who: Vec<&Cell>, [waits, blocks, computes]: [Text; 3]| {
        if who.is_empty() {
            return;
        }
        let text = match work {
            Work::Waits => waits,
            Work::Blocks => blocks,
            Work::Computes => computes,
        };
        let what = view.title(Measure::MessagesPerS);
        let slots = [
            ("names", view.names(&who)),
            ("rate", view.figures(&who, Measure::MessagesPerS)),
            ("what", what),
            ("many", Words::count(so_many)),
            ("length", Words::figure(nanos(length_s * 1e9))),
            ("reckoned", Words::figure(short(so_many as f64 / length_s))),
        ];
        said.push(Said::of(view, at..=at, words(view.lang, &text, &slots)));
    };
    let one = ranked.iter().copied().filter(|cell| works_on(cell, 1));
    say(1, one.collect(), ONE);
    for workers in counts {
        let own = |cell: &&Cell| cell.workers == workers && works_on(cell, workers);
        say(
            workers,
            ranked.iter().copied().filter(own).collect(),
            WORKERS,
        );
    }
    if work != Work::Computes {
        let all = ranked.iter().copied();
        let all = all.filter(|cell| works_on(cell, connections));
        say(connections, all.collect(), ALL);
    }
    said
}

/// What a handler does for a known time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Waits,
    Blocks,
    Computes,
}

impl Work {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Waits => "wait:",
            Self::Blocks => "block:",
            Self::Computes => "cpu:",
        }
    }
}

/// What the handler of a workload does, and how long, in seconds.
fn work(view: &View) -> Option<(Work, f64)> {
    let workload = view.workload;
    if workload.counts != Counts::Messages || workload.depth != 1 || view.groups.is_empty() {
        return None;
    }
    [Work::Waits, Work::Blocks, Work::Computes]
        .into_iter()
        .find_map(|work| {
            let read = duration("0s", "1h");
            let length = read(workload.work.strip_prefix(work.prefix())?).ok()?;
            (!length.is_zero()).then_some((work, length.as_secs_f64()))
        })
}

/// For those that work on one message at a time: while they wait, block or compute.
const ONE: [Text; 3] = [
    Text::new(
        "{names} wait[s|] for one message at a time: {rate} {what}; {many} message[|s] at a time, {length} each, would give {reckoned}.",
        "{names}一次只等待一条消息：{what}是{rate}；同时{many}条、每条{length}，按利特尔法则是{reckoned}。",
    ),
    Text::new(
        "{names} serve[s|] one message at a time, and while a handler blocks the other connections wait: {rate} {what}; {many} message[|s] at a time, {length} each, would give {reckoned}.",
        "{names}一次只处理一条消息，一个阻塞，其他都得等：{what}是{rate}；同时{many}条、每条{length}，按利特尔法则是{reckoned}。",
    ),
    Text::new(
        "{names} compute[s|] on one processor: {rate} {what}; {many} message[|s] at a time, {length} each, would give {reckoned}.",
        "{names}只用一个处理器计算：{what}是{rate}；同时{many}条、每条{length}，按利特尔法则是{reckoned}。",
    ),
];

/// For those that work on as many as they have workers.
const WORKERS: [Text; 3] = [
    Text::new(
        "{names} wait[s|] for as many messages at a time as there are workers: {rate} {what}; {many} message[|s] at a time, {length} each, would give {reckoned}.",
        "{names}有几个工作者，就同时等待几条消息：{what}是{rate}；同时{many}条、每条{length}，按利特尔法则是{reckoned}。",
    ),
    Text::new(
        "{names} serve[s|] as many messages at a time as there are workers, for each that blocks takes one: {rate} {what}; {many} message[|s] at a time, {length} each, would give {reckoned}.",
        "{names}有几个工作者就同时处理几条消息，每条阻塞的消息占住一个：{what}是{rate}；同时{many}条、每条{length}，按利特尔法则是{reckoned}。",
    ),
    Text::new(
        "{names} compute[s|] with all workers at once: {rate} {what}; {many} message[|s] at a time, {length} each, would give {reckoned}.",
        "{names}的工作者全部同时计算：{what}是{rate}；同时{many}条、每条{length}，按利特尔法则是{reckoned}。",
    ),
];

/// For those that work on all connections.
const ALL: [Text; 3] = [
    Text::new(
        "{names} wait[s|] for all at once: {rate} {what}; {many} message[|s] at a time, {length} each, would give {reckoned}.",
        "{names}同时等待所有消息：{what}是{rate}；同时{many}条、每条{length}，按利特尔法则是{reckoned}。",
    ),
    Text::new(
        "{names} let[s|] no connection wait for another that blocks: {rate} {what}; {many} message[|s] at a time, {length} each, would give {reckoned}.",
        "{names}中一个连接阻塞，别的连接不受影响：{what}是{rate}；同时{many}条、每条{length}，按利特尔法则是{reckoned}。",
    ),
    Text::new(
        "{names} compute[s|] for all at once: {rate} {what}; {many} message[|s] at a time, {length} each, would give {reckoned}.",
        "{names}同时为所有连接计算：{what}是{rate}；同时{many}条、每条{length}，按利特尔法则是{reckoned}。",
    ),
];

#[cfg(test)]
mod tests {
    use portlab_stats::{
        fixture::{cell, record},
        record::{Cell, Rate, Record},
    };

    use super::{
        super::check::{check, said},
        at_once,
    };

    fn per_s(model: &str, rates: &[f64], workers: usize) -> Cell {
        let mut cell = cell(model, &vec![9.0; rates.len()]);
        cell.workers = workers;
        for (round, rate) in cell.rounds.iter_mut().zip(rates) {
            round.messages_per_s = *rate;
        }
        cell
    }

    fn of(work: &str, cells: Vec<Cell>) -> Record {
        let mut record = record(cells);
        record.workloads[0].work = work.into();
        record
    }

    #[test]
    fn who_blocks_serves_one_at_a_time_or_one_for_each_worker() {
        let record = of(
            "block:5ms",
            vec![
                per_s("event-loop", &[198.0, 197.0, 199.0], 1),
                per_s("tasks", &[394.0, 396.0, 395.0], 2),
                per_s("threads", &[19_500.0, 19_600.0, 19_700.0], 1),
            ],
        );
        check(
            at_once,
            &record,
            &[
                "For 100 connections of 64 B, `event-loop` serves one message at a time, and \
                 while a handler blocks the other connections wait: 198 messages per second; 1 message at a time, \
                 5.00 ms each, would give 200.",
                "`tasks` serves as many messages at a time as there \
                 are workers, for each that blocks takes one: 395 messages per second; 2 messages at a time, 5.00 ms each, would give 400.",
                "`threads` lets no connection wait for another that \
                 blocks: 19.6k messages per second; 100 messages at a time, 5.00 ms each, would give 20.0k.",
            ],
            &[
                "100 个连接、每条消息 64 B 时，`event-loop` 一次只处理一条消息，一个阻塞，其他都得等：\
                 每秒消息数是 198；同时 1 条、每条 5.00 ms，按利特尔法则是 200。",
                "`tasks` 有几个工作者就同时处理几条消息，每条阻塞的消息\
                 占住一个：每秒消息数是 395；同时 2 条、每条 5.00 ms，按利特尔法则是 400。",
                "`threads` 中一个连接阻塞，别的连接不受影响：\
                 每秒消息数是 19.6k；同时 100 条、每条 5.00 ms，按利特尔法则是 20.0k。",
            ],
        );
    }

    #[test]
    fn waiting_and_computing_have_their_own_words() {
        let waits = of("wait:5ms", vec![per_s("tasks", &[18_900.0; 3], 2)]);
        let [en, _] = said(at_once, &waits);
        assert!(en[0].contains("waits for all at once"), "{en:?}");
        let mut computes = of("cpu:200us", vec![per_s("event-loop", &[4_900.0; 3], 1)]);
        // With one processor for the server, the machine is the reason, and not the model.
        check(at_once, &computes, &[], &[]);
        computes.workloads[0].server_on_all_cpus = true;
        let [en, zh] = said(at_once, &computes);
        assert!(en[0].contains("computes on one processor"), "{en:?}");
        assert!(zh[0].contains("只用一个处理器"), "{zh:?}");
    }

    #[test]
    fn where_the_arithmetic_does_not_agree_nothing_is_said() {
        let off = of("block:5ms", vec![per_s("a", &[170.0; 3], 1)]);
        check(at_once, &off, &[], &[]);
        let unsure = of("block:5ms", vec![per_s("a", &[150.0, 200.0, 230.0], 1)]);
        check(at_once, &unsure, &[], &[]);
        let once = of("block:5ms", vec![per_s("a", &[200.0], 1)]);
        check(at_once, &once, &[], &[]);
        let free = of("none", vec![per_s("a", &[200.0; 3], 1)]);
        check(at_once, &free, &[], &[]);
    }

    #[test]
    fn the_generators_own_limit_or_choice_says_nothing_of_a_server() {
        let right = of("block:5ms", vec![per_s("a", &[200.0; 3], 1)]);
        assert_eq!(said(at_once, &right)[0].len(), 1);
        let mut limited = right.clone();
        for round in &mut limited.cells[0].rounds {
            round.generator_cpu_share = 0.97;
        }
        check(at_once, &limited, &[], &[]);
        let mut open = right.clone();
        open.cells[0].point.rate = Some(Rate::PerS(200.0));
        check(at_once, &open, &[], &[]);
        let mut deep = right;
        deep.workloads[0].depth = 8;
        check(at_once, &deep, &[], &[]);
    }
}
