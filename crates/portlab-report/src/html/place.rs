//! Where in a workload, in words.

use portlab_stats::{
    analysis::Group,
    record::{Counts, Point, Rate},
    units,
};

use crate::Lang;

/// What is varied among `groups`, of `point`: `100 connections, 64 B`. Where nothing is varied, its
/// connections.
pub(crate) fn place(groups: &[&Group], point: &Point, lang: Lang) -> String {
    let varies = |of: fn(&Point) -> String| {
        let mut all: Vec<String> = groups.iter().map(|group| of(&group.point)).collect();
        all.sort();
        all.dedup();
        all.len() > 1
    };
    let is_chat = groups
        .iter()
        .any(|group| group.workload.counts == Counts::Deliveries);
    let mut parts = vec![connections(point.connections, is_chat, lang)];
    if varies(|point| point.size_bytes.to_string()) {
        parts.push(units::bytes(point.size_bytes as f64));
    }
    if let Some(workers) = point.workers_asked {
        parts.push(match lang {
            Lang::En => format!("{workers} workers"),
            Lang::Zh => format!("{workers} 个工作者"),
        });
    }
    if let Some(rate) = point.rate {
        parts.push(self::rate(rate, lang));
    }
    parts.join(match lang {
        Lang::En => ", ",
        Lang::Zh => "，",
    })
}

fn connections(count: usize, is_chat: bool, lang: Lang) -> String {
    let ending = if count == 1 { "" } else { "s" };
    match (lang, is_chat) {
        (Lang::En, false) => format!("{count} connection{ending}"),
        (Lang::En, true) => format!("{count} member{ending}"),
        (Lang::Zh, false) => format!("{count} 个连接"),
        (Lang::Zh, true) => format!("{count} 个成员"),
    }
}

fn rate(rate: Rate, lang: Lang) -> String {
    match (rate, lang) {
        (Rate::PerS(rate), Lang::En) => format!("{} per second", units::short(rate)),
        (Rate::PerS(rate), Lang::Zh) => format!("每秒 {}", units::short(rate)),
        (Rate::Common, Lang::En) => "one rate that all can bear".to_owned(),
        (Rate::Common, Lang::Zh) => "人人承受得起的同一速率".to_owned(),
        (Rate::HalfOfBest, Lang::En) => "half of what each can bear".to_owned(),
        (Rate::HalfOfBest, Lang::Zh) => "各自最高速率的一半".to_owned(),
    }
}
