//! The verification and the load of a chat.

use std::net::SocketAddr;

use portlab_load::{ChatOutcome, ChatPlan, Ended, Stop, Watch, run_chat};

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
    let plan = ChatPlan {
        stop: Stop::messages(messages),
        ..part.chat_plan(addr, part.rooms * 2, None)
    };
    let outcome = run_chat(&plan, &mut Verifying(observer))?;
    if outcome.ended == Ended::Interrupted {
        return Err(MeasureError::Interrupted);
    }
    if !outcome.is_clean() || outcome.messages != messages {
        return Err(MeasureError::NotVerified(failures(&outcome)));
    }
    Ok(())
}

/// Loads the server with a chat. Deliveries are counted as messages.
pub(crate) fn load(plan: &ChatPlan, watch: &mut dyn Watch) -> Result<Loaded, MeasureError> {
    Ok(loaded(run_chat(plan, watch)?))
}

fn loaded(outcome: ChatOutcome) -> Loaded {
    Loaded {
        interrupted: outcome.ended == Ended::Interrupted,
        connected: outcome.members,
        messages: outcome.deliveries,
        metered_messages: outcome.deliveries,
        errors: outcome.tally.total() + outcome.violations + outcome.unheard,
        failures: failures(&outcome),
        elapsed: outcome.elapsed,
        generator_cpu: outcome.generator_cpu,
        generator_cpu_share: outcome.generator_cpu_share(),
        generator_wait_share: outcome.generator_wait_share(),
        pacing_lag: outcome.pacing_lag,
        due: 0,
        due_not_sent: outcome.due_not_sent,
        latency: outcome.fan_out,
    }
}

/// The errors in words. Socket errors come first, because they cause violations.
fn failures(outcome: &ChatOutcome) -> String {
    match outcome.first_violations.first() {
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

    use portlab_load::{Latency, Violation};

    use super::*;

    fn outcome() -> ChatOutcome {
        let mut fan_out = Latency::new();
        fan_out.record(1_000);
        ChatOutcome {
            members: 10,
            messages: 1,
            deliveries: 9,
            elapsed: Duration::from_secs(1),
            fan_out,
            ..ChatOutcome::empty()
        }
    }

    #[test]
    fn a_message_is_a_delivery_and_a_latency_a_fan_out() {
        let loaded = loaded(outcome());
        assert_eq!((loaded.messages, loaded.metered_messages), (9, 9));
        assert_eq!((loaded.latency.count(), loaded.errors), (1, 0));
    }

    #[test]
    fn a_broken_promise_is_an_error_and_so_is_a_message_that_not_all_have_heard() {
        let lost = Violation::Lost {
            member: 3,
            count: 2,
        };
        let broken = loaded(ChatOutcome {
            unheard: 2,
            violations: 1,
            first_violations: vec![lost],
            ..outcome()
        });
        assert_eq!(broken.errors, 3);
        assert_eq!(broken.failures, lost.to_string());
    }
}
