use std::{net::SocketAddr, time::Duration};

use super::{parts::tests::parts, *};
use crate::{Arrivals, Cause, Ended, ErrorAnswer, Latency, Outcome, Pace, Phase, stats::Stats};

fn closed_loop() -> Plan {
    Plan::new(SocketAddr::from(([127, 0, 0, 1], 1)))
}

fn open_loop() -> Plan {
    Plan {
        pace: Pace::Open {
            rate_per_s: 1_000.0,
            arrivals: Arrivals::Uniform,
        },
        connections: 100,
        ..closed_loop()
    }
}

/// A second of an open loop: 1 ms for 985 messages and 10 ms for 15.
fn second() -> Latency {
    let mut latency = Latency::new();
    (0..1_000).for_each(|at| latency.record(if at < 985 { 1_000_000 } else { 10_000_000 }));
    latency
}

/// Ten such seconds of `plan`, changed by `change`, judged by `limits`.
fn judged(plan: &Plan, limits: &[Condition], change: impl FnOnce(&mut Outcome)) -> LoadResult {
    let mut outcome = Outcome::empty(1);
    let mut stats = Stats {
        messages: 1_000,
        latency: second(),
        ..Stats::default()
    };
    stats.connect.record(50_000);
    (0..10).for_each(|_| outcome.take_in(&stats));
    outcome.answered = 10_000;
    outcome.elapsed = Duration::from_secs(10);
    change(&mut outcome);
    LoadResult::of(plan, outcome, &[]).judged(limits, &parts((0..10).map(|_| second())))
}

fn fail_if(texts: &[&str]) -> Vec<Condition> {
    let read = |text: &&str| Condition::fail_if(text).unwrap_or_else(|why| panic!("{text}: {why}"));
    texts.iter().map(read).collect()
}

/// The verdict of one limit.
fn verdict(text: &str, change: impl FnOnce(&mut Outcome)) -> LimitResult {
    judged(&open_loop(), &fail_if(&[text]), change)
        .limits
        .remove(0)
}

#[test]
fn a_limit_fails_when_its_condition_is_true() {
    for (text, failed) in [
        ("p99>5ms", true),
        ("p99 > 20ms", false),
        ("p50>=1ms", true),
        ("max>1s", false),
        ("mean>1ms", true),
        ("connect-p99>1ms", false),
        ("errors>0", false),
        ("errors>=0", true),
        ("loss>1%", false),
        ("rate<0.99", false),
        ("rate<101%", true),
        ("rate<2k/s", true),
        ("rate<0.9k/s", false),
    ] {
        assert_eq!(verdict(text, |_| ()).failed, failed, "{text}");
    }
}

#[test]
fn a_limit_that_must_hold_fails_when_it_is_false() {
    let limits = Condition::must_hold("p99<5ms & errors<1% & rate>0.9").unwrap();
    let failed = judged(&open_loop(), &limits, |_| ());
    let failed: Vec<_> = failed.limits.iter().map(|it| it.failed).collect();
    assert_eq!(failed, [true, false, false]);
}

#[test]
fn counts_are_numbers_or_shares_of_the_messages() {
    let lossy = |outcome: &mut Outcome| (outcome.unanswered, outcome.due_not_sent) = (60, 40);
    let value = |text| verdict(text, lossy).value.unwrap();
    assert_eq!(value("unanswered>0"), 60.0);
    assert_eq!(value("unsent>0"), 40.0);
    assert_eq!(value("loss>0"), 100.0);
    assert!((value("loss>0%") - 100.0 / 10_100.0).abs() < 1e-12);
    let wrong = |outcome: &mut Outcome| {
        let error = Cause::ErrorAnswer(ErrorAnswer::Minus);
        (0..3).for_each(|_| outcome.tally.add(Phase::Verify, error));
        outcome.tally.add(Phase::Verify, Cause::WrongByte);
        outcome.tally.add(Phase::Connect, Cause::TimedOut);
    };
    assert_eq!(verdict("wrong>0", wrong).value, Some(1.0));
    assert_eq!(verdict("errors>0", wrong).value, Some(5.0));
    // The answers that are errors are answers, and not counted twice.
    let share = verdict("errors>0%", wrong).value.unwrap();
    assert!((share - 5.0 / 10_002.0).abs() < 1e-12, "{share}");
}

