//! `--find 'p99<10ms'`: the highest rate at which a server meets limits.

mod conclusion;

use anyhow::bail;
use portlab_load::{Condition, Finding, Goal, Highest, Metrics, Plan, Search, Trial};
use portlab_sys::terminal::Hush;
use portlab_words::{Lang, Text, tr, units};

use super::{
    Args, command,
    files_of_rates::FilesOfRates,
    json,
    ladder::table::Table,
    plan::Rates,
    report_problems,
    show::interrupt_flag,
    step::{Step, Steps},
    why_not_connected,
    words::{self, Page, headline_of_a_ladder},
};
use crate::{
    Verdict,
    args::{DIM, lang, terminal_width},
    output,
};

/// The rate of the first trial without `--rate`.
pub(super) const START_PER_S: f64 = 1_000.0;
/// The highest rate that is tried without `--rate`.
const MOST_PER_S: f64 = 1e6;
/// A trial at the lowest rate that is tried without `--rate` has this many messages, as a p99 needs.
const LEAST_MESSAGES: f64 = 100.0;
/// The most trials.
const TRIALS: usize = 40;
/// After so many trials that say nothing at rates that held before, the machine is too busy.
const MOST_SPOILED: usize = 6;
/// The bound of a time may be this share of a trial: a longer one can't show that a queue grows.
const MOST_BLIND: f64 = 0.2;

pub(super) fn run(
    args: &Args,
    plan: &Plan,
    limits: &[Condition],
    warnings: &[Text],
    metrics: Option<Metrics>,
) -> anyhow::Result<Verdict> {
    let output = &args.output;
    let files = FilesOfRates::create(output)?;
    let goal = goal(args.pace.rate, plan, limits)?;
    let mut find = Find {
        plan,
        limits,
        steps: Steps {
            plan,
            limits,
            warnings,
            plain: output.plain,
            interrupted: interrupt_flag()?,
            metrics,
        },
        lang: lang(),
        goal,
        search: Search::new(goal),
        table: (!output.json).then(|| Table::with_room(terminal_width(), FINDING)),
        trials: Vec::new(),
        cut_short: None,
        wrong: false,
    };
    // While the bar is drawn, typed lines aren't echoed: an echoed line would leave a copy of the bar above.
    let hush = (!output.plain).then(|| Hush::new(std::io::stderr()));
    find.seek()?;
    drop(hush);
    let runs = find.trials.iter();
    let written = files.finish(runs.map(|(step, finding)| (&step.result, name(*finding))));
    if output.json {
        output::print_json(&find.report())?;
    } else {
        output::print(&find.conclusion())?;
    }
    written?;
    find.verdict()
}

/// The goal of a search among `rates`, or all rates.
pub(super) fn goal(rates: Option<Rates>, plan: &Plan, limits: &[Condition]) -> Result<Goal, Text> {
    let seconds = plan.stop.after.unwrap_or_default().as_secs_f64();
    let longest_ns = limits.iter().filter_map(Condition::time_bound_ns);
    let longest_s = longest_ns.fold(0.0, f64::max) / 1e9;
    let blind = longest_s / seconds;
    if blind > MOST_BLIND {
        let [trial, bound, enough] =
            [seconds, longest_s, longest_s / MOST_BLIND].map(|it| units::nanos(it * 1e9));
        return Err(tr!(
            "a trial of {trial} is too short for a limit of {bound}; give each at least {enough} (--duration)",
            "对 {bound} 的限值来说，一次 {trial} 的运行太短；每次至少要 {enough}（--duration）"
        ));
    }
    let (least_per_s, most_per_s, start_per_s) = match rates {
        Some(Rates { from, to }) => (from, to, (from * to).sqrt()),
        None => {
            let least = (LEAST_MESSAGES / seconds).min(MOST_PER_S / 10.0);
            (least, MOST_PER_S, START_PER_S.max(least))
        }
    };
    Ok(Goal {
        start_per_s,
        least_per_s,
        most_per_s,
        precision: Goal::PRECISION,
        confidence: Goal::CONFIDENCE,
        trials: TRIALS,
        blind,
    })
}

/// A search, and its trials so far.
struct Find<'a> {
    plan: &'a Plan,
    limits: &'a [Condition],
    steps: Steps<'a>,
    lang: Lang,
    goal: Goal,
    search: Search,
    /// `None` if the result is printed as JSON.
    table: Option<Table>,
    trials: Vec<(Step, Finding)>,
    /// Why the search ended before it was settled.
    cut_short: Option<Text>,
    /// Answers were wrong, which another rate would not change.
    wrong: bool,
}

