//! What the result, the lines, the screen and the ladder say in the same words.

use std::{
    io::{self, Write},
    time::Duration,
};

use super::chat;
use anstyle::Style;
use portlab_load::{Failure, Latency, Pace, Plan, Through};
use portlab_service::inert;
use portlab_words::units;
pub(super) use portlab_words::units::per_s as rate;
use textwrap::{Options, WordSplitter};

use crate::args::stderr_width;
pub(super) use portlab_words::plural;

/// What was done, in a line.
pub(super) fn headline(plan: &Plan) -> String {
    let pace = match plan.pace {
        Pace::Idle => String::new(),
        Pace::Closed if plan.script.chat.is_some() => {
            let messages = plural(plan.depth as u64, "message");
            format!("{messages} under way, closed loop")
        }
        Pace::Closed => format!("x depth {}, closed loop", plan.depth),
        Pace::Open { rate_per_s, .. } => open_loop(plan, &format!("at {}", rate(rate_per_s))),
    };
    headline_with(plan, &pace)
}

/// The same for an open loop at several rates.
pub(super) fn headline_of_a_ladder(plan: &Plan, from_per_s: f64, to_per_s: f64) -> String {
    let rates = format!("from {} to {}", rate(from_per_s), rate(to_per_s));
    headline_with(plan, &open_loop(plan, &rates))
}

fn open_loop(plan: &Plan, rates: &str) -> String {
    match plan.pace {
        Pace::Open { arrivals, .. } => format!("open loop {rates}, {arrivals}"),
        Pace::Closed | Pace::Idle => String::new(),
    }
}

fn headline_with(plan: &Plan, pace: &str) -> String {
    let connections = plural(plan.connections as u64, "connection");
    if plan.pace == Pace::Idle {
        let through = through(plan.through.as_ref());
        return format!("{connections}, held open and idle{through}");
    }
    if let Some(chat) = &plan.script.chat {
        let through = through(plan.through.as_ref());
        return chat::describe(plan, chat, pace) + &through;
    }
    let (sizes, expect) = (plan.script.say.sizes(), &plan.script.expect);
    let size = if sizes.start() == sizes.end() {
        units::bytes(*sizes.start() as f64)
    } else {
        let (shortest, longest) = (*sizes.start() as f64, *sizes.end() as f64);
        format!("{} to {}", units::bytes(shortest), units::bytes(longest))
    };
    let expect = match plan.checks_every_byte() {
        true => "echoed".to_owned(),
        false => format!("expecting {expect}"),
    };
    let through = through(plan.through.as_ref());
    format!("{connections} {pace}; messages of {size}, {expect}{through}")
}

/// The proxy that a run went through, as the end of a headline.
pub(super) fn through(through: Option<&Through>) -> String {
    through.map_or(String::new(), |it| {
        format!("; through a proxy at {}: {}", it.addr, it.faults)
    })
}

/// Why it failed, and what to do about it where that is known.
pub(super) fn with_hint(failure: &Failure) -> String {
    match failure.hint() {
        Some(hint) => format!("{} ({hint})", failure.cause),
        None => failure.cause.to_string(),
    }
}

/// While the last answers are waited for, `left` at most.
pub(super) fn waiting(left: Duration) -> String {
    let left = left.as_secs_f64().ceil();
    format!("waiting for the last answers, {left} s at most")
}

/// How much of its runnable time the generator waited for a processor, as the end of a sentence; empty if
/// that is less than a hundredth.
pub(super) fn queued(share: Option<f64>) -> String {
    match share {
        Some(share) if share >= 0.01 => {
            format!(
                "; waited {:.0}% of its runnable time for a processor",
                share * 100.0
            )
        }
        _ => String::new(),
    }
}

/// How many times as long as it took a run must have lasted by its rate for that to be said.
const LONGER: f64 = 1.01;

/// How many messages came in the time measured, and how long what became due takes at its rate.
pub(super) fn in_time(messages: u64, elapsed: Duration, by_rate: Duration) -> String {
    let text = format!(
        "{} in {}",
        plural(messages, "message"),
        units::time(elapsed)
    );
    // The last message fills the time until the next would be due.
    match messages > 0 && by_rate.as_secs_f64() > elapsed.as_secs_f64() * LONGER {
        true => {
            let by_rate = units::time(by_rate);
            format!("{text}; at this rate, what became due takes {by_rate}")
        }
        false => text,
    }
}

