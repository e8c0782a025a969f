//! How the ranked measure changes from the first point of a workload to the last, for the best and
//! for the worst at the last.
//!
//! Said of a model that was measured well at both and whose figures there differ, as they would
//! between two models; withheld where the generator was the limit of what is ranked, at either.

use portlab_stats::{
    analysis::{Group, differs},
    measure::Measure,
    record::Cell,
};
use portlab_words::Text;

use super::Said;
use crate::notes::{
    parts::{Words, words},
    places::point,
    view::{View, ratio},
};

/// A change by less than this factor isn't told.
const LEAST: f64 = 1.1;

pub(super) fn sweep(view: &View) -> Vec<Said> {
    let said = || {
        let last = view.groups.len().checked_sub(1).filter(|last| *last > 0)?;
        let refused = |at: usize| !view.groups[at].ranks(view.measure());
        if refused(0) || refused(last) {
            return None;
        }
        let best = view
            .best(last)
            .into_iter()
            .find(|cell| first_of(view, cell).is_some());
        let others = view.others(last).into_iter().rev();
        let worst = others
            .map(|(cell, _)| cell)
            .find(|cell| first_of(view, cell).is_some());
        let told = best
            .into_iter()
            .chain(worst)
            .filter_map(|cell| told(view, cell));
        let told: Vec<Words> = told.collect();
        if told.is_empty() {
            return None;
        }
        let slots = [
            ("first", point(view, view.groups[0].point)),
            ("last", point(view, view.groups[last].point)),
            ("what", view.title(view.measure())),
            ("told", Words::series(view.lang, told)),
        ];
        let text = Text::new(
            "between {first} and {last}, {what} changes: {told}.",
            "从{first}到{last}，{what}的变化：{told}。",
        );
        Some(Said {
            place: Words::default(),
            claims: Vec::new(),
            told: words(view.lang, &text, &slots),
        })
    };
    said().into_iter().collect()
}

/// What `cell`'s model measured at the first point, if that can be gone by.
fn first_of<'a>(view: &View<'a>, cell: &Cell) -> Option<&'a Cell> {
    let own = view.ranked(0).into_iter();
    let mut own = own.filter(|it| it.figure(view.measure()).is_some());
    own.find(|it| it.model == cell.model)
}

/// How the figure of one model changes, and its context switches with it where they do.
fn told(view: &View, cell: &Cell) -> Option<Words> {
    let first = first_of(view, cell)?;
    // The least that can be seen changes with the number of connections that it is divided by.
    let least = |it: &Cell| {
        let figure = it.figure(view.measure());
        figure.is_some_and(|figure| view.measure().is_below_resolution(it, figure.median))
    };
    if least(first) || least(cell) {
        return None;
    }
    let change = change(view, first, cell, view.measure())?;
    let [from, to] = [first, cell].map(|cell| view.figures(&[cell], view.measure()));
    let mut slots = vec![("name", view.names(&[cell])), ("from", from), ("to", to)];
    let measure = Measure::SwitchesPerMessage;
    let also = view.measure() == Measure::CpuPerMessage
        && self::change(view, first, cell, measure) == Some(change);
    // Figures that go the same way stand beside each other; whether one makes the other is left open.
    if also {
        slots.push(("before", view.figures(&[first], measure)));
        slots.push(("after", view.figures(&[cell], measure)));
    }
    let text = match (change, also) {
        (Change::Falls, false) => Text::new(
            "with {name} it falls from {from} to {to}",
            "{name}从{from}降到{to}",
        ),
        (Change::Grows, false) => Text::new(
            "with {name} it grows from {from} to {to}",
            "{name}从{from}升到{to}",
        ),
        (Change::Falls, true) => Text::new(
            "with {name} it falls from {from} to {to}, and context switches fall from {before} to {after}",
            "{name}从{from}降到{to}，同时上下文切换从{before}次降到{after}次",
        ),
        (Change::Grows, true) => Text::new(
            "with {name} it grows from {from} to {to}, and context switches grow from {before} to {after}",
            "{name}从{from}升到{to}，同时上下文切换从{before}次升到{after}次",
        ),
    };
    Some(words(view.lang, &text, &slots))
}

/// Which way a figure goes.
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

#[cfg(test)]
mod tests {
    use portlab_stats::{
        fixture::{cell, record},
        record::{Cell, Record},
    };

    use super::{super::check::check, sweep};

    fn at(connections: usize, mut cell: Cell, switches: f64) -> Cell {
        cell.point.connections = connections;
        for round in &mut cell.rounds {
            round.context_switches_per_message = Some(switches);
        }
        cell
    }

    fn swept() -> Record {
        record(vec![
            at(1, cell("event-loop", &[40.0; 7]), 1.0),
            at(1, cell("threads", &[41.0; 7]), 1.0),
            at(100, cell("event-loop", &[5.6; 7]), 0.02),
            at(100, cell("threads", &[10.0; 7]), 1.05),
        ])
    }

    #[test]
    fn the_best_and_the_worst_are_followed_from_end_to_end() {
        check(
            sweep,
            &swept(),
            &[
                "Between 1 connection and 100 connections, CPU per message changes: with \
                 `event-loop` it falls from 40.0 µs to 5.60 µs, and context switches fall from 1.00 to 0.02; with `threads` it falls from 41.0 µs to 10.0 µs.",
            ],
            &[
                "从 1 个连接到 100 个连接，每条消息的 CPU 时间的变化：`event-loop` 从 40.0 µs 降到 \
                 5.60 µs，同时上下文切换从 1.00 次降到 0.02 次；`threads` 从 41.0 µs 降到 10.0 µs。",
            ],
        );
    }

    #[test]
    fn what_stays_or_is_unsure_does_not_change() {
        let stays = record(vec![
            at(1, cell("a", &[4.0; 7]), 1.0),
            at(100, cell("a", &[4.1; 7]), 1.0),
        ]);
        check(sweep, &stays, &[], &[]);
        let unsure = [2.0, 9.0, 4.5, 3.0, 8.0, 6.0, 3.9];
        let unsure = record(vec![
            at(1, cell("a", &[4.0; 7]), 1.0),
            at(100, cell("a", &unsure), 1.0),
        ]);
        check(sweep, &unsure, &[], &[]);
        check(sweep, &record(vec![cell("a", &[4.0; 7])]), &[], &[]);
    }

    #[test]
    fn the_generators_limit_is_no_change_of_a_server() {
        let mut limited = swept();
        limited.workloads[0].ranked_by = portlab_stats::measure::Measure::LatencyP50;
        for (at, cell) in limited.cells.iter_mut().enumerate() {
            for round in &mut cell.rounds {
                round.latency_p50_ns = 1_000 * (at as u64 + 1);
                round.generator_cpu_share = 0.97;
            }
        }
        check(sweep, &limited, &[], &[]);
    }
}
