//! `--rate 1k..20k`: a run per rate, and the curve of latency against load.

use std::io::{self, Write};

use anstyle::Style;
use portlab_load::{
    Ended, FLAT, Latency, Outcome, Pace, Plan, Rung, Verdict as Believable, Warning, knee, rungs,
};
use portlab_stats::units;

use super::{
    Args, complain,
    files::Files,
    json,
    plan::Rates,
    show::{Show, interrupt_flag},
    text::{headline, known, paragraph},
    why_nobody_answered,
};
use crate::{
    Verdict,
    args::{BAD, DIM, HEAD, WARN, terminal_width},
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
    let mut cut_short: Option<String> = None;
    let wide = terminal_width() >= WIDE;
    if !output.json {
        head(&mut out, plan, &rates, wide)?;
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
            cut_short = Some(why);
            gave_up = true;
            break;
        }
        // A rate that was cut short says little of itself.
        if outcome.interrupted() {
            cut_short = Some(format!(
                "interrupted after {index} of {} rates",
                rates.len()
            ));
            break;
        }
        let lost = outcome.ended == Ended::NobodyLeft;
        let step = Step::new(plan, outcome);
        if !output.json {
            step.print(&mut out, wide)?;
        }
        walked.push(step);
        if lost {
            let rate = units::short(rate_per_s);
            cut_short = Some(format!("at {rate}/s every connection was lost"));
            break;
        }
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
        failures(&mut out, &walked)?;
        if let Some(why) = &cut_short {
            writeln!(out, "{BAD}cut short:{BAD:#} {why}")?;
        }
        conclude(&mut out, &walked, &points, cut_short.is_some())?;
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
            kept: self.outcome.ended == Ended::Done && self.outcome.kept_up(&self.plan),
            late: self.verdict.generator_was_late(),
            p99_ns: self.outcome.latency.quantile_ns(0.99),
        }
    }

    fn report(&self, warnings: &[Warning]) -> json::Report {
        json::Report::of(&self.plan, &self.outcome, &self.verdict, warnings)
    }

    fn print(&self, out: &mut impl Write, wide: bool) -> io::Result<()> {
        let (rung, outcome) = (self.rung(), &self.outcome);
        let at = |quantile| known(&outcome.latency, outcome.latency.quantile_ns(quantile));
        let p99 = |latency: &Latency| known(latency, latency.quantile_ns(0.99));
        let (sent, lag) = (p99(&outcome.uncorrected), p99(&outcome.pacing_lag));
        let rate = units::short(rung.asked_per_s);
        let share = rung.achieved_per_s / rung.asked_per_s * 100.0;
        let generator = outcome.generator_cpu_share() * 100.0;
        let lost = outcome.tally.total() + outcome.unanswered + outcome.due_not_sent;
        write!(
            out,
            "{rate:>8}/s {share:>6.1}% {:>9} {:>9}",
            at(0.5),
            at(0.99)
        )?;
        if wide {
            write!(out, " {:>9} {DIM}{sent:>9}{DIM:#}", at(0.999))?;
        }
        write!(out, " {DIM}{lag:>9} {generator:>5.0}%{DIM:#} {lost:>7}")?;
        if wide {
            write!(out, "  {}", bar(rung.p99_ns))?;
        }
        writeln!(out)?;
        out.flush()
    }
}

/// A terminal that is narrower shows fewer columns.
const WIDE: usize = 108;

