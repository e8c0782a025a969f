//! The report on one load.

use portlab_stats::load::{Ended, LoadRecord, Loop, Quantiles, Word};
use portlab_words::{
    Lang, Text, plural, tr,
    units::{self, nanos, per_s},
};

use super::{
    charts,
    document::{Block, Card, Document, Entry, Part, Table, Tone},
    tables,
};
use crate::notes::{figures::percent, heading::date};

impl Document {
    /// The report on `record` in `lang`.
    pub fn of_load(record: &LoadRecord, lang: Lang) -> Self {
        let target = &record.target;
        let report = Report { record, lang };
        let mut parts = vec![Part {
            id: "found",
            title: &FOUND,
            blocks: report.found(),
        }];
        let mut add = |id, title, blocks: Vec<Block>| {
            if !blocks.is_empty() {
                parts.push(Part { id, title, blocks });
            }
        };
        add("time", &TIME, report.over_time());
        add("latency", &LATENCY, report.latency());
        add("errors", &ERRORS, report.errors());
        add("answers", &ANSWERS, report.answers());
        add("sent", &SENT, vec![Block::Facts(report.sent())]);
        add("connections", &CONNECTIONS, report.connections());
        add(
            "generator",
            &GENERATOR,
            vec![Block::Facts(report.generator())],
        );
        if !record.command.is_empty() {
            add(
                "command",
                &COMMAND,
                vec![Block::Command(record.command.clone())],
            );
        }
        let version = &record.portlab_version;
        Self {
            lang,
            title: tr!(lang, "Load of {target}", "{target} 的负载测试"),
            lead: record.in_lang(&record.headline, lang).to_owned(),
            chips: report.chips(),
            parts,
            footer: tr!(
                lang,
                "portlab {version}; every sentence and every chart follows from the run's JSON alone.",
                "portlab {version}；每句话、每张图都只由这次运行的 JSON 得出。"
            ),
        }
    }
}

static FOUND: Text = Text::new("What was found", "结论");
static TIME: Text = Text::new("Over time", "随时间的变化");
static LATENCY: Text = Text::new("Latency", "延迟");
static ERRORS: Text = Text::new("Errors", "错误");
static ANSWERS: Text = Text::new("Answers", "响应");
static SENT: Text = Text::new("What was sent", "发送的内容");
static CONNECTIONS: Text = Text::new("Connections", "连接");
static GENERATOR: Text = Text::new("The generator itself", "负载生成器自身");
pub(super) static COMMAND: Text = Text::new("The command", "命令");

/// A quantile as it is written; a dash if there is none.
fn time(value: Option<u64>) -> String {
    value.map_or_else(|| "–".to_owned(), |it| nanos(it as f64))
}

/// What is said of a record, in one language.
struct Report<'a> {
    record: &'a LoadRecord,
    lang: Lang,
}

