//! Who keeps up with the rate of an open loop.
//!
//! A model keeps up where no message that was due found no free connection, and at least 99 of 100
//! were answered, in every round. Withheld of a model that made errors or was measured once, and
//! where the generator was late itself.

use portlab_stats::{
    measure::Measure,
    record::{Cell, Round, Text},
};

use super::Said;
use crate::sentences::{
    figures::{percent, range},
    parts::{Words, words},
    view::View,
};

/// Who answers this share of what is offered keeps up: a measurement ends with some under way.
const KEEPS_UP: f64 = 0.99;

pub(super) fn rate(view: &View) -> Vec<Said> {
    let told = (0..view.groups.len()).rev().filter_map(|at| told(view, at));
    let mut told: Vec<Told> = told.collect();
    // The highest rate, and where somebody fell behind first, unless that is the same.
    let first = told.iter().rposition(|it| it.somebody_fell_behind);
    let kept: Vec<usize> = first.into_iter().chain([0]).collect();
    let mut at = 0;
    told.retain(|_| {
        at += 1;
        kept.contains(&(at - 1))
    });
    told.into_iter().rev().map(|it| it.said).collect()
}

struct Told {
    somebody_fell_behind: bool,
    said: Said,
}

fn told(view: &View, at: usize) -> Option<Told> {
    let group = &view.groups[at];
    if group.point.rate.is_none() || group.generator_was_the_limit() {
        return None;
    }
    let lang = view.lang;
    let tried = view.ranked(at).into_iter();
    let tried = tried.filter(|cell| cell.rounds.iter().all(|it| share(it).is_some()));
    let (kept, behind): (Vec<&Cell>, Vec<&Cell>) =
        tried.partition(|cell| cell.rounds.iter().all(keeps_up));
    let (late, short): (Vec<&Cell>, Vec<&Cell>) = behind.iter().partition(|cell| {
        cell.rounds
            .iter()
            .filter_map(share)
            .all(|it| it >= KEEPS_UP)
    });
    let mut told = Vec::new();
    if !kept.is_empty() {
        let mut slots = vec![("names", view.names(&kept))];
        let known = kept
            .iter()
            .any(|cell| cell.figure(Measure::LatencyP99).is_some());
        let text = if known {
            slots.push(("p99", view.figures(&kept, Measure::LatencyP99)));
            Text::new(
                "{names} kept up (p99 {p99})",
                "{names}跟上了（p99 是{p99}）",
            )
        } else {
            Text::new("{names} kept up", "{names}跟上了")
        };
        told.push(words(lang, &text, &slots));
    }
    if !late.is_empty() {
        let slots = [
            ("names", view.names(&late)),
            ("rounds", rounds_behind(view, &late)),
        ];
        let text = Text::new(
            "{names} had no free connection for some messages when they were due, in {rounds}",
            "{names}在{rounds}里有消息到点却没有空闲连接可发",
        );
        told.push(words(lang, &text, &slots));
    }
    if !short.is_empty() {
        let shares = short.iter().flat_map(|cell| &cell.rounds);
        let shares = shares.filter(|it| !keeps_up(it)).filter_map(share);
        let slots = [
            ("names", view.names(&short)),
            ("rounds", rounds_behind(view, &short)),
            ("share", range(lang, shares, |share| percent(lang, share))),
        ];
        let text = Text::new(
            "{names} fell behind in {rounds} and answered {share} of what was due",
            "{names}在{rounds}里没跟上，只完成了应发消息的{share}",
        );
        told.push(words(lang, &text, &slots));
    }
    if told.is_empty() {
        return None;
    }
    let slots = [("told", Words::series(lang, told))];
    let told = words(lang, &Text::new("{told}.", "{told}。"), &slots);
    Some(Told {
        somebody_fell_behind: !behind.is_empty(),
        said: Said::of(view, at..=at, told),
    })
}

