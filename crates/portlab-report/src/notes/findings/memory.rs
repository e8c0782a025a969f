//! Memory per connection, and what each connection has for itself.
//!
//! Said at the point of the most connections, of models whose memory per connection lies clearly
//! above the lightest's: twice, with intervals apart, and more than chance pages in all. That each
//! connection has a process or a thread of its own follows from what the model is, by its sheet; counts
//! that happen to agree prove nothing.

use portlab_stats::{analysis::differs, measure::Measure, record::Cell};
use portlab_words::tr;

use super::Said;
use crate::notes::{
    figures::figure_of,
    places::connections,
    sentence::figure,
    view::{Carrier, View, is_below, ratio},
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
    let floor = view.groups[at].floor(measure);
    ranked.retain(|(cell, own)| {
        let more = (own.median - least.median) * count(&at) as f64;
        let ratio = ratio(cell, lightest, measure);
        own.low > least.high
            && own.median >= 2.0 * least.median
            && more >= LEAST_BYTES
            && ratio.is_none_or(|ratio| differs(ratio, floor))
    });
    let carriers = [Carrier::Process, Carrier::Thread].into_iter();
    let said = carriers.filter_map(|carrier| {
        let heavy = ranked.iter().map(|(cell, _)| *cell);
        let heavy: Vec<&Cell> = heavy
            .filter(|cell| has_one_each(view, cell, carrier))
            .collect();
        (!heavy.is_empty()).then(|| Said::of(view, at..=at, told(view, &heavy, lightest, carrier)))
    });
    said.collect()
}

fn told(view: &View, heavy: &[&Cell], lightest: &Cell, carrier: Carrier) -> String {
    let (lang, measure) = (view.lang, Measure::MemoryPerConnection);
    let (names, figures) = (view.names(heavy), view.figures(heavy, measure));
    let (what, least) = (view.title(measure), little(view, lightest));
    let carriers = view.figures(heavy, carrier.measure());
    let connections = connections(view, lightest.point.connections);
    let lightest = view.names(&[lightest]);
    let needs = tr!(
        lang,
        "{names} need[s|] {figures} {what}, and {lightest} {least}",
        "{names}{what}要{figures}，{lightest}{least}"
    );
    match carrier {
        Carrier::Process => tr!(
            lang,
            "{needs}: each connection has a process of its own ({carriers} for {connections}).",
            "{needs}：每个连接有自己的进程（{connections}，进程{carriers}个）。"
        ),
        Carrier::Thread => tr!(
            lang,
            "{needs}: each connection has a thread of its own ({carriers} for {connections}).",
            "{needs}：每个连接有自己的线程（{connections}，线程{carriers}个）。"
        ),
    }
}

/// Whether each connection of a cell had a `carrier` of its own: the sheet says so, and there were as
/// many as connections, and the few more that a server has anyway.
fn has_one_each(view: &View, cell: &Cell, carrier: Carrier) -> bool {
    let connections = cell.point.connections as f64;
    let counted = cell.figure(carrier.measure());
    let range = connections..=connections * 1.1 + 8.0;
    let as_many = counted.is_some_and(|it| range.contains(&it.low) && range.contains(&it.high));
    as_many && view.carrier(cell) == Some(carrier)
}

/// How little the lightest needs: its figure, or that it is below what can be measured.
fn little(view: &View, lightest: &Cell) -> String {
    let (lang, measure) = (view.lang, Measure::MemoryPerConnection);
    match measure.resolution(lightest) {
        Some(resolution) if is_below(measure, lightest) => {
            let resolution = figure(figure_of(measure, resolution));
            tr!(
                lang,
                "less than the {resolution} that can be measured here",
                "低于这里可测的下限{resolution}"
            )
        }
        _ => {
            let least = view.figures(&[lightest], measure);
            tr!(lang, "needs {least}", "只要{least}")
        }
    }
}

#[cfg(test)]
mod tests {
    use portlab_stats::{
        fixture::{cell, record},
        record::{Cell, Record},
    };

    use super::{
        super::check::{check, said, silent},
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
            "a process or a thread for each connection is told with its memory",
        );
    }

    #[test]
    fn a_worker_for_each_connection_is_a_matter_of_the_model_and_not_of_counts() {
        // The examples: `--workers 500` with 500 connections, and 16 workers with 10.
        let record = record(vec![
            with(cell("event-loop", &[4.0; 3]), 1, 1, 1),
            with(cell("prethreaded", &[9.0; 3]), 14, 101, 1),
            with(cell("tasks", &[9.0; 3]), 14, 101, 1),
            with(cell("prefork", &[9.0; 3]), 75, 101, 101),
        ]);
        silent(memory, &record);
    }

    #[test]
    fn what_can_not_be_measured_is_said_to_be_below_the_resolution() {
        let mut light = with(cell("event-loop", &[4.0; 3]), 0, 1, 1);
        for round in &mut light.rounds {
            round.peak_pss_bytes = round.empty_pss_bytes.unwrap_or_default();
        }
        let record = record(vec![light, with(cell("threads", &[9.0; 3]), 14, 101, 1)]);
        let [en, zh] = said(memory, &record);
        let words = "`event-loop` less than the 41 B that can be measured here";
        assert!(en[0].contains(words), "{en:?}");
        assert!(
            zh[0].contains("`event-loop` 低于这里可测的下限 41 B"),
            "{zh:?}"
        );
    }

    #[test]
    fn a_model_with_few_threads_isnt_said_to_have_one_for_each() {
        let mut few = heavy();
        few.cells.pop();
        for round in &mut few.cells[1].rounds {
            round.threads = 16;
        }
        silent(memory, &few);
    }

    #[test]
    fn where_memory_overlaps_or_is_unknown_nothing_is_said() {
        let mut overlapping = heavy();
        overlapping.cells.pop();
        for round in &mut overlapping.cells[1].rounds[..3] {
            round.peak_pss_bytes = 1_010_000;
        }
        silent(memory, &overlapping);
        let mut unknown = heavy();
        for cell in &mut unknown.cells {
            cell.rounds[0].empty_pss_bytes = None;
        }
        silent(memory, &unknown);
        let mut failed = heavy();
        failed.cells.pop();
        failed.cells[1].rounds[0].errors = 1;
        assert_eq!(said(memory, &failed), [vec![], Vec::<String>::new()]);
    }
}
