//! Limits that a run must meet: `p99>5ms` is a condition under which it fails, `p99<10ms` one that must hold.
//!
//! Each limit has a verdict, which follows the value of its figure. A figure that would be different in another run of
//! the same length has an interval, and a verdict is unsure if the interval contains the bound.

mod figure;
mod parts;
#[cfg(test)]
mod tests;

use std::fmt;

use portlab_words::{Text, tr, units};
use schemars::JsonSchema;
use serde::Serialize;

use self::figure::Figure;
pub(crate) use self::figure::Rule;
pub use self::parts::Parts;
use crate::{LoadResult, Plan, result::maybe_english};

/// A condition about one figure of a run, and what follows from it.
#[derive(Clone)]
pub struct Condition {
    figure: Figure,
    operator: &'static str,
    bound: f64,
    unit: Unit,
    /// The bound as it was written.
    written: String,
    follows: Follows,
}

/// Whether a run fails if a condition is true, or if it is false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follows {
    Fails,
    Passes,
}

/// The unit of a figure and its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nanoseconds.
    Ns,
    /// A number of events.
    Count,
    /// A share: of all messages, or of the rate that was asked for.
    Share,
    /// Messages per second.
    PerS,
}

/// The verdict of a limit.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitResult {
    /// The limit as it was given, such as `p99>5ms`.
    #[schemars(with = "String")]
    pub limit: Condition,
    /// The unit of the figures: `ns`, `count`, `share` (1 is the whole) or `per_s`.
    #[schemars(with = "String")]
    pub unit: Unit,
    /// The bound.
    pub bound: f64,
    /// The figure of the run; `null` if it has none, and then the limit has failed.
    pub value: Option<f64>,
    /// The lower end of the interval that contains the true figure with 95 %; `null` if it isn't known.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// Whether the run fails because of it.
    pub failed: bool,
    /// Whether the bound is outside of the interval; `null` for a figure that has no interval, such as a count.
    pub sure: Option<bool>,
    /// Why the figure has no value.
    #[serde(serialize_with = "maybe_english")]
    #[schemars(with = "Option<String>")]
    pub reason: Option<Text>,
}

/// From the longest on: `>=` begins with `>`.
const OPERATORS: [&str; 4] = [">=", "<=", ">", "<"];

impl Condition {
    /// Reads a condition under which a run fails, such as `p99>5ms`, `errors>1%` or `rate<0.99`.
    ///
    /// # Errors
    /// When it isn't a condition; the error names what is expected.
    pub fn fail_if(text: &str) -> Result<Self, Text> {
        Self::read(text, Follows::Fails)
    }

    /// Reads the conditions that a run must meet, such as `p99<10ms & errors<1%`.
    ///
    /// # Errors
    /// When one isn't a condition, or is met by bad runs only.
    pub fn must_hold(text: &str) -> Result<Vec<Self>, Text> {
        let read = |text: &str| {
            let condition = Self::read(text, Follows::Passes)?;
            match condition.is_upside_down() {
                false => Ok(condition),
                true => {
                    let turned = condition.turned();
                    Err(tr!(
                        "{condition} is met by bad runs only; give the limit that must hold, as in {turned}",
                        "{condition} 只有差的运行才满足；请写必须成立的条件，如 {turned}"
                    ))
                }
            }
        };
        text.split('&').map(read).collect()
    }

    fn read(text: &str, follows: Follows) -> Result<Self, Text> {
        let text = text.trim();
        let at = text.find(['<', '>']).ok_or_else(|| no_condition(text))?;
        let (name, rest) = text.split_at(at);
        let operator = OPERATORS.into_iter().find(|it| rest.starts_with(it));
        let operator = operator.ok_or_else(|| no_condition(text))?;
        let (name, value) = (name.trim(), rest[operator.len()..].trim());
        if name.is_empty() || value.is_empty() || value.starts_with(['<', '>', '=']) {
            return Err(no_condition(text));
        }
        let figure = Figure::find(name)?;
        let (bound, unit) = bound(figure, value)?;
        Ok(Self {
            figure,
            operator,
            bound,
            unit,
            written: value.to_owned(),
            follows,
        })
    }

    /// Whether only bad runs pass: a run fails for a short latency, few errors or a high rate.
    pub fn is_upside_down(&self) -> bool {
        let is_upper_bound = self.operator.starts_with('<') == (self.follows == Follows::Passes);
        is_upper_bound != self.figure.is_worse_if_high()
    }

    /// The condition with the operator turned round.
    #[must_use]
    pub fn turned(&self) -> Self {
        let operator = match self.operator {
            ">" => "<",
            ">=" => "<=",
            "<" => ">",
            _ => ">=",
        };
        Self {
            operator,
            ..self.clone()
        }
    }

    /// Checks that a run of `plan` has the figure.
    ///
    /// # Errors
    /// The reason why it hasn't.
    pub fn check(&self, plan: &Plan) -> Result<(), Text> {
        match self.figure.needs(self.unit).missing(plan) {
            None => Ok(()),
            Some(Text { en, zh }) => {
                Err(tr!("invalid limit {self}: {en}", "限值 {self} 无效：{zh}"))
            }
        }
    }

