//! Where in a workload something holds: at one of its points, or from one to another.

use std::ops::RangeInclusive;

use portlab_stats::{
    estimate::Estimate,
    record::{Counts, Point, Rate, Record},
};
use portlab_words::{Lang, tr, units::short};

use super::{
    figures::size,
    sentence::{Sentence, count, figure},
    view::View,
};

/// Where the groups of `range` are: "for 100 connections of 64 B", "from 1 to 100 connections".
pub(crate) fn place(view: &View, range: RangeInclusive<usize>) -> String {
    let lang = view.lang;
    let (first, last) = (&view.groups[*range.start()], &view.groups[*range.end()]);
    let to = point(view, last.point);
    if first.point == last.point {
        return match varied(view)[..] {
            [Dimension::Rate] => tr!(lang, "at {to}", "{to}时"),
            [Dimension::Workers] => tr!(lang, "with {to}", "{to}时"),
            _ => tr!(lang, "for {to}", "{to}时"),
        };
    }
    let from = match varied(view)[..] {
        [Dimension::Connections] => count(first.point.connections),
        _ => point(view, first.point),
    };
    tr!(lang, "from {from} to {to}", "从{from}到{to}")
}

/// What stands above the table of the group at `at`: "100 connections of 64 B".
pub(crate) fn title(view: &View, at: usize) -> String {
    let point = point(view, view.groups[at].point);
    Sentence::line(view.lang, &point).plain()
}

/// Where a cell of `record` is, by its workload and what varies in that: "echo, 100 connections of 64 B".
pub fn place_of(record: &Record, workload: &str, it: Point, lang: Lang) -> String {
    let view = View::without_columns(record, workload, lang);
    view.map_or_else(|| workload.to_owned(), |view| whereabouts(&view, it))
}

/// The workload of `view` and a point of it.
pub(crate) fn whereabouts(view: &View, it: Point) -> String {
    let point = Sentence::line(view.lang, &point(view, it)).plain();
    let name = &view.workload.name;
    tr!(view.lang, "{name}, {point}", "{name}，{point}")
}

/// One point, by what varies in its workload; if nothing varies, by its connections and their messages.
pub(crate) fn point(view: &View, point: Point) -> String {
    let lang = view.lang;
    let mut varies = varied(view);
    let is_one = varies.is_empty();
    if is_one {
        varies.push(Dimension::Connections);
        if point.rate.is_some() {
            varies.push(Dimension::Rate);
        }
    }
    let told = varies.into_iter().map(|dimension| match dimension {
        Dimension::Connections if view.workload.active_connections.is_some() => {
            connections(view, point.connections)
        }
        Dimension::Connections if is_one && view.workload.counts == Counts::Messages => {
            let (connections, size) = (count(point.connections), figure(size(point.size_bytes)));
            tr!(
                lang,
                "{connections} connection[|s] of {size}",
                "{connections}个连接、每条消息{size}"
            )
        }
        Dimension::Connections if is_one && view.workload.counts == Counts::Requests => {
            let (connections, size) = (count(point.connections), figure(size(point.size_bytes)));
            tr!(
                lang,
                "{connections} connection[|s], a file of {size}",
                "{connections}个连接、文件{size}"
            )
        }
        Dimension::Connections => connections(view, point.connections),
        Dimension::Size if view.workload.service == "http" => {
            let size = figure(size(point.size_bytes));
            tr!(lang, "a file of {size}", "文件{size}")
        }
        Dimension::Size => {
            let size = figure(size(point.size_bytes));
            tr!(lang, "messages of {size}", "每条消息{size}")
        }
        Dimension::Workers => match point.workers_asked.map(count) {
            Some(workers) => tr!(lang, "{workers} worker[|s]", "{workers}个工作者"),
            None => tr!(
                lang,
                "each model's own number of workers",
                "各模型默认的工作者数"
            ),
        },
        Dimension::Rate => rate(view, point.rate),
    });
    let told: Vec<String> = told.collect();
    told.join(lang.pick(", ", "、"))
}

/// What can be varied within a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    Connections,
    Size,
    Workers,
    Rate,
}

/// What varies among the points of one workload.
pub(crate) fn varies_in(points: impl Iterator<Item = Point>) -> Vec<Dimension> {
    type Differ = fn(Point, Point) -> bool;
    let points: Vec<Point> = points.collect();
    let differs: [(Dimension, Differ); 4] = [
        (Dimension::Connections, |a, b| {
            a.connections != b.connections
        }),
        (Dimension::Size, |a, b| a.size_bytes != b.size_bytes),
        (Dimension::Workers, |a, b| {
            a.workers_asked != b.workers_asked
        }),
        (Dimension::Rate, |a, b| a.rate != b.rate),
    ];
    let varies = |differ: Differ| points.windows(2).any(|it| differ(it[0], it[1]));
    let varied = differs.into_iter().filter(|(_, differ)| varies(*differ));
    varied.map(|(dimension, _)| dimension).collect()
}

/// What varies in the workload of `view`.
fn varied(view: &View) -> Vec<Dimension> {
    varies_in(view.groups.iter().map(|group| group.point))
}

/// So many connections, or members of a chat.
pub(crate) fn connections(view: &View, connections: usize) -> String {
    let count = count(connections);
    if view.workload.active_connections.is_some() {
        return tr!(
            view.lang,
            "{count} idle connection[|s]",
            "{count}个空闲连接"
        );
    }
    match view.workload.counts {
        Counts::Deliveries => tr!(view.lang, "{count} member[|s]", "{count}个成员"),
        Counts::Connections => tr!(
            view.lang,
            "{count} connection[|s] at a time",
            "同时有{count}个连接"
        ),
        Counts::Messages | Counts::Requests | Counts::Nothing => {
            tr!(view.lang, "{count} connection[|s]", "{count}个连接")
        }
    }
}

/// The rate of an open loop.
fn rate(view: &View, rate: Option<Rate>) -> String {
    let lang = view.lang;
    match rate {
        Some(Rate::PerS(per_s)) => {
            let rate = figure(short(per_s));
            match view.workload.counts {
                Counts::Connections => {
                    tr!(lang, "{rate} connections per second", "每秒{rate}个连接")
                }
                Counts::Requests => {
                    tr!(lang, "{rate} requests per second", "每秒{rate}个请求")
                }
                _ => tr!(lang, "{rate} messages per second", "每秒{rate}条消息"),
            }
        }
        Some(Rate::Common) => {
            let half = lang.pick(
                "half of the slowest server's highest rate",
                "最慢的服务端最高速率的一半",
            );
            let Some(offered) = offered(view).map(|it| figure(short(it))) else {
                return half.to_owned();
            };
            tr!(lang, "{half} ({offered}/s)", "{half}（每秒{offered}条）")
        }
        Some(Rate::HalfOfBest) => tr!(
            lang,
            "half of each server's highest rate",
            "各服务端自己最高速率的一半"
        ),
        None => tr!(lang, "a closed loop", "闭环压测"),
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
