//! `--rate 1k..20k`: a run per rate, and the curve of latency against load.

use std::io::{self, Write};

use portlab_load::{FLAT, Outcome, Pace, Plan, Rung, Verdict as Believable, Warning, knee, rungs};
use portlab_stats::units;

use super::{
    Args, complain,
    files::Files,
    json,
    plan::Rates,
    show::{Show, interrupt_flag},
    text::{headline, known},
    why_nobody_answered,
};
use crate::{
    Verdict,
    args::{BAD, DIM, HEAD, WARN},
};

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
    let interrupted = interrupt_flag()?;
    let mut out = anstream::stdout();
    let rates = rungs(rates.from, rates.to, usize::from(args.pace.steps));
    let (mut walked, mut gave_up) = (Vec::<Step>::new(), false);
    if !output.json {
        head(&mut out, plan, rates.len())?;
    }
    for (index, &rate_per_s) in rates.iter().enumerate() {
        let mut plan = plan.clone();
        if let Pace::Open {
            rate_per_s: rate, ..
        } = &mut plan.pace
        {
            *rate = rate_per_s;
        }
        let title = format!("{} of {}", index + 1, rates.len());
        let flag = std::sync::Arc::clone(&interrupted);
        let mut show = Show::with_flag(&plan, Files::default(), output.plain, &title, flag)?;
        let outcome = portlab_load::run(&plan, &mut show);
        show.finish()?;
        let outcome = outcome?;
        if let Some(why) = why_nobody_answered(&plan, &outcome) {
            // What has been walked counts all the same.
            if walked.is_empty() {
                anyhow::bail!(why);
            }
            crate::tell!("{BAD}error:{BAD:#} {why}");
            gave_up = true;
            break;
        }
        // A rate that was cut short says little of itself.
        if outcome.interrupted() {
            break;
        }
        let step = Step::new(plan, outcome);
        if !output.json {
            step.print(&mut out)?;
        }
        walked.push(step);
    }
    let points: Vec<Rung> = walked.iter().map(Step::rung).collect();
    if output.json {
        let at = knee(&points);
        let ladder = json::Ladder {
            knee_rate_per_s: at.map(|at| points[at].asked_per_s),
            knee_is_beyond: at.is_some() && at == points.len().checked_sub(1),
            rungs: walked.iter().map(|step| step.report(warnings)).collect(),
        };
        json::print(&mut out, &ladder)?;
    } else {
        conclude(&mut out, &walked, &points)?;
    }
    let failed = gave_up || walked.iter().any(|step| step.outcome.tally.total() > 0);
    Ok(if failed {
        Verdict::Failed
    } else {
        Verdict::Fine
    })
}

/// One rate, and what it came to.
struct Step {
    plan: Plan,
    outcome: Outcome,
    verdict: Believable,
}

impl Step {
    fn new(plan: Plan, outcome: Outcome) -> Self {
        complain(&outcome);
        let verdict = Believable::of(&plan, &outcome);
        Self {
            plan,
            outcome,
            verdict,
        }
    }

    fn rung(&self) -> Rung {
        let asked_per_s = match self.plan.pace {
            Pace::Open { rate_per_s, .. } => self.outcome.rate_changed_to.unwrap_or(rate_per_s),
            Pace::Closed | Pace::Idle => 0.0,
        };
        Rung {
            asked_per_s,
            achieved_per_s: self.outcome.messages_per_s(),
            kept: self.outcome.kept_up(&self.plan),
            p99_ns: self.outcome.latency.quantile_ns(0.99),
        }
    }

