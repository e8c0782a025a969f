//! What a ladder has shown: failures, the knee, and the rates that show nothing about the server.

use anstyle::Style;
use portlab_load::{Caution, CautionKind, Knee, KneeEstimate, Rung, knee};
use portlab_words::{Lang, Text, tr, units};

use super::{
    super::{
        limits::in_words,
        text::word_in,
        words::{Page, rate},
    },
    Step,
};
use crate::args::{BAD, DIM, GOOD, HEAD, WARN};

/// What went wrong at one rate.
pub(super) fn failures(page: &mut Page, step: &Step) {
    for failure in &step.result.failures {
        let (rate, count) = (step.rate(), failure.count);
        let lead = tr!(
            page.lang,
            "at {rate}: {count}x",
            "速率 {rate}（{count} 次）："
        );
        page.add_behind(BAD, &lead, &failure.in_words(page.lang));
    }
    for limit in step.result.limits.iter().filter(|it| it.failed) {
        let (rate, condition, value) = (step.rate(), &limit.limit, in_words(limit, page.lang));
        let lead = tr!(
            page.lang,
            "at {rate}: {condition} failed:",
            "速率 {rate}：{condition} 未满足："
        );
        page.add_behind(BAD, &lead, &value);
    }
}

/// The curve of latency against load that a ladder has shown.
pub(super) struct Curve<'a> {
    walked: &'a [Step],
    points: Vec<Rung>,
    pub(super) knee: Knee,
}

impl<'a> Curve<'a> {
    pub(super) fn of(walked: &'a [Step]) -> Self {
        let points: Vec<_> = walked.iter().map(Step::rung).collect();
        let knee = knee(&points);
        Self {
            walked,
            points,
            knee,
        }
    }

    /// Names the knee.
    pub(super) fn tell(&self, page: &mut Page, cut_short: bool) {
        let lang = page.lang;
        let (lead, text) = self.knee_in_words(cut_short, lang);
        page.add_behind(HEAD, &lead, &text);
        let cautions = self.cautions();
        let no_doubt = lang.pick(
            "no cautions at the rates up to the one after the knee",
            "从最低速率到拐点后的一个速率，没有可疑之处",
        );
        let (style, word, evidence) = match cautions.len() {
            0 => (GOOD, "yes", no_doubt),
            _ if self.knee.estimate().is_none() => (WARN, "no", ""),
            _ => (WARN, "with care", ""),
        };
        let (name, word) = (lang.pick("believable: ", "可信吗："), word_in(word, lang));
        let lead = format!("{HEAD}{name}{HEAD:#}{style}{word}{style:#}  ");
        page.add(&lead, DIM, evidence);
        for caution in cautions {
            let lead = format!("  {WARN}!{WARN:#} ");
            page.add(&lead, Style::new(), caution.text.pick(lang));
        }
    }

    /// The reasons to doubt the knee: cautions at the rates that show it, from the lowest to the one after
    /// the knee. A rate that was too high for the server is a result of the ladder, and not a caution.
    pub(super) fn cautions(&self) -> Vec<Caution> {
        let after = |sure: KneeEstimate| self.next_seen(sure.rung).unwrap_or(sure.rung + 1);
        let evidence = self
            .knee
            .estimate()
            .map_or(self.walked.len(), |sure| after(sure) + 1);
        let is_shown = |caution: &&Caution| {
            !matches!(
                caution.kind,
                CautionKind::Overload | CautionKind::MissingAnswers
            )
        };
        let of_step = |step: &Step| {
            let rate = step.rate();
            let cautions = step.result.verdict.doubts.iter().filter(is_shown);
            let at_rate = cautions.map(|Caution { kind, text }| {
                let Text { en, zh } = text;
                let text = tr!("at {rate}: {en}", "速率 {rate}：{zh}");
                Caution { kind: *kind, text }
            });
            at_rate.collect::<Vec<_>>()
        };
        let steps = self.walked.iter().take(evidence).flat_map(of_step);
        self.about_the_knee().into_iter().chain(steps).collect()
    }

    /// The reason to doubt the knee itself.
    fn about_the_knee(&self) -> Option<Caution> {
        let (kind, text) = match self.knee {
            Knee::At(sure) | Knee::Beyond(sure) if sure.confidence < SURE => {
                let [first, last] = [sure.first, sure.last].map(|at| self.asked(at));
                let text = tr!(
                    "the latency of each run varies so much that the knee may be any rate from {first} to {last}; \
                     give each more time (--duration)",
                    "每次运行的延迟波动很大，拐点可能是 {first} 到 {last} 之间的任何速率；请延长每次的时间（--duration）"
                );
                (CautionKind::UnsureKnee, text)
            }
            Knee::Uneven(_) => {
                let text = Text::new(
                    "latency doesn't rise with load, so something else causes it; repeat the ladder when nothing else \
                     runs, or find out what delays the server at that rate",
                    "延迟不随负载上升：另有原因；请在机器空闲时重试，或查明在该速率下是什么让服务端停顿",
                );
                (CautionKind::Uneven, text)
            }
            _ => return None,
        };
        Some(Caution { kind, text })
    }

