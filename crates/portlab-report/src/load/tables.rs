//! The tables of a report on one load.

use portlab_stats::load::{Interval, Limit, LoadRecord, Quantiles, Unit};
use portlab_words::{
    Lang, tr,
    units::{bytes, nanos, per_s, short},
};

use super::{
    document::{Entry, Table, Tone},
    one::{quantile_row, table},
};
use crate::notes::figures::percent;

/// The latencies by their quantiles.
pub(super) fn quantiles(record: &LoadRecord, lang: Lang) -> Table {
    let latency = match record.uncorrected_latency_ns {
        Some(_) => lang.pick("from due", "从到期"),
        None => lang.pick("latency", "延迟"),
    };
    let kinds = [
        (latency, Some(record.latency_ns)),
        (
            lang.pick("from sent", "从发送"),
            record.uncorrected_latency_ns,
        ),
        (lang.pick("to any member", "到任一成员"), record.delivery_ns),
        (
            lang.pick("generator's lag", "生成器滞后"),
            record.pacing_lag_ns,
        ),
    ];
    by_quantile(&kinds, lang)
}

/// The times that connecting took, by their quantiles.
pub(super) fn connecting(record: &LoadRecord, lang: Lang) -> Table {
    let kinds = [
        (
            lang.pick("connecting", "建立连接"),
            Some(record.connect_latency_ns),
        ),
        (
            lang.pick("TLS handshake", "TLS 握手"),
            record.handshake_latency_ns,
        ),
    ];
    by_quantile(&kinds, lang)
}

