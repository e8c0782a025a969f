//! `--rate 1k..20k`: a run per rate, and the curve of latency against load.

mod conclusion;
mod table;

use std::{
    io::Write,
    sync::{Arc, atomic::AtomicBool},
};

use portlab_load::{
    Answers, Ended, Knee, Outcome, Pace, Plan, Rung, Verdict as Believable, Warning, rungs,
};

use portlab_sys::terminal::Hush;

use self::{conclusion::Curve, table::Table};
use super::{
    Args,
    answers::print_answers,
    complain, is_wrong_or_error, json,
    parts::Parts,
    plan::Rates,
    show::{Show, interrupt_flag},
    why_it_ended, why_nobody_answered, words,
};
use crate::{
    Verdict,
    args::{BAD, terminal_width},
    output,
};

/// How many rates are tried unless told.
const STEPS: u8 = 6;

pub(super) fn run(
    args: &Args,
    plan: &Plan,
    rates: Rates,
    warnings: &[Warning],
) -> anyhow::Result<Verdict> {
    let output = &args.output;
    if output.hgrm.is_some() || output.hlog.is_some() || output.csv.is_some() {
        anyhow::bail!("--hgrm, --hlog and --csv keep one run; give one --rate, or use --json");
    }
    let steps = args.pace.steps.unwrap_or(STEPS);
    let mut ladder = Ladder {
        plan,
        rates: rungs(rates.from, rates.to, steps.into()),
        plain: output.plain,
        table: (!output.json).then(|| Table::of_width(terminal_width())),
        interrupted: interrupt_flag()?,
        walked: Vec::new(),
        unfinished: None,
        cut_short: None,
        gave_up: false,
    };
    let mut out = output::stdout();
    // A line that is typed would push the bar up and leave it standing.
    let hush = (!output.plain).then(|| Hush::new(std::io::stderr()));
    ladder.walk(&mut out)?;
    drop(hush);
    if output.json {
        json::print(&mut out, &ladder.report(warnings))?;
    } else {
        ladder.conclude(&mut out)?;
    }
    Ok(ladder.verdict())
}

/// What is walked, and what has come of it so far.
struct Ladder<'a> {
    plan: &'a Plan,
    /// Messages per second, rising.
    rates: Vec<f64>,
    plain: bool,
    /// None when the result is for machines.
    table: Option<Table>,
    interrupted: Arc<AtomicBool>,
    walked: Vec<Step>,
    /// The rate that its user cut short: it says little of itself, but wrong answers are wrong.
    unfinished: Option<Step>,
    /// Why not all rates were walked.
    cut_short: Option<String>,
    /// Nobody answered any more.
    gave_up: bool,
}

