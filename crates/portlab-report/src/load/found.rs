//! What a reader should know first about a load: sentences, warnings and figures.

use portlab_stats::load::{Loop, Quantiles, Word};
use portlab_words::{
    plural, tr,
    units::{self, per_s},
};

use super::{
    document::{Block, Card, Tone},
    one::Report,
    tables::{self, time},
};
use crate::notes::figures::percent;

impl Report<'_> {
    fn elapsed(&self) -> String {
        time(Some(self.record.elapsed_ns))
    }

    fn missing(&self) -> u64 {
        self.record.unanswered + self.record.due_not_sent
    }

    /// What a reader should know first.
    pub(super) fn found(&self) -> Vec<Block> {
        let record = self.record;
        let mut sentences = vec![self.throughput()];
        sentences.extend(self.kept_up());
        sentences.push(self.went_well());
        sentences.push(self.believed());
        let mut blocks = vec![Block::Prose(sentences), Block::Cards(self.cards())];
        let doubts = record
            .verdict
            .doubts
            .iter()
            .map(|it| (Tone::Warn, self.said(&it.text)));
        let broken = record
            .first_violations
            .iter()
            .map(|it| (Tone::Bad, self.said(it)));
        let others = record.notes.iter().chain(&record.preflight);
        let others = others.map(|it| (Tone::Plain, self.said(it)));
        let points: Vec<_> = broken.chain(doubts).chain(others).collect();
        blocks.extend(Block::Points(points).unless_empty());
        blocks.extend(Block::Table(tables::limits(record, self.lang)).unless_empty());
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
        let latency = record.latency_ns;
        let connect = record.connect_latency_ns;
        let [p90, p999, connect_p99] = [latency.p90, latency.p999, connect.p99].map(time);
        let (count, elapsed) = (record.messages, self.elapsed());
        let (made, errors) = (record.connections_made, self.errors_card());
        let (word, tone) = match record.verdict.word {
            Word::Yes => (lang.pick("yes", "可信"), Tone::Good),
            Word::WithCare => (lang.pick("with care", "需谨慎"), Tone::Warn),
            Word::No => (lang.pick("no", "不可信"), Tone::Bad),
        };
        let weighed = units::short(record.verdict.samples as f64);
        let cards = [
            (
                ("Throughput", "吞吐量"),
                per_s(record.messages_per_s),
                Tone::Plain,
                tr!(
                    lang,
                    "{count} messages in {elapsed}",
                    "{elapsed} 内 {count} 条消息"
                ),
            ),
            (
                ("Latency, median", "延迟，中位数"),
                time(latency.p50),
                Tone::Plain,
                format!("p90 {p90}"),
            ),
            (
                ("Latency, p99", "延迟，p99"),
                time(latency.p99),
                Tone::Plain,
                format!("p99.9 {p999}"),
            ),
            errors,
            (
                ("Connecting, median", "建立连接，中位数"),
                time(connect.p50),
                Tone::Plain,
                tr!(
                    lang,
                    "p99 {connect_p99}; {made} made",
                    "p99 {connect_p99}；共建立 {made} 个"
                ),
            ),
            (
                ("Believable", "可信吗"),
                word.to_owned(),
                tone,
                tr!(lang, "{weighed} samples", "{weighed} 个样本"),
            ),
        ];
        // Without a latency, the first three say nothing.
        let skipped = if latency.count == 0 { 3 } else { 0 };
        let card = |((en, zh), figure, tone, text)| Card {
            name: lang.pick(en, zh),
            figure,
            tone,
            text,
        };
        cards.into_iter().skip(skipped).map(card).collect()
    }

    fn errors_card(&self) -> ((&'static str, &'static str), String, Tone, String) {
        let (lang, errors, missing) = (self.lang, self.record.errors, self.missing());
        let checked = self.said(&self.record.checked_how);
        let (name, count, text) = match (errors, missing) {
            (_, 0) => (("Errors", "错误"), errors, checked),
            (0, _) => (("Missing answers", "缺少的响应"), missing, checked),
            // A message that was lost with its connection is both.
            _ => {
                let text = tr!(lang, "{missing} answers missing", "缺少 {missing} 个响应");
                (("Errors", "错误"), errors, text)
            }
        };
        let tone = if count > 0 { Tone::Bad } else { Tone::Good };
        (name, count.to_string(), tone, text)
    }
}