    fn report(&self, warnings: &[Warning]) -> json::Report {
        json::Report::of(&self.plan, &self.outcome, &self.verdict, warnings)
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let (rung, outcome) = (self.rung(), &self.outcome);
        let at = |quantile| known(&outcome.latency, outcome.latency.quantile_ns(quantile));
        let sent = &outcome.uncorrected;
        let sent = known(sent, sent.quantile_ns(0.99));
        let lag = &outcome.pacing_lag;
        let lag = known(lag, lag.quantile_ns(0.99));
        let share = rung.achieved_per_s / rung.asked_per_s * 100.0;
        writeln!(
            out,
            "{:>8}/s {share:>6.1}% {:>9} {:>9} {:>9} {DIM}{sent:>9} {lag:>9} {:>5.0}%{DIM:#} {:>7}  {}",
            units::short(rung.asked_per_s),
            at(0.5),
            at(0.99),
            at(0.999),
            outcome.generator_cpu_share() * 100.0,
            outcome.tally.total() + outcome.unanswered + outcome.due_not_sent,
            bar(rung.p99_ns),
        )?;
        out.flush()
    }
}

fn head(out: &mut impl Write, plan: &Plan, steps: usize) -> io::Result<()> {
    let headline = headline(plan).replace("open loop at", "open loop from");
    writeln!(out, "{HEAD}{}{HEAD:#}  {headline}", plan.target)?;
    let each = plan.stop.after.map_or(String::new(), |time| {
        format!(" of {} each", units::time(time))
    });
    writeln!(
        out,
        "{DIM}{steps} rates{each}; latency from when a message was due; p99 sent: from when it was sent{DIM:#}"
    )?;
    writeln!(
        out,
        "{HEAD}{:>10} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>6} {:>7}  p99 (each cell: x 2){HEAD:#}",
        "rate", "kept", "p50", "p99", "p99.9", "p99 sent", "lag p99", "gen", "lost"
    )?;
    out.flush()
}

/// A bar that grows by one cell each time the latency doubles, from 16 µs on.
fn bar(p99_ns: u64) -> String {
    let cells = (p99_ns as f64 / 16_000.0).max(1.0).log2().round() as usize + 1;
    "█".repeat(cells.min(24))
}

/// Names the knee.
fn conclude(out: &mut impl Write, walked: &[Step], points: &[Rung]) -> io::Result<()> {
    let rate = |at: usize| format!("{}/s", units::short(points[at].asked_per_s));
    let known = points
        .iter()
        .map(|rung| rung.p99_ns)
        .filter(|p99_ns| *p99_ns > 0);
    let best = known.min().unwrap_or(0);
    match knee(points) {
        None if points.is_empty() => writeln!(out, "no rate was walked to its end")?,
        None => writeln!(
            out,
            "no knee: the lowest rate is too much already; begin lower"
        )?,
        Some(at) if at + 1 == points.len() => writeln!(
            out,
            "no knee up to {}: every rate was kept, with a p99 within {FLAT} times the best; go higher",
            rate(at)
        )?,
        Some(at) => {
            let next = &points[at + 1];
            let why = if next.kept {
                let times = next.p99_ns as f64 / best.max(1) as f64;
                format!("its p99 is {} times the best", units::three_digits(times))
            } else {
                format!("only {}/s were answered", units::short(next.achieved_per_s))
            };
            writeln!(
                out,
                "{HEAD}knee: {}{HEAD:#}, the last rate that was kept with a p99 within {FLAT} times the \
                 best; at {} {why}",
                rate(at),
                rate(at + 1)
            )?;
        }
    }
    let limited = walked
        .iter()
        .find(|step| step.outcome.generator_was_the_limit());
    if let Some(step) = limited {
        writeln!(
            out,
            "{WARN}from {}/s on the generator was the limit: the server may bear more; try --threads{WARN:#}",
            units::short(step.rung().asked_per_s)
        )?;
    }
    let late = walked.iter().filter(|step| {
        let lag = |doubt: &portlab_load::Doubt| doubt.name() == "pacing_lag";
        step.verdict.doubts.iter().any(lag)
    });
    let late = late.count();
    if late > 0 {
        writeln!(
            out,
            "{WARN}at {late} of the rates the generator itself was late: see the lag{WARN:#}"
        )?;
    }
    out.flush()
}
