//! The figures of a run that a limit can be set to: a table of times, a table of counts, and the rate.

use portlab_service::nearest;
use portlab_stats::quantile::{self, Ratio};
use portlab_words::{Text, tr};

use super::{Parts, Unit};
use crate::{Latency, LoadResult, Pace, Phase, Plan};

/// A figure of a run.
#[derive(Clone, Copy)]
pub(super) enum Figure {
    Time(&'static Times, &'static Statistic),
    Count(&'static Count),
    /// How long no target could be reached, in all.
    Outage,
    Rate,
}

/// Times that a run records, such as the latency.
pub(super) struct Times {
    /// What the names of its figures begin with.
    prefix: &'static str,
    needs: Need,
    of: fn(&LoadResult) -> Option<&Latency>,
}

/// What a figure says of the times.
pub(super) struct Statistic {
    name: &'static str,
    kind: Kind,
}

enum Kind {
    Quantile(f64),
    Mean,
    Max,
}

/// Events that a run counts.
pub(super) struct Count {
    name: &'static str,
    needs: Need,
    of: fn(&LoadResult) -> u64,
    /// Of how many they are a share.
    among: fn(&LoadResult) -> u64,
    replaces: &'static [Rule],
}

/// What a run must have for a figure to have a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    Messages,
    Chat,
    Reconnect,
    Tls,
    Datagrams,
    OpenLoop,
}

/// A rule by which a run without limits fails. A limit to a figure replaces the figure's rules.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// No error was counted.
    NoErrors,
    /// No answer was wrong.
    NoWrongAnswers,
    /// Every message that was sent is answered.
    AllAnswered,
    /// Every message that was due is sent.
    AllSent,
}

static TIMES: [Times; 4] = [
    times("", Need::Messages, |it| Some(&it.latency_ns)),
    times("connect-", Need::Nothing, |it| Some(&it.connect_latency_ns)),
    times("handshake-", Need::Tls, |it| {
        it.handshake_latency_ns.as_ref()
    }),
    times("delivery-", Need::Chat, |it| {
        it.chat.as_ref().map(|chat| &chat.delivery_ns)
    }),
];

static STATISTICS: [Statistic; 8] = [
    statistic("p50", Kind::Quantile(0.5)),
    statistic("p90", Kind::Quantile(0.9)),
    statistic("p95", Kind::Quantile(0.95)),
    statistic("p99", Kind::Quantile(0.99)),
    statistic("p99.9", Kind::Quantile(0.999)),
    statistic("p99.99", Kind::Quantile(0.9999)),
    statistic("mean", Kind::Mean),
    statistic("max", Kind::Max),
];

// A lost connection is an error, and leaves messages without an answer: a limit that allows the error allows both.
static COUNTS: [Count; 7] = [
    count(
        "errors",
        Need::Nothing,
        |it| it.errors,
        attempts,
        &[Rule::NoErrors, Rule::NoWrongAnswers, Rule::AllAnswered],
    ),
    count(
        "wrong",
        Need::Messages,
        wrong_answers,
        attempts,
        &[Rule::NoWrongAnswers],
    ),
    count(
        "unanswered",
        Need::Messages,
        |it| it.unanswered,
        due,
        &[Rule::AllAnswered],
    ),
    count(
        "unsent",
        Need::Messages,
        |it| it.due_not_sent,
        due,
        &[Rule::AllSent],
    ),
    count(
        "loss",
        Need::Messages,
        |it| it.unanswered + it.due_not_sent,
        due,
        &[Rule::AllAnswered, Rule::AllSent],
    ),
    count(
        "duplicates",
        Need::Datagrams,
        |it| it.datagrams.as_ref().map_or(0, |it| it.duplicates),
        due,
        &[],
    ),
    count(
        "reordered",
        Need::Datagrams,
        |it| it.datagrams.as_ref().map_or(0, |it| it.reordered),
        due,
        &[],
    ),
];

/// The value of a figure, with its interval if it has one. `None` for an end that so few messages don't have.
pub(super) struct Measured {
    pub(super) value: f64,
    pub(super) interval: Option<(Option<f64>, Option<f64>)>,
}

impl Figure {
    /// The figure that is called `name`.
    pub(super) fn find(name: &str) -> Result<Self, Text> {
        let others = [Self::Outage, Self::Rate];
        if let Some(other) = others.into_iter().find(|it| it.name() == name) {
            return Ok(other);
        }
        if let Some(count) = COUNTS.iter().find(|it| it.name == name) {
            return Ok(Self::Count(count));
        }
        let of_times = TIMES.iter().find_map(|times| {
            let rest = name.strip_prefix(times.prefix)?;
            let statistic = STATISTICS.iter().find(|it| it.name == rest)?;
            Some(Self::Time(times, statistic))
        });
        of_times.ok_or_else(|| unknown(name))
    }

