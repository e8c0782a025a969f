//! Memory per connection, and who is made for each.
//!
//! Said at the point of the most connections, of models whose memory per connection lies clearly
//! above the lightest's: twice, with intervals apart, and more than chance pages in all. A process or
//! a thread for each connection is named where there are as many.

use portlab_stats::{
    analysis::differs,
    measure::Measure,
    record::{Cell, Text},
};

use super::Said;
use crate::sentences::{
    parts::words,
    places::connections,
    view::{View, ratio},
};

/// Fewer connections than this are lost in what a server needs anyway.
const LEAST_CONNECTIONS: usize = 10;

/// Less than this in all is a matter of some pages.
const LEAST_BYTES: f64 = 256.0 * 1024.0;

pub(super) fn memory(view: &View) -> Vec<Said> {
    let count = |at: &usize| view.groups[*at].point.connections;
    let most = (0..view.groups.len()).max_by_key(count);
    let Some(at) = most.filter(|at| count(at) >= LEAST_CONNECTIONS) else {
        return Vec::new();
    };
    let measure = Measure::MemoryPerConnection;
    let ranked = view.ranked(at).into_iter();
    let mut ranked: Vec<_> = ranked
        .filter_map(|cell| Some((cell, cell.figure(measure)?)))
        .collect();
    ranked.sort_by(|(_, a), (_, b)| a.median.total_cmp(&b.median));
    let Some(&(lightest, least)) = ranked.first() else {
        return Vec::new();
    };
    ranked.retain(|(_, own)| {
        let more = (own.median - least.median) * count(&at) as f64;
        own.low > least.high && own.median >= 2.0 * least.median && more >= LEAST_BYTES
    });
    let floor = view.groups[at].floor(measure);
    ranked.retain(|(cell, _)| {
        let ratio = ratio(cell, lightest, measure);
        ratio.is_none_or(|ratio| differs(ratio, floor))
    });
    let heavy = ranked.into_iter().map(|(cell, _)| cell);
    let (processes, rest): (Vec<&Cell>, Vec<&Cell>) =
        heavy.partition(|cell| one_for_each(cell, Measure::Processes));
    let threads = rest
        .into_iter()
        .filter(|cell| one_for_each(cell, Measure::Threads));
    let threads: Vec<&Cell> = threads.collect();
    let kinds = [
        (
            processes,
            Measure::Processes,
            Text::new(
                "{names} need[s|] {figures} {what}, and {least} is enough for {lightest}: \
                 each connection has a process of its own ({carriers} for {connections}).",
                "{names}{what}要{figures}，{lightest}只要{least}：每个连接有自己的进程\
                 （{connections}，进程{carriers}个）。",
            ),
        ),
        (
            threads,
            Measure::Threads,
            Text::new(
                "{names} need[s|] {figures} {what}, and {least} is enough for {lightest}: \
                 each connection has a thread of its own ({carriers} for {connections}).",
                "{names}{what}要{figures}，{lightest}只要{least}：每个连接有自己的线程\
                 （{connections}，线程{carriers}个）。",
            ),
        ),
    ];
    let said = kinds.into_iter().filter(|(cells, ..)| !cells.is_empty());
    said.map(|(cells, carriers, text)| {
        let slots = [
            ("names", view.names(&cells)),
            ("figures", view.figures(&cells, measure)),
            ("what", view.title(measure)),
            ("least", view.figures(&[lightest], measure)),
            ("lightest", view.names(&[lightest])),
            ("carriers", view.figures(&cells, carriers)),
            ("connections", connections(view, count(&at))),
        ];
        Said::of(view, at..=at, words(view.lang, &text, &slots))
    })
    .collect()
}

/// Whether a cell had one of `carriers` for each of its connections, and the few more that a server
/// has anyway.
fn one_for_each(cell: &Cell, carriers: Measure) -> bool {
    let connections = cell.point.connections as f64;
    let counted = cell.figure(carriers);
    counted.is_some_and(|it| it.low >= connections && it.high <= connections * 1.1 + 8.0)
}

#[cfg(test)]
mod tests {
    use portlab_stats::{
        fixture::{cell, record},
        record::{Cell, Record},
    };

    use super::{
        super::check::{check, said},
        memory,
    };

    fn with(mut cell: Cell, kib_each: u64, threads: u64, processes: u64) -> Cell {
        for round in &mut cell.rounds {
            round.peak_pss_bytes = 1_000_000 + kib_each * 1024 * 100;
            (round.threads, round.processes) = (threads, processes);
        }
        cell
    }

    fn heavy() -> Record {
        record(vec![
            with(cell("event-loop", &[4.0; 7]), 1, 1, 1),
            with(cell("threads", &[7.0; 7]), 14, 101, 1),
            with(cell("fork", &[7.0; 7]), 75, 101, 101),
        ])
    }

    #[test]
    fn a_process_or_a_thread_for_each_connection_is_told_with_its_memory() {
        check(
            memory,
            &heavy(),
            &[
                "For 100 connections of 64 B, `fork` needs 75.0 KiB memory per connection, and \
                 1.00 KiB is enough for `event-loop`: each connection has a process of its own \
                 (101 for 100 connections).",
                "`threads` needs 14.0 KiB memory per connection, and \
                 1.00 KiB is enough for `event-loop`: each connection has a thread of its own \
                 (101 for 100 connections).",
            ],
            &[
                "100 个连接、每条消息 64 B 时，`fork` 每个连接的内存要 75.0 KiB，`event-loop` 只要 \
                 1.00 KiB：每个连接有自己的进程（100 个连接，进程 101 个）。",
                "`threads` 每个连接的内存要 14.0 KiB，`event-loop` 只要 \
                 1.00 KiB：每个连接有自己的线程（100 个连接，线程 101 个）。",
            ],
        );
    }

    #[test]
    fn a_model_with_few_threads_isnt_said_to_have_one_for_each() {
        let mut few = heavy();
        few.cells.pop();
        for round in &mut few.cells[1].rounds {
            round.threads = 16;
        }
        check(memory, &few, &[], &[]);
    }

    #[test]
    fn where_memory_overlaps_or_is_unknown_nothing_is_said() {
        let mut overlapping = heavy();
        overlapping.cells.pop();
        for round in &mut overlapping.cells[1].rounds[..3] {
            round.peak_pss_bytes = 1_010_000;
        }
        check(memory, &overlapping, &[], &[]);
        let mut unknown = heavy();
        for cell in &mut unknown.cells {
            cell.rounds[0].empty_pss_bytes = None;
        }
        check(memory, &unknown, &[], &[]);
        let mut failed = heavy();
        failed.cells.pop();
        failed.cells[1].rounds[0].errors = 1;
        assert_eq!(said(memory, &failed), [vec![], Vec::<String>::new()]);
    }
}
