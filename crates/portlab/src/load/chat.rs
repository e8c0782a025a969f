//! `--script chat`: members in rooms send messages and receive them.

use std::{
    io::{self, Write},
    time::Duration,
};

use anstyle::Style;
use anyhow::{Context, bail};
use portlab_load::{
    Cause, ChatOutcome, ChatPlan, Ended, Failure, Pace, Phase, Plan, RunId, Tongue, run_chat,
};
use portlab_service::{ChatLimits, TextEncoding};
use portlab_words::units;

use super::{
    Args, UNWRITTEN, json, plan,
    show::Show,
    through::Proxy,
    words::{in_time, known, paragraph, plural, queued, rate, say, through, with_hint},
};
use crate::{
    Verdict,
    args::{BAD, DIM, GOOD, HEAD, WARN, terminal_width},
    output,
};

/// The end of every message: characters that have one to four bytes, depending on the encoding, and some
/// whose second byte is a backslash or a bracket.
const FILLER: &str = "你好，世界：功能許蓋譏";

pub(super) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let mut plan = chat_plan(args)?;
    plan.check()?;
    let looks_like = Plan {
        connections: plan.members,
        pace: plan.pace,
        depth: plan.depth,
        stop: plan.stop,
        ..Plan::new(plan.target)
    };
    let faults = args.connections.through.as_ref();
    let proxy = Proxy::start(faults, plan.target, plan.members)?;
    plan.through = proxy.as_ref().map(Proxy::through);
    let interrupted = super::interrupt_flag()?;
    let mut show = Show::of_a_rung(&looks_like, args.output.plain, "chat", interrupted);
    let outcome = run_chat(&plan, &mut show);
    show.finish()?;
    let outcome = outcome?;
    if outcome.members < plan.members && outcome.ended != Ended::Interrupted {
        let reasons: Vec<_> = outcome.tally.failures().map(|it| why(&it)).collect();
        let (target, reasons) = (plan.target, reasons.join(", "));
        let (members, all) = (outcome.members, plan.members);
        let said = outcome
            .tally
            .first_wrong()
            .map_or(String::new(), |said| format!("; it said \"{said}\""));
        bail!("{members} of {all} members got into the chat at {target}: {reasons}{said}");
    }
    let mut out = output::stdout();
    if args.output.json {
        json::print(&mut out, &json::ChatReport::of(&plan, &outcome)).context(UNWRITTEN)?;
    } else {
        print(&mut out, &plan, &outcome).context(UNWRITTEN)?;
    }
    for violation in &outcome.first_violations {
        say(BAD, "broken promise:", &violation.to_string());
    }
    if let Some(line) = outcome.tally.first_wrong() {
        say(BAD, "a line that no member sent:", &format!("\"{line}\""));
    }
    proxy.map_or(Ok(()), Proxy::end)?;
    let well = match outcome.ended {
        Ended::Interrupted => outcome.violations == 0,
        _ => outcome.is_clean() && outcome.messages > 0,
    };
    Ok(if well { Verdict::Fine } else { Verdict::Failed })
}

/// Why a member didn't get in.
fn why(failure: &Failure) -> String {
    let reason = match (failure.phase, failure.cause) {
        (Phase::Greeting, Cause::TimedOut) => "the next was not let in; is this a chat of ours \
            (portlab serve --service chat), and does it serve so many at once (--workers)?"
            .to_owned(),
        // There is no --greeting here: the hint is that of a line.
        (Phase::Greeting, Cause::NoEnd) => with_hint(&Failure {
            phase: Phase::Receive,
            ..failure.clone()
        }),
        _ => with_hint(failure),
    };
    format!("{}: {reason}", failure.phase)
}

fn chat_plan(args: &Args) -> anyhow::Result<ChatPlan> {
    if args.pace.rate.is_some_and(plan::Rates::is_range) {
        bail!("--script chat takes one --rate; a ladder is for what is answered");
    }
    let (stop, size) = (plan::stop(args)?, *args.script.size.end());
    let longest = ChatLimits::default().line_bytes - NAME;
    if size > longest {
        bail!("--size {size} is too long for a chat; a line of it has at most {longest} bytes");
    }
    let encodings = match args.script.encodings.as_slice() {
        [] => &[args.script.encoding],
        encodings => encodings,
    };
    let connections = &args.connections;
    Ok(ChatPlan {
        target: plan::target(
            args.addr.as_deref().unwrap_or_default(),
            connections.connect_timeout,
        )?,
        through: None,
        members: usize::try_from(connections.connections)?,
        rooms: usize::try_from(args.script.rooms)?,
        pace: plan::pace(args),
        depth: usize::try_from(args.pace.depth)?,
        tongues: tongues(encodings, size),
        warmup: Duration::ZERO,
        stop,
        connect_timeout: connections.connect_timeout,
        timeout: connections.timeout,
        seed: args.pace.seed,
        run: RunId::random(),
        interval: Duration::from_millis(250),
    })
}

