use super::*;
use crate::fixture::{candidate as able, measured};

const MS: u64 = 1_000_000;

/// `candidate` with another outcome in its first rounds.
fn missing(mut candidate: Candidate, rounds: usize, shown: Shown) -> Candidate {
    for shot in &mut candidate.shots[..rounds] {
        (shot.shown, shot.p99_ns) = (shown, 400 * MS);
    }
    candidate
}

fn chosen(measured: &Measured) -> (String, Vec<String>, Resource) {
    match conclude(measured).answer {
        Answer::Choose {
            model,
            equals,
            resource,
            ..
        } => (model, equals, resource),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_cheapest_model_that_handles_the_load_is_chosen() {
    let measured = measured(vec![
        able("b", 20.0, 8),
        able("a", 10.0, 4),
        able("c", 30.0, 4),
    ]);
    let (model, equals, resource) = chosen(&measured);
    assert_eq!((&*model, equals.len(), resource), ("a", 0, Resource::Cpu));
    let advice = conclude(&measured);
    let told: Vec<_> = advice.others.iter().map(|it| &*it.model).collect();
    assert_eq!(told, ["b", "c"]);
    assert!((advice.others[0].times - 2.0).abs() < 0.01 && advice.others[0].differs);
    assert!(advice.cautions.is_empty(), "{:?}", advice.cautions);
    let Answer::Choose { cpu_cores, .. } = advice.answer else {
        panic!("{advice:?}");
    };
    assert!((cpu_cores - 0.05).abs() < 1e-9, "{cpu_cores}");
}

#[test]
fn models_that_differ_by_less_than_the_noise_are_equals() {
    let close = measured(vec![able("a", 10.0, 4), able("b", 10.4, 4)]);
    let (model, equals, _) = chosen(&close);
    assert_eq!((&*model, equals), ("a", vec!["b".to_owned()]));
    let equals = |a: Candidate, b: Candidate| chosen(&measured(vec![a, b])).1.len();
    // A quarter more in two rounds may be chance, in five it isn't.
    let more = able("b", 12.5, 4);
    assert_eq!(equals(able("a", 10.0, 4), more.clone()), 0);
    let two = |mut candidate: Candidate| {
        candidate.shots.truncate(2);
        candidate
    };
    assert_eq!(equals(two(able("a", 10.0, 4)), two(more)), 1);
    // Far apart on average, but not in every round.
    let mut noisy = able("b", 12.0, 4);
    for (shot, cpu) in noisy.shots.iter_mut().zip([8.0, 30.0, 9.0, 12.0, 9.0]) {
        shot.cpu_us_per_message = Some(cpu);
    }
    assert_eq!(equals(able("a", 10.0, 4), noisy), 1);
}

#[test]
fn of_equals_the_one_with_the_higher_rate_is_chosen() {
    let between = |low_per_s, high_per_s| Ceiling::Between {
        low_per_s,
        high_per_s,
    };
    let (mut a, mut b) = (able("a", 10.0, 4), able("b", 10.4, 4));
    (a.ceiling, b.ceiling) = (between(8e3, 9e3), between(20e3, 24e3));
    assert_eq!(chosen(&measured(vec![a.clone(), b.clone()])).0, "b");
    // Not if the intervals touch; nor if it costs clearly more.
    b.ceiling = between(8.5e3, 24e3);
    assert_eq!(chosen(&measured(vec![a.clone(), b])).0, "a");
    let mut dear = able("b", 20.0, 4);
    dear.ceiling = Ceiling::AtLeast {
        per_s: 20e3,
        spoiled: true,
    };
    let dear = measured(vec![a, dear]);
    assert_eq!(chosen(&dear).0, "a");
    // The other model is named as a change of the advice.
    let more = Change::Rate {
        above_per_s: 9e3,
        choose: Some("b".to_owned()),
    };
    assert!(conclude(&dear).changes.contains(&more));
}

#[test]
fn of_equals_one_that_handles_a_blocking_driver_is_chosen() {
    let (mut a, mut b) = (able("a", 10.0, 4), able("b", 10.4, 4));
    let shot = a.shots[0].clone();
    b.blocked = vec![shot.clone(), shot.clone()];
    a.blocked = vec![Shot {
        shown: Shown::TooSlow,
        ..shot
    }];
    assert_eq!(chosen(&measured(vec![a.clone(), b])).0, "b");
    let mut dear = able("b", 20.0, 4);
    dear.blocked = a.blocked.clone();
    assert_eq!(chosen(&measured(vec![a, dear])).0, "a");
}

/// Thousands of idle connections: hardly any CPU, and memory for each.
#[test]
fn the_resource_that_runs_out_first_decides() {
    let mut idle = measured(vec![able("lean", 40.0, 10), able("fat", 10.0, 400)]);
    idle.question.rate_per_s = 10.0;
    let (model, _, resource) = chosen(&idle);
    assert_eq!((&*model, resource), ("lean", Resource::Memory));
    let other = &conclude(&idle).others[0];
    assert_eq!(other.resource, Resource::Memory);
    assert!(
        (other.times - 40.0).abs() < 0.1 && other.differs,
        "{other:?}"
    );
    let changes = conclude(&idle).changes.into_iter();
    let mut scarce = changes.filter_map(|change| match change {
        Change::Scarce {
            resource, choose, ..
        } => Some((resource, choose)),
        _ => None,
    });
    let fat = (Resource::Cpu, "fat".to_owned());
    assert_eq!(scarce.next(), Some(fat));
}

#[test]
fn a_model_that_does_not_handle_the_load_has_a_reason() {
    let mut one = able("one", 1.0, 1);
    one.carries = Carries::One;
    one.shots.clear();
    let mut slow = missing(able("slow", 5.0, 1), 5, Shown::TooSlow);
    // Rounds that say nothing about the server don't count in its p99.
    for shot in &mut slow.shots[2..] {
        (shot.shown, shot.p99_ns) = (Shown::Nothing, 900 * MS);
    }
    let advice = conclude(&measured(vec![one, slow, able("a", 10.0, 4)]));
    assert!(matches!(&advice.answer, Answer::Choose { model, .. } if model == "a"));
    let whys: Vec<_> = advice.cannot.iter().map(|it| &it.why).collect();
    let missed = Why::Missed {
        shown: Shown::TooSlow,
        p99_ns: 400.0 * MS as f64,
    };
    assert_eq!(whys, [&Why::Carries(Carries::One), &missed]);
}

#[test]
fn one_bad_round_of_five_is_noise_and_two_are_undecided() {
    let noise = missing(able("a", 5.0, 4), 1, Shown::TooSlow);
    assert_eq!(chosen(&measured(vec![noise, able("b", 10.0, 4)])).0, "a");
    let wavers = missing(able("a", 5.0, 4), 2, Shown::TooSlow);
    let advice = conclude(&measured(vec![wavers.clone(), able("b", 10.0, 4)]));
    assert!(matches!(&advice.answer, Answer::Choose { model, .. } if model == "b"));
    let wavering = Caution::Wavers(vec!["a".to_owned()]);
    assert!(advice.cautions.contains(&wavering));
    assert_eq!(conclude(&measured(vec![wavers])).answer, Answer::Undecided);
}

#[test]
fn a_late_generator_says_nothing_of_the_server() {
    let late = missing(able("a", 5.0, 4), 5, Shown::Nothing);
    let advice = conclude(&measured(vec![late]));
    assert_eq!(advice.answer, Answer::Undecided);
    assert_eq!(advice.cannot[0].why, Why::NotMeasured);
    assert!(advice.cautions.contains(&Caution::Generator(5)));
}

#[test]
fn while_other_programs_run_a_missed_bound_says_nothing_and_a_met_one_counts() {
    let mut busy = missing(able("a", 5.0, 4), 5, Shown::Errors);
    for shot in &mut busy.shots {
        shot.wait_share = Some(0.6);
    }
    let advice = conclude(&measured(vec![busy, able("b", 10.0, 4)]));
    assert_eq!(advice.cannot[0].why, Why::NotMeasured);
    assert!(matches!(&advice.answer, Answer::Choose { model, .. } if model == "b"));
    let mut kept = able("a", 5.0, 4);
    for shot in &mut kept.shots {
        shot.wait_share = Some(0.6);
    }
    let advice = conclude(&measured(vec![kept]));
    assert!(matches!(&advice.answer, Answer::Choose { .. }));
    assert!(advice.cautions.contains(&Caution::Busy(0.6)));
}

#[test]
fn one_measurement_decides_nothing() {
    for shown in [Shown::Held, Shown::TooSlow] {
        let mut once = missing(able("a", 5.0, 4), 5, Shown::Nothing);
        once.shots[3].shown = shown;
        assert_eq!(conclude(&measured(vec![once])).answer, Answer::Undecided);
    }
}

#[test]
fn if_all_models_miss_the_bound_none_is_chosen() {
    let slow = missing(able("a", 5.0, 4), 5, Shown::Unsent);
    assert_eq!(conclude(&measured(vec![slow])).answer, Answer::NoModel);
}

#[test]
fn a_rate_above_a_limit_is_impossible() {
    let mut asked = measured(vec![able("a", 5.0, 4)]);
    // 500 connections, 5 ms each: 100k per second at most.
    assert_eq!(limits(&asked.question, 1)[0].per_s(), 100_000.0);
    asked.question.rate_per_s = 100_001.0;
    assert_eq!(conclude(&asked).answer, Answer::Impossible);
    asked.question.rate_per_s = 100_000.0;
    assert!(matches!(conclude(&asked).answer, Answer::Choose { .. }));
    asked.question.works[0].kind = Kind::Cpu;
    assert_eq!(limits(&asked.question, 2)[0].per_s(), 400.0);
    assert_eq!(conclude(&asked).answer, Answer::Impossible);
}

#[test]
fn a_driver_that_blocks_changes_the_advice_only_if_that_was_measured() {
    let blocked = |mut candidate: Candidate, shown: &[Shown]| {
        let shot = candidate.shots[0].clone();
        let shots = shown.iter().map(|&shown| Shot {
            shown,
            ..shot.clone()
        });
        candidate.blocked = shots.collect();
        candidate
    };
    let falls = blocked(able("a", 5.0, 4), &[Shown::TooSlow]);
    let stands = blocked(able("b", 10.0, 4), &[Shown::Held, Shown::Held]);
    let of = |candidates: Vec<Candidate>| {
        let changes = conclude(&measured(candidates)).changes;
        changes.into_iter().find_map(|change| match change {
            Change::Blocks(blocked) => Some(blocked),
            _ => None,
        })
    };
    let choose = Some(Blocked::Choose("b".to_owned()));
    assert_eq!(of(vec![falls.clone(), stands.clone()]), choose);
    assert_eq!(of(vec![stands.clone()]), Some(Blocked::Same));
    assert_eq!(of(vec![falls.clone()]), Some(Blocked::NoModel));
    // If the other model wasn't measured so, the advice says nothing.
    assert_eq!(of(vec![falls, able("c", 10.0, 4)]), None);
    assert_eq!(of(vec![able("a", 5.0, 4), stands]), None);
}

#[test]
fn few_rounds_and_few_messages_are_cautions() {
    let mut few = able("a", 5.0, 4);
    few.shots.truncate(2);
    few.shots[0].latencies = 20;
    few.shots[1].wait_share = Some(0.5);
    let cautions = conclude(&measured(vec![few])).cautions;
    let expected = [
        Caution::FewRounds(2),
        Caution::FewMessages(20),
        Caution::Busy(0.255),
    ];
    assert_eq!(cautions, expected);
}

#[test]
fn works_that_were_measured_apart_add_up() {
    let mut both = measured(vec![able("a", 10.0, 4)]);
    both.question.works.push(Work {
        kind: Kind::Cpu,
        time_ns: 100_000,
    });
    let second = able("a", 100.0, 6)
        .shots
        .into_iter()
        .map(|shot| Shot { work: 1, ..shot });
    both.candidates[0].shots.extend(second);
    both.candidates[0].shots.sort_by_key(|shot| shot.round);
    let Answer::Choose {
        cpu_cores,
        memory_bytes,
        ..
    } = conclude(&both).answer
    else {
        panic!("{:?}", conclude(&both));
    };
    assert!((cpu_cores - 0.55).abs() < 1e-9 && memory_bytes == f64::from(6 << 20));
}