fn head(out: &mut impl Write, plan: &Plan, rates: &[f64], wide: bool) -> io::Result<()> {
    let last = units::short(rates.last().copied().unwrap_or_default());
    let from = match plan.pace {
        Pace::Open { rate_per_s, .. } => units::short(rate_per_s),
        Pace::Closed | Pace::Idle => String::new(),
    };
    let headline = headline(plan);
    let headline = headline.replace(
        &format!("open loop at {from}/s"),
        &format!("open loop from {from}/s to {last}/s"),
    );
    let target = format!("{HEAD}{}{HEAD:#}  ", plan.target);
    let indent = plan.target.to_string().len() + 2;
    paragraph(
        out,
        terminal_width(),
        (&target, indent),
        Style::new(),
        &headline,
    )?;
    let each = plan.stop.after.map_or(String::new(), |time| {
        format!(" of {} each", units::time(time))
    });
    let steps = rates.len();
    writeln!(
        out,
        "{DIM}{steps} rates{each}; latency from when a message was due{}{DIM:#}",
        if wide {
            "; p99 sent: from when it was sent"
        } else {
            ""
        }
    )?;
    write!(
        out,
        "{HEAD}{:>10} {:>7} {:>9} {:>9}",
        "rate", "kept", "p50", "p99"
    )?;
    if wide {
        write!(out, " {:>9} {:>9}", "p99.9", "p99 sent")?;
    }
    write!(out, " {:>9} {:>6} {:>7}", "lag p99", "gen", "lost")?;
    if wide {
        write!(out, "  p99 (a cell: x 2)")?;
    }
    writeln!(out, "{HEAD:#}")?;
    out.flush()
}

/// What went wrong, at which rate.
fn failures(out: &mut impl Write, walked: &[Step]) -> io::Result<()> {
    for step in walked {
        for failure in step.outcome.tally.failures() {
            let rate = units::short(step.rung().asked_per_s);
            let hint = failure
                .hint()
                .map_or_else(String::new, |hint| format!(" ({hint})"));
            writeln!(
                out,
                "{BAD}at {rate}/s: {}x{BAD:#} {}: {}{hint}",
                failure.count, failure.phase, failure.cause
            )?;
        }
    }
    Ok(())
}

/// A bar that grows by one cell each time the latency doubles, from 16 µs on.
fn bar(p99_ns: u64) -> String {
    let cells = (p99_ns as f64 / 16_000.0).max(1.0).log2().round() as usize + 1;
    "█".repeat(cells.min(24))
}

/// Names the knee.
fn conclude(
    out: &mut impl Write,
    walked: &[Step],
    points: &[Rung],
    cut_short: bool,
) -> io::Result<()> {
    let width = terminal_width();
    let rate = |at: usize| format!("{}/s", units::short(points[at].asked_per_s));
    let known = points.iter().map(|rung| rung.p99_ns);
    let best = known.filter(|p99_ns| *p99_ns > 0).min().unwrap_or(0);
    let flat = format!("kept with a p99 within {FLAT} times the best");
    let (lead, text) = match knee(points) {
        None if points.is_empty() => (
            "no knee:".to_owned(),
            "no rate was walked to its end".into(),
        ),
        None => (
            "no knee:".to_owned(),
            "the lowest rate is too much already; begin lower".to_owned(),
        ),
        Some(at) if at + 1 == points.len() => {
            let on = if cut_short { "" } else { "; go higher" };
            (
                format!("no knee up to {}:", rate(at)),
                format!("it was {flat}{on}"),
            )
        }
        Some(at) => {
            let next = &points[at + 1];
            let why = if next.kept {
                let times = next.p99_ns as f64 / best.max(1) as f64;
                format!("its p99 is {} times the best", units::three_digits(times))
            } else {
                format!("only {}/s were answered", units::short(next.achieved_per_s))
            };
            let text = format!("the last rate that was {flat}; at {} {why}", rate(at + 1));
            (format!("knee: {},", rate(at)), text)
        }
    };
    let indent = lead.len() + 1;
    let lead = format!("{HEAD}{lead}{HEAD:#} ");
    paragraph(out, width, (&lead, indent), Style::new(), &text)?;
    let limited = walked
        .iter()
        .find(|step| step.outcome.generator_was_the_limit());
    if let Some(step) = limited {
        let rate = units::short(step.rung().asked_per_s);
        let text = format!(
            "from {rate}/s on the generator was the limit: the server may bear more; try --threads"
        );
        paragraph(out, width, ("", 0), WARN, &text)?;
    }
    let late = walked.iter().filter(|step| {
        let lag = |doubt: &portlab_load::Doubt| doubt.name() == "pacing_lag";
        step.verdict.doubts.iter().any(lag)
    });
    let late = late.count();
    if late > 0 {
        let text = format!("at {late} of the rates the generator itself was late: see the lag");
        paragraph(out, width, ("", 0), WARN, &text)?;
    }
    out.flush()
}