impl Report<'_> {
    fn elapsed(&self) -> String {
        nanos(self.record.elapsed_ns as f64)
    }

    fn missing(&self) -> u64 {
        self.record.unanswered + self.record.due_not_sent
    }

    fn chips(&self) -> Vec<(&'static str, String)> {
        let (record, lang) = (self.record, self.lang);
        let mut chips = vec![(
            lang.pick("measured", "测量时间"),
            date(record.started_unix_s),
        )];
        if record.elapsed_ns > 0 {
            chips.push((lang.pick("for", "时长"), self.elapsed()));
            chips.push((lang.pick("messages", "消息"), record.messages.to_string()));
        }
        let why = match record.ended {
            Ended::Done => return chips,
            Ended::Interrupted => lang.pick("interrupted", "已中断"),
            Ended::TooManyErrors => lang.pick("too many errors", "错误过多"),
            Ended::NobodyLeft => lang.pick("every connection was lost", "失去了所有连接"),
        };
        chips.push(("!", why.to_owned()));
        chips
    }

    /// What a reader should know first.
    fn found(&self) -> Vec<Block> {
        let (record, lang) = (self.record, self.lang);
        let mut sentences = vec![self.throughput()];
        sentences.extend(self.kept_up());
        sentences.push(self.went_well());
        sentences.push(self.believed());
        let mut blocks = vec![Block::Prose(sentences), Block::Cards(self.cards())];
        let said = |text: &String| record.in_lang(text, lang).to_owned();
        let doubts = record
            .verdict
            .doubts
            .iter()
            .map(|it| (Tone::Warn, said(&it.text)));
        let broken = record
            .first_violations
            .iter()
            .map(|it| (Tone::Bad, said(it)));
        let others = record.notes.iter().chain(&record.preflight);
        let others = others.map(|it| (Tone::Plain, said(it)));
        let points: Vec<_> = broken.chain(doubts).chain(others).collect();
        if !points.is_empty() {
            blocks.push(Block::Points(points));
        }
        if !record.limits.is_empty() {
            blocks.push(Block::Table(tables::limits(record, lang)));
        }
        blocks
    }

    fn throughput(&self) -> String {
        let (record, lang, elapsed) = (self.record, self.lang, self.elapsed());
        if record.elapsed_ns == 0 {
            let text = lang.pick(
                "The run ended before measuring began.",
                "测量开始前运行就结束了。",
            );
            return text.to_owned();
        }
        if record.pace == Loop::Idle {
            let (alive, all) = (record.alive, record.connected);
            return tr!(
                lang,
                "{alive} of {all} connections were still open after {elapsed}.",
                "{elapsed} 后，{all} 个连接中有 {alive} 个仍然打开。"
            );
        }
        let Quantiles { p50, p99, max, .. } = record.latency_ns;
        if record.messages == 0 || p50.is_none() {
            return tr!(
                lang,
                "Nothing was answered in {elapsed}.",
                "{elapsed} 内没有得到任何响应。"
            );
        }
        let rate = units::short(record.messages_per_s);
        let [p50, p99, max] = [p50, p99, max].map(time);
        match record.members {
            Some(members) => tr!(
                lang,
                "{rate} messages per second reached their whole room, among {members} members: half of them within \
                 {p50}, 99 of 100 within {p99}, and the slowest took {max}.",
                "{members} 个成员的聊天，每秒有 {rate} 条消息送达全室：一半在 {p50} 以内，99% 在 {p99} 以内，最慢的用了 {max}。"
            ),
            None => tr!(
                lang,
                "The server answered {rate} messages per second: half of them within {p50}, 99 of 100 within {p99}, \
                 and the slowest took {max}.",
                "服务端每秒响应 {rate} 条消息：一半在 {p50} 以内，99% 在 {p99} 以内，最慢的用了 {max}。"
            ),
        }
    }

    /// How much of the rate of an open loop was reached.
    fn kept_up(&self) -> Option<String> {
        let rate = self.record.rate_per_s.filter(|rate| *rate > 0.0)?;
        if self.record.rate_changed_to_per_s.is_some() {
            return None;
        }
        let share = percent(self.record.messages_per_s / rate);
        let rate = per_s(rate);
        Some(tr!(
            self.lang,
            "That is {share} of the rate of {rate} that was asked for.",
            "达到所要求的 {rate} 的 {share}。"
        ))
    }

    fn went_well(&self) -> String {
        let (lang, errors, missing) = (self.lang, self.record.errors, self.missing());
        let lost = tr!(
            lang,
            "{missing} answers are missing",
            "缺少 {missing} 个响应"
        );
        match (errors, missing) {
            (0, 0) if self.record.pace == Loop::Idle => {
                tr!(lang, "There was no error.", "没有错误。")
            }
            (0, 0) => tr!(
                lang,
                "No answer was missing or an error.",
                "没有缺少响应，也没有错误。"
            ),
            (0, _) => tr!(
                lang,
                "There was no error, but {lost}.",
                "没有错误，但{lost}。"
            ),
            _ => {
                let count = plural(errors, "error");
                let and = tr!(lang, ", and {lost}", "，并{lost}");
                let and = if missing > 0 { &and } else { "" };
                let were = if errors == 1 { "was" } else { "were" };
                lang.pick(
                    format!("There {were} {count}{and}."),
                    format!("有 {errors} 个错误{and}。"),
                )
            }
        }
    }

    fn believed(&self) -> String {
        match self.record.verdict.word {
            Word::Yes => self.lang.pick(
                "The figures can be believed: the generator was at ease, and no check of the run raised a doubt.",
                "这些数字可信：负载生成器有余力，各项检查都没有疑点。",
            ),
            Word::WithCare => self.lang.pick(
                "Read the figures with care, for the reasons below.",
                "请谨慎看待这些数字，原因见下。",
            ),
            Word::No => self.lang.pick(
                "The figures say nothing about how well the server works, for the reasons below.",
                "这些数字不能说明服务端的性能，原因见下。",
            ),
        }
        .to_owned()
    }

    fn cards(&self) -> Vec<Card> {
        let (record, lang) = (self.record, self.lang);
        let card = |(en, zh), figure: String, tone, text: String| Card {
            name: lang.pick(en, zh),
            figure,
            tone,
            text,
        };
        let Quantiles {
            p50,
            p90,
            p99,
            p999,
            ..
        } = record.latency_ns;
        let [p90, p999] = [p90, p999].map(time);
        let (count, elapsed) = (record.messages, self.elapsed());
        let samples = units::short(record.verdict.samples as f64);
        let bad = |count: u64| if count > 0 { Tone::Bad } else { Tone::Good };
        let (made, missing) = (record.connections_made, self.missing());
        let connect = record.connect_latency_ns;
        let connect_p99 = time(connect.p99);
        let (word, tone) = match record.verdict.word {
            Word::Yes => (lang.pick("yes", "可信"), Tone::Good),
            Word::WithCare => (lang.pick("with care", "需谨慎"), Tone::Warn),
            Word::No => (lang.pick("no", "不可信"), Tone::Bad),
        };
        let connected = card(
            ("Connecting, median", "建立连接，中位数"),
            time(connect.p50),
            Tone::Plain,
            tr!(
                lang,
                "p99 {connect_p99}; {made} made",
                "p99 {connect_p99}；共建立 {made} 个"
            ),
        );
        let errors = card(
            ("Errors", "错误"),
            record.errors.to_string(),
            bad(record.errors + missing),
            match missing {
                0 => record.in_lang(&record.checked_how, lang).to_owned(),
                _ => tr!(lang, "{missing} answers missing", "缺少 {missing} 个响应"),
            },
        );
        let believable = card(
            ("Believable", "可信吗"),
            word.to_owned(),
            tone,
            tr!(lang, "{samples} samples", "{samples} 个样本"),
        );
        if record.latency_ns.count == 0 {
            return vec![connected, errors, believable];
        }
        let throughput = card(
            ("Throughput", "吞吐量"),
            per_s(record.messages_per_s),
            Tone::Plain,
            tr!(
                lang,
                "{count} messages in {elapsed}",
                "{elapsed} 内 {count} 条消息"
            ),
        );
        let p50 = card(
            ("Latency, median", "延迟，中位数"),
            time(p50),
            Tone::Plain,
            tr!(lang, "p90 {p90}", "p90 {p90}"),
        );
        let p99 = card(
            ("Latency, p99", "延迟，p99"),
            time(p99),
            Tone::Plain,
            tr!(lang, "p99.9 {p999}", "p99.9 {p999}"),
        );
        vec![throughput, p50, p99, errors, connected, believable]
    }

    fn over_time(&self) -> Vec<Block> {
        let charts = charts::over_time(self.record, self.lang);
        let mut blocks: Vec<Block> = charts
            .into_iter()
            .map(|it| Block::Chart(it.into()))
            .collect();
        if !blocks.is_empty() {
            blocks.push(Block::Table(tables::intervals(self.record, self.lang)));
        }
        blocks
    }

    fn latency(&self) -> Vec<Block> {
        if self.record.latency_ns.count == 0 {
            return Vec::new();
        }
        let charts = charts::latencies(self.record, self.lang);
        let table = Block::Table(tables::quantiles(self.record, self.lang));
        let charts = charts.into_iter().map(|it| Block::Chart(it.into()));
        charts.chain([table]).collect()
    }

    fn errors(&self) -> Vec<Block> {
        let (record, lang) = (self.record, self.lang);
        let mut blocks = Vec::new();
        if !record.failures.is_empty() {
            blocks.push(Block::Table(tables::failures(record, lang)));
        }
        if let Some(first) = &record.first_wrong_answer {
            let name = lang.pick("what came first that was wrong", "最先收到的错误内容");
            blocks.push(Block::Facts(vec![(name, format!("\"{first}\""))]));
        }
        blocks
    }

    fn answers(&self) -> Vec<Block> {
        let (record, lang) = (self.record, self.lang);
        let mut blocks = Vec::new();
        if let Some(first) = &record.first_answer {
            let name = lang.pick("the first answer", "第一个响应");
            blocks.push(Block::Facts(vec![(name, format!("\"{first}\""))]));
        }
        if !record.statuses.is_empty() {
            blocks.push(Block::Table(tables::statuses(record, lang)));
        } else if !record.first_lines.is_empty() {
            blocks.push(Block::Table(tables::first_lines(record, lang)));
        }
        blocks
    }

    fn sent(&self) -> Vec<(&'static str, String)> {
        let (record, lang) = (self.record, self.lang);
        let [shortest, longest] =
            [record.size_bytes, record.size_max_bytes].map(|it| units::bytes(it as f64));
        let size = match shortest == longest {
            true => shortest,
            false => tr!(lang, "{shortest} to {longest}", "{shortest} 到 {longest}"),
        };
        let mut facts = vec![(lang.pick("target", "目标"), record.target.clone())];
        if let Some(faults) = &record.through {
            facts.push((lang.pick("through a proxy", "经过代理"), faults.clone()));
        }
        let spread = match record.arrivals.as_deref() {
            Some("poisson") => lang.pick("random (Poisson) arrivals", "随机（泊松）到达"),
            _ => lang.pick("even arrivals", "均匀到达"),
        };
        let rate = record.rate_per_s.map_or(String::new(), per_s);
        let pace = match record.pace {
            Loop::Idle => tr!(lang, "nothing was sent", "没有发送"),
            Loop::Closed => tr!(
                lang,
                "closed loop: the next message when an answer has come",
                "闭环：收到响应后再发下一条"
            ),
            Loop::Open => tr!(
                lang,
                "open loop: {rate}, {spread}, whatever the server does",
                "开环：{rate}（{spread}），与服务端快慢无关"
            ),
        };
        facts.push((lang.pick("pace", "节奏"), pace));
        if record.pace == Loop::Idle {
            return facts;
        }
        let checked = record.in_lang(&record.checked_how, lang).to_owned();
        let bytes = [record.bytes_sent, record.bytes_received].map(|it| units::bytes(it as f64));
        let [sent, received] = bytes;
        facts.extend([
            (lang.pick("length of a message", "消息长度"), size),
            (
                lang.pick("in flight on a connection", "每个连接的在途消息"),
                record.depth.to_string(),
            ),
            (lang.pick("expected", "期望的响应"), record.expect.clone()),
            (lang.pick("checked", "核对"), checked),
            (
                lang.pick("bytes with the warm-up", "字节数（含预热）"),
                tr!(
                    lang,
                    "{sent} sent, {received} received",
                    "发送 {sent}，收到 {received}"
                ),
            ),
            (lang.pick("seed", "随机种子"), record.seed.to_string()),
        ]);
        facts
    }

    fn connections(&self) -> Vec<Block> {
        let (record, lang) = (self.record, self.lang);
        let phase = nanos(record.connect_phase_ns as f64);
        let (asked, connected, made) = (
            record.connections,
            record.connected,
            record.connections_made,
        );
        let mut facts = vec![
            (
                lang.pick("open when the load began", "负载开始时打开"),
                tr!(
                    lang,
                    "{connected} of {asked}, after {phase}",
                    "{connected}/{asked}，用时 {phase}"
                ),
            ),
            (lang.pick("made in all", "总共建立"), made.to_string()),
            (
                lang.pick("open at the end", "结束时打开"),
                record.alive.to_string(),
            ),
        ];
        if let Some(fairness) = record.fairness {
            let (least, most) = (fairness.least_messages, fairness.most_messages);
            let jain = format!("{:.3}", fairness.jain_index);
            let text = tr!(
                lang,
                "Jain's index {jain}; a connection had {least} to {most} answers",
                "Jain 指数 {jain}；每个连接得到 {least} 到 {most} 个响应"
            );
            facts.push((lang.pick("fairness", "公平性"), text));
        }
        if let Some(tls) = &record.tls {
            let known = [&tls.version, &tls.cipher].into_iter().flatten();
            let what: Vec<&str> = known.map(String::as_str).collect();
            let (what, made, resumed) = (what.join(", "), tls.handshakes, tls.handshakes_resumed);
            let text = tr!(
                lang,
                "{what}; {made} handshakes, {resumed} of them resumed",
                "{what}；{made} 次握手，其中 {resumed} 次恢复会话"
            );
            facts.push(("TLS", text));
        }
        let table = tables::connecting(record, lang);
        vec![Block::Facts(facts), Block::Table(table)]
    }

    fn generator(&self) -> Vec<(&'static str, String)> {
        let (record, lang) = (self.record, self.lang);
        let (share, threads) = (percent(record.generator_cpu_share), record.threads);
        let in_words = plural(threads, "thread");
        let cpu = lang.pick(
            format!("{share} of {in_words}"),
            format!("{threads} 个线程的 {share}"),
        );
        let mut facts = vec![(lang.pick("processor time", "CPU 时间"), cpu)];
        if record.generator_cpu_us_per_message > 0.0 {
            let each = nanos(record.generator_cpu_us_per_message * 1e3);
            facts.push((lang.pick("per message", "每条消息"), each));
        }
        if let Some(waited) = record.generator_wait_share {
            let share = percent(waited);
            let text = tr!(lang, "{share} of its runnable time", "可运行时间的 {share}");
            facts.push((lang.pick("waited for a processor", "等待处理器"), text));
        }
        if let Some(lag) = record.pacing_lag_ns {
            facts.push((
                lang.pick("late in sending, p99", "发送滞后，p99"),
                time(lag.p99),
            ));
        }
        facts
    }
}

/// A row of a table: its name, and a figure for each kind of time.
pub(super) fn quantile_row(name: &str, values: Vec<Option<f64>>) -> Vec<Entry> {
    let figures = values.into_iter().map(|it| Entry::figure(it, nanos));
    [Entry::of(name)].into_iter().chain(figures).collect()
}

/// A table that is always shown.
pub(super) fn table(heads: &[(&str, bool)], rows: Vec<Vec<Entry>>) -> Table {
    let heads = heads
        .iter()
        .map(|(head, has_words)| ((*head).to_owned(), *has_words));
    Table {
        folded: None,
        heads: heads.collect(),
        rows,
    }
}
