//! Where in a workload something holds: at one of its points, or from one to another.

use std::ops::RangeInclusive;

use portlab_stats::{
    estimate::Estimate,
    record::{Counts, Point, Rate, Record},
};
use portlab_words::{Lang, Text, units::short};

use super::{
    figures::size,
    parts::{Words, words},
    view::View,
};

/// Where the groups of `range` are: "for 100 connections of 64 B", "from 1 to 100 connections".
pub(crate) fn place(view: &View, range: RangeInclusive<usize>) -> Words {
    let lang = view.lang;
    let (first, last) = (&view.groups[*range.start()], &view.groups[*range.end()]);
    if first.point == last.point {
        let slots = [("point", point(view, first.point))];
        let text = match varies_in(view).as_slice() {
            [Dimension::Rate] => Text::new("at {point}", "{point}时"),
            [Dimension::Workers] => Text::new("with {point}", "{point}时"),
            _ => Text::new("for {point}", "{point}时"),
        };
        return words(lang, &text, &slots);
    }
    let from = if varies_in(view) == [Dimension::Connections] {
        Words::count(first.point.connections)
    } else {
        point(view, first.point)
    };
    let slots = [("first", from), ("last", point(view, last.point))];
    let text = Text::new("from {first} to {last}", "从{first}到{last}");
    words(lang, &text, &slots)
}

/// What stands above the table of the group at `at`: "100 connections of 64 B".
pub(crate) fn title(view: &View, at: usize) -> String {
    point(view, view.groups[at].point).told(view.lang).plain()
}

/// Where a cell of `record` is, by its workload and what varies in that: "echo, 100 connections of 64 B".
#[must_use]
pub fn place_of(record: &Record, workload: &str, it: Point, lang: Lang) -> String {
    let view = View::without_columns(record, workload, lang);
    view.map_or_else(|| workload.to_owned(), |view| whereabouts(&view, it))
}

/// The workload of `view` and a point of it.
pub(crate) fn whereabouts(view: &View, it: Point) -> String {
    let point = point(view, it).told(view.lang).plain();
    format!("{}{}{point}", view.workload.name, COMMA.pick(view.lang))
}

static COMMA: Text = Text::new(", ", "，");

/// One point, by what varies in its workload; by its connections and their messages where nothing
/// does.
pub(crate) fn point(view: &View, point: Point) -> Words {
    let lang = view.lang;
    let mut varies = varies_in(view);
    let is_one = varies.is_empty();
    if is_one {
        varies.push(Dimension::Connections);
        if point.rate.is_some() {
            varies.push(Dimension::Rate);
        }
    }
    let mut said = Words::default();
    for (at, dimension) in varies.into_iter().enumerate() {
        let next = match dimension {
            Dimension::Connections if is_one && view.workload.counts == Counts::Messages => {
                connections_of(lang, point)
            }
            Dimension::Connections => connections(view, point.connections),
            Dimension::Size => messages_of(lang, point.size_bytes),
            Dimension::Workers => workers(lang, point.workers_asked),
            Dimension::Rate => rate(view, point.rate),
        };
        said = if at == 0 {
            next
        } else {
            let slots = [("said", said), ("next", next)];
            words(lang, &Text::new("{said}, {next}", "{said}、{next}"), &slots)
        };
    }
    said
}

/// What can be varied within a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dimension {
    Connections,
    Size,
    Workers,
    Rate,
}

/// What is varied in the workload of `view`.
fn varies_in(view: &View) -> Vec<Dimension> {
    let mut points = view.groups.iter().map(|group| group.point);
    let first = points.next();
    let differs = |same: fn(Point, Point) -> bool| {
        let is_other = |point: Point| first.is_some_and(|first| !same(first, point));
        points.clone().any(is_other)
    };
    let all = [
        (
            Dimension::Connections,
            differs(|a, b| a.connections == b.connections),
        ),
        (
            Dimension::Size,
            differs(|a, b| a.size_bytes == b.size_bytes),
        ),
        (
            Dimension::Workers,
            differs(|a, b| a.workers_asked == b.workers_asked),
        ),
        (Dimension::Rate, differs(|a, b| a.rate == b.rate)),
    ];
    let varied = all.into_iter().filter(|(_, varies)| *varies);
    varied.map(|(dimension, _)| dimension).collect()
}

fn connections_of(lang: Lang, point: Point) -> Words {
    let slots = [
        ("count", Words::count(point.connections)),
        ("size", Words::figure(size(point.size_bytes))),
    ];
    let text = Text::new(
        "{count} connection[|s] of {size}",
        "{count}个连接、每条消息{size}",
    );
    words(lang, &text, &slots)
}

/// So many connections, or members of a chat.
pub(crate) fn connections(view: &View, count: usize) -> Words {
    let text = match view.workload.counts {
        Counts::Deliveries => Text::new("{count} member[|s]", "{count}个成员"),
        Counts::Connections => Text::new("{count} connection[|s] at a time", "同时有{count}个连接"),
        Counts::Messages | Counts::Nothing => Text::new("{count} connection[|s]", "{count}个连接"),
    };
    words(view.lang, &text, &[("count", Words::count(count))])
}

