//! The report on one load.

use portlab_stats::load::{Ended, LoadRecord};
use portlab_words::{Lang, tr};

use super::{
    charts,
    document::{Block, Document, Part},
    tables::{self, time},
};
use crate::notes::heading::date;

impl Document {
    /// The report on `record` in `lang`.
    pub fn of_load(record: &LoadRecord, lang: Lang) -> Self {
        let (target, version) = (&record.target, &record.portlab_version);
        let report = Report { record, lang };
        let parts = SECTIONS.iter().map(|(id, (en, zh), blocks)| Part {
            id,
            title: lang.pick(en, zh),
            blocks: blocks(&report),
        });
        Self {
            lang,
            title: tr!(lang, "Load of {target}", "{target} 的负载测试"),
            lead: record.in_lang(&record.headline, lang).to_owned(),
            chips: report.chips(),
            parts: parts.filter(|part| !part.blocks.is_empty()).collect(),
            footer: tr!(
                lang,
                "portlab {version}; every sentence and every chart follows from the run's JSON alone.",
                "portlab {version}；每句话、每张图都只由这次运行的 JSON 得出。"
            ),
        }
    }
}

/// A section: its id, its title, and what it says; a section without blocks is left out.
type Section = (
    &'static str,
    (&'static str, &'static str),
    fn(&Report) -> Vec<Block>,
);

static SECTIONS: [Section; 13] = [
    ("found", ("What was found", "结论"), |it| it.found()),
    ("time", ("Over time", "随时间的变化"), |it| {
        it.over_time()
    }),
    ("latency", ("Latency", "延迟"), |it| it.latency()),
    ("errors", ("Errors", "错误"), |it| it.errors()),
    ("answers", ("Answers", "响应"), |it| it.answers()),
    ("targets", ("Targets", "各目标"), |it| it.targets()),
    ("steps", ("Dialogue", "对话"), |it| it.steps()),
    ("datagrams", ("Datagrams", "数据报"), |it| it.datagrams()),
    ("connections", ("Connections", "连接"), |it| {
        it.connections()
    }),
    ("tls", ("TLS", "TLS"), |it| it.tls()),
    ("sent", ("What was sent", "发送的内容"), |it| it.sent()),
    (
        "generator",
        ("The generator itself", "负载生成器自身"),
        |it| it.generator(),
    ),
    ("command", ("The command", "命令"), |it| it.command()),
];

/// What is said of a record, in one language.
pub(super) struct Report<'a> {
    pub(super) record: &'a LoadRecord,
    pub(super) lang: Lang,
}

impl Report<'_> {
    /// The text of the record in the report's language.
    pub(super) fn said(&self, text: &str) -> String {
        self.record.in_lang(text, self.lang).to_owned()
    }

    /// The facts that are known, each with its name; without facts, the list is empty.
    pub(super) fn facts<const N: usize>(
        &self,
        facts: [((&'static str, &'static str), Option<String>); N],
    ) -> Vec<Block> {
        let known = facts
            .into_iter()
            .filter_map(|((en, zh), it)| Some((self.lang.pick(en, zh), it?)));
        let known: Vec<_> = known.collect();
        Block::Facts(known).unless_empty()
    }

    fn chips(&self) -> Vec<(&'static str, String)> {
        let (record, lang) = (self.record, self.lang);
        let mut chips = vec![(
            lang.pick("measured", "测量时间"),
            date(record.started_unix_s),
        )];
        if record.elapsed_ns > 0 {
            chips.push((lang.pick("for", "时长"), time(Some(record.elapsed_ns))));
            chips.push((lang.pick("messages", "消息"), record.messages.to_string()));
        }
        let why = match record.ended {
            Ended::Done => return chips,
            Ended::Interrupted => lang.pick("interrupted", "已中断"),
            Ended::TooManyErrors => lang.pick("too many errors", "错误过多"),
            Ended::AllLost => lang.pick("every connection was lost", "失去了所有连接"),
        };
        chips.push(("!", why.to_owned()));
        chips
    }

    fn over_time(&self) -> Vec<Block> {
        let mut blocks = charts::over_time(self.record, self.lang);
        if !blocks.is_empty() {
            blocks.push(Block::Table(tables::intervals(self.record, self.lang)));
        }
        blocks
    }

    fn latency(&self) -> Vec<Block> {
        if self.record.latency_ns.count == 0 {
            return Vec::new();
        }
        let mut blocks = charts::latencies(self.record, self.lang);
        blocks.push(Block::Table(tables::latencies(self.record, self.lang)));
        blocks
    }

    fn errors(&self) -> Vec<Block> {
        let first = self.record.first_wrong_answer.as_ref();
        let first = first.map(|it| format!("\"{it}\""));
        let mut blocks = Block::Table(tables::failures(self.record, self.lang)).unless_empty();
        blocks.extend(self.facts([(
            ("what came first that was wrong", "最先收到的错误内容"),
            first,
        )]));
        blocks
    }

    fn answers(&self) -> Vec<Block> {
        let (record, lang) = (self.record, self.lang);
        let first = record.first_answer.as_ref();
        let redirect = record.redirect.as_ref().map(|it| {
            let (status, location) = (it.status, &it.location);
            tr!(
                lang,
                "{status} to {location}; not followed",
                "{status}，指向 {location}；未跟随"
            )
        });
        let mut blocks = self.facts([
            (
                ("the first answer", "第一个响应"),
                first.map(|it| format!("\"{it}\"")),
            ),
            (("the first redirect", "第一个重定向"), redirect),
        ]);
        let table = match record.statuses.is_empty() {
            true => tables::first_lines(record, lang),
            false => tables::statuses(record, lang),
        };
        blocks.extend(Block::Table(table).unless_empty());
        blocks
    }

    fn targets(&self) -> Vec<Block> {
        Block::Table(tables::targets(self.record, self.lang)).unless_empty()
    }

    fn steps(&self) -> Vec<Block> {
        Block::Table(tables::steps(self.record, self.lang)).unless_empty()
    }

    fn command(&self) -> Vec<Block> {
        Block::Command(self.record.command.clone()).unless_empty()
    }
}
