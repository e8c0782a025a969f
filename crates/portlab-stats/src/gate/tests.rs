use super::*;
use crate::fixture::{cell, record};

const ROUNDS: usize = 12;

/// Noise as between fresh processes: 2%, and in one of twenty rounds eight times as much.
fn noise(random: &mut fastrand::Rng) -> f64 {
    let outlier = if random.u8(..20) == 0 { 8.0 } else { 1.0 };
    1.0 + 0.02 * outlier * (random.f64() + random.f64() - 1.0)
}

fn costs(random: &mut fastrand::Rng, factor: f64) -> Vec<f64> {
    (0..ROUNDS).map(|_| 4.0 * factor * noise(random)).collect()
}

/// A record of models that cost so many times as much as in the other build.
fn both(factors: &[f64], seed: u64) -> Record {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut cells = Vec::new();
    for (at, factor) in factors.iter().enumerate() {
        cells.push(cell(&format!("m{at}"), &costs(&mut random, *factor)));
        cells.push(cell(&format!("m{at}-other"), &costs(&mut random, 1.0)));
    }
    record(cells)
}

fn decisions(gate: &Gate) -> Vec<Decision> {
    gate.judged.iter().map(|it| it.decision.clone()).collect()
}

fn too_few(pairs: usize, needed: usize) -> Decision {
    Decision::TooFew { pairs, needed }
}

/// Runs of one program, the first at second `from`, one every 100 seconds.
fn made(from: u64, costs: &[f64]) -> Vec<Record> {
    let run = |(at, cost): (usize, &f64)| {
        let mut record = record(vec![cell("a", &[*cost, cost * 1.01, cost * 0.99])]);
        record.started_unix_s = from + 100 * at as u64;
        record
    };
    costs.iter().enumerate().map(run).collect()
}

#[test]
fn a_model_that_became_a_tenth_slower_fails_and_the_others_do_not() {
    let record = both(&[1.0, 1.1, 1.0], 1);
    let gate = builds(&record, 0.05);
    let expected = [Decision::Fine, Decision::Worse, Decision::Fine];
    assert_eq!(decisions(&gate), expected);
    assert_eq!(gate.outcome(), Outcome::Failed);
    assert_eq!(gate.judged[1].cell.model, "m1");
    let record = both(&[0.9, 1.0], 2);
    let gate = builds(&record, 0.05);
    assert_eq!(decisions(&gate), [Decision::Better, Decision::Fine]);
    assert_eq!(gate.outcome(), Outcome::Passed);
}

#[test]
fn a_change_below_the_bar_passes_even_if_it_is_sure() {
    let record = both(&[1.03], 3);
    let gate = builds(&record, 0.05);
    assert_eq!(decisions(&gate), [Decision::Fine]);
    assert!(gate.judged[0].chance.unwrap() <= EACH, "{gate:?}");
    assert_eq!(decisions(&builds(&record, 0.01)), [Decision::Worse]);
}

#[test]
fn a_change_above_the_bar_that_may_be_chance_does_not_pass() {
    let mut record = both(&[1.0], 3);
    let others = record.cells[1].rounds.clone();
    for (at, (round, other)) in record.cells[0].rounds.iter_mut().zip(others).enumerate() {
        // Seven rounds of twelve are 6 % worse, five are a little better.
        let factor = if at < 7 { 1.06 } else { 0.99 };
        round.server_cpu_us_per_message = other.server_cpu_us_per_message.map(|it| it * factor);
    }
    let gate = builds(&record, 0.05);
    assert!(
        matches!(decisions(&gate)[..], [Decision::TooNoisy { up_to }] if up_to < 0.1),
        "{gate:?}"
    );
    assert_eq!(gate.outcome(), Outcome::Undecided);
}

/// An unchanged program fails one run in a hundred at most, of whatever number of cells; one that costs
/// a tenth more is found in nine of ten.
#[test]
fn false_alarms_and_misses_are_rare() {
    let outcomes = |factors: &[f64], bar: f64, seeds: std::ops::Range<u64>| {
        let outcomes = seeds.map(|seed| builds(&both(factors, seed), bar).outcome());
        outcomes.filter(|it| *it == Outcome::Failed).count()
    };
    // Without a bar, the level alone holds: of 200, 2 are expected.
    assert!(outcomes(&[1.0; 6], 0.0, 0..200) <= 7);
    assert_eq!(outcomes(&[1.0; 6], 0.05, 200..300), 0);
    assert!(outcomes(&[1.1, 1.0, 1.0, 1.0, 1.0, 1.0], 0.05, 300..350) >= 45);
}

#[test]
fn fewer_messages_are_worse() {
    let mut record = both(&[1.0], 4);
    record.workloads[0].ranked_by = Measure::MessagesPerS;
    for round in &mut record.cells[0].rounds {
        round.messages_per_s *= 0.8;
    }
    let gate = builds(&record, 0.05);
    assert_eq!(decisions(&gate), [Decision::Worse]);
    let judged = &gate.judged[0];
    assert!((judged.worsening(judged.ratio.unwrap().median) - 0.2).abs() < 1e-9);
}

