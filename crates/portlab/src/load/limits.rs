//! `--fail-if`: limits that a run must meet, and their verdicts.

use portlab_load::{Condition, LimitResult, LoadResult, Plan};
use portlab_words::{Lang, Text, tr};

use super::words::{self, Page};
use crate::{
    address::narrow,
    args::{BAD, DIM, GOOD, WARN, lang},
};

/// Limits that a run must meet.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// Fail (exit code 1) if this is true after the run: 'p99>5ms', 'errors>1%',
    /// 'rate<0.99' of --rate, 'rate<5k/s'. The figures: p50 p90 p95 p99 p99.9 p99.99
    /// mean max (a time), the same of connect- and handshake- (connect-p99), errors, wrong,
    /// unanswered, unsent, loss, outage (a time), rate. May be repeated
    #[arg(long, value_name = "LIMIT", value_parser = fail_if)]
    pub(super) fail_if: Vec<Condition>,

    /// Search for the highest rate that meets this limit, in runs of --duration
    /// (3s) each: 'p99<10ms', or several, 'p99<10ms & errors<1%'. With --rate
    /// FROM..TO, in this range
    #[arg(long, value_name = "LIMITS", value_parser = must_hold, conflicts_with_all = [
        "fail_if", "steps", "idle", "messages", "think", "hlog",
    ])]
    find: Vec<MustHold>,
}

/// Limits that must all hold.
#[derive(Clone, Debug)]
struct MustHold(Vec<Condition>);

impl LimitArgs {
    /// The limits that the rate of `--find` must meet; none without it.
    pub(super) fn find(&self) -> Vec<Condition> {
        self.find.iter().flat_map(|it| it.0.clone()).collect()
    }
}

/// Reads limits that must all hold.
fn must_hold(text: &str) -> Result<MustHold, Text> {
    Condition::must_hold(&narrow(text)).map(MustHold)
}

/// Reads a condition under which a run fails.
fn fail_if(text: &str) -> Result<Condition, Text> {
    if text.contains('&') {
        return Err(tr!(
            "{text:?} has several limits; give each its own --fail-if",
            "{text:?} 里有几个限值；请各用一个 --fail-if"
        ));
    }
    Condition::fail_if(&narrow(text))
}

/// Checks that a run of `plan` has the figures of `limits`, and warns of a limit that only bad runs meet.
pub(super) fn check(limits: &[Condition], plan: &Plan) -> Result<(), Text> {
    for limit in limits {
        limit.check(plan)?;
        if limit.is_upside_down() {
            let turned = limit.turned();
            let text = tr!(
                lang(),
                "--fail-if '{limit}' fails good runs; if that isn't meant, write --fail-if '{turned}'",
                "--fail-if '{limit}' 会让好的运行失败；如果不是这个意思，请写 --fail-if '{turned}'"
            );
            words::say(WARN, lang().pick("note:", "提示："), &text);
        }
    }
    Ok(())
}

impl Page {
    /// The verdict of each limit.
    pub(super) fn limits(&mut self, result: &LoadResult) {
        let (lang, limits) = (self.lang, &result.limits);
        if limits.is_empty() {
            return;
        }
        let (all, failed) = (limits.len(), limits.iter().filter(|it| it.failed).count());
        let (style, value) = match failed {
            0 => (GOOD, lang.pick("met", "满足").to_owned()),
            _ => (BAD, tr!(lang, "{failed} failed", "{failed} 个未满足")),
        };
        let of = tr!(lang, "of {all}", "共 {all} 个");
        self.styled_row(("limits", "限值"), &value, style, &of);
        for limit in limits {
            let (style, word) = match limit.failed {
                true => (BAD, lang.pick("FAILED", "未满足")),
                false => (GOOD, lang.pick("passed", "满足")),
            };
            let lead = format!("    {style}{word}{style:#}  {limit}  ", limit = limit.limit);
            let mut rest = in_words(limit, lang);
            if !result.verdict.believable {
                rest += match result.verdict.word {
                    "no" => lang.pick("; but the run isn't believable", "；但这次运行不可信"),
                    _ => lang.pick("; with care: see above", "；需谨慎：见上"),
                };
            }
            self.add(&lead, DIM, &rest);
        }
    }
}

/// The figure of a limit, its interval, and whether the verdict is sure.
pub(super) fn in_words(limit: &LimitResult, lang: Lang) -> String {
    let show = |value| limit.unit.show(value);
    let Some(value) = limit.value.map(show) else {
        let reason = limit.reason.as_ref().map_or("", |it| it.pick(lang));
        return tr!(lang, "no value: {reason}", "没有值：{reason}");
    };
    let interval = match (limit.low.map(show), limit.high.map(show)) {
        (Some(low), Some(high)) => tr!(lang, " (95%: {low} to {high})", "（95%：{low} 到 {high}）"),
        (Some(low), None) => tr!(
            lang,
            " (95%: {low} or more; too few messages for an upper end)",
            "（95%：{low} 以上；消息太少，没有上界）"
        ),
        (None, Some(high)) => tr!(lang, " (95%: up to {high})", "（95%：不超过 {high}）"),
        (None, None) => String::new(),
    };
    let sure = match limit.sure {
        Some(false) => lang.pick("; not sure", "；不确定"),
        _ => "",
    };
    format!("{value}{interval}{sure}")
}

/// The verdicts of failed limits, one line each, for stderr.
pub(super) fn report_failed(result: &LoadResult, lang: Lang) {
    for limit in result.limits.iter().filter(|it| it.failed) {
        let (condition, value) = (&limit.limit, in_words(limit, lang));
        let text = format!("{condition}  {value}");
        words::say(BAD, lang.pick("limit failed:", "限值未满足："), &text);
    }
}
