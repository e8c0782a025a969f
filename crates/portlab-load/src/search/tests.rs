use super::{simulated::Simulated, *};

const BOUND_NS: u64 = 50_000_000;

fn goal() -> Goal {
    Goal {
        start_per_s: 100.0,
        least_per_s: 1.0,
        most_per_s: 1e5,
        precision: 0.1,
        confidence: 0.9,
        trials: 60,
        blind: 0.0,
    }
}

/// 1 ms for a message: the limit is about 1,000 per second.
fn server() -> Simulated {
    Simulated::of_service(1e6)
}

fn honest(_: usize) -> bool {
    false
}

fn interval(search: &Search) -> (f64, f64) {
    match search.highest() {
        Highest::Between { low, high } => (low, high),
        other => panic!("{other:?}: {:?}", search.trials()),
    }
}

/// The rate that the server handles at least, if no higher rate was tried because of `limit`.
fn at_least(search: &Search, limit: Limit) -> f64 {
    match search.highest() {
        Highest::AtLeast { per_s, limit: why } if why == limit => per_s,
        other => panic!("{other:?}: {:?}", search.trials()),
    }
}

#[test]
fn the_highest_rate_of_a_queue_is_found_to_the_precision_asked_for() {
    let truth = server().truth(BOUND_NS);
    // A queue with one server that is always busy grows, and its p99 with it.
    assert!((900.0..1_100.0).contains(&truth), "{truth}");
    let (mut held, mut trials) = (0, 0);
    for seed in 0..40 {
        let search = server().search(goal(), BOUND_NS, seed, honest);
        assert!(search.is_settled(), "{seed}: {:?}", search.highest());
        let (low, high) = interval(&search);
        assert!(high <= low * 1.1001, "{seed}: {low} to {high}");
        held += usize::from((low..=high).contains(&truth));
        trials += search.trials().len();
    }
    // 36 of 40 are promised.
    assert!(held >= 33, "{held} of 40");
    assert!(trials / 40 <= 25, "{} trials", trials / 40);
}

#[test]
fn many_workers_handle_as_many_times_the_rate() {
    let many = Simulated {
        workers: 20,
        ..server()
    };
    let (low, high) = interval(&many.search(goal(), BOUND_NS, 3, honest));
    // A trial of a second hides a twentieth more behind a bound of 50 ms, and the interval is a tenth.
    assert!(low > 19_000.0 && high < 23_100.0, "{low} to {high}");
}

/// A machine that stops for 200 ms in every tenth trial, and in three of ten.
#[test]
fn a_noisy_machine_takes_more_trials_and_does_not_mislead() {
    for (stops, least) in [(0.1, 32), (0.3, 25)] {
        let server = Simulated { stops, ..server() };
        let truth = server.truth(BOUND_NS);
        let (mut held, mut near) = (0, 0);
        for seed in 0..40 {
            let search = server.search(goal(), BOUND_NS, seed, honest);
            let (low, high) = interval(&search);
            held += usize::from((low..=high).contains(&truth));
            near += usize::from(low < 1.2 * truth && high > truth / 1.2);
        }
        assert!(held >= least, "{stops}: {held} of 40");
        assert!(near >= 36, "{stops}: {near} of 40 are near");
    }
}

#[test]
fn no_single_wrong_finding_ends_the_search_wrongly() {
    let truth = server().truth(BOUND_NS);
    for wrong in 0..20 {
        let search = server().search(goal(), BOUND_NS, 5, |number| number == wrong);
        let (low, high) = interval(&search);
        assert!(
            low < truth * 1.05 && high > truth / 1.05,
            "trial {wrong} turned round: {low} to {high}, and it is {truth}"
        );
    }
}

#[test]
fn a_server_that_never_meets_the_bound_is_recognised_soon() {
    let slow = Simulated::of_service(60e6);
    let goal = Goal {
        least_per_s: 10.0,
        ..goal()
    };
    let search = slow.search(goal, BOUND_NS, 1, honest);
    assert_eq!(search.highest(), Highest::Below { per_s: 10.0 });
    assert!(search.is_settled() && search.trials().len() < 10);
    let late = Finding::Missed(Missed::Latency);
    assert!(search.trials().iter().all(|trial| trial.finding == late));
}

/// A machine that is too busy for a search: nothing is claimed of the server.
#[test]
fn trials_that_say_nothing_are_no_proof_that_the_lowest_rate_misses() {
    let mut search = Search::new(Goal {
        least_per_s: 50.0,
        ..goal()
    });
    let mut findings = std::iter::once(Finding::Missed(Missed::Latency));
    while let Some(rate_per_s) = search.next_rate() {
        let finding = findings.next().unwrap_or(Finding::Nothing);
        search.learn(Trial {
            rate_per_s,
            finding,
        });
    }
    assert!(search.is_settled());
    assert_eq!(search.highest(), Highest::Unknown);
}

#[test]
fn a_server_that_always_meets_the_bound_is_tried_up_to_the_highest_rate_of_interest() {
    let quick = Simulated::of_service(1_000.0);
    let goal = Goal {
        most_per_s: 5_000.0,
        blind: 0.05,
        ..goal()
    };
    let search = quick.search(goal, BOUND_NS, 1, honest);
    let per_s = at_least(&search, Limit::Asked);
    assert!((per_s - 5_000.0 / 1.05).abs() < 1.0 && search.is_settled());
    assert!(search.trials().len() < 12, "{:?}", search.trials());
}

#[test]
fn the_limit_of_the_generator_is_not_taken_for_a_limit_of_the_server() {
    let quick = Simulated {
        generator_per_s: 3_000.0,
        ..Simulated::of_service(1_000.0)
    };
    let search = quick.search(goal(), BOUND_NS, 1, honest);
    let per_s = at_least(&search, Limit::Spoiled);
    assert!((2_500.0..3_100.0).contains(&per_s), "{per_s}");
    // If the generator is late at every rate, nothing is known of the server.
    let late = Simulated {
        generator_per_s: 0.1,
        ..quick
    };
    let search = late.search(goal(), BOUND_NS, 1, honest);
    assert_eq!(search.highest(), Highest::Unknown);
}

#[test]
fn too_few_trials_leave_a_wide_interval_that_is_not_settled() {
    let few = Goal {
        trials: 6,
        ..goal()
    };
    let search = server().search(few, BOUND_NS, 2, honest);
    let (low, high) = interval(&search);
    assert!(!search.is_settled() && search.trials().len() == 6);
    assert!(
        high > low * 1.1 && low < 1_034.0 && high > 1_000.0,
        "{low} to {high}"
    );
    // A rate that was never tried isn't claimed.
    let mut one = Search::new(goal());
    one.learn(Trial {
        rate_per_s: 100.0,
        finding: Finding::Held,
    });
    let per_s = at_least(&one, Limit::Trials);
    assert!(per_s <= 100.0, "{per_s}");
    assert_eq!(Search::new(goal()).highest(), Highest::Unknown);
    assert_eq!(Search::new(goal()).next_rate(), Some(100.0));
}

#[test]
fn a_short_trial_lowers_the_interval_by_what_it_can_not_see() {
    let of = |blind| {
        let search = server().search(Goal { blind, ..goal() }, BOUND_NS, 2, honest);
        interval(&search)
    };
    let ((low, high), (lower, same)) = (of(0.0), of(0.1));
    assert!((low / lower - 1.1).abs() < 1e-9 && high == same);
}