#[test]
fn a_verdict_is_unsure_if_the_interval_contains_the_bound() {
    let sure = |text| verdict(text, |_| ()).sure;
    assert_eq!(sure("p90>2ms"), Some(true));
    // Between 1.3% and 1.7% of all messages took 10 ms.
    assert_eq!(sure("p99>9ms"), Some(true));
    let at_the_edge = |outcome: &mut Outcome| {
        outcome.latency = Latency::new();
        (0..990).for_each(|_| outcome.latency.record(1_000_000));
        (0..10).for_each(|_| outcome.latency.record(10_000_000));
    };
    let unsure = verdict("p99>5ms", at_the_edge);
    assert_eq!((unsure.failed, unsure.sure), (false, Some(false)));
    assert_eq!(sure("rate<0.99"), Some(true));
    assert_eq!(sure("mean>1ms"), Some(true));
    assert_eq!((sure("errors>0"), sure("max>1s")), (None, None));
    let few = |outcome: &mut Outcome| {
        outcome.latency = Latency::new();
        (0..100).for_each(|_| outcome.latency.record(1_000_000));
    };
    let open_above = verdict("p99.9>5ms", few);
    assert!(open_above.low.is_some() && open_above.high.is_none());
    assert_eq!((open_above.failed, open_above.sure), (false, Some(false)));
}

#[test]
fn a_figure_without_a_value_fails_with_the_reason() {
    let silent = |outcome: &mut Outcome| {
        (outcome.latency, outcome.messages) = (Latency::new(), 0);
    };
    let limit = verdict("p99>5ms", silent);
    assert!(limit.failed && limit.value.is_none() && limit.reason.is_some());
    let rate = verdict("rate<0.99", silent);
    assert_eq!((rate.failed, rate.value), (true, Some(0.0)));
    let changed = verdict("rate<0.99", |outcome| outcome.rate_changed_to = Some(5.0));
    assert!(changed.failed && changed.reason.unwrap().en.contains("changed"));
}