/// Times by their quantiles, a column for each kind that was measured.
fn by_quantile(kinds: &[(&'static str, Option<Quantiles>)], lang: Lang) -> Table {
    let known = kinds.iter().filter_map(|(name, it)| Some((*name, (*it)?)));
    let (names, known): (Vec<&str>, Vec<Quantiles>) = known.filter(|it| it.1.count > 0).unzip();
    let of = |of: fn(&Quantiles) -> Option<u64>| {
        let values = known.iter().map(|it| of(it).map(|it| it as f64));
        values.collect::<Vec<_>>()
    };
    let mut rows = vec![
        quantile_row("p50", of(|it| it.p50)),
        quantile_row("p90", of(|it| it.p90)),
        quantile_row("p99", of(|it| it.p99)),
        quantile_row("p99.9", of(|it| it.p999)),
        quantile_row(lang.pick("max", "最大"), of(|it| it.max)),
        quantile_row(
            lang.pick("mean", "平均"),
            known.iter().map(|it| it.mean).collect(),
        ),
    ];
    let counts = known.iter().map(|it| Entry {
        text: it.count.to_string(),
        sort: Some(it.count as f64),
        ..Entry::default()
    });
    let count = Entry::of(lang.pick("count", "个数"));
    rows.push([count].into_iter().chain(counts).collect());
    let heads = names.into_iter().map(|name| (name, false));
    let heads: Vec<_> = [("", true)].into_iter().chain(heads).collect();
    table(&heads, rows)
}

/// The figures of each interval, folded away.
pub(super) fn intervals(record: &LoadRecord, lang: Lang) -> Table {
    let head = |(en, zh)| (lang.pick(en, zh), false);
    let heads = [
        ("until", "到"),
        ("messages", "消息"),
        ("per second", "每秒"),
        ("p50", "p50"),
        ("p99", "p99"),
        ("max", "最大"),
        ("errors", "错误"),
        ("sent per s", "每秒发送"),
        ("received per s", "每秒接收"),
        ("open", "打开"),
        ("in flight", "在途"),
        ("generator", "生成器"),
    ];
    let row = |it: &Interval| {
        let length = it.length_s().max(1e-9);
        let time = |value: Option<u64>| Entry::figure(value.map(|it| it as f64), nanos);
        let count = |value: u64| Entry::figure(Some(value as f64), |it| it.to_string());
        let rate = |value: u64| Entry::figure(Some(value as f64 / length), bytes);
        vec![
            time(Some(it.to_ns)),
            count(it.messages),
            Entry::figure(Some(it.messages_per_s), short),
            time(it.latency_p50_ns),
            time(it.latency_p99_ns),
            time(it.latency_max_ns),
            count(it.errors),
            rate(it.bytes_sent),
            rate(it.bytes_received),
            count(it.open_connections),
            count(it.in_flight),
            Entry::figure(Some(it.generator_cpu_share), percent),
        ]
    };
    Table {
        folded: Some(
            lang.pick("The figures of each interval", "每段间隔的数字")
                .to_owned(),
        ),
        ..table(&heads.map(head), record.intervals.iter().map(row).collect())
    }
}

pub(super) fn failures(record: &LoadRecord, lang: Lang) -> Table {
    let heads = [
        (lang.pick("phase", "阶段"), true),
        (lang.pick("count", "次数"), false),
        (lang.pick("why", "原因"), true),
        (lang.pick("what to do", "怎么办"), true),
    ];
    let rows = record.failures.iter().map(|it| {
        let said = |text: &str| Entry::of(record.in_lang(text, lang));
        vec![
            said(&it.phase),
            Entry::figure(Some(it.count as f64), |it| it.to_string()).with(Tone::Bad),
            said(&it.cause),
            said(it.hint.as_deref().unwrap_or_default()),
        ]
    });
    table(&heads, rows.collect())
}

/// What answers began with.
pub(super) fn first_lines(record: &LoadRecord, lang: Lang) -> Table {
    let mut heads = vec![
        (lang.pick("first line", "首行"), true),
        (lang.pick("answers", "响应数"), false),
    ];
    let count = |count: u64| Entry::figure(Some(count as f64), |it| it.to_string());
    let others = lang.pick("others", "其他").to_owned();
    let lines = record.first_lines.iter().map(|it| {
        let error = it.error.as_deref().unwrap_or_default();
        (format!("\"{}\"", it.line), it.count, error)
    });
    let others = (others, record.other_first_lines, "");
    let lines = lines.chain((others.1 > 0).then_some(others));
    let rows = lines.map(|(line, times, error)| {
        let error = Entry::of(record.in_lang(error, lang)).with(Tone::Bad);
        vec![Entry::of(line), count(times), error]
    });
    let mut rows: Vec<_> = rows.collect();
    if record.first_lines.iter().all(|it| it.error.is_none()) {
        rows.iter_mut().for_each(|row| row.truncate(2));
    } else {
        heads.push((lang.pick("error", "错误"), true));
    }
    table(&heads, rows)
}

/// How often each status of HTTP came.
pub(super) fn statuses(record: &LoadRecord, lang: Lang) -> Table {
    let heads = [
        (lang.pick("status", "状态码"), true),
        (lang.pick("answers", "响应数"), false),
    ];
    let rows = record.statuses.iter().map(|it| {
        let count = Entry::figure(Some(it.count as f64), |it| it.to_string());
        vec![Entry::of(it.status.to_string()), count]
    });
    table(&heads, rows.collect())
}

/// The limits that were set.
pub(super) fn limits(record: &LoadRecord, lang: Lang) -> Table {
    let heads = [
        (lang.pick("fails if", "失败条件"), true),
        (lang.pick("figure", "数值"), false),
        (lang.pick("95% interval", "95% 置信区间"), false),
        (lang.pick("verdict", "判定"), true),
    ];
    let row = |it: &Limit| {
        let write = |value: f64| match it.unit {
            Unit::Ns => nanos(value),
            Unit::Count => value.to_string(),
            Unit::Share => percent(value),
            Unit::PerS => per_s(value),
        };
        let interval = match (it.low, it.high) {
            (Some(low), Some(high)) => format!("{} – {}", write(low), write(high)),
            _ => "–".to_owned(),
        };
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
        vec![
            Entry::of(it.limit.clone()),
            Entry::figure(it.value, write),
            Entry::of(interval),
            Entry::of(format!("{verdict}{unsure}{reason}")).with(tone),
        ]
    };
    table(&heads, record.limits.iter().map(row).collect())
}
