//! The tables of a report on one load.

use portlab_stats::load::{IntervalLine, Limit, LoadRecord, Quantiles, Unit};
use portlab_words::{
    Lang, tr,
    units::{bytes, nanos, per_s, short},
};

use super::document::{Column, Entry, Table, Tone};
use crate::notes::figures::percent;

/// A time as it is shown; a dash if there is none.
pub(super) fn time(value: Option<u64>) -> String {
    value.map_or_else(|| "–".to_owned(), |it| nanos(it as f64))
}

/// The latencies by their quantiles.
pub(super) fn latencies(record: &LoadRecord, lang: Lang) -> Table {
    let latency = match record.uncorrected_latency_ns {
        Some(_) => ("from due", "从到期"),
        None => ("latency", "延迟"),
    };
    let kinds = [
        (latency, Some(record.latency_ns)),
        (("from sent", "从发送"), record.uncorrected_latency_ns),
        (("to any member", "到任一成员"), record.delivery_ns),
        (("generator's lag", "生成器滞后"), record.pacing_lag_ns),
    ];
    by_quantile(&kinds, lang)
}

/// The times that connecting took, by their quantiles.
pub(super) fn connecting(record: &LoadRecord, lang: Lang) -> Table {
    let kinds = [
        (("connecting", "建立连接"), Some(record.connect_latency_ns)),
        (("TLS handshake", "TLS 握手"), record.handshake_latency_ns),
    ];
    by_quantile(&kinds, lang)
}

