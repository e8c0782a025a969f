//! What a search has shown, in words.

use anstyle::Style;
use portlab_load::{CautionKind, Finding, Highest, Limit, LoadResult, Missed};
use portlab_words::{Lang, Text, plural, tr};

use super::{
    super::{
        command,
        words::{Page, rate},
    },
    Find,
};
use crate::args::{BAD, DIM, GOOD, HEAD, WARN, terminal_width};

/// The finding of one trial.
pub(super) fn finding(result: &LoadResult, finding: Finding, lang: Lang) -> String {
    let unsent = result.due_not_sent;
    let missed = |what: String| {
        tr!(
            lang,
            "{BAD}missed{BAD:#} {what}",
            "{BAD}未满足{BAD:#} {what}"
        )
    };
    match finding {
        Finding::Held => tr!(lang, "{GOOD}held{GOOD:#}", "{GOOD}满足{GOOD:#}"),
        Finding::Missed(Missed::Errors) => missed(lang.pick("errors", "有错误").to_owned()),
        Finding::Missed(Missed::Answers) => missed(lang.pick("no answer", "没有响应").to_owned()),
        Finding::Missed(Missed::Unsent) => {
            missed(tr!(lang, "{unsent} not sent", "{unsent} 条未发送"))
        }
        Finding::Missed(Missed::Latency) => {
            let failed = result.limits.iter().filter(|it| it.failed);
            let failed: Vec<_> = failed.map(|it| it.limit.to_string()).collect();
            missed(failed.join(" & "))
        }
        Finding::Nothing => tr!(
            lang,
            "{WARN}undecided{WARN:#}: generator late",
            "{WARN}无结论{WARN:#}：生成器发送晚"
        ),
    }
}

/// What a trial has missed, for programs.
pub(super) fn missed(finding: Finding) -> Option<&'static str> {
    let Finding::Missed(missed) = finding else {
        return None;
    };
    Some(match missed {
        Missed::Errors => "errors",
        Missed::Answers => "answers",
        Missed::Unsent => "unsent",
        Missed::Latency => "limit",
    })
}