#[test]
fn a_run_that_cannot_decide_says_so_and_does_not_pass() {
    let mut record = both(&[1.0, 1.0], 5);
    for cell in &mut record.cells {
        cell.rounds.truncate(5);
    }
    let gate = builds(&record, 0.05);
    assert_eq!(decisions(&gate), [too_few(5, 9), too_few(5, 9)]);
    assert_eq!(gate.outcome(), Outcome::Undecided);
    let mut record = both(&[1.0], 6);
    for round in record.cells[0].rounds.iter_mut().skip(6) {
        *round.server_cpu_us_per_message.as_mut().unwrap() *= 1.5;
    }
    let gate = builds(&record, 0.05);
    let decision = &decisions(&gate)[0];
    let expected = matches!(decision, Decision::TooNoisy { .. } | Decision::Worse);
    assert!(expected, "{gate:?}");
    assert_ne!(gate.outcome(), Outcome::Passed);
    // Without another build, there is nothing to decide.
    let nothing = crate::fixture::record(vec![]);
    assert_eq!(builds(&nothing, 0.05).outcome(), Outcome::Undecided);
}

/// On a busy machine, "not one message was answered" happened to one of 378 measurements of equals.
#[test]
fn a_failure_now_and_then_is_not_decided_and_one_in_every_round_is_broken() {
    let fails = |cell: usize, rounds: usize| {
        let mut record = both(&[1.0, 1.0], 7);
        for round in record.cells[cell].rounds.iter_mut().take(rounds) {
            round.errors = 1;
        }
        record
    };
    let decisions = |record: &Record| decisions(&builds(record, 0.05));
    let erring = Decision::Erring { pairs: 1 };
    assert_eq!(decisions(&fails(0, 1)), [erring, Decision::Fine]);
    assert_eq!(builds(&fails(0, 1), 0.05).outcome(), Outcome::Undecided);
    let broken = [Decision::Broken, Decision::Fine];
    assert_eq!(decisions(&fails(0, ROUNDS)), broken);
    assert_eq!(builds(&fails(0, ROUNDS), 0.05).outcome(), Outcome::Failed);
    // The reference's failures don't fail the program: its rounds are missing.
    assert_eq!(decisions(&fails(1, 1)), [Decision::Fine, Decision::Fine]);
    let missing = [too_few(0, 9), Decision::Fine];
    assert_eq!(decisions(&fails(1, ROUNDS)), missing);
    // Given up after three failures, which is as bad as failing in all rounds.
    let mut given_up = both(&[1.0], 8);
    given_up.cells[0].rounds.clear();
    let (round, reason) = (1, "no answer".to_owned());
    given_up.cells[0].failures.push(crate::record::Failed {
        round,
        reason: reason.into(),
        unmetered: None,
    });
    assert_eq!(decisions(&given_up), [Decision::Broken]);
}

#[test]
fn the_probability_of_heads_follows_pascals_triangle() {
    assert_eq!(at_least(4, 3), 5.0 / 16.0);
    assert_eq!(at_least(7, 7), 1.0 / 128.0);
    assert_eq!((at_least(0, 0), at_least(9, 0)), (1.0, 1.0));
}

#[test]
fn runs_are_paired_by_the_time_when_they_were_made() {
    // The machine's state moves both alike.
    let costs = [4.0, 4.4, 4.2, 3.9, 4.1, 4.6, 4.0, 4.3];
    let before = made(0, &costs);
    let mut after = made(50, &costs.map(|it| it * 1.1));
    after.reverse();
    let gate = runs(&before, &after, 0.05).unwrap();
    assert_eq!(decisions(&gate), [Decision::Worse]);
    assert_eq!(gate.judged[0].ratio.unwrap().count, 8);
    let gate = runs(&before, &before, 0.05).unwrap();
    assert_eq!(decisions(&gate), [Decision::Fine]);
}

#[test]
fn runs_that_cannot_decide_are_refused() {
    let why = |before: &[Record], after: &[Record]| runs(before, after, 0.05).unwrap_err();
    let (one, other) = (made(0, &[4.0]), made(50, &[5.0]));
    assert_eq!(why(&one, &other), Unpaired::OneEach);
    let (many, later) = (made(0, &[4.0; 8]), made(1_000, &[5.0; 8]));
    assert_eq!(why(&many, &later), Unpaired::NotInTurn);
    let counts = Unpaired::Counts {
        before: 1,
        after: 8,
    };
    assert_eq!(why(&one, &later), counts);
    let (few, fewer) = (made(0, &[4.0; 5]), made(50, &[5.0; 5]));
    let gate = runs(&few, &fewer, 0.05).unwrap();
    assert_eq!(decisions(&gate), [too_few(5, 8)]);
    let broken = |mut runs: Vec<Record>| {
        runs[2].cells[0].rounds[0].errors = 1;
        runs
    };
    let gate_of = |before: Vec<Record>, after: Vec<Record>| {
        let gate = runs(&before, &after, 0.05).unwrap();
        decisions(&gate)
    };
    let (before, after) = (made(0, &[4.0; 9]), made(50, &[4.0; 9]));
    let erring = Decision::Erring { pairs: 1 };
    assert_eq!(gate_of(before.clone(), broken(after.clone())), [erring]);
    assert_eq!(gate_of(broken(before), after), [Decision::Fine]);
}