    pub(super) fn name(self) -> String {
        match self {
            Self::Time(times, statistic) => times.prefix.to_owned() + statistic.name,
            Self::Count(count) => count.name.to_owned(),
            Self::Outage => "outage".to_owned(),
            Self::Rate => "rate".to_owned(),
        }
    }

    /// Whether a run is the worse the higher this figure is.
    pub(super) fn is_worse_if_high(self) -> bool {
        !matches!(self, Self::Rate)
    }

    /// The rules that a limit to this figure replaces. If the rate isn't kept, messages are due and never sent.
    pub(super) fn replaces(self) -> &'static [Rule] {
        match self {
            Self::Time(..) | Self::Outage => &[],
            Self::Count(count) => count.replaces,
            Self::Rate => &[Rule::AllSent],
        }
    }

    /// What a run must have for this figure, in this unit, to have a value.
    pub(super) fn needs(self, unit: Unit) -> Need {
        match self {
            Self::Time(times, _) => times.needs,
            Self::Count(count) => count.needs,
            Self::Outage => Need::Reconnect,
            Self::Rate if unit == Unit::Share => Need::OpenLoop,
            Self::Rate => Need::Messages,
        }
    }

    /// The value of this figure in `result`, whose parts are `parts`.
    ///
    /// # Errors
    /// The reason why it has none.
    pub(super) fn measure(
        self,
        unit: Unit,
        result: &LoadResult,
        parts: &Parts,
    ) -> Result<Measured, Text> {
        match self {
            Self::Time(times, statistic) => match (times.of)(result) {
                Some(latency) if latency.count() > 0 => {
                    // The parts are those of the latency; other times have none.
                    let none = Parts::default();
                    let parts = if times.prefix.is_empty() {
                        parts
                    } else {
                        &none
                    };
                    Ok(statistic.measure(latency, parts))
                }
                _ => Err(nothing_measured()),
            },
            Self::Count(count) => {
                let (events, all) = ((count.of)(result) as f64, (count.among)(result) as f64);
                let value = match unit {
                    Unit::Share if all == 0.0 => return Err(nothing_measured()),
                    Unit::Share => (events / all).min(1.0),
                    _ => events,
                };
                let interval = None;
                Ok(Measured { value, interval })
            }
            Self::Outage => {
                let away_ns = result.outages.as_ref().map_or(0, |it| it.length_ns);
                let (value, interval) = (away_ns as f64, None);
                Ok(Measured { value, interval })
            }
            Self::Rate => measure_rate(unit, result, parts),
        }
    }
}

impl Statistic {
    fn measure(&self, latency: &Latency, parts: &Parts) -> Measured {
        let of_parts = |sum: &dyn Fn(&Latency) -> f64| -> Vec<quantile::Part> {
            let latencies = parts.whole().map(|it| &it.latency);
            latencies.map(|it| (sum(it), it.count() as f64)).collect()
        };
        let (value, interval) = match self.kind {
            Kind::Quantile(of) => {
                let value_ns = latency.quantile_ns(of);
                let above = of_parts(&|it| it.count_above(value_ns) as f64);
                let (low, high) = quantile::shares(latency.count(), of, &above);
                let at = |share: f64| latency.quantile_ns(share) as f64;
                (value_ns as f64, Some((low.map(at), high.map(at))))
            }
            Kind::Mean => {
                let sums = of_parts(&|it| it.mean_ns() * it.count() as f64);
                let value = latency.mean_ns();
                (value, Ratio::of(&sums).map(|it| around(value, it.error)))
            }
            Kind::Max => (latency.max_ns() as f64, None),
        };
        Measured { value, interval }
    }
}

fn measure_rate(unit: Unit, result: &LoadResult, parts: &Parts) -> Result<Measured, Text> {
    let asked = match (unit, result.rate_per_s, result.rate_changed_to_per_s) {
        (Unit::Share, Some(asked), None) => asked,
        (Unit::Share, ..) => {
            return Err(Text::new(
                "the rate was changed during the run: a share of it is not defined",
                "运行中改变了速率，所以没有可比的速率",
            ));
        }
        _ => 1.0,
    };
    let value = result.messages_per_s / asked;
    let parts: Vec<_> = parts
        .whole()
        .map(|it| (it.messages as f64, it.seconds * asked))
        .collect();
    let interval = Ratio::of(&parts).map(|it| around(value, it.error));
    Ok(Measured { value, interval })
}

fn around(value: f64, error: f64) -> (Option<f64>, Option<f64>) {
    (Some((value - error).max(0.0)), Some(value + error))
}

/// Answers, and errors without an answer.
fn attempts(result: &LoadResult) -> u64 {
    result.answered + result.errors.saturating_sub(result.error_answers)
}

/// Messages that became due while measuring.
fn due(result: &LoadResult) -> u64 {
    result.latency_ns.count() + result.unanswered + result.due_not_sent
}