/// How many of the connections are made, or have failed.
pub(super) fn connecting(dialled: u64, all: usize) -> String {
    format!("connecting: {dialled} of {all}")
}

/// How many of the connections are open.
pub(super) fn open(open: usize, all: usize) -> String {
    format!("{open} of {all} open")
}

/// A time; a dash when nothing was recorded.
pub(super) fn known(latency: &Latency, nanos: u64) -> String {
    if latency.count() == 0 {
        "–".to_owned()
    } else {
        units::nanos(nanos as f64)
    }
}

/// Says something on stderr, as wide as that is, and doesn't mind when nobody is there to hear it.
pub(super) fn say(style: Style, lead: &str, text: &str) {
    let stderr = &mut crate::output::stderr();
    let styled = format!("{style}{lead}{style:#} ");
    // Off a terminal, whoever searches it finds it in one line.
    let width = stderr_width().unwrap_or(usize::MAX);
    let _ = paragraph(
        stderr,
        width,
        (&styled, lead.len() + 1),
        Style::new(),
        &inert(text),
    );
}

/// Prints `text` after `lead`, broken between words into lines of at most `width` columns that begin
/// `indent` columns from the left. Where there is little room beside `lead`, it begins below.
pub(super) fn paragraph(
    out: &mut impl Write,
    width: usize,
    (lead, indent): (&str, usize),
    style: Style,
    text: &str,
) -> io::Result<()> {
    if text.is_empty() {
        return writeln!(out, "{}", lead.trim_end());
    }
    let text = tied(text);
    let below = indent > BELOW && indent + LITTLE > width;
    let indent = if below { BELOW } else { indent };
    if below {
        writeln!(out, "{}", lead.trim_end())?;
    }
    let room = width.saturating_sub(indent).max(1);
    // An option or an address is copied from here, so it stays in one piece.
    let options = Options::new(room)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation);
    for (index, line) in textwrap::wrap(&text, options).iter().enumerate() {
        let line = line.replace(TIE, " ");
        if index > 0 || below {
            writeln!(out, "{:indent$}{style}{line}{style:#}", "")?;
        } else {
            writeln!(out, "{lead}{style}{line}{style:#}")?;
        }
    }
    Ok(())
}

/// `text` with its figures tied to their units, so that no line ends between them.
fn tied(text: &str) -> String {
    let mut tied = String::with_capacity(text.len());
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        tied.push_str(word);
        let Some(next) = words.peek() else { break };
        let figure = word.ends_with(|last: char| last.is_ascii_digit());
        let unit = next.trim_end_matches(|end: char| !end.is_alphabetic());
        let unit = unit.strip_suffix("/s").unwrap_or(unit);
        tied.push_str(if figure && UNITS.contains(&unit) {
            TIE
        } else {
            " "
        });
    }
    tied
}

/// A space that no line is broken at.
const TIE: &str = "\u{a0}";

/// What a figure may be followed by.
const UNITS: [&str; 8] = ["ns", "µs", "ms", "s", "B", "KiB", "MiB", "GiB"];

/// Less room than this beside a lead is too little for words.
const LITTLE: usize = 18;

/// How far from the left a text begins that stands below its lead.
const BELOW: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(width: usize, lead: &str, text: &str) -> String {
        let mut out = Vec::new();
        paragraph(&mut out, width, (lead, lead.len()), Style::new(), text).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_paragraph_is_broken_between_words_and_nowhere_else() {
        let text = "then use --per-connection and wait";
        assert_eq!(
            printed(30, "  lead  ", text),
            "  lead  then use\n        --per-connection and\n        wait\n"
        );
        // Too little room beside it.
        assert_eq!(
            printed(20, "  lead  ", text),
            "  lead\n    then use\n    --per-connection\n    and wait\n"
        );
        assert_eq!(printed(20, "  lead  ", ""), "  lead\n");
        // A figure keeps its unit.
        assert_eq!(
            printed(8, "", "p99 12 ms; 4 KiB/s"),
            "p99\n12 ms;\n4 KiB/s\n"
        );
    }
}