fn messages_of(lang: Lang, bytes: usize) -> Words {
    let text = Text::new("messages of {size}", "每条消息{size}");
    words(lang, &text, &[("size", Words::figure(size(bytes)))])
}

fn workers(lang: Lang, asked: Option<usize>) -> Words {
    match asked {
        Some(count) => {
            let text = Text::new("{count} worker[|s]", "{count}个工作者");
            words(lang, &text, &[("count", Words::count(count))])
        }
        None => words(
            lang,
            &Text::new("each model's own number of workers", "各模型默认的工作者数"),
            &[],
        ),
    }
}

/// The rate of an open loop.
fn rate(view: &View, rate: Option<Rate>) -> Words {
    let lang = view.lang;
    match rate {
        Some(Rate::PerS(per_s)) => {
            let text = match view.workload.counts {
                Counts::Connections => {
                    Text::new("{rate} connections per second", "每秒{rate}个连接")
                }
                _ => Text::new("{rate} messages per second", "每秒{rate}条消息"),
            };
            words(lang, &text, &[("rate", Words::figure(short(per_s)))])
        }
        Some(Rate::Common) => {
            let half = Text::new(
                "half of what the weakest can bear",
                "最弱者所能承受速率的一半",
            );
            let half = words(lang, &half, &[]);
            let Some(offered) = offered(view) else {
                return half;
            };
            let slots = [("half", half), ("offered", Words::figure(short(offered)))];
            let text = Text::new("{half} ({offered}/s)", "{half}（每秒{offered}条）");
            words(lang, &text, &slots)
        }
        Some(Rate::HalfOfBest) => words(
            lang,
            &Text::new("half of what each can bear", "各自所能承受速率的一半"),
            &[],
        ),
        None => words(lang, &Text::new("a closed loop", "闭环压测"), &[]),
    }
}

/// The rate that all servers were offered alike, in messages per second.
fn offered(view: &View) -> Option<f64> {
    let common = view.groups.iter();
    let common = common.filter(|group| group.point.rate == Some(Rate::Common));
    let rounds = common
        .flat_map(|group| &group.cells)
        .flat_map(|it| &it.rounds);
    let offered = Estimate::of(rounds.filter_map(|round| round.offered_per_s))?;
    (offered.min == offered.max).then_some(offered.median)
}

#[cfg(test)]
mod tests {
    use portlab_stats::{
        fixture::{cell, record},
        record::{Cell, Record},
    };

    use super::*;
    use crate::notes::parts::sentence;

    fn at(connections: usize, change: impl FnOnce(&mut Point)) -> Cell {
        let mut cell = cell("a", &[1.0, 1.0]);
        cell.point.connections = connections;
        change(&mut cell.point);
        cell
    }

    fn said(record: &Record, lang: Lang) -> String {
        let view = &View::all(record, lang)[0];
        let all = place(view, 0..=view.groups.len() - 1);
        sentence(lang, &Text::new("{it}", "{it}"), &[("it", all)]).to_string()
    }

    fn check(cells: Vec<Cell>, en: &str, zh: &str) {
        let record = record(cells);
        assert_eq!(Lang::ALL.map(|lang| said(&record, lang)), [en, zh]);
    }

    #[test]
    fn one_point_tells_its_connections_and_their_messages() {
        check(
            vec![at(100, |_| ())],
            "For 100 connections of 64 B",
            "100 个连接、每条消息 64 B 时",
        );
        check(
            vec![at(1, |point| point.rate = Some(Rate::PerS(1e4)))],
            "For 1 connection of 64 B, 10.0k messages per second",
            "1 个连接、每条消息 64 B、每秒 10.0k 条消息时",
        );
    }

    #[test]
    fn the_common_rate_of_an_open_loop_is_told() {
        let mut cell = at(100, |point| point.rate = Some(Rate::Common));
        for round in &mut cell.rounds {
            round.offered_per_s = Some(3_200.0);
        }
        check(
            vec![cell],
            "For 100 connections of 64 B, half of what the weakest can bear (3.20k/s)",
            "100 个连接、每条消息 64 B、最弱者所能承受速率的一半（每秒 3.20k 条）时",
        );
    }

    #[test]
    fn a_sweep_tells_what_it_varies_and_nothing_else() {
        check(
            vec![at(1, |_| ()), at(1000, |_| ())],
            "From 1 to 1000 connections",
            "从 1 到 1000 个连接",
        );
        check(
            vec![at(9, |_| ()), at(9, |point| point.size_bytes = 4096)],
            "From messages of 64 B to messages of 4 KiB",
            "从每条消息 64 B 到每条消息 4 KiB",
        );
        let workers = |count| move |point: &mut Point| point.workers_asked = Some(count);
        check(
            vec![at(9, workers(1)), at(9, workers(4))],
            "From 1 worker to 4 workers",
            "从 1 个工作者到 4 个工作者",
        );
    }
}
