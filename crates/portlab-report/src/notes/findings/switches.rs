//! Context switches, as a reason for CPU time.
//!
//! Said if the ranked measure is CPU, a model differs from the best in it, and its switches per message are clearly more
//! than the best's. That most of the difference goes with the switches is said only if a straight line through all ranked
//! models explains it.

use portlab_stats::{
    analysis::{Floor, differs},
    measure::Measure,
    record::Cell,
};
use portlab_words::tr;

use super::Said;
use crate::notes::{
    figures::percent,
    sentence::figure,
    view::{View, ratio},
};

/// A model is named if it makes at least so many switches more per message.
const LEAST: f64 = 0.2;

/// The least number of models for the line: three points are often close to a line by chance.
const LEAST_MODELS: usize = 4;

/// The line must explain at least this share of the variance.
const MOSTLY: f64 = 0.8;

pub(super) fn switches(view: &View) -> Option<Said> {
    let (lang, measure) = (view.lang, Measure::SwitchesPerMessage);
    let at = view
        .telling()
        .filter(|_| view.measure() == Measure::CpuPerMessage)?;
    let best = *view.best(at).first()?;
    let floor = view.groups[at].floor(measure);
    let others = view.others(at).into_iter().map(|(cell, _)| cell);
    let more: Vec<&Cell> = others
        .filter(|cell| makes_more(cell, best, floor))
        .collect();
    if more.is_empty() {
        return None;
    }
    let (names, figures, what) = (
        view.names(&more),
        view.figures(&more, measure),
        view.title(measure),
    );
    let [best, fewest] = [view.names(&[best]), view.figures(&[best], measure)];
    let told = tr!(
        lang,
        "{names} made {figures} {what}, and {best} {fewest}",
        "{names}{what}是{figures}次，{best}只有{fewest}次"
    );
    let explained = explained(&view.ranked(at)).filter(|share| *share >= MOSTLY);
    let told = match explained.map(|share| figure(percent(share))) {
        Some(share) => tr!(
            lang,
            "most of the difference goes with context switches: {told} (their number explains {share} of the variance in CPU among all models).",
            "差别主要随上下文切换而变：{told}（切换次数解释了所有模型 CPU 时间方差的{share}）。"
        ),
        None => tr!(lang, "{told}.", "{told}。"),
    };
    Some(Said::of(view, at..=at, told))
}

/// Whether the intervals don't overlap and the figures differ by at least [`LEAST`]. If there is a ratio, it must differ
/// too; a ratio to 0 switches is undefined.
fn makes_more(cell: &Cell, best: &Cell, floor: Floor) -> bool {
    let measure = Measure::SwitchesPerMessage;
    let ratio = ratio(cell, best, measure);
    if !ratio.is_none_or(|ratio| differs(ratio, floor)) {
        return false;
    }
    let figures = cell.figure(measure).zip(best.figure(measure));
    figures.is_some_and(|(own, its)| own.low > its.high && own.median - its.median >= LEAST)
}

/// The share of the models' variance in CPU that goes with their switches: the square of the correlation; `None` unless
/// more switches go with more CPU.
fn explained(cells: &[&Cell]) -> Option<f64> {
    let points = cells.iter().filter_map(|cell| {
        let switches = cell.figure(Measure::SwitchesPerMessage)?.median;
        Some((switches, cell.figure(Measure::CpuPerMessage)?.median))
    });
    let points: Vec<(f64, f64)> = points.collect();
    if points.len() < LEAST_MODELS {
        return None;
    }
    let count = points.len() as f64;
    let sum = |of: &dyn Fn(f64, f64) -> f64| points.iter().map(|&(x, y)| of(x, y)).sum::<f64>();
    let (x_mean, y_mean) = (sum(&|x, _| x) / count, sum(&|_, y| y) / count);
    let together = sum(&|x, y| (x - x_mean) * (y - y_mean));
    let own = sum(&|x, _| (x - x_mean).powi(2)) * sum(&|_, y| (y - y_mean).powi(2));
    let share = together.powi(2) / own;
    (together > 0.0 && share.is_finite()).then_some(share)
}