/// In how many of their rounds `cells` fell behind.
fn rounds_behind(view: &View, cells: &[&Cell]) -> Words {
    let behind = |cell: &&Cell| cell.rounds.iter().filter(|it| !keeps_up(it)).count() as f64;
    let all = cells.iter().map(|cell| cell.rounds.len() as f64);
    let write = |count: f64| format!("{count:.0}");
    let slots = [
        ("some", range(view.lang, cells.iter().map(behind), write)),
        ("all", range(view.lang, all, write)),
    ];
    let text = Text::new("{some} of {all} rounds", "{all}轮中的{some}轮");
    words(view.lang, &text, &slots)
}

/// The share of what was offered that was answered.
fn share(round: &Round) -> Option<f64> {
    let offered = round.offered_per_s.filter(|offered| *offered > 0.0)?;
    Some(round.messages_per_s / offered)
}

fn keeps_up(round: &Round) -> bool {
    round.due_not_sent == Some(0) && share(round).is_some_and(|share| share >= KEEPS_UP)
}

#[cfg(test)]
mod tests {
    use portlab_stats::{
        fixture::{cell, record},
        record::{Cell, Rate},
    };

    use super::{super::check::check, rate};

    fn open(model: &str, offered: f64, answered: f64, p99_ns: u64) -> Cell {
        let mut cell = cell(model, &[4.0; 5]);
        cell.point.rate = Some(Rate::PerS(offered));
        for round in &mut cell.rounds {
            round.offered_per_s = Some(offered);
            round.messages_per_s = answered;
            round.due_not_sent = Some(0);
            round.pacing_lag_p99_ns = Some(10);
            round.latency_p99_ns = p99_ns;
        }
        cell
    }

    #[test]
    fn who_kept_up_is_told_with_his_p99() {
        let record = record(vec![
            open("a", 1e4, 1e4, 1_200_000),
            open("b", 1e4, 9_950.0, 2_100_000),
            open("c", 1e4, 8_300.0, 900_000_000),
        ]);
        check(
            rate,
            &record,
            &[
                "For 100 connections of 64 B, 10.0k messages per second, `a` and `b` kept up \
                 (p99 1.20 ms to 2.10 ms); `c` fell behind in 5 of 5 rounds and answered 83 % of \
                 what was due.",
            ],
            &[
                "100 个连接、每条消息 64 B、每秒 10.0k 条消息时，`a` 和 `b` 跟上了\
                 （p99 是 1.20 ms～2.10 ms）；`c` 在 5 轮中的 5 轮里没跟上，只完成了应发消息的 83%。",
            ],
        );
    }

    #[test]
    fn of_several_rates_the_last_is_told_and_the_first_that_was_too_much() {
        let record = record(vec![
            open("a", 1e3, 1e3, 1_000_000),
            open("a", 2e3, 1_500.0, 1_000_000),
            open("a", 3e3, 1_500.0, 1_000_000),
            open("a", 4e3, 1_500.0, 1_000_000),
        ]);
        let [en, _] = super::super::check::said(rate, &record);
        assert_eq!(en.len(), 2);
        assert!(en[0].starts_with("At 2.00k messages"), "{en:?}");
        assert!(en[1].starts_with("At 4.00k messages"), "{en:?}");
    }

    #[test]
    fn what_is_due_and_not_sent_is_not_kept_up_with() {
        let mut record = record(vec![open("a", 1e4, 1e4, 1_200_000)]);
        record.cells[0].rounds[3].due_not_sent = Some(1);
        let [en, _] = super::super::check::said(rate, &record);
        assert!(en[0].contains("`a` had no free connection"), "{en:?}");
        assert!(en[0].contains("1 of 5 rounds"), "{en:?}");
    }

    #[test]
    fn a_late_generator_an_error_or_one_round_says_nothing() {
        let good = record(vec![open("a", 1e4, 1e4, 1_200_000)]);
        let mut late = good.clone();
        for round in &mut late.cells[0].rounds {
            round.pacing_lag_p99_ns = Some(1_000_000);
        }
        check(rate, &late, &[], &[]);
        let mut wrong = good.clone();
        wrong.cells[0].rounds[0].errors = 1;
        check(rate, &wrong, &[], &[]);
        let mut once = good;
        once.cells[0].rounds.truncate(1);
        check(rate, &once, &[], &[]);
        check(rate, &record(vec![cell("a", &[4.0; 5])]), &[], &[]);
    }
}