/// Times by their quantiles, a column for each kind that was measured.
fn by_quantile(kinds: &[((&'static str, &'static str), Option<Quantiles>)], lang: Lang) -> Table {
    type Row = (&'static str, fn(&Quantiles) -> Entry);
    let rows: [Row; 7] = [
        ("p50", |it| Entry::time(it.p50)),
        ("p90", |it| Entry::time(it.p90)),
        ("p99", |it| Entry::time(it.p99)),
        ("p99.9", |it| Entry::time(it.p999)),
        (lang.pick("max", "最大"), |it| Entry::time(it.max)),
        (lang.pick("mean", "平均"), |it| {
            Entry::figure(it.mean, nanos)
        }),
        (lang.pick("count", "个数"), |it| Entry::count(it.count)),
    ];
    let known = kinds.iter().filter_map(|(name, it)| Some((*name, (*it)?)));
    let cells = known.map(|(name, it)| (name, move |row: &Row| (row.1)(&it)));
    let cells: Vec<_> = cells.collect();
    let name = |row: &Row| Entry::of(row.0);
    let mut columns: Vec<Column<'_, Row>> = vec![(("", ""), &name)];
    columns.extend(
        cells
            .iter()
            .map(|(name, cell)| (*name, cell as &dyn Fn(&Row) -> Entry)),
    );
    Table::of(lang, &rows, &columns)
}

/// The figures of each interval, folded away.
pub(super) fn intervals(record: &LoadRecord, lang: Lang) -> Table {
    let rate = |it: &IntervalLine, count: u64| {
        Entry::figure(Some(count as f64 / it.length_s().max(1e-9)), bytes)
    };
    let columns: [Column<'_, IntervalLine>; 12] = [
        (("until", "到"), &|it| Entry::time(Some(it.to_ns))),
        (("messages", "消息"), &|it| Entry::count(it.messages)),
        (("per second", "每秒"), &|it| {
            Entry::figure(Some(it.messages_per_s), short)
        }),
        (("p50", "p50"), &|it| Entry::time(it.latency_p50_ns)),
        (("p99", "p99"), &|it| Entry::time(it.latency_p99_ns)),
        (("max", "最大"), &|it| Entry::time(it.latency_max_ns)),
        (("errors", "错误"), &|it| Entry::count(it.errors)),
        (("sent per s", "每秒发送"), &|it| {
            rate(it, it.bytes_sent)
        }),
        (("received per s", "每秒接收"), &|it| {
            rate(it, it.bytes_received)
        }),
        (("open", "打开"), &|it| Entry::count(it.open_connections)),
        (("in flight", "在途"), &|it| Entry::count(it.in_flight)),
        (("generator", "生成器"), &|it| {
            Entry::figure(Some(it.generator_cpu_share), percent)
        }),
    ];
    let title = lang.pick("The figures of each interval", "每段间隔的数字");
    Table {
        folded: Some(title.to_owned()),
        ..Table::of(lang, &record.intervals, &columns)
    }
}

pub(super) fn failures(record: &LoadRecord, lang: Lang) -> Table {
    let said = |text: &str| Entry::of(record.in_lang(text, lang));
    Table::of(
        lang,
        &record.failures,
        &[
            (("phase", "阶段"), &|it| said(&it.phase)),
            (("count", "次数"), &|it| {
                Entry::count(it.count).with(Tone::Bad)
            }),
            (("why", "原因"), &|it| said(&it.cause)),
            (("what to do", "怎么办"), &|it| {
                said(it.hint.as_deref().unwrap_or_default())
            }),
        ],
    )
}

/// What answers began with.
pub(super) fn first_lines(record: &LoadRecord, lang: Lang) -> Table {
    let lines = record.first_lines.iter();
    let lines = lines.map(|it| (format!("\"{}\"", it.line), it.count, it.error.as_deref()));
    let others = (
        lang.pick("others", "其他").to_owned(),
        record.other_first_lines,
        None,
    );
    let rows: Vec<_> = lines
        .chain((others.1 > 0 && !record.first_lines.is_empty()).then_some(others))
        .collect();
    let error = |text: &str| Entry::of(record.in_lang(text, lang)).with(Tone::Bad);
    Table::of(
        lang,
        &rows,
        &[
            (("first line", "首行"), &|it| Entry::of(&it.0)),
            (("answers", "响应数"), &|it| Entry::count(it.1)),
            (("error", "错误"), &|it| {
                it.2.map_or_else(Entry::default, error)
            }),
        ],
    )
}

/// How often each status of HTTP came.
pub(super) fn statuses(record: &LoadRecord, lang: Lang) -> Table {
    let answers = record
        .statuses
        .iter()
        .map(|it| it.count)
        .sum::<u64>()
        .max(1) as f64;
    Table::of(
        lang,
        &record.statuses,
        &[
            (("status", "状态码"), &|it| {
                Entry::of(it.status.to_string())
            }),
            (("answers", "响应数"), &|it| Entry::count(it.count)),
            (("share", "占比"), &|it| {
                Entry::figure(Some(it.count as f64 / answers), percent)
            }),
        ],
    )
}

/// The figures of each target, of several.
pub(super) fn targets(record: &LoadRecord, lang: Lang) -> Table {
    Table::of(
        lang,
        &record.targets,
        &[
            (("target", "目标"), &|it| Entry::of(&it.target)),
            (("messages", "消息"), &|it| Entry::count(it.messages)),
            (("per second", "每秒"), &|it| {
                Entry::figure(Some(it.messages_per_s), short)
            }),
            (("p50", "p50"), &|it| Entry::time(it.latency_ns.p50)),
            (("p99", "p99"), &|it| Entry::time(it.latency_ns.p99)),
            (("max", "最大"), &|it| Entry::time(it.latency_ns.max)),
            (("errors", "错误"), &|it| Entry::errors(it.errors)),
            (("not answered", "没有响应"), &|it| {
                Entry::errors(it.unanswered)
            }),
        ],
    )
}

/// The messages of a dialogue file.
pub(super) fn steps(record: &LoadRecord, lang: Lang) -> Table {
    Table::of(
        lang,
        &record.steps,
        &[
            (("message", "消息"), &|it| Entry::of(&it.message)),
            (("line", "行"), &|it| Entry::count(it.line)),
            (("expected", "期望的响应"), &|it| Entry::of(&it.expect)),
            (("answers", "响应数"), &|it| {
                Entry::count(it.latency_ns.count)
            }),
            (("p50", "p50"), &|it| Entry::time(it.latency_ns.p50)),
            (("p99", "p99"), &|it| Entry::time(it.latency_ns.p99)),
            (("max", "最大"), &|it| Entry::time(it.latency_ns.max)),
            (("errors", "错误"), &|it| Entry::errors(it.errors)),
        ],
    )
}

/// The outages, one by one.
pub(super) fn outages(record: &LoadRecord, lang: Lang) -> Table {
    let before = lang.pick("before measuring began", "测量开始之前");
    let state = |ended: bool| match ended {
        true => Entry::of(lang.pick("ended", "已恢复")),
        false => Entry::of(lang.pick("still away at the end", "结束时仍中断")).with(Tone::Bad),
    };
    Table::of(
        lang,
        record.outages.as_ref().map_or(&[], |it| &it.each),
        &[
            (("away", "中断的目标"), &|it| Entry::of(&it.target)),
            (("for", "时长"), &|it| Entry::time(Some(it.length_ns))),
            (("from", "起始"), &|it| match it.from_ns {
                None => Entry::of(before),
                from => Entry::time(from),
            }),
            (("messages lost", "丢失消息"), &|it| {
                Entry::count(it.messages_lost)
            }),
            (("failed attempts", "失败的尝试"), &|it| {
                Entry::count(it.failed_attempts)
            }),
            (("", ""), &|it| state(it.ended)),
        ],
    )
}

/// The limits that were set.
pub(super) fn limits(record: &LoadRecord, lang: Lang) -> Table {
    let write = |of: &Limit, value: f64| match of.unit {
        Unit::Ns => nanos(value),
        Unit::Count => value.to_string(),
        Unit::Share => percent(value),
        Unit::PerS => per_s(value),
    };
    let interval = |it: &Limit| match (it.low, it.high) {
        (None, None) => "–".to_owned(),
        (low, high) => {
            let [low, high] =
                [low, high].map(|end| end.map_or("…".to_owned(), |end| write(it, end)));
            format!("{low} – {high}")
        }
    };
    let verdict = |it: &Limit| {
        let (tone, verdict) = match it.failed {
            true => (Tone::Bad, lang.pick("failed", "未通过")),
            false => (Tone::Good, lang.pick("met", "通过")),
        };
        let unsure = match it.sure {
            Some(false) => tr!(lang, ", but not surely", "，但不确定"),
            _ => String::new(),
        };
        let reason = it.reason.as_deref().map_or(String::new(), |reason| {
            let reason = record.in_lang(reason, lang);
            tr!(lang, ": {reason}", "：{reason}")
        });
        Entry::of(format!("{verdict}{unsure}{reason}")).with(tone)
    };
    Table::of(
        lang,
        &record.limits,
        &[
            (("fails if", "失败条件"), &|it| Entry::of(&it.limit)),
            (("figure", "数值"), &|it| {
                Entry::figure(it.value, |value| write(it, value))
            }),
            (("95% interval", "95% 置信区间"), &|it| {
                Entry::number(interval(it))
            }),
            (("verdict", "判定"), &verdict),
        ],
    )
}