/// Answers that were wrong. Answers that are errors by their own protocol don't count.
pub(crate) fn wrong_answers(result: &LoadResult) -> u64 {
    let verified = result
        .failures
        .iter()
        .filter(|it| it.phase == Phase::Verify);
    let wrong: u64 = verified.map(|it| it.count).sum();
    wrong.saturating_sub(result.error_answers)
}

impl Need {
    /// Why `plan` doesn't have it; `None` if it does.
    pub(super) fn missing(self, plan: &Plan) -> Option<Text> {
        match self {
            Self::Messages | Self::OpenLoop if plan.pace == Pace::Idle => Some(Text::new(
                "an idle run sends no messages; leave out --idle",
                "空闲运行不发送消息；请去掉 --idle",
            )),
            Self::OpenLoop if plan.pace.rate_per_s().is_none() => Some(Text::new(
                "a share of the rate needs --rate; or give messages per second, as in rate<5k/s",
                "速率的比例需要 --rate；也可以写每秒消息数，如 rate<5k/s",
            )),
            Self::Chat if plan.script.chat.is_none() => Some(Text::new(
                "only a chat has it (--script chat)",
                "只有聊天才有（--script chat）",
            )),
            Self::Tls if plan.tls.is_none() => Some(Text::new(
                "only TLS has a handshake (--tls)",
                "只有 TLS 才有握手（--tls）",
            )),
            Self::Datagrams if !plan.is_udp() => Some(Text::new(
                "only UDP has it (udp://HOST:PORT)",
                "只有 UDP 才有（udp://HOST:PORT）",
            )),
            Self::Reconnect if !plan.life.reconnect => Some(Text::new(
                "without --reconnect, a lost connection is an error",
                "没有 --reconnect 时，失去的连接算作错误",
            )),
            _ => None,
        }
    }
}

fn nothing_measured() -> Text {
    Text::new("nothing was measured", "没有测到任何数据")
}

fn unknown(name: &str) -> Text {
    let (all, names) = (listed(), names());
    let names = names.iter().map(String::as_str);
    let Text { en, zh } = match nearest(name, names).filter(|_| !name.is_empty()) {
        Some(near) => tr!(" (did you mean {near}?)", "（您是指 {near} 吗？）"),
        None => Text::new("", ""),
    };
    tr!(
        "unknown figure {name:?}{en}: expected one of {all}",
        "没有 {name:?} 这个数字{zh}：应为 {all} 之一"
    )
}

/// The name of every figure.
fn names() -> Vec<String> {
    let times = TIMES.iter();
    let of_times = times.flat_map(|it| STATISTICS.iter().map(|of| Figure::Time(it, of).name()));
    let counts = COUNTS.iter().map(|it| it.name.to_owned());
    let others = [Figure::Outage, Figure::Rate].map(Figure::name);
    of_times.chain(counts).chain(others).collect()
}

/// The names for an error message: of other times than the latency, one example each.
fn listed() -> String {
    let statistics = STATISTICS.iter().map(|it| it.name.to_owned());
    let others = TIMES.iter().filter(|it| !it.prefix.is_empty());
    let others = others.map(|it| format!("{}p99", it.prefix));
    let counts = COUNTS.iter().map(|it| it.name.to_owned());
    let all = statistics.chain(others).chain(counts);
    let all = all.chain([Figure::Outage, Figure::Rate].map(Figure::name));
    all.collect::<Vec<_>>().join(", ")
}

const fn times(
    prefix: &'static str,
    needs: Need,
    of: fn(&LoadResult) -> Option<&Latency>,
) -> Times {
    Times { prefix, needs, of }
}

const fn statistic(name: &'static str, kind: Kind) -> Statistic {
    Statistic { name, kind }
}

const fn count(
    name: &'static str,
    needs: Need,
    of: fn(&LoadResult) -> u64,
    among: fn(&LoadResult) -> u64,
    replaces: &'static [Rule],
) -> Count {
    Count {
        name,
        needs,
        of,
        among,
        replaces,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_found_and_none_is_used_twice() {
        let names = names();
        let distinct: BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
        for name in &names {
            assert_eq!(Figure::find(name).ok().unwrap().name(), *name);
        }
    }

    #[test]
    fn an_unknown_figure_is_answered_with_the_nearest_and_with_all() {
        let error = |name| Figure::find(name).err().unwrap().to_string();
        for (name, near) in [
            ("p99,9", "did you mean p99.9?"),
            ("eror", "did you mean errors?"),
            ("connectp99", "did you mean connect-p99?"),
        ] {
            assert!(error(name).contains(near), "{}", error(name));
        }
        let strange = error("throughput-per-minute");
        assert!(!strange.contains("did you mean"), "{strange}");
        assert!(
            strange.contains("p99.99, mean, max, connect-p99"),
            "{strange}"
        );
    }
}