    fn knee_in_words(&self, cut_short: bool, lang: Lang) -> (String, String) {
        let points = &self.points;
        let no_knee = || lang.pick("no knee:", "没有拐点：").to_owned();
        match self.knee {
            Knee::Below => (no_knee(), why_no_rate_was_good(self.walked, lang)),
            Knee::Uneven([before, bump, after]) => {
                let p99 = |at: usize| units::nanos(points[at].p99_ns as f64);
                let high = match points[bump].kept {
                    true => p99(bump),
                    false => lang
                        .pick("too long for the server to keep up", "长到服务端跟不上")
                        .to_owned(),
                };
                let [first, second] = [before, after].map(p99);
                let [low, middle, top] = [before, bump, after].map(|at| self.asked(at));
                let text = tr!(
                    lang,
                    "p99 is {first} at {low}, {high} at {middle} and {second} at {top}",
                    "p99 在 {low} 时为 {first}，在 {middle} 时为 {high}，在 {top} 时为 {second}"
                );
                (no_knee(), text)
            }
            Knee::Beyond(sure) => {
                let on = match points.get(sure.rung + 1) {
                    Some(next) => {
                        let (next, late) = (rate(next.asked_per_s), LATE.pick(lang));
                        tr!(lang, "; at {next} {late}", "；在 {next} 时{late}")
                    }
                    None if cut_short => String::new(),
                    None => lang
                        .pick("; try a higher end of --rate", "；请提高 --rate 的上端")
                        .to_owned(),
                };
                let (asked, power) = (self.asked(sure.rung), POWER.pick(lang));
                let lead = tr!(lang, "no knee up to {asked}:", "到 {asked} 为止没有拐点：");
                let text = tr!(
                    lang,
                    "up to there {power} still rises{on}",
                    "到那里为止{power}仍在上升{on}"
                );
                (lead, text)
            }
            Knee::At(sure) => {
                let asked = self.asked(sure.rung);
                let lead = tr!(lang, "knee: {asked},", "拐点：{asked}，");
                let (how, after) = (self.how_sure(sure, lang), self.what_came_after(sure, lang));
                (lead, tr!(lang, "{how}; {after}", "{how}；{after}"))
            }
        }
    }

    /// How sure the knee is, and between which rates it is. A rate at which the generator was late shows nothing.
    fn how_sure(&self, sure: KneeEstimate, lang: Lang) -> String {
        let share = (sure.confidence * 100.0).floor();
        let seen = |at: &usize| !self.points[*at].late;
        let before = (0..sure.first).rev().find(seen).unwrap_or(sure.first);
        let after = self.next_seen(sure.last).unwrap_or(sure.last);
        let [before, after] = [before, after].map(|at| self.asked(at));
        let power = POWER.pick(lang);
        tr!(
            lang,
            "where {power} is greatest ({share}% sure), so between {before} and {after}",
            "该处{power}最大（把握 {share}%），所以在 {before} 与 {after} 之间"
        )
    }

    /// The result at the next rate above the knee.
    fn what_came_after(&self, sure: KneeEstimate, lang: Lang) -> String {
        let at = &self.points[sure.rung];
        let Some(next) = self.next_seen(sure.rung).map(|next| &self.points[next]) else {
            return LATE.pick(lang).to_owned();
        };
        let beyond = rate(next.asked_per_s);
        if !next.kept {
            let answered = rate(next.achieved_per_s);
            return tr!(
                lang,
                "at {beyond} only {answered} were answered",
                "在 {beyond} 时只有 {answered} 得到响应"
            );
        }
        let times = units::three_digits(next.p99_ns as f64 / at.p99_ns.max(1) as f64);
        tr!(
            lang,
            "at {beyond} its p99 is {times} times as long",
            "在 {beyond} 时 p99 是它的 {times} 倍"
        )
    }

    /// The next rate above that of `rung` that shows something about the server.
    fn next_seen(&self, rung: usize) -> Option<usize> {
        (rung + 1..self.points.len()).find(|&at| !self.points[at].late)
    }

    fn asked(&self, at: usize) -> String {
        self.walked[at].rate()
    }
}

/// A knee with a lower probability than this has a caution.
const SURE: f64 = 0.8;

/// What a knee is the greatest of: L. Kleinrock's power.
static POWER: Text = Text::new("messages per second over p99", "每秒消息数与 p99 之比");

