//! Cautions about failures: a run that wasn't finished, servers that failed, a generator at its limit.

use portlab_stats::record::{Cell, Record};
use portlab_words::{Lang, tr};

use crate::notes::{
    places::{place, point},
    sentence::{count, name, series, text},
    view::View,
};

/// More cells than this are counted, and not told one by one.
const MOST: usize = 3;

/// A run that was broken off.
pub(super) fn incomplete(record: &Record, _: &[View], lang: Lang) -> Vec<String> {
    if record.complete {
        return Vec::new();
    }
    let due = record.cells.iter().filter(|cell| cell.not_run.is_none());
    let due = count(due.count() * record.setup.rounds);
    let made = count(record.measured());
    vec![tr!(
        lang,
        "the run was broken off: {made} of {due} measurements were made.",
        "测量没有做完：{due}次测量只完成了{made}次。"
    )]
}

/// Cells that could not be measured in some round.
pub(super) fn failures(_: &Record, views: &[View], lang: Lang) -> Vec<String> {
    let told = |view: &View, cell: &Cell| {
        let reason = reason(cell.failures.first()?.reason.pick(lang));
        let (name, place) = (name(&cell.model), of(view, cell));
        let count = count(cell.failures.len());
        Some(tr!(
            lang,
            "{name} failed in {count} of its rounds, {place}, and is not ranked there: {reason}.",
            "{place}，{name}有{count}轮失败，不参加那里的排名：{reason}。"
        ))
    };
    let more = |count| {
        tr!(
            lang,
            "{count} other cell[|s] had failures too.",
            "另有{count}处也有失败。"
        )
    };
    first_few(views, told, more)
}

/// Cells with wrong or missing answers.
pub(super) fn errors(_: &Record, views: &[View], lang: Lang) -> Vec<String> {
    let told = |view: &View, cell: &Cell| {
        let errors = usize::try_from(cell.errors()).ok()?;
        let (name, count, place) = (name(&cell.model), count(errors), of(view, cell));
        let first = cell.rounds.iter().find_map(|it| it.first_error.as_ref());
        let told = match first.map(|it| reason(it.pick(lang))) {
            Some(first) => tr!(
                lang,
                "{name} had {count} error[|s], {place}, and is not ranked there; the first: {first}.",
                "{place}，{name}出了{count}个错误，不参加那里的排名；第一个是：{first}。"
            ),
            None => tr!(
                lang,
                "{name} had {count} error[|s], {place}, and is not ranked there.",
                "{place}，{name}出了{count}个错误，不参加那里的排名。"
            ),
        };
        (errors > 0).then_some(told)
    };
    let more = |count| {
        tr!(
            lang,
            "{count} other cell[|s] had errors too.",
            "另有{count}处也有错误。"
        )
    };
    first_few(views, told, more)
}

/// Points where the load generator was the limit.
pub(super) fn generator(_: &Record, views: &[View], lang: Lang) -> Vec<String> {
    let told = views.iter().filter_map(|view| {
        let limited = |at: &usize| view.groups[*at].generator_was_the_limit();
        let limited: Vec<usize> = (0..view.groups.len()).filter(limited).collect();
        let stretches = limited.chunk_by(|a, b| a + 1 == *b);
        let places = stretches.filter_map(|it| Some(place(view, *it.first()?..=*it.last()?)));
        let (workload, places) = (text(&view.workload.name), series(lang, places));
        (!limited.is_empty()).then(|| {
            tr!(
                lang,
                "in {workload}, {places}, the load generator was the limit for at least one server: servers are not ranked there by throughput and latency; CPU time is the server's own.",
                "在“{workload}”中，{places}，至少有一个服务端的瓶颈是负载生成器：那里不按吞吐量和延迟排名；CPU 时间仍是服务端自己的。"
            )
        })
    });
    told.collect()
}

/// The sentences of the first few cells for which `told` returns one, and the number of the others.
fn first_few(
    views: &[View],
    told: impl Fn(&View, &Cell) -> Option<String>,
    more: impl Fn(String) -> String,
) -> Vec<String> {
    let of = |view: &View| -> Vec<String> {
        let cells = view.groups.iter().flat_map(|group| &group.cells);
        cells.filter_map(|cell| told(view, cell)).collect()
    };
    let mut all: Vec<String> = views.iter().flat_map(of).collect();
    let others = all.len().saturating_sub(MOST);
    all.truncate(MOST);
    if others > 0 {
        all.push(more(count(others)));
    }
    all
}

/// Where a cell is: its workload and its point.
fn of(view: &View, cell: &Cell) -> String {
    let (workload, point) = (text(&view.workload.name), point(view, cell.point));
    tr!(
        view.lang,
        "in {workload} with {point}",
        "在“{workload}”中{point}时"
    )
}

/// A reason from the record, without a full stop of its own.
fn reason(reason: &str) -> String {
    text(reason.trim_end_matches(['.', '。']))
}
