//! `--script chat`: members in rooms send messages and receive them.

use std::io::{self, Write};

use anstyle::Style;
use anyhow::bail;
use portlab_load::{
    Cause, Chat, ChatEncoding, ChatFindings, Failure, Outcome, Phase, Plan, RunId, Script, Verdict,
};
use portlab_service::{ChatLimits, TextEncoding};
use portlab_words::units;

use super::{
    Args, plan,
    words::{headline, in_time, known, paragraph, plural, queued, rate, say, with_hint},
};
use crate::args::{BAD, DIM, GOOD, HEAD, WARN};

/// The end of every message: characters that have one to four bytes, depending on the encoding, and some
/// whose second byte is a backslash or a bracket.
const FILLER: &str = "你好，世界：功能許蓋譏";

/// The script of a chat.
pub(super) fn script(args: &Args) -> anyhow::Result<Script> {
    if args.pace.rate.is_some_and(plan::Rates::is_range) {
        bail!("--script chat takes one --rate; a ladder is for what is answered");
    }
    let size = *args.script.size.end();
    let longest = ChatLimits::default().line_bytes - NAME;
    if size > longest {
        bail!("--size {size} is too long for a chat; a line of it has at most {longest} bytes");
    }
    let encodings = match args.script.encodings.as_slice() {
        [] => &[args.script.encoding],
        encodings => encodings,
    };
    let chat = Chat {
        rooms: usize::try_from(args.script.rooms)?,
        encodings: chat_encodings(encodings, size),
        run: RunId::random(),
    };
    Ok(Script::chat(chat, size))
}

/// Why not all members got into the chat, if the run ended with that.
pub(super) fn why_not_all_are_in(plan: &Plan, outcome: &Outcome) -> Option<String> {
    if outcome.connected == plan.connections || outcome.interrupted() {
        return None;
    }
    let reasons: Vec<_> = outcome.tally.failures().map(|it| why(&it)).collect();
    let (target, reasons) = (plan.target, reasons.join(", "));
    let (members, all) = (outcome.connected, plan.connections);
    let said = outcome
        .tally
        .first_wrong()
        .map_or(String::new(), |said| format!("; it said \"{said}\""));
    Some(format!(
        "{members} of {all} members got into the chat at {target}: {reasons}{said}"
    ))
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

/// The messages' text in each of `encodings`, about `size` bytes in UTF-8.
pub(crate) fn chat_encodings(encodings: &[TextEncoding], size: usize) -> Vec<ChatEncoding> {
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
        let one = |encoding: &TextEncoding| {
            let filler = encoding.encode(filler).ok()?;
            let label = encoding.name().to_owned();
            Some(ChatEncoding { label, filler })
        };
        encodings.iter().map(one).collect::<Option<Vec<_>>>()
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

/// Prints what `plan` came to.
pub(super) fn print(
    out: &mut impl Write,
    plan: &Plan,
    outcome: &Outcome,
    verdict: &Verdict,
    width: usize,
) -> io::Result<()> {
    let plain = Style::new();
    let chat = outcome.chat.clone().unwrap_or_default();
    let target = format!("{HEAD}{}{HEAD:#}  ", plan.target);
    let indent = plan.target.to_string().len() + 2;
    paragraph(out, width, (&target, indent), plain, &headline(plan))?;
    let mut row = |name: &str, value: &str, style: Style, rest: &str| {
        let lead = format!("  {name:<12} {style}{value:>10}{style:#}  ");
        paragraph(out, width, (&lead, 27), DIM, rest)
    };
    let fan_out = |quantile| known(&outcome.latency, outcome.latency.quantile_ns(quantile));
    let delivery = |quantile| known(&chat.delivery, chat.delivery.quantile_ns(quantile));
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
        &format!("{} heard", plural(chat.deliveries, "time")),
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
        ("not heard by all", outcome.unanswered),
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
    if let Some(first) = &chat.first_stranger {
        row(
            "strangers",
            &plural(chat.strangers, "line"),
            plain,
            &format!(
                "heard of others, who are not of this run: no part of the history, but of the server's \
                 load; the first: \"{first}\""
            ),
        )?;
    }
    let (style, history, promises) = match chat.violations {
        0 => (
            GOOD,
            "kept".to_owned(),
            "nothing lost or doubled, every sender's order, one order in a room, nothing from elsewhere",
        ),
        count => (BAD, format!("broken {count}x"), "see the broken promises"),
    };
    row("history", &history, style, promises)?;
    let style = if verdict.is_believable() { GOOD } else { WARN };
    row("believable", verdict.word(), style, "")?;
    for doubt in &verdict.doubts {
        let lead = format!("    {WARN}!{WARN:#} ");
        paragraph(out, width, (&lead, 6), plain, &doubt.to_string())?;
    }
    out.flush()
}

/// Says on stderr which promises were broken.
pub(super) fn complain(chat: &ChatFindings, outcome: &Outcome) {
    for violation in &chat.first_violations {
        say(BAD, "broken promise:", &violation.to_string());
    }
    if let Some(line) = outcome.tally.first_wrong() {
        say(BAD, "a line that no member sent:", &format!("\"{line}\""));
    }
}

/// What was done, in a line.
pub(super) fn describe(plan: &Plan, chat: &Chat, pace: &str) -> String {
    let mut encodings: Vec<_> = chat.encodings.iter().map(|it| &*it.label).collect();
    encodings.dedup();
    let of_its_own = match chat.rooms {
        1 => chat.run.room(0),
        rooms => format!("{} to {}", chat.run.room(0), chat.run.room(rooms - 1)),
    };
    format!(
        "chat of {} in {} ({of_its_own}); {pace}; in {}",
        plural(plan.connections as u64, "member"),
        plural(chat.rooms as u64, "room"),
        encodings.join(", "),
    )
}