/// The reason at the lowest rate, because higher rates show nothing if the lowest fails.
fn why_no_rate_was_good(walked: &[Step], lang: Lang) -> String {
    let Some(lowest) = walked.first() else {
        return tr!(lang, "no rate was run to its end", "没有一个速率运行到底");
    };
    let (result, rate) = (&lowest.result, lowest.rate());
    if result.has_wrong_answers {
        tr!(
            lang,
            "answers were wrong even at {rate}: see the errors",
            "在 {rate} 时就有错误的响应：请看错误"
        )
    } else if result.latency_ns.count() == 0 {
        tr!(
            lang,
            "no answer was received even at {rate}; does the server expect such messages?",
            "在 {rate} 时就没有响应；服务端等的是这样的消息吗？"
        )
    } else if result.errors > 0 {
        tr!(
            lang,
            "there were errors even at {rate}; see their causes",
            "在 {rate} 时就有错误，原因见错误"
        )
    } else if result.verdict.generator_was_late {
        let late = LATE.pick(lang);
        tr!(lang, "even at {rate} {late}", "在 {rate} 时{late}")
    } else {
        tr!(
            lang,
            "even the lowest rate is too high; begin with a lower --rate",
            "最低的速率已经太高；请降低 --rate 的下端"
        )
    }
}

static LATE: Text = Text::new(
    "the generator itself was late, so nothing is known about the server",
    "负载生成器自己就发送晚了，不能说明服务端的情况",
);

#[cfg(test)]
mod tests {
    use portlab_load::LoadResult;

    use super::*;
    use crate::load::text::tests::{open, outcome, plain};

    /// A step of a thousand messages, or of none when `p99_ns` is 0.
    fn step(rate_per_s: f64, p99_ns: u64, lag_ns: u64) -> Step {
        let plan = open(rate_per_s);
        let messages = vec![p99_ns; if p99_ns > 0 { 1_000 } else { 0 }];
        let outcome = outcome(&plan, &messages, lag_ns);
        Step {
            result: LoadResult::of(&plan, outcome, &[]),
            parts_ns: vec![p99_ns; 5],
        }
    }

    fn said(walked: &[Step]) -> String {
        let mut page = Page::new(500, Lang::En);
        Curve::of(walked).tell(&mut page, false);
        plain(&page.text)
    }

    /// Checks the text about steps with these rates, p99s and lags, which are in microseconds.
    #[track_caller]
    fn tells(steps: &[(f64, u64, u64)], parts: &[&str]) {
        let step = |&(rate, p99, lag): &_| step(rate, p99 * 1_000, lag * 1_000);
        let said = said(&steps.iter().map(step).collect::<Vec<_>>());
        for part in parts {
            assert!(said.contains(part), "no {part:?} in\n{said}");
        }
    }

    #[test]
    fn the_knee_is_reported_with_the_next_rate() {
        let steps = [(1e3, 100, 0), (2e3, 10_000, 0)];
        let after = "at 2.00k/s its p99 is 100 times";
        tells(&steps, &["knee: 1.00k/s, where", "(100% sure", after]);
    }

    #[test]
    fn a_rate_at_which_the_generator_was_late_shows_nothing_about_the_server() {
        let steps = [(1e3, 100, 0), (2e3, 10_000, 9_000)];
        let late = "at 2.00k/s the generator itself was late, so nothing is known about the server";
        tells(&steps, &["no knee up to 1.00k/s: ", late]);
        let caution = "! at 2.00k/s: the generator itself sent late";
        tells(&steps, &["believable: with care", caution]);
    }

    #[test]
    fn a_knee_lies_between_rates_at_which_the_generator_was_not_late() {
        let steps = [(1e3, 100, 0), (2e3, 10_000, 9_000), (4e3, 9_000, 0)];
        let after = "at 4.00k/s its p99 is 90.0 times";
        tells(&steps, &["so between 1.00k/s and 4.00k/s;", after]);
    }

    #[test]
    fn a_latency_that_rises_and_falls_again_is_reported_without_a_knee() {
        let steps = [(1e3, 100, 0), (2e3, 2_200, 0), (4e3, 150, 0)];
        let text = "no knee: p99 is 100 µs at 1.00k/s, 2.20 ms at 2.00k/s and 150 µs at 4.00k/s";
        tells(&steps, &[text, "believable: no"]);
    }

    #[test]
    fn cautions_beyond_the_rate_after_the_knee_are_left_out() {
        tells(&[(1e3, 100, 0), (2e3, 120, 0)], &["believable: yes"]);
        let beyond =
            [(1e3, 100_000), (2e3, 10_000_000), (4e3, 10_000_000)].map(|it| step(it.0, it.1, 0));
        let [one, two, mut three] = beyond;
        three.result.verdict = step(4e3, 100_000, 9_000_000).result.verdict;
        let said = said(&[one, two, three]);
        assert!(said.contains("believable: yes"), "{said}");
    }

    #[test]
    fn a_ladder_without_answers_does_not_advise_lower_rates() {
        tells(&[(1e3, 0, 0)], &["no answer was received even at 1.00k/s"]);
    }
}
