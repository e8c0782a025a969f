//! Cautions about chance: few rounds, noise, outliers, few latencies.

use portlab_stats::{
    analysis::Floor,
    estimate::CONFIDENCE,
    measure::Measure,
    record::{Cell, Counts, Record},
};
use portlab_words::{Lang, tr};

use crate::notes::{
    figures::percent,
    sentence::{count, figure},
    view::View,
};

/// Rounds below which an interval is a little too sure: see `portlab_stats::estimate`.
const FEW_ROUNDS: usize = 10;
/// The default number of rounds of a comparison.
const USUAL_ROUNDS: usize = 21;
/// A noise floor above this hides differences that matter.
const LARGE: f64 = 0.1;
/// With fewer latencies there is no p99.9.
const LEAST_LATENCIES: usize = 1_000;

/// Whether there are so few rounds that an interval can't have its confidence.
///
/// The interval of a median can't be wider than from the smallest figure to the largest, and misses the true median if
/// all n rounds lie on one side of it: in 2 of 2^n cases.
pub(super) fn rounds(record: &Record, _: &[View], lang: Lang) -> Vec<String> {
    let measured = record.cells.iter().filter(|cell| !cell.rounds.is_empty());
    let most = measured.map(|cell| cell.rounds.len()).max().unwrap_or(0);
    let sure = 1.0 - 0.5_f64.powi(most as i32 - 1);
    let (rounds, usual) = (count(most), figure(USUAL_ROUNDS.to_string()));
    let told = match most {
        1 => tr!(
            lang,
            "a single round can't tell a difference from chance; the usual is --rounds {usual}.",
            "只测了一轮，分不清差别和偶然；通常用 --rounds {usual}。"
        ),
        2.. if sure < CONFIDENCE => {
            let [sure, confidence] = [sure, CONFIDENCE].map(|it| figure(percent(it)));
            tr!(
                lang,
                "with {rounds} rounds an interval has at most {sure} confidence, not {confidence}; before a decision, take the usual --rounds {usual}.",
                "只有{rounds}轮，区间的置信度最多{sure}，达不到{confidence}；下结论之前，请用通常的 --rounds {usual}。"
            )
        }
        2..FEW_ROUNDS => tr!(
            lang,
            "with {rounds} rounds intervals are a little too narrow; before a decision, take the usual --rounds {usual}.",
            "只有{rounds}轮，置信区间略偏窄；下结论之前，请用通常的 --rounds {usual}。"
        ),
        _ => return Vec::new(),
    };
    vec![told]
}

/// The noise floors: smaller differences can't be seen.
pub(super) fn floor(_: &Record, views: &[View], lang: Lang) -> Vec<String> {
    let floors = |view: &View| -> Vec<Floor> {
        let several = (0..view.groups.len()).filter(|&at| view.ranked(at).len() > 1);
        several.map(|at| view.columns[at].floor).collect()
    };
    let floors: Vec<Floor> = views.iter().flat_map(floors).collect();
    let largest = |measured: bool| {
        let floors = floors.iter().filter(move |it| it.measured == measured);
        floors.map(|it| it.share).max_by(f64::total_cmp)
    };
    let measured = largest(true).map(|most| {
        let share = figure(percent(most));
        match most > LARGE {
            true => tr!(
                lang,
                "the noise floor, measured with one model under two names, reaches {share}: at that point a smaller difference can't be seen. Each table has its own floor.",
                "同一个模型用两个名字测得的噪声水平最高达到{share}：那里看不出更小的差别。每张表有自己的噪声水平。"
            ),
            false => tr!(
                lang,
                "the noise floor, measured with one model under two names, is {share} at most; a difference below a table's own floor isn't reported as one.",
                "同一个模型用两个名字测得的噪声水平不超过{share}；低于各表噪声水平的不算差别。"
            ),
        }
    });
    let assumed = largest(false).map(|share| {
        let share = figure(percent(share));
        tr!(
            lang,
            "where no model was measured under two names, the noise is assumed to be {share}; it may be more.",
            "没有用两个名字测量同一个模型的地方，噪声按{share}估计，实际可能更大。"
        )
    });
    measured.into_iter().chain(assumed).collect()
}

/// Measurements far from the others of their cell.
pub(super) fn outliers(record: &Record, _: &[View], lang: Lang) -> Vec<String> {
    let ranked_by = |cell: &Cell| Some(record.workload(&cell.workload)?.ranked_by);
    let cells = record.cells.iter();
    let outside = cells.filter_map(|cell| Some(cell.outliers(ranked_by(cell)?).len()));
    let outside: usize = outside.sum();
    if outside == 0 {
        return Vec::new();
    }
    let all: usize = record.cells.iter().map(|cell| cell.rounds.len()).sum();
    let share = figure(percent(outside as f64 / all as f64));
    let (outside, all) = (count(outside), count(all));
    vec![tr!(
        lang,
        "{outside} of {all} measurements ({share}) lie far from the others of their cell; they are included in every figure.",
        "{all}次测量中有{outside}次（{share}）与同一测点的其他轮相差很远；它们都计入了结果。"
    )]
}

/// Cells that have answered too few messages for a p99.9.
pub(super) fn few_latencies(record: &Record, _: &[View], lang: Lang) -> Vec<String> {
    let says_something = |cell: &&Cell| {
        let workload = record.workload(&cell.workload);
        !cell.rounds.is_empty() && workload.is_some_and(|it| it.counts != Counts::Nothing)
    };
    let cells: Vec<&Cell> = record.cells.iter().filter(says_something).collect();
    let is_few = |cell: &&&Cell| cell.figure(Measure::LatencyP999).is_none();
    let few = cells.iter().filter(is_few).count();
    if few == 0 {
        return Vec::new();
    }
    let [few, all, least] = [few, cells.len(), LEAST_LATENCIES].map(count);
    vec![tr!(
        lang,
        "{few} of {all} cells have no p99.9: one of their rounds has fewer than {least} latencies.",
        "{all}个测点中有{few}个没有 p99.9：其中某一轮的延迟数据不足{least}个。"
    )]
}
