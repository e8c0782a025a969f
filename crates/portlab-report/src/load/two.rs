//! The report on two loads: what has changed.

use portlab_stats::load::{
    LoadRecord,
    changes::{Change, Figure, LEAST_INTERVALS, Trend, changes},
};
use portlab_words::{
    Lang, Text, tr,
    units::{self, nanos, per_s},
};

use super::{
    charts,
    document::{Block, Document, Entry, Part, Table, Tone},
};
use crate::{
    changes::changed,
    notes::{figures::percent, heading::date},
};

impl Document {
    /// The report on how the load `now` differs from the load `before`.
    pub fn of_two_loads(before: &LoadRecord, now: &LoadRecord, lang: Lang) -> Self {
        let changes = changes(before, now);
        let mut found = vec![Block::Prose(summary(&changes, lang))];
        let unlike = unlike(before, now, lang);
        let unlike = unlike.into_iter().map(|it| (Tone::Warn, it));
        found.extend(Block::Points(unlike.collect()).unless_empty());
        found.push(Block::Table(table_of(&changes, before, now, lang)));
        let named = [
            (
                lang.pick("before", "之前").to_owned(),
                charts::GREY,
                &before.histograms.latency,
            ),
            (
                lang.pick("now", "现在").to_owned(),
                charts::BLUE,
                &now.histograms.latency,
            ),
        ];
        let runs = [
            (lang.pick("before", "之前"), before),
            (lang.pick("now", "现在"), now),
        ];
        let facts = runs.map(|(name, it)| {
            let (when, what) = (date(it.started_unix_s), it.in_lang(&it.headline, lang));
            let (version, command) = (&it.portlab_version, &it.command);
            (
                name,
                format!("{when}, portlab {version}: {what}; {command}"),
            )
        });
        let parts = [
            ("found", lang.pick("What has changed", "有什么变化"), found),
            (
                "latency",
                lang.pick("Latency", "延迟"),
                charts::of_histograms(&named, "", lang),
            ),
            (
                "runs",
                lang.pick("The runs", "两次运行"),
                vec![Block::Facts(facts.into())],
            ),
        ];
        let parts = parts.map(|(id, title, blocks)| Part { id, title, blocks });
        let target = &now.target;
        Self {
            lang,
            title: tr!(
                lang,
                "Two loads compared: {target}",
                "两次负载测试的对比：{target}"
            ),
            lead: now.in_lang(&now.headline, lang).to_owned(),
            chips: vec![
                (lang.pick("before", "之前"), date(before.started_unix_s)),
                (lang.pick("now", "现在"), date(now.started_unix_s)),
            ],
            parts: parts.into(),
            footer: tr!(
                lang,
                "Every sentence and every chart follows from the JSON of the two runs alone.",
                "每句话、每张图都只由这两次运行的 JSON 得出。"
            ),
        }
    }
}

/// What fails the load `now`, if it may be worse than the load `before` by the share `bar`; a sentence each.
///
/// # Errors
/// When the runs can't decide, the reason.
pub fn load_failures(
    before: &LoadRecord,
    now: &LoadRecord,
    bar: f64,
    lang: Lang,
) -> Result<Vec<String>, Text> {
    let mut failures = Vec::new();
    if now.has_failed() && !before.has_failed() {
        let (errors, missing) = (now.errors, now.unanswered + now.due_not_sent);
        failures.push(tr!(
            lang,
            "failed: {errors} errors and {missing} missing answers, or limits that aren't met, and before there were none",
            "失败：{errors} 个错误，缺少 {missing} 个响应，或有限制未满足，而以前没有"
        ));
    }
    let changes = changes(before, now);
    for change in changes.iter().filter(|it| it.is_worse_by(bar)) {
        let (what, most) = (name(change.figure), percent(bar));
        let what = what.pick(lang);
        let by = percent(change.worsening(change.whole()));
        failures.push(tr!(
            lang,
            "failed: {what}: worse by {by}, more than {most}",
            "失败：{what}：变差 {by}，超过 {most}"
        ));
    }
    if failures.is_empty() && changes.iter().all(|it| it.ratio.is_none()) {
        return Err(tr!(
            "these runs cannot decide: there are fewer than {LEAST_INTERVALS} intervals with a latency in one of them; \
             load for longer",
            "这两次运行不能判定：其中一次有延迟的间隔不到 {LEAST_INTERVALS} 段；请延长测量时间"
        ));
    }
    Ok(failures)
}

fn name(figure: Figure) -> Text {
    match figure {
        Figure::Throughput => Text::new("throughput", "吞吐量"),
        Figure::P50 => Text::new("latency p50", "延迟 p50"),
        Figure::P90 => Text::new("latency p90", "延迟 p90"),
        Figure::P99 => Text::new("latency p99", "延迟 p99"),
        Figure::P999 => Text::new("latency p99.9", "延迟 p99.9"),
        Figure::Max => Text::new("longest latency", "最长延迟"),
        Figure::Connect => Text::new("connecting, p50", "建立连接，p50"),
    }
}