    /// The bound of a time, in nanoseconds.
    pub fn time_bound_ns(&self) -> Option<f64> {
        (self.unit == Unit::Ns).then_some(self.bound)
    }

    fn judge(&self, result: &LoadResult, parts: &Parts) -> LimitResult {
        let measured = self.figure.measure(self.unit, result, parts);
        let (value, interval, reason) = match measured {
            Ok(it) => (Some(it.value), it.interval, None),
            Err(reason) => (None, None, Some(reason)),
        };
        let (low, high) = interval.unwrap_or_default();
        let contains =
            low.unwrap_or(0.0) <= self.bound && self.bound <= high.unwrap_or(f64::INFINITY);
        LimitResult {
            limit: self.clone(),
            unit: self.unit,
            bound: self.bound,
            value,
            low,
            high,
            failed: value
                .is_none_or(|value| self.is_true(value) == (self.follows == Follows::Fails)),
            sure: interval.map(|_| !contains),
            reason,
        }
    }

    fn is_true(&self, value: f64) -> bool {
        match self.operator {
            ">" => value > self.bound,
            ">=" => value >= self.bound,
            "<" => value < self.bound,
            _ => value <= self.bound,
        }
    }
}

impl LoadResult {
    /// The same, judged by `limits`; `parts` are the parts of the run.
    #[must_use]
    pub fn judged(mut self, limits: &[Condition], parts: &Parts) -> Self {
        self.limits = limits.iter().map(|it| it.judge(&self, parts)).collect();
        self.translated()
    }

    /// Whether every limit is met.
    pub fn meets_its_limits(&self) -> bool {
        self.limits.iter().all(|it| !it.failed)
    }

    /// Whether a limit takes the place of `rule`.
    pub(crate) fn replaces(&self, rule: Rule) -> bool {
        let mut limits = self.limits.iter();
        limits.any(|it| it.limit.figure.replaces().contains(&rule))
    }

    /// Whether there were more errors than a limit allows.
    pub(crate) fn breaks_a_limit_to_errors(&self) -> bool {
        let is_to_errors = |it: &&LimitResult| {
            let rules = it.limit.figure.replaces();
            rules.contains(&Rule::NoErrors) || rules.contains(&Rule::NoWrongAnswers)
        };
        let mut broken = self.limits.iter().filter(|it| it.failed);
        broken.any(|it| is_to_errors(&it))
    }

    /// Whether answers were wrong that no limit allows: another rate won't change that.
    pub fn has_wrong_answers_by_rule(&self) -> bool {
        self.has_wrong_answers && !self.replaces(Rule::NoWrongAnswers)
    }

    /// The errors that no limit allows.
    pub fn errors_by_rule(&self) -> u64 {
        let wrong = figure::wrong_answers(self);
        match [Rule::NoErrors, Rule::NoWrongAnswers].map(|rule| self.replaces(rule)) {
            [true, _] => 0,
            [false, true] => self.errors - wrong,
            [false, false] => self.errors,
        }
    }
}

impl Unit {
    /// A figure of this unit, as it is shown to people.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Ns => units::nanos(value),
            Self::Count => value.to_string(),
            Self::Share => format!("{}%", units::three_digits(value * 100.0)),
            Self::PerS => units::per_s(value),
        }
    }
}

/// Reads a bound of `figure`.
fn bound(figure: Figure, text: &str) -> Result<(f64, Unit), Text> {
    let in_context = |error: Text| {
        let (name, Text { en, zh }) = (figure.name(), error);
        tr!("invalid bound of {name}: {en}", "{name} 的界限无效：{zh}")
    };
    let read = match figure {
        Figure::Time(..) | Figure::Outage => units::duration("0s", "7d")(text)
            .map(|time| (time.as_nanos() as f64, Unit::Ns)),
        Figure::Count(_) if text.ends_with('%') => {
            units::share("0", "1")(text).map(|share| (share, Unit::Share))
        }
        Figure::Count(_) => units::count("0", "1T")(text).map(|count| (count as f64, Unit::Count)),
        Figure::Rate => match text.strip_suffix("/s") {
            Some(rate) => units::rate("0", "1T")(rate).map(|rate| (rate, Unit::PerS)),
            None => units::share("0", "2")(text)
                .map(|share| (share, Unit::Share))
                .map_err(|_| {
                    tr!(
                        "{text:?} is neither a share of --rate (0.99 or 99%) nor messages per second (5k/s)",
                        "{text:?} 既不是 --rate 的比例（0.99 或 99%），也不是每秒消息数（5k/s）"
                    )
                }),
        },
    };
    read.map_err(in_context)
}

fn no_condition(text: &str) -> Text {
    tr!(
        "{text:?} is not a limit: expected a figure, one of > >= < <=, and a value, as in p99>5ms, errors>0 or rate<0.99",
        "{text:?} 不是限值：应为一个数字名、> >= < <= 之一和一个值，如 p99>5ms、errors>0 或 rate<0.99"
    )
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.figure.name(), self.operator, self.written)
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?} {:?})", self.bound, self.unit)
    }
}

impl Serialize for Condition {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