impl Ladder<'_> {
    /// Walks up until there is a reason to stop.
    fn walk(&mut self, out: &mut impl Write) -> anyhow::Result<()> {
        if let Some(table) = &self.table {
            table.head(out, self.plan, &self.rates, terminal_width())?;
        }
        for index in 0..self.rates.len() {
            let (plan, outcome, parts_ns) = self.climb(index)?;
            if let Some(why) = why_nobody_answered(&plan, &outcome) {
                // What has been walked counts all the same.
                if self.walked.is_empty() {
                    anyhow::bail!(why);
                }
                self.cut_short = Some(why);
                self.gave_up = true;
                break;
            }
            let step = Step::new(plan, outcome, parts_ns);
            if step.outcome.interrupted() {
                let all = self.rates.len();
                self.cut_short = Some(format!("interrupted after {index} of {all} rates"));
                self.unfinished = Some(step);
                break;
            }
            if let Some(table) = &self.table {
                table.row(out, &step)?;
            }
            self.cut_short = step.why_it_ends_the_ladder();
            self.walked.push(step);
            if self.cut_short.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Runs at one rate: its plan, its outcome, and the p99 of each part of it.
    fn climb(&self, index: usize) -> anyhow::Result<(Plan, Outcome, Vec<u64>)> {
        let mut plan = self.plan.clone();
        if let Pace::Open { rate_per_s, .. } = &mut plan.pace {
            *rate_per_s = self.rates[index];
        }
        let title = format!("{} of {}", index + 1, self.rates.len());
        let flag = Arc::clone(&self.interrupted);
        let mut show = Show::of_a_rung(&plan, self.plain, &title, flag);
        show.parts = Some(Parts::default());
        let outcome = portlab_load::run(&plan, &mut show);
        let parts_ns = show.parts.take().unwrap_or_default().p99s_ns();
        show.finish()?;
        Ok((plan, outcome?, parts_ns))
    }

    fn report(&self, warnings: &[Warning]) -> json::Ladder {
        let curve = Curve::of(&self.walked);
        let sure = curve.knee.sure();
        let rate = |rung: usize| self.walked[rung].asked_per_s();
        let report =
            |step: &Step| json::Report::of(&step.plan, &step.outcome, &step.verdict, warnings);
        json::Ladder {
            knee_rate_per_s: sure.map(|sure| rate(sure.rung)),
            knee_is_beyond: matches!(curve.knee, Knee::Beyond(_)),
            knee_confidence: sure.map(|sure| sure.confidence),
            knee_from_rate_per_s: sure.map(|sure| rate(sure.first)),
            knee_to_rate_per_s: sure.map(|sure| rate(sure.last)),
            rungs: self.walked.iter().map(report).collect(),
            verdict: json::LadderVerdict::of(curve.doubts()),
        }
    }

    fn conclude(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let width = terminal_width();
        for step in self.walked.iter().chain(&self.unfinished) {
            conclusion::failures(out, width, step)?;
        }
        if let Some(why) = &self.cut_short {
            let lead = format!("{BAD}cut short:{BAD:#} ");
            words::paragraph(out, width, (&lead, 11), anstyle::Style::new(), why)?;
        }
        let mut answers = Answers::default();
        for step in self.walked.iter().chain(&self.unfinished) {
            answers.merge(&step.outcome.answers);
        }
        print_answers(out, width, self.plan, &answers)?;
        let cut_short = self.cut_short.is_some();
        Curve::of(&self.walked).print(out, width, cut_short)?;
        Ok(())
    }

    /// A ladder walks into overload, so answers may be missing; errors may not.
    fn verdict(&self) -> Verdict {
        let failed = self
            .walked
            .iter()
            .any(|step| step.outcome.tally.total() > 0);
        let unfinished = self.unfinished.as_ref();
        let wrong = unfinished.is_some_and(|step| is_wrong_or_error(&step.outcome));
        match failed || wrong || self.gave_up {
            true => Verdict::Failed,
            false => Verdict::Fine,
        }
    }
}

/// One rate, and what it came to.
struct Step {
    plan: Plan,
    outcome: Outcome,
    /// The p99 of each part of the run.
    parts_ns: Vec<u64>,
    verdict: Believable,
}

impl Step {
    fn new(plan: Plan, outcome: Outcome, parts_ns: Vec<u64>) -> Self {
        complain(&plan, &outcome);
        let verdict = Believable::of(&plan, &outcome);
        Self {
            plan,
            outcome,
            parts_ns,
            verdict,
        }
    }

    fn rung(&self) -> Rung {
        Rung {
            asked_per_s: self.asked_per_s(),
            achieved_per_s: self.outcome.messages_per_s(),
            kept: self.outcome.ended == Ended::Done && self.outcome.kept_up(&self.plan),
            late: self.verdict.generator_was_late(),
            p99_ns: self.outcome.latency.quantile_ns(0.99),
            parts_ns: self.parts_ns.clone(),
        }
    }

    fn asked_per_s(&self) -> f64 {
        self.plan.pace.rate_per_s().unwrap_or_default()
    }

    /// The rate as it is written.
    fn rate(&self) -> String {
        words::rate(self.asked_per_s())
    }

    fn why_it_ends_the_ladder(&self) -> Option<String> {
        let rate = self.rate();
        match self.outcome.ended {
            Ended::NobodyLeft => Some(match why_it_ended(&self.verdict) {
                Some(why) => format!("at {rate} {why}"),
                None => format!("at {rate} every connection was lost"),
            }),
            Ended::TooManyErrors => {
                let most = words::plural(self.plan.stop.errors.unwrap_or_default(), "error");
                Some(format!(
                    "at {rate} there were more than {most} (--max-errors)"
                ))
            }
            Ended::Done | Ended::Interrupted => None,
        }
    }
}