/// `+12%`.
fn share(ratio: f64) -> String {
    let share = ratio - 1.0;
    let sign = match percent(share.abs()) {
        zero if zero == "0.0%" => "",
        _ if share < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{}", percent(share.abs()))
}

/// What has surely changed, and what these runs can't tell.
fn summary(changes: &[Change], lang: Lang) -> Vec<String> {
    let of = |trend: Trend| {
        let those = changes.iter().filter(|it| it.trend() == trend);
        let those = those.map(|it| {
            let (what, by) = (name(it.figure), share(it.whole()));
            let what = what.pick(lang);
            tr!(lang, "{what} ({by})", "{what}（{by}）")
        });
        those.collect::<Vec<_>>().join(lang.pick(", ", "、"))
    };
    let (worse, better) = (of(Trend::Worse), of(Trend::Better));
    let mut said = Vec::new();
    if !worse.is_empty() {
        said.push(tr!(lang, "Worse now: {worse}.", "变差：{worse}。"));
    }
    if !better.is_empty() {
        said.push(tr!(lang, "Better now: {better}.", "变好：{better}。"));
    }
    if said.is_empty() {
        said.push(tr!(
            lang,
            "No change that these runs could see.",
            "这两次运行看不出变化。"
        ));
    }
    said.push(tr!(
        lang,
        "A change counts if the whole runs show it and the 95% interval of the medians over their intervals agrees. One \
         run of each can't tell a change of the server from a change of the machine: repeat both in turn before you \
         rely on it.",
        "整次运行显示有变化、且各段间隔中位数的 95% 置信区间也一致，才算变化。各只运行一次，分不清是服务端变了还是机器变了：\
         请让两者交替运行几次再下结论。"
    ));
    said
}

/// What must be alike in two runs whose figures are compared.
type Alike = ((&'static str, &'static str), fn(&LoadRecord) -> String);

const ALIKE: [Alike; 12] = [
    (("target", "目标"), |it| it.target.clone()),
    (("loop", "循环"), |it| {
        format!("{:?}", it.pace).to_lowercase()
    }),
    (("rate", "速率"), |it| {
        it.rate_per_s.map_or("–".to_owned(), per_s)
    }),
    (("connections", "连接数"), |it| {
        it.connections.to_string()
    }),
    (("depth", "深度"), |it| it.depth.to_string()),
    (("length of a message", "消息长度"), |it| {
        [it.size_bytes, it.size_max_bytes]
            .map(|it| units::bytes(it as f64))
            .join("–")
    }),
    (("method", "方法"), |it| {
        it.method.clone().unwrap_or("–".to_owned())
    }),
    (("expected answer", "期望的响应"), |it| {
        it.expect.clone()
    }),
    (("TLS", "TLS"), |it| match &it.tls {
        Some(tls) => tls.version.clone().unwrap_or("–".to_owned()),
        None => "–".to_owned(),
    }),
    (("pause", "停顿"), |it| match it.think_ns {
        Some(ends) => ends.map(|it| nanos(it as f64)).join("–"),
        None => "–".to_owned(),
    }),
    (("proxy", "代理"), |it| {
        it.through.clone().unwrap_or("–".to_owned())
    }),
    (("threads of the generator", "生成器线程数"), |it| {
        it.threads.to_string()
    }),
];

/// In which respects the runs aren't alike.
fn unlike(before: &LoadRecord, now: &LoadRecord, lang: Lang) -> Vec<String> {
    let mut said = Vec::new();
    for ((en, zh), of) in ALIKE {
        let (what, earlier, later) = (lang.pick(en, zh), of(before), of(now));
        if earlier != later {
            said.push(tr!(
                lang,
                "the runs aren't alike: {what} was {earlier}, and is {later}",
                "两次运行不同：{what}之前是 {earlier}，现在是 {later}"
            ));
        }
    }
    for (when, it) in [
        (lang.pick("before", "之前"), before),
        (lang.pick("now", "现在"), now),
    ] {
        if !it.verdict.believable {
            let doubts = it.verdict.doubts.iter().map(|it| &it.text);
            let first = doubts.map(|text| it.in_lang(text, lang)).next();
            let first = first.unwrap_or_default();
            said.push(tr!(
                lang,
                "the run {when} is to be read with care: {first}",
                "{when}的一次需谨慎看待：{first}"
            ));
        }
    }
    said
}

fn table_of(changes: &[Change], before: &LoadRecord, now: &LoadRecord, lang: Lang) -> Table {
    let written = |it: &Change, value: f64| match it.figure {
        Figure::Throughput => Entry::figure(Some(value), per_s),
        _ => Entry::figure(Some(value), nanos),
    };
    let interval = |it: &Change| {
        let ends = [
            changed(it.ratio, |it| it.low),
            changed(it.ratio, |it| it.high),
        ];
        let ends = ends.join(lang.pick(" to ", " 至 "));
        it.ratio.map_or_else(|| "–".to_owned(), |_| ends)
    };
    let trend = |it: &Change| match it.trend() {
        Trend::Worse => (Tone::Bad, lang.pick("▼ worse", "▼ 变差")),
        Trend::Better => (Tone::Good, lang.pick("▲ better", "▲ 变好")),
        Trend::Unseen => (Tone::Plain, ""),
    };
    let mut table = Table::of(
        lang,
        changes,
        &[
            (("figure", "数字"), &|it| {
                Entry::of(name(it.figure).pick(lang))
            }),
            (("before", "之前"), &|it| written(it, it.before)),
            (("now", "现在"), &|it| written(it, it.now)),
            (("change", "变化"), &|it| {
                Entry::figure(Some(it.whole()), share).with(trend(it).0)
            }),
            (("95% interval", "95% 置信区间"), &|it| {
                Entry::number(interval(it))
            }),
            (("", ""), &|it| Entry::of(trend(it).1).with(trend(it).0)),
        ],
    );
    let count = |it: &LoadRecord| Entry::count(it.errors + it.unanswered + it.due_not_sent);
    let name = Entry::of(lang.pick("errors and missing answers", "错误与缺少的响应"));
    let mut row = vec![name, count(before), count(now)];
    row.resize(table.heads.len(), Entry::default());
    table.rows.push(row);
    table
}
