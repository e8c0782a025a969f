//! What is said on stderr when something is wrong with a run.

use std::ops::RangeInclusive;

use portlab_load::{Cause, Doubt, Outcome, Pace, Phase, Plan, Verdict};
use portlab_words::units;

use super::{
    chat,
    words::{plural, say, with_hint},
};
use crate::args::{BAD, WARN};

/// Whether an answer was wrong, or an error by its own protocol.
pub(super) fn is_wrong_or_error(outcome: &Outcome) -> bool {
    let mut failures = outcome.tally.failures();
    failures.any(|failure| failure.phase == Phase::Verify)
}

/// Whether an answer was wrong: not one that is complete, and an error by its own protocol.
pub(super) fn is_wrong(outcome: &Outcome) -> bool {
    let mut failures = outcome.tally.failures();
    failures.any(|it| it.phase == Phase::Verify && !matches!(it.cause, Cause::ErrorAnswer(_)))
}

/// What the server did to its connections, if it ended some that were in use.
pub(super) fn why_it_ended(verdict: &Verdict) -> Option<String> {
    let mut doubts = verdict.doubts.iter();
    let closed =
        doubts.find(|doubt| matches!(doubt, Doubt::Closed { .. } | Doubt::ChatClosed { .. }))?;
    Some(closed.to_string())
}

/// A run without a single connection that talked is none; says why it had none.
pub(super) fn why_nobody_answered(plan: &Plan, outcome: &Outcome) -> Option<String> {
    if plan.script.chat.is_some() {
        return chat::why_not_all_are_in(plan, outcome);
    }
    if outcome.connected > 0 || outcome.interrupted() {
        return None;
    }
    let reasons: Vec<_> = outcome
        .tally
        .failures()
        .map(|failure| match failure.phase {
            Phase::Connect => with_hint(&failure),
            phase => format!("{phase}: {}", with_hint(&failure)),
        })
        .collect();
    let (target, reasons) = (plan.target, reasons.join(", "));
    Some(match outcome.connect_latency.count() {
        0 => format!("no connection to {target} could be made: {reasons}"),
        made => {
            let made = plural(made, "connection");
            let said = outcome
                .tally
                .first_wrong()
                .map_or(String::new(), |said| format!("; it said \"{said}\""));
            format!(
                "{made} to {target} could be made, and none got as far as talking: {reasons}{said}"
            )
        }
    })
}

/// When a handshake that was not answered is sent again for the first time (RFC 6298, 2.1).
const HANDSHAKE_RETRY_NS: u64 = 1_000_000_000;

/// How long Linux delays an acknowledgement at least (TCP_DELACK_MIN), and what else a message takes.
const DELAYED_NS: RangeInclusive<u64> = 38_000_000..=48_000_000;

/// Says on stderr what is wrong with a run of `plan`, if something is.
pub(super) fn complain(plan: &Plan, outcome: &Outcome) {
    if let Some(chat) = &outcome.chat {
        chat::complain(chat, outcome);
    } else if let Some(wrong) = outcome.tally.first_wrong() {
        say(BAD, "what came:", &format!("\"{wrong}\""));
    }
    if let Some(mismatch) = outcome.tally.first_mismatch() {
        say(BAD, "wrong bytes:", &mismatch.to_string());
    }
    if outcome.connect_latency.max_ns() >= HANDSHAKE_RETRY_NS {
        let longest = units::nanos(outcome.connect_latency.max_ns() as f64);
        let text = format!(
            "some connections took {longest} to make: their handshakes were sent again after 1 s, 3 s, \
             ..., probably because the server's accept queue was full"
        );
        say(WARN, "note:", &text);
    }
    // A proxy delays answers by itself.
    let direct = plan.pace == Pace::Closed && plan.through.is_none() && outcome.chat.is_none();
    if direct && waits_for_delayed_acks(|q| outcome.latency.quantile_ns(q)) {
        say(
            WARN,
            "note:",
            "half of all answers took some 40 ms: the mark of Nagle's algorithm and delayed \
             acknowledgements on the server's side; it probably sends an answer in two writes without \
             TCP_NODELAY",
        );
    }
}

/// Whether half of all latencies lie where a delayed acknowledgement puts them.
fn waits_for_delayed_acks(quantile_ns: impl Fn(f64) -> u64) -> bool {
    (0..=50).any(|percent| {
        let from = f64::from(percent) / 100.0;
        *DELAYED_NS.start() <= quantile_ns(from) && quantile_ns(from + 0.5) <= *DELAYED_NS.end()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_all_at_forty_milliseconds_is_a_delayed_acknowledgement() {
        let steps = |fast: f64, slow_ns: u64| {
            move |quantile: f64| if quantile <= fast { 100_000 } else { slow_ns }
        };
        assert!(waits_for_delayed_acks(steps(0.0, 41_000_000)));
        assert!(waits_for_delayed_acks(steps(0.4, 44_000_000)));
        assert!(!waits_for_delayed_acks(steps(0.6, 44_000_000)));
        assert!(!waits_for_delayed_acks(steps(0.0, 60_000_000)));
    }
}