/// The messages' text in each of `encodings`, about `size` bytes in UTF-8.
pub(crate) fn tongues(encodings: &[TextEncoding], size: usize) -> Vec<Tongue> {
    let fill = |text: &str| {
        let mut filler: String = text
            .chars()
            .scan(0, |length, character| {
                *length += character.len_utf8();
                (*length + NUMBER < size).then_some(character)
            })
            .collect();
        while filler.len() + NUMBER < size {
            filler.push('x');
        }
        filler + "."
    };
    let encoded = |filler: &str| {
        let tongue = |encoding: &TextEncoding| {
            let filler = encoding.encode(filler).ok()?;
            let label = encoding.name().to_owned();
            Some(Tongue { label, filler })
        };
        encodings.iter().map(tongue).collect::<Option<Vec<_>>>()
    };
    // Not every encoding can carry Chinese; all of them carry ASCII.
    encoded(&fill(FILLER))
        .or_else(|| encoded(&fill("")))
        .unwrap_or_default()
}

/// Room for the sender's name, which the chat puts before a message.
const NAME: usize = 16;

/// The length that is assumed for a message's number.
const NUMBER: usize = 6;

fn print(out: &mut impl Write, plan: &ChatPlan, outcome: &ChatOutcome) -> io::Result<()> {
    let width = terminal_width();
    let plain = Style::new();
    let rooms = plural(plan.rooms as u64, "room");
    let pace = match plan.pace {
        Pace::Open {
            rate_per_s,
            arrivals,
        } => format!("open loop at {}, {arrivals}", rate(rate_per_s)),
        Pace::Closed | Pace::Idle => format!(
            "{} under way, closed loop",
            plural(plan.depth as u64, "message")
        ),
    };
    let mut tongues: Vec<_> = plan.tongues.iter().map(|tongue| &*tongue.label).collect();
    tongues.dedup();
    let of_its_own = match plan.rooms {
        1 => plan.run.room(0),
        rooms => format!("{} to {}", plan.run.room(0), plan.run.room(rooms - 1)),
    };
    let headline = format!(
        "chat of {} in {rooms} ({of_its_own}); {pace}; in {}{}",
        plural(plan.members as u64, "member"),
        tongues.join(", "),
        through(plan.through.as_ref())
    );
    let target = format!("{HEAD}{}{HEAD:#}  ", plan.target);
    let indent = plan.target.to_string().len() + 2;
    paragraph(out, width, (&target, indent), plain, &headline)?;
    let mut row = |name: &str, value: &str, style: Style, rest: &str| {
        let lead = format!("  {name:<12} {style}{value:>10}{style:#}  ");
        paragraph(out, width, (&lead, 27), DIM, rest)
    };
    let fan_out = |quantile| known(&outcome.fan_out, outcome.fan_out.quantile_ns(quantile));
    let delivery = |quantile| known(&outcome.delivery, outcome.delivery.quantile_ns(quantile));
    row(
        "messages",
        &rate(outcome.messages_per_s()),
        plain,
        &(in_time(outcome.messages, outcome.elapsed, outcome.by_rate) + "; heard by all"),
    )?;
    row(
        "deliveries",
        &rate(outcome.deliveries_per_s()),
        plain,
        &format!("{} heard", plural(outcome.deliveries, "time")),
    )?;
    for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
        let rest = match name {
            "p50" => format!(
                "fan-out, to the last who hears it; to any: {}",
                delivery(quantile)
            ),
            _ => format!("to any: {}", delivery(quantile)),
        };
        row(name, &fan_out(quantile), plain, &rest)?;
    }
    if outcome.pacing_lag.count() > 0 {
        let lag = units::nanos(outcome.pacing_lag.quantile_ns(0.99) as f64);
        row("lag p99", &lag, plain, "of the generator itself")?;
    }
    let share = format!("{:.0}% CPU", outcome.generator_cpu_share() * 100.0);
    let rest = format!("of 1 thread{}", queued(outcome.generator_wait_share()));
    row("generator", &share, plain, &rest)?;
    let missing: Vec<_> = [
        ("not heard by all", outcome.unheard),
        ("due and not said", outcome.due_not_sent),
    ]
    .iter()
    .filter(|(_, count)| *count > 0)
    .map(|(what, count)| format!("{what}: {count}"))
    .collect();
    row(
        "errors",
        &outcome.tally.total().to_string(),
        plain,
        &missing.join("; "),
    )?;
    for failure in outcome.tally.failures() {
        let count = format!("{}x", failure.count);
        let text = format!("{}: {}", failure.phase, with_hint(&failure));
        row("", &count, BAD, &text)?;
    }
    if let Some(first) = &outcome.first_stranger {
        row(
            "strangers",
            &plural(outcome.strangers, "line"),
            plain,
            &format!(
                "heard of others, who are not of this run: no part of the history, but of the server's \
                 load; the first: \"{first}\""
            ),
        )?;
    }
    let (style, history, promises) = match outcome.violations {
        0 => (
            GOOD,
            "kept".to_owned(),
            "nothing lost or doubled, every sender's order, one order in a room, nothing from elsewhere",
        ),
        count => (BAD, format!("broken {count}x"), "see the broken promises"),
    };
    row("history", &history, style, promises)?;
    let doubts = outcome.doubts();
    let (style, word) = match doubts.len() {
        0 if outcome.violations == 0 => (GOOD, "yes"),
        _ if outcome.messages == 0 || outcome.violations > 0 => (WARN, "no"),
        _ => (WARN, "with care"),
    };
    row("believable", word, style, "")?;
    for doubt in doubts {
        let lead = format!("    {WARN}!{WARN:#} ");
        paragraph(out, width, (&lead, 6), plain, &doubt.to_string())?;
    }
    out.flush()
}
