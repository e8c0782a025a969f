//! Memory per connection, and what each connection has for itself.
//!
//! Said at the point of the most connections, of models whose memory per connection is at least twice the lightest's,
//! with intervals that don't overlap, and more than a few pages in all. That each connection has a process or a thread of
//! its own is taken from the model's sheet: equal counts may be chance.

use portlab_stats::{analysis::differs, measure::Measure, record::Cell};
use portlab_words::tr;

use super::Said;
use crate::notes::{
    figures::figure_of,
    places::connections,
    sentence::figure,
    view::{Carrier, View, ratio},
};

/// With fewer connections than this, most memory is the server's own.
const LEAST_CONNECTIONS: usize = 10;

/// Less than this in all is only some pages.
const LEAST_BYTES: f64 = 256.0 * 1024.0;

pub(super) fn memory(view: &View) -> Vec<Said> {
    // The memory of the connections that send messages would be divided among the idle ones.
    if view.workload.active_connections.is_some() {
        return Vec::new();
    }
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

/// Whether each connection of a cell had a `carrier` of its own: the sheet says so, and there were as many as connections,
/// plus the few that a server always has.
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
        Some(resolution) if lightest.is_below(measure) => {
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