#[test]
fn a_limit_replaces_the_rule_of_its_figure_and_no_other() {
    let lost = |outcome: &mut Outcome| {
        let error = Cause::TimedOut;
        (0..10).for_each(|_| outcome.tally.add(Phase::Receive, error));
        outcome.unanswered = 10;
    };
    let unsent = |outcome: &mut Outcome| outcome.due_not_sent = 50;
    let wrong = |outcome: &mut Outcome| outcome.tally.add(Phase::Verify, Cause::WrongByte);
    let all_lost = |outcome: &mut Outcome| {
        lost(outcome);
        outcome.ended = Ended::AllLost;
    };
    type Change<'a> = &'a dyn Fn(&mut Outcome);
    let cases: [(Change<'_>, &[&str], bool); 14] = [
        (&|_| (), &[], true),
        (&|_| (), &["p99>1s"], true),
        (&lost, &[], false),
        (&lost, &["p99>1s"], false),
        (&lost, &["errors>10"], true),
        (&lost, &["errors>9"], false),
        (&lost, &["errors>1%"], true),
        (&lost, &["loss>1%"], false),
        (&all_lost, &["errors>10"], false),
        (&unsent, &["errors>10"], false),
        (&unsent, &["loss>1%"], true),
        (&unsent, &["rate<0.9"], true),
        (&wrong, &["wrong>1"], true),
        (&wrong, &["unanswered>1"], false),
    ];
    for (number, (change, limits, fine)) in cases.into_iter().enumerate() {
        let result = judged(&open_loop(), &fail_if(limits), change);
        assert_eq!(result.is_fine(), fine, "case {number}: {:?}", result.limits);
    }
    let interrupted = |outcome: &mut Outcome| {
        wrong(outcome);
        outcome.ended = Ended::Interrupted;
    };
    for (limits, fine) in [
        (&[][..], false),
        (&["wrong>1"], true),
        (&["p99>1ms"], false),
    ] {
        let result = judged(&open_loop(), &fail_if(limits), interrupted);
        assert_eq!(result.is_fine(), fine, "{limits:?}");
    }
}

#[test]
fn a_trial_holds_if_its_limits_do_and_its_misses_are_named() {
    use crate::{Finding, Missed};
    let of = |limits: &str, change: &dyn Fn(&mut Outcome)| {
        let limits = Condition::must_hold(limits).unwrap();
        Finding::of_limits(&judged(&open_loop(), &limits, change))
    };
    let late = |outcome: &mut Outcome| {
        (0..1_000).for_each(|_| outcome.pacing_lag.record(9_000_000));
    };
    let wrong = |outcome: &mut Outcome| {
        late(outcome);
        (0..5).for_each(|_| outcome.tally.add(Phase::Verify, Cause::WrongByte));
    };
    let unsent = |outcome: &mut Outcome| outcome.due_not_sent = 50;
    let silent = |outcome: &mut Outcome| outcome.latency = Latency::new();
    let fine = |_: &mut Outcome| ();
    let missed = Finding::Missed;
    type Change<'a> = &'a dyn Fn(&mut Outcome);
    let cases: [(&str, Change<'_>, Finding); 11] = [
        ("p99<20ms", &fine, Finding::Held),
        ("p99<5ms", &fine, missed(Missed::Latency)),
        ("p99<20ms", &late, Finding::Held),
        ("p99<5ms", &late, Finding::Nothing),
        ("p99<20ms", &wrong, missed(Missed::Errors)),
        ("p99<5ms & errors<9", &wrong, Finding::Nothing),
        ("errors<9", &wrong, Finding::Held),
        ("errors<3", &wrong, missed(Missed::Errors)),
        ("p99<20ms", &unsent, missed(Missed::Unsent)),
        ("rate>0.9", &unsent, Finding::Held),
        ("p99<20ms", &silent, missed(Missed::Answers)),
    ];
    for (limits, change, finding) in cases {
        assert_eq!(of(limits, change), finding, "{limits}");
    }
}

#[test]
fn what_is_no_limit_is_refused_with_what_is_expected() {
    for (text, part) in [
        ("", "is not a limit"),
        ("p99", "is not a limit"),
        ("p99=5ms", "is not a limit"),
        ("p99==>5ms", "unknown figure \"p99==\""),
        ("p99>", "is not a limit"),
        (">5ms", "is not a limit"),
        ("p99>>5ms", "is not a limit"),
        ("p98>5ms", "did you mean p9"),
        ("p99>5", "invalid bound of p99"),
        ("p99>1%", "invalid bound of p99"),
        ("errors>1.5", "invalid bound of errors"),
        ("errors>200%", "invalid bound of errors"),
        ("rate<5k", "messages per second (5k/s)"),
        ("rate<5000", "messages per second (5k/s)"),
    ] {
        let error = Condition::fail_if(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    for text in [
        "p99>10ms",
        "errors>0",
        "rate<0.9",
        "p99<10ms & errors>0",
        "p99<10ms &",
    ] {
        assert!(Condition::must_hold(text).is_err(), "{text}");
    }
    let error = Condition::must_hold("p99>=10ms").unwrap_err().to_string();
    assert!(error.contains("as in p99<=10ms"), "{error}");
    assert!(fail_if(&["p99<5ms"])[0].is_upside_down());
    assert!(!fail_if(&["rate<0.9"])[0].is_upside_down());
}

#[test]
fn a_limit_is_refused_if_its_run_has_no_such_figure() {
    let why = |text: &str, plan: &Plan| {
        let checked = fail_if(&[text])[0].check(plan);
        checked.map_or_else(|why| why.to_string(), |()| String::new())
    };
    let (open, closed) = (open_loop(), closed_loop());
    let idle = Plan {
        pace: Pace::Idle,
        ..closed.clone()
    };
    for (text, plan, part) in [
        ("rate<0.99", &open, ""),
        ("rate<0.99", &closed, "needs --rate"),
        ("rate<5k/s", &closed, ""),
        ("p99>5ms", &idle, "sends no messages"),
        ("rate<0.99", &idle, "sends no messages"),
        ("errors>5", &idle, ""),
        ("connect-p99>5ms", &idle, ""),
        ("delivery-p99>5ms", &closed, "--script chat"),
        ("handshake-p99>1s", &closed, "only TLS"),
        ("duplicates>1%", &closed, "only UDP"),
        ("outage>1s", &closed, "without --reconnect"),
    ] {
        let why = why(text, plan);
        assert!(
            why.contains(part) && why.is_empty() == part.is_empty(),
            "{text}: {why}"
        );
    }
}

#[test]
fn a_limit_is_written_as_it_was_given_without_spaces() {
    let limits = fail_if(&[" p99.9 >= 1s 500ms ", "rate<0.5k/s"]);
    let written: Vec<_> = limits.iter().map(ToString::to_string).collect();
    assert_eq!(written, ["p99.9>=1s 500ms", "rate<0.5k/s"]);
    let shown = [
        (Unit::Ns, 5e6),
        (Unit::Count, 3.0),
        (Unit::Share, 0.0123),
        (Unit::PerS, 5e3),
    ];
    let shown = shown.map(|(unit, value)| unit.show(value));
    assert_eq!(shown, ["5.00 ms", "3", "1.23%", "5.00k/s"]);
}