impl Find<'_> {
    /// The highest rate, how sure it is, and the command.
    pub(super) fn conclusion(&self) -> String {
        let lang = self.lang;
        let mut page = Page::new(terminal_width(), lang);
        if let Some(why) = &self.cut_short {
            let lead = lang.pick("cut short:", "提前结束：");
            page.add_behind(BAD, lead, why.pick(lang));
        }
        let lead = lang.pick("highest rate:", "最高速率：");
        page.add_behind(HEAD, lead, &self.highest_in_words());
        for caution in self.cautions() {
            let lead = format!("  {WARN}!{WARN:#} ");
            page.add(&lead, Style::new(), caution.pick(lang));
        }
        let lead = lang.pick("again:", "重复：");
        page.add(&format!("{lead} "), DIM, &command::of_this_process());
        page.text
    }

    fn highest_in_words(&self) -> String {
        let (lang, limits) = (self.lang, self.limits_in_words());
        let (trials, count) = (plural(self.trials.len() as u64, "trial"), self.trials.len());
        let sure = self.goal.confidence * 100.0;
        match self.search.highest() {
            Highest::Between { low, high } => {
                let [low, high] = [low, high].map(rate);
                tr!(
                    lang,
                    "between {low} and {high} ({sure:.0}% sure, {trials}) is the highest rate that meets {limits}",
                    "满足 {limits} 的最高速率在 {low} 与 {high} 之间（把握 {sure:.0}%，{count} 次试验）"
                )
            }
            Highest::AtLeast { per_s, limit } => {
                let (rate, why) = (rate(per_s), why_no_higher(limit));
                let why = why.pick(lang);
                tr!(
                    lang,
                    "at least {rate} ({sure:.0}% sure, {trials}) meets {limits}: {why}",
                    "至少 {rate} 满足 {limits}（把握 {sure:.0}%，{count} 次试验）：{why}"
                )
            }
            Highest::Below { per_s } => {
                let rate = rate(per_s);
                let lowest = self.trials.iter().min_by(|a, b| {
                    let of = |it: &super::Step| it.result.rate_per_s.unwrap_or_default();
                    of(&a.0).total_cmp(&of(&b.0))
                });
                let why = lowest.map_or(String::new(), |(step, finding)| {
                    finding_in_full(&step.result, *finding, lang)
                });
                tr!(
                    lang,
                    "none: not even {rate}, the lowest rate, meets {limits}{why}",
                    "没有：连最低的速率 {rate} 也不满足 {limits}{why}"
                )
            }
            Highest::Unknown => self.why_unknown().pick(lang).to_owned(),
        }
    }

    /// Why the search has no result.
    pub(super) fn why_unknown(&self) -> Text {
        if self.trials.is_empty() {
            return Text::new(
                "not known: no trial was completed",
                "未知：一次试验也没有完成",
            );
        }
        let spoiled = |(_, finding): &(super::Step, Finding)| *finding == Finding::Nothing;
        let why = match self.trials.iter().any(spoiled) {
            true => Text::new(
                "not known: in the trials that didn't hold, the generator itself was late; try --spin, or a machine that \
                 does nothing else; try more --threads",
                "未知：在没有满足的试验中，负载生成器自己就发送晚了；请试试 --spin，或换一台空闲的机器；请试试更多 --threads",
            ),
            false => Text::new(
                "not known: no trial held, and lower rates were not tried",
                "未知：没有一次试验满足，而更低的速率没有试过",
            ),
        };
        self.plan.fitting(&why)
    }

    /// The reasons to doubt the rate.
    fn cautions(&self) -> Vec<Text> {
        let mut cautions = Vec::new();
        let found = self.search.highest();
        let spoiled = self
            .trials
            .iter()
            .filter(|it| it.1 == Finding::Nothing)
            .count();
        if spoiled > 0 && found != Highest::Unknown {
            let trials = plural(spoiled as u64, "trial");
            let text = tr!(
                "{trials} can't be judged: the generator itself was late, or at its limit; try a machine \
                 that does nothing else; try more --threads",
                "{spoiled} 次试验不能说明服务端的情况：负载生成器自己发送晚了，或到了极限；请换一台空闲的机器；请试试更多 --threads"
            );
            cautions.push(self.plan.fitting(&text));
        }
        let Highest::Between { low, high } = found else {
            return cautions;
        };
        if !self.search.is_settled() {
            let percent = self.goal.precision * 100.0;
            cautions.push(tr!(
                "the interval is wider than {percent:.0}%: trials near the limit contradict each other, or there were too \
                 few; give each more time (--duration), and a range (--rate FROM..TO)",
                "区间宽于 {percent:.0}%：限值附近的试验互相矛盾，或者次数太少；请延长每次的时间（--duration），并给出范围（--rate \
                 FROM..TO）"
            ));
        }
        let unsent = |it: &&(super::Step, Finding)| it.1 == Finding::Missed(Missed::Unsent);
        if let Some((step, _)) = self.trials.iter().find(unsent) {
            let (rate, connections) = (step.rate(), self.plan.connections);
            cautions.push(tr!(
                "at {rate} messages were not sent because all {connections} connections waited for answers: with more \
                 --connections, latency would show it",
                "速率 {rate} 时，{connections} 个连接都在等响应，有消息没能发送：增加 --connections，就会体现在延迟上"
            ));
        }
        cautions.extend(self.doubts_near(low, high));
        cautions
    }

    /// The reasons to doubt the trials that held near the limit, each kind once. Their latency decided.
    fn doubts_near(&self, low: f64, high: f64) -> Vec<Text> {
        let (mut kinds, mut doubts) = (Vec::new(), Vec::new());
        for (step, finding) in &self.trials {
            let near =
                (low * 0.8..high * 1.2).contains(&step.result.rate_per_s.unwrap_or_default());
            for doubt in step
                .result
                .verdict
                .doubts
                .iter()
                .filter(|_| near && finding.is_held())
            {
                let is_told = matches!(
                    doubt.kind,
                    CautionKind::PacingLag | CautionKind::GeneratorLimit
                );
                if !is_told && !kinds.contains(&doubt.kind) {
                    kinds.push(doubt.kind);
                    let (rate, Text { en, zh }) = (step.rate(), &doubt.text);
                    doubts.push(tr!("at {rate}: {en}", "速率 {rate}：{zh}"));
                }
            }
        }
        doubts
    }
}

/// Why the lowest rate was missed, as the end of a sentence.
fn finding_in_full(result: &LoadResult, finding: Finding, lang: Lang) -> String {
    match finding {
        Finding::Missed(Missed::Errors) => {
            let failure = result.failures.first().map(|it| it.in_words(lang));
            let what = failure.unwrap_or_default();
            tr!(lang, "; there were errors: {what}", "；有错误：{what}")
        }
        Finding::Missed(Missed::Answers) => lang
            .pick(
                "; there was no answer: does the server wait for such messages?",
                "；没有响应：服务端等的是这样的消息吗？",
            )
            .to_owned(),
        Finding::Missed(Missed::Latency) => {
            let failed = result.limits.iter().filter(|it| it.failed);
            let each = failed.map(|it| {
                let (limit, value) = (&it.limit, super::super::limits::in_words(it, lang));
                format!("{limit}: {value}")
            });
            let each = each.collect::<Vec<_>>().join(lang.pick("; ", "；"));
            tr!(lang, " ({each})", "（{each}）")
        }
        _ => String::new(),
    }
}

fn why_no_higher(limit: Limit) -> Text {
    match limit {
        Limit::Asked => Text::new(
            "it is the highest rate of interest; give a higher range (--rate FROM..TO)",
            "这是所给范围的最高速率；请给更高的范围（--rate FROM..TO）",
        ),
        Limit::Spoiled => Text::new(
            "at higher rates the generator itself was late, or at its limit",
            "更高的速率下，负载生成器自己发送晚了，或到了极限",
        ),
        Limit::Trials => Text::new("no higher rate was tried", "没有试更高的速率"),
    }
}
