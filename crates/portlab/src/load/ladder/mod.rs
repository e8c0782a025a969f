//! `--rate 1k..20k`: a run per rate, and the curve of latency against load.

mod conclusion;
pub(super) mod table;

use portlab_load::{Answers, Ended, Knee, LoadResult, Metrics, Plan, rungs};
use portlab_sys::terminal::Hush;
use portlab_words::{Lang, Text, tr};

use self::{conclusion::Curve, table::Table};
use super::{
    Args,
    files_of_rates::FilesOfRates,
    json,
    plan::Rates,
    report_problems,
    show::interrupt_flag,
    step::{Step, Steps},
    why_it_ended, why_not_connected,
    words::{self, Page},
};
use crate::{
    Verdict,
    args::{BAD, lang, terminal_width},
    output,
};

/// How many rates are tried without `--steps`.
const STEPS: u8 = 6;

pub(super) fn run(
    args: &Args,
    plan: &Plan,
    rates: Rates,
    warnings: &[Text],
    metrics: Option<Metrics>,
) -> anyhow::Result<Verdict> {
    let output = &args.output;
    let files = FilesOfRates::create(output)?;
    let steps = args.pace.steps.unwrap_or(STEPS).into();
    let mut ladder = Ladder {
        plan,
        steps: Steps {
            plan,
            limits: &args.limits.fail_if,
            warnings,
            plain: output.plain,
            interrupted: interrupt_flag()?,
            metrics,
        },
        lang: lang(),
        rates: rungs(rates.from, rates.to, steps),
        table: (!output.json).then(|| Table::of_width(terminal_width())),
        walked: Vec::new(),
        unfinished: None,
        cut_short: None,
        gave_up: false,
    };
    // While the bar is drawn, typed lines aren't echoed: an echoed line would leave a copy of the bar above.
    let hush = (!output.plain).then(|| Hush::new(std::io::stderr()));
    ladder.walk()?;
    drop(hush);
    let written = files.finish(ladder.walked.iter().map(|step| (&step.result, "")));
    if output.json {
        output::print_json(&ladder.report())?;
    } else {
        output::print(&ladder.conclusion())?;
    }
    written?;
    Ok(ladder.verdict())
}

/// The rates of a ladder, and the results so far.
struct Ladder<'a> {
    plan: &'a Plan,
    steps: Steps<'a>,
    lang: Lang,
    /// Messages per second, rising.
    rates: Vec<f64>,
    /// `None` if the result is printed as JSON.
    table: Option<Table>,
    walked: Vec<Step>,
    /// The run at the rate at which the user ended the ladder: its figures are left out, but its wrong answers count.
    unfinished: Option<Step>,
    /// Why the ladder ended before its highest rate.
    cut_short: Option<String>,
    /// No connection could be made any more.
    gave_up: bool,
}

impl Ladder<'_> {
    /// Runs at each rate until there is a reason to stop.
    fn walk(&mut self) -> anyhow::Result<()> {
        if let Some(table) = &self.table {
            let mut page = Page::new(terminal_width(), self.lang);
            table.head(&mut page, self.plan, &self.rates);
            output::print(&page.text)?;
        }
        for index in 0..self.rates.len() {
            let step = self.climb(index)?;
            if let Some(why) = why_not_connected(&step.result) {
                // The rates before count all the same.
                if self.walked.is_empty() {
                    anyhow::bail!(why);
                }
                self.cut_short = Some(why.pick(self.lang).to_owned());
                self.gave_up = true;
                break;
            }
            report_problems(&step.result, self.lang);
            if step.result.interrupted {
                let all = self.rates.len();
                let why = tr!(
                    self.lang,
                    "interrupted after {index} of {all} rates",
                    "在 {all} 个速率中完成 {index} 个后中断"
                );
                self.cut_short = Some(why);
                self.unfinished = Some(step);
                break;
            }
            if let Some(table) = &self.table {
                output::print(&table.row(&step))?;
            }
            self.cut_short = step.why_it_ends_the_ladder(self.lang);
            self.walked.push(step);
            if self.cut_short.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Runs at one rate.
    fn climb(&self, index: usize) -> anyhow::Result<Step> {
        let (number, all) = (index + 1, self.rates.len());
        let title = tr!(self.lang, "{number} of {all}", "{number}/{all}");
        self.steps.at(self.rates[index], self.plan.seed, &title)
    }

    fn report(&self) -> json::Ladder {
        let curve = Curve::of(&self.walked);
        let sure = curve.knee.estimate();
        let rate = |rung: usize| self.walked[rung].asked_per_s();
        let doubts = curve.cautions();
        json::Ladder {
            knee_rate_per_s: sure.map(|sure| rate(sure.rung)),
            knee_is_beyond: matches!(curve.knee, Knee::Beyond(_)),
            knee_confidence: sure.map(|sure| sure.confidence),
            knee_from_rate_per_s: sure.map(|sure| rate(sure.first)),
            knee_to_rate_per_s: sure.map(|sure| rate(sure.last)),
            rungs: self.walked.iter().map(|step| step.result.clone()).collect(),
            verdict: json::LadderVerdict {
                believable: doubts.is_empty(),
                doubts,
            },
        }
    }

    fn conclusion(&self) -> String {
        let mut page = Page::new(terminal_width(), self.lang);
        let mut answers = Answers::default();
        for step in self.walked.iter().chain(&self.unfinished) {
            conclusion::failures(&mut page, step);
            answers.merge(&step.result.answers);
        }
        if let Some(why) = &self.cut_short {
            let lead = self.lang.pick("cut short:", "提前结束：");
            page.add_behind(BAD, lead, why);
        }
        page.answers(self.plan, &answers);
        Curve::of(&self.walked).tell(&mut page, self.cut_short.is_some());
        page.text
    }

    /// A ladder loads a server up to overload, so missing answers are no failure; errors, and limits that aren't met, are.
    fn verdict(&self) -> Verdict {
        let has_failed =
            |result: &LoadResult| result.errors_by_rule() > 0 || !result.meets_its_limits();
        let failed = self.walked.iter().any(|step| has_failed(&step.result));
        let unfinished = self.unfinished.as_ref();
        let wrong = unfinished.is_some_and(|step| !step.result.is_fine());
        match failed || wrong || self.gave_up {
            true => Verdict::Failed,
            false => Verdict::Fine,
        }
    }
}

impl Step {
    fn why_it_ends_the_ladder(&self, lang: Lang) -> Option<String> {
        let rate = self.rate();
        match self.result.ended {
            Ended::AllLost => {
                let lost = Text::new("every connection was lost", "失去了所有连接");
                let why = why_it_ended(&self.result).unwrap_or(&lost).pick(lang);
                Some(tr!(lang, "at {rate} {why}", "速率 {rate} 时，{why}"))
            }
            Ended::TooManyErrors => {
                let most = words::errors(self.result.plan.stop.errors.unwrap_or_default(), lang);
                Some(tr!(
                    lang,
                    "at {rate} there were more than {most} (--max-errors)",
                    "速率 {rate} 时超过了 {most}（--max-errors）"
                ))
            }
            Ended::Done | Ended::Interrupted => None,
        }
    }
}