impl Find<'_> {
    /// Makes trials until the highest rate is known, or there is another reason to stop.
    fn seek(&mut self) -> anyhow::Result<()> {
        self.print_head()?;
        let mut spoiled = Spoiled::default();
        while let Some(rate_per_s) = self.search.next_rate()
            && self.trials.len() < TRIALS
        {
            let step = self.trial(rate_per_s)?;
            if let Some(why) = why_not_connected(&step.result) {
                if self.trials.is_empty() {
                    bail!(why);
                }
                self.cut_short = Some(why);
                return Ok(());
            }
            if step.result.interrupted {
                self.cut_short = Some(Text::new("interrupted", "已中断"));
                return Ok(());
            }
            let finding = Finding::of_limits(&step.result);
            self.print_row(&step, finding)?;
            self.wrong = step.result.has_wrong_answers_by_rule();
            if self.wrong {
                report_problems(&step.result, self.lang);
                self.cut_short = Some(Text::new(
                    "answers were wrong, and no other rate will change that: see the errors",
                    "响应有错误，换速率也不会变：请看错误",
                ));
            }
            self.trials.push((step, finding));
            if self.wrong {
                return Ok(());
            }
            if finding == Finding::Nothing && !spoiled.counts(rate_per_s, &self.search) {
                if spoiled.below >= MOST_SPOILED {
                    self.cut_short = Some(Text::new(
                        "the generator was late at rates that had held before: this machine is too busy; try again when \
                         nothing else runs",
                        "在以前满足过的速率下，负载生成器也发送晚了：这台机器太忙；请在机器空闲时重试",
                    ));
                    return Ok(());
                }
                continue;
            }
            self.search.learn(Trial {
                rate_per_s,
                finding,
            });
        }
        Ok(())
    }

    /// Runs at one rate. Each trial has arrivals of its own, so that they differ as those of users do.
    fn trial(&self, rate_per_s: f64) -> anyhow::Result<Step> {
        let (before, rate) = (self.trials.len(), words::rate(rate_per_s));
        let number = before + 1;
        let title = tr!(
            self.lang,
            "trial {number}, {rate}",
            "第 {number} 次，{rate}"
        );
        let seed = self.plan.seed.wrapping_add(before as u64);
        self.steps.at(rate_per_s, seed, &title)
    }

    fn print_head(&self) -> anyhow::Result<()> {
        let Some(table) = &self.table else {
            return Ok(());
        };
        let lang = self.lang;
        let mut page = Page::new(terminal_width(), lang);
        let ends = [self.goal.least_per_s, self.goal.most_per_s];
        let headline = headline_of_a_ladder(self.plan, ends, lang);
        page.head(&self.plan.targets_text(), &headline);
        let (limits, each) = (
            self.limits_in_words(),
            self.plan.stop.after.unwrap_or_default(),
        );
        let each = units::time(each);
        let text = tr!(
            lang,
            "the highest rate that meets {limits}: at most {TRIALS} trials of {each} each; latency from when a message \
             was due",
            "满足 {limits} 的最高速率：最多 {TRIALS} 次试验，每次 {each}；延迟从消息到期时算起"
        );
        page.add("", DIM, &text);
        table.heads(&mut page, &format!("  {}", lang.pick("finding", "结论")));
        output::print(&page.text)?;
        Ok(())
    }

    fn print_row(&self, step: &Step, finding: Finding) -> anyhow::Result<()> {
        if let Some(table) = &self.table {
            let row = table.row(step);
            let finding = conclusion::finding(&step.result, finding, self.lang);
            output::print(&format!("{}  {finding}\n", row.trim_end_matches('\n')))?;
        }
        Ok(())
    }

    fn limits_in_words(&self) -> String {
        let limits = self.limits.iter().map(ToString::to_string);
        limits.collect::<Vec<_>>().join(" & ")
    }

    fn report(&self) -> json::Find {
        let (found, low, high) = match self.search.highest() {
            Highest::Between { low, high } => ("between", Some(low), Some(high)),
            Highest::AtLeast { per_s, .. } => ("at_least", Some(per_s), None),
            Highest::Below { per_s } => ("below", None, Some(per_s)),
            Highest::Unknown => ("unknown", None, None),
        };
        let trials = self.trials.iter().map(|(step, finding)| json::FindTrial {
            finding: name(*finding),
            missed: conclusion::missed(*finding),
            result: step.result.clone(),
        });
        json::Find {
            limits: self.limits.iter().map(ToString::to_string).collect(),
            from_rate_per_s: self.goal.least_per_s,
            to_rate_per_s: self.goal.most_per_s,
            found,
            low_rate_per_s: low,
            high_rate_per_s: high,
            confidence: self.goal.confidence,
            settled: self.search.is_settled(),
            cut_short: self.cut_short.as_ref().map(|it| it.en.to_string()),
            command: command::of_this_process(),
            trials: trials.collect(),
        }
    }

    /// Fails if not even the lowest rate meets the limits.
    ///
    /// # Errors
    /// When the search has no result.
    fn verdict(&self) -> anyhow::Result<Verdict> {
        Ok(match self.search.highest() {
            _ if self.wrong => Verdict::Failed,
            Highest::Between { .. } | Highest::AtLeast { .. } => Verdict::Fine,
            Highest::Below { .. } => Verdict::Failed,
            Highest::Unknown => bail!(self.why_unknown()),
        })
    }
}

/// Trials that said nothing.
#[derive(Default)]
struct Spoiled {
    /// The rate of the last of them.
    last: Option<f64>,
    /// How many were at rates up to the highest that held.
    below: usize,
}

impl Spoiled {
    /// Whether another trial that said nothing, at `rate_per_s`, counts for the search as one that didn't hold: the
    /// second one at a rate above all that held, because the generator is at its limit there. The others are made again.
    fn counts(&mut self, rate_per_s: f64, search: &Search) -> bool {
        let trials = search.trials().iter();
        let mut held = trials.filter(|it| it.finding == Finding::Held);
        if held.any(|it| it.rate_per_s >= rate_per_s) {
            self.below += 1;
            return false;
        }
        self.last.replace(rate_per_s) == Some(rate_per_s)
    }
}

/// The name of a finding for programs.
fn name(finding: Finding) -> &'static str {
    match finding {
        Finding::Held => "held",
        Finding::Missed(_) => "missed",
        Finding::Nothing => "nothing",
    }
}

/// How wide the finding of a row may be.
const FINDING: usize = 30;
