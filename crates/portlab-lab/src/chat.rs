//! The verification and the load of a chat.

use std::net::SocketAddr;

use portlab_load::{Outcome, Plan, Stop, Watch, run};

use crate::{
    MeasureError, Observer,
    experiment::Part,
    measure::{Loaded, Verifying, in_words, what_came},
};

/// How many messages in each room must be delivered before anything is measured.
const FIRST: usize = 5;

/// Makes sure that the server is a chat, before anything is measured: two members in each room send a few
/// messages, and each message is delivered to the other member, once, in order, and to no other room.
pub(crate) fn verify(
    part: &Part,
    addr: SocketAddr,
    observer: &mut dyn Observer,
) -> Result<(), MeasureError> {
    let messages = (part.rooms * FIRST) as u64;
    let plan = Plan {
        stop: Stop::messages(messages),
        ..part.chat_plan(addr, part.rooms * 2, None)
    };
    let outcome = run(&plan, &mut Verifying(observer))?;
    if outcome.interrupted() {
        return Err(MeasureError::Interrupted);
    }
    if !outcome.is_clean() || outcome.messages != messages {
        return Err(MeasureError::NotVerified(failures(&outcome)));
    }
    Ok(())
}

/// Loads the server with a chat. Deliveries are counted as messages.
pub(crate) fn load(plan: &Plan, watch: &mut dyn Watch) -> Result<Loaded, MeasureError> {
    Ok(loaded(run(plan, watch)?))
}

fn loaded(outcome: Outcome) -> Loaded {
    let failures = failures(&outcome);
    let chat = outcome.chat.clone().unwrap_or_default();
    Loaded {
        messages: chat.deliveries,
        metered_messages: chat.metered_deliveries,
        errors: outcome.tally.total() + chat.violations + outcome.unanswered,
        due: 0,
        ..Loaded::of(outcome, failures)
    }
}

/// The errors in words. Socket errors come first, because they cause violations.
fn failures(outcome: &Outcome) -> String {
    let chat = outcome.chat.as_ref();
    match chat.and_then(|it| it.first_violations.first()) {
        Some(violation) if outcome.tally.total() == 0 => violation.to_string(),
        _ => {
            let text = in_words(&outcome.tally, "not everybody heard everything in time");
            text + &what_came(&outcome.tally)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portlab_load::{ChatFindings, Violation};

    use super::*;

    /// The outcome of a run of nine deliveries of one message.
    fn outcome(findings: ChatFindings) -> Outcome {
        let nowhere = Plan::new(SocketAddr::from(([127, 0, 0, 1], 1)));
        let mut outcome = run(&nowhere, &mut ()).unwrap();
        outcome.tally = Default::default();
        (outcome.messages, outcome.elapsed) = (1, Duration::from_secs(1));
        outcome.latency.record(1_000);
        outcome.chat = Some(ChatFindings {
            deliveries: 9,
            metered_deliveries: 9,
            ..findings
        });
        outcome
    }

    #[test]
    fn a_message_is_a_delivery_and_a_latency_a_fan_out() {
        let loaded = loaded(outcome(ChatFindings::default()));
        assert_eq!((loaded.messages, loaded.metered_messages), (9, 9));
        assert_eq!((loaded.latency.count(), loaded.errors), (1, 0));
    }

    #[test]
    fn a_broken_promise_is_an_error_and_so_is_a_message_that_not_all_have_heard() {
        let lost = Violation::Lost {
            member: 3,
            count: 2,
        };
        let mut outcome = outcome(ChatFindings {
            violations: 1,
            first_violations: vec![lost],
            ..ChatFindings::default()
        });
        outcome.unanswered = 2;
        let broken = loaded(outcome);
        assert_eq!(broken.errors, 3);
        assert_eq!(broken.failures, lost.to_string());
    }
}
