//! Whether the sentences of a result agree with each other.

use std::time::Duration;

use portlab_load::{
    Cause, Ended, Endings, ErrorAnswer, Fairness, LoadResult, Outcome, Pace, Phase, Plan, Tally,
    Unmet,
};

use super::text::tests::{closed, open, printed};

/// What a sentence of a result claims, if the result has it.
type Claim = (&'static str, fn(&Case) -> bool);

/// A possible run.
struct Case {
    plan: Plan,
    outcome: Outcome,
}

impl Case {
    fn samples(&self) -> u64 {
        self.outcome.latency.count()
    }

    fn error_answers(&self) -> u64 {
        self.outcome.tally.error_answers()
    }

    fn unmet(&self) -> u64 {
        self.outcome.tally.unmet()
    }

    /// Answers that were errors, or not as a condition says.
    fn wrong(&self) -> u64 {
        self.error_answers() + self.unmet()
    }
}

/// Every sentence that could contradict another one, and its condition: if each printed sentence is true of the same
/// run, no two contradict each other.
const CLAIMS: &[Claim] = &[
    ("none was made", |it| {
        it.outcome.connect_latency.count() == 0
    }),
    ("nothing came", |it| {
        it.outcome.answered == 0 && it.outcome.bytes_received == 0
    }),
    ("errors             no answer was complete", |it| {
        it.outcome.answered == 0
    }),
    ("no answer was complete in the time measured", |it| {
        it.outcome.messages == 0 && !it.outcome.elapsed.is_zero()
    }),
    ("every byte was checked", |it| it.outcome.answered > 0),
    ("framing checked, content not", |it| it.outcome.answered > 0),
    ("until then", |it| it.outcome.elapsed.is_zero()),
    ("framing checked, content by the conditions", |it| {
        it.outcome.answered > 0 && !it.plan.script.expect.conditions.is_empty()
    }),
    ("every answer was an error:", |it| {
        it.outcome.answered > 0 && it.error_answers() == it.outcome.answered
    }),
    ("every answer failed", |it| {
        it.outcome.answered > 0 && it.unmet() == it.outcome.answered
    }),
    ("every answer was an error or failed", |it| {
        it.wrong() == it.outcome.answered && it.unmet() > 0 && it.error_answers() > 0
    }),
    ("answers failed", |it| {
        (1..it.outcome.answered).contains(&it.unmet()) && it.error_answers() == 0
    }),
    ("answers were errors or failed", |it| {
        (2..it.outcome.answered).contains(&it.wrong()) && it.unmet() > 0 && it.error_answers() > 0
    }),
    ("answers were errors, and", |it| {
        (1..it.outcome.answered).contains(&it.error_answers())
    }),
    ("percentiles describe only the others", |it| {
        it.samples() > 0 && it.outcome.fairness.is_some_and(|it| it.most_messages > 0)
    }),
    ("the true percentiles are worse", |it| {
        it.samples() > 0 && it.outcome.unanswered + it.outcome.due_not_sent > 0
    }),
    ("there were errors (", |it| it.wrong() == 0),
    ("there were other errors (", |it| it.wrong() > 0),
    ("messages queue up", |it| !it.outcome.kept_up(&it.plan)),
    ("ended before its time", |it| {
        it.outcome.ended != Ended::Done
    }),
    ("believable          yes", |it| {
        LoadResult::of(&it.plan, it.outcome.clone(), &[]).is_fine()
    }),
    ("100.0% of the rate", |it| it.outcome.kept_up(&it.plan)),
    ("too few for a p99", |it| it.samples() > 0),
];

fn few(random: &mut fastrand::Rng) -> u64 {
    match random.u8(0..3) {
        0 => 0,
        1 => random.u64(1..4),
        _ => random.u64(1..2_000),
    }
}

/// Errors of a run with so many answers.
fn failures(random: &mut fastrand::Rng, plan: &Plan, answered: u64) -> Tally {
    let mut tally = Tally::default();
    let status = Cause::ErrorAnswer(ErrorAnswer::Status(500));
    let some = |random: &mut fastrand::Rng, all| match random.bool() {
        true => all,
        false => random.u64(0..=all),
    };
    let mut errors = 0;
    if !plan.checks_every_byte() && random.bool() {
        errors = some(random, answered);
        (0..errors).for_each(|_| tally.add(Phase::Verify, status));
    }
    if !plan.script.expect.conditions.is_empty() && random.bool() {
        let unmet = Cause::Content(Unmet::Condition("starts:\"OK\""));
        (0..some(random, answered - errors)).for_each(|_| tally.add(Phase::Verify, unmet));
    }
    (0..few(random)).for_each(|_| tally.add(Phase::Receive, Cause::TimedOut));
    tally
}

fn case(random: &mut fastrand::Rng, nothing: &Outcome) -> Case {
    let mut plan = if random.bool() {
        open(1_000.0)
    } else {
        closed()
    };
    if random.bool() {
        let expect = ["lines:1", "lines:1&starts:OK"][usize::from(random.bool())];
        plan.script.expect = expect.parse().unwrap();
    }
    let mut outcome = nothing.clone();
    let began = random.u8(0..5) > 0;
    let (before, measured, late) = match began {
        true => (few(random), few(random), few(random)),
        false => (few(random), 0, 0),
    };
    outcome.answered = before + measured + late;
    outcome.messages = measured;
    // Some of what was answered while measuring was due before.
    (0..measured - measured.min(few(random)) + late).for_each(|_| {
        outcome.latency.record(1_000_000);
        outcome.uncorrected.record(1_000_000);
        outcome.pacing_lag.record(1_000);
    });
    outcome.bytes_received = match outcome.answered {
        0 => few(random),
        answered => answered * 64,
    };
    outcome.unanswered = few(random);
    outcome.tally = failures(random, &plan, outcome.answered);
    outcome.ended = match random.u8(0..4) {
        0 if began => Ended::AllLost,
        1 => Ended::TooManyErrors,
        2 => Ended::Interrupted,
        _ if !began => Ended::AllLost,
        _ => Ended::Done,
    };
    if outcome.ended == Ended::AllLost {
        outcome.endings.close(few(random), 5);
    }
    outcome.fairness = Fairness::of(&[measured / 2, measured - measured / 2, 0]);
    outcome.elapsed = Duration::ZERO;
    if began {
        outcome.elapsed = Duration::from_millis(random.u64(1..20_000));
    }
    if let Pace::Open { rate_per_s, .. } = &mut plan.pace {
        outcome.due_not_sent = few(random);
        plan.stop.messages = random.bool().then(|| outcome.due().max(1));
        // All that was due came at its rate, evenly.
        let seconds = outcome.elapsed.as_secs_f64();
        if began && outcome.due() > 0 {
            *rate_per_s = (outcome.due() as f64 - random.f64() * 0.99) / seconds;
        }
    }
    // Some runs have no problem at all.
    if began && measured > 0 && random.bool() {
        (0..1_000).for_each(|_| outcome.latency.record(1_000_000));
        (outcome.unanswered, outcome.due_not_sent) = (0, 0);
        (outcome.tally, outcome.endings) = (Tally::default(), Endings::default());
        (outcome.ended, outcome.fairness) = (Ended::Done, Fairness::of(&[measured]));
        outcome.answered += 1_000;
        outcome.messages += 1_000;
        outcome.elapsed += Duration::from_secs(1);
        plan.pace = Pace::Closed;
    }
    outcome.take_time_by(&plan);
    Case { plan, outcome }
}

#[test]
fn no_two_sentences_of_a_result_contradict_each_other() {
    let nothing = portlab_load::run(&closed(), &mut ()).unwrap();
    let mut seen = vec![0; CLAIMS.len()];
    for seed in 0..400 {
        let case = case(&mut fastrand::Rng::with_seed(seed), &nothing);
        let Case { plan, outcome } = &case;
        let errors = outcome.tally.total();
        let text = printed(plan, outcome, 10_000);
        // The row of errors begins with their number.
        let row = format!("errors       {errors:>10}  ");
        assert!(text.contains(&row), "seed {seed}: {row:?}\n{text}");
        let text = text.replace(&row, "errors             ");
        for (index, (sentence, holds)) in CLAIMS.iter().enumerate() {
            if text.contains(sentence) {
                seen[index] += 1;
                assert!(
                    holds(&case),
                    "seed {seed}: {sentence:?} is false in\n{text}"
                );
            }
        }
        for (what, count) in [
            ("not answered: ", outcome.unanswered),
            ("due and not sent: ", outcome.due_not_sent),
            ("until then ", outcome.answered),
            ("there were errors (", errors),
            ("there were other errors (", errors - case.wrong()),
        ] {
            if let Some((_, rest)) = text.split_once(what) {
                let told: String = rest.chars().take_while(char::is_ascii_digit).collect();
                assert_eq!(told, count.to_string(), "seed {seed}: {what}\n{text}");
            }
        }
        let counted = plan.stop.messages.is_some();
        if let Some(rate_per_s) = plan.pace.rate_per_s() {
            let share = outcome.messages_per_s() / rate_per_s;
            let allowed = outcome.messages as f64 / outcome.due().max(1) as f64;
            assert!(
                !counted || share <= allowed * 1.001,
                "seed {seed}: {share}\n{text}"
            );
        }
    }
    let claims = CLAIMS.iter().zip(seen);
    let never = claims.filter_map(|((sentence, _), seen)| (seen == 0).then_some(sentence));
    let never: Vec<_> = never.collect();
    assert!(never.is_empty(), "never said: {never:?}");
}
