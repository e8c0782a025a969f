//! What is shown while a comparison runs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anstyle::Style;
use portlab_lab::{MeasureError, Observer};
use portlab_report::{figure_of as write, place_of};
use portlab_service::inert;
use portlab_stats::{
    analysis::groups,
    measure::Measure,
    record::{Cell, Record},
};
use portlab_words::{plural, tr, units};

use crate::{
    args::{BAD, DIM, WARN, lang},
    progress::{NOW_AND_THEN, Progress},
};

/// A bar on a terminal; off a terminal, a line now and then.
pub(super) struct Screen {
    pub(super) progress: Progress,
    interrupted: Arc<AtomicBool>,
    began: Instant,
    /// The number of the first measurement of this run; with `--resume` others were made before.
    first: Option<usize>,
    number: usize,
    total: usize,
    /// When the comparison must be over, and how long a round takes.
    ends_before: Option<(Instant, Duration)>,
    /// When the best models so far were printed last.
    best_told: Instant,
}

impl Screen {
    pub(super) fn new(interrupted: Arc<AtomicBool>) -> Self {
        Self {
            progress: Progress::new(lang().pick("starting", "正在准备")),
            interrupted,
            began: Instant::now(),
            first: None,
            number: 0,
            total: 1,
            ends_before: None,
            best_told: Instant::now(),
        }
    }

    /// Begins no round that would not be over at `end`, if a round takes `round`.
    pub(super) fn ends_before(&mut self, end: Instant, round: Duration) {
        self.ends_before = Some((end, round));
    }

    pub(super) fn note(&self, text: &str) {
        let text = inert(text);
        self.progress.above(|| crate::tell!("{DIM}{text}{DIM:#}"));
    }

    fn warn(&self, style: Style, head: &str, cell: &Cell, error: &MeasureError) {
        let error = inert(&tr!(lang(), "{error}", "{error:#}"));
        let name = name(cell);
        self.progress
            .above(|| crate::tell!("{style}{head}{style:#}{name}: {error}"));
    }

    /// Prints how many measurements are made, now and then, if there is no bar.
    fn say_now_and_then(&mut self, number: usize) {
        if self.progress.is_time_for_a_line() {
            let (total, seconds) = (self.total, self.began.elapsed().as_secs());
            self.note(&tr!(
                lang(),
                "{number} of {total} measurements, after {seconds} s",
                "{number} / {total} 次测量，已用 {seconds} 秒"
            ));
        }
    }
}

/// Which models are best so far at the point of the cell at `place`; `None` if that isn't known.
fn best_so_far(record: &Record, place: usize) -> Option<String> {
    let cell = &record.cells[place];
    let groups = groups(record);
    let mut here = groups.iter();
    let group = here.find(|it| it.workload.name == cell.workload && it.point == cell.point)?;
    let measure = group.workload.ranked_by;
    let column = group.column(measure);
    let mut first = (0..group.cells.len()).filter(|&at| column.ranks[at] == Some(1));
    let best = first.next()?;
    let figure = column.figures[best]?.median;
    let names: Vec<&str> = std::iter::once(best)
        .chain(first)
        .map(|at| group.cells[at].model.as_str())
        .collect();
    let shown = match measure {
        Measure::MessagesPerS => units::per_s(figure),
        _ => write(measure, figure),
    };
    let rounds = group.cells[best].rounds.len();
    let of_rounds = plural(rounds as u64, "round");
    let place = place_of(record, &cell.workload, cell.point, lang());
    let names = names.join(lang().pick(", ", "、"));
    Some(tr!(
        lang(),
        "best so far at {place} after {of_rounds}: {names} ({shown})",
        "{place}，{rounds} 轮后目前最好的是 {names}（{shown}）"
    ))
}

/// The name of a cell in the bar.
fn name(cell: &Cell) -> String {
    let Cell {
        workload,
        model,
        point,
        ..
    } = cell;
    let connections = point.connections;
    tr!(
        lang(),
        "{workload}  {model} at {connections}",
        "{workload}  {model}，{connections} 个连接"
    )
}

impl Observer for Screen {
    fn begins(&mut self, number: usize, total: usize, cell: &Cell) {
        (self.number, self.total) = (number, total);
        let first = *self.first.get_or_insert_with(|| {
            // The time before the first measurement, such as that of finding rates, doesn't show how long the rest takes.
            self.began = Instant::now();
            number
        });
        if number > first {
            let made = u32::try_from(number - first).unwrap_or(u32::MAX);
            let left = u32::try_from(total - number).unwrap_or(u32::MAX);
            self.progress.left(self.began.elapsed() / made * left);
        }
        self.say_now_and_then(number);
        self.progress
            .say(&format!("{}/{total}  {}", number + 1, name(cell)));
    }

    fn measured(&mut self, record: &Record, place: usize) {
        if self.best_told.elapsed() > NOW_AND_THEN
            && let Some(text) = best_so_far(record, place)
        {
            self.best_told = Instant::now();
            self.note(&text);
        }
    }

    fn is_enough(&mut self, rounds: usize) -> bool {
        let is_over = self
            .ends_before
            .is_some_and(|(end, round)| Instant::now() + round > end);
        if is_over {
            let of_rounds = plural(rounds as u64, "round");
            self.note(&tr!(
                lang(),
                "the time of --quick is used up, after {of_rounds}",
                "--quick 的时间用完了，测了 {rounds} 轮"
            ));
        }
        is_over
    }

    fn tries(&mut self, cell: &Cell) {
        let name = name(cell);
        self.progress
            .say(&tr!(lang(), "trial  {name}", "试测  {name}"));
    }

    fn tick(&mut self, share: f64) {
        if self.first.is_some() {
            self.progress
                .at((self.number as f64 + share) / self.total as f64);
        }
    }

    fn failed(&mut self, cell: &Cell, error: &MeasureError) {
        self.warn(BAD, lang().pick("failed: ", "失败："), cell, error);
    }

    fn gives_up(&mut self, cell: &Cell) {
        self.progress.above(|| {
            let (head, model) = (lang().pick("given up: ", "放弃："), &cell.model);
            let why = tr!(
                lang(),
                "{model} has failed several times, and is not measured again",
                "{model} 一再失败，不再测量"
            );
            crate::tell!("{WARN}{head}{WARN:#}{why}");
        });
    }

    fn no_timeline(&mut self, cell: &Cell, error: &MeasureError) {
        self.warn(
            WARN,
            lang().pick("no timeline: ", "没有时间线："),
            cell,
            error,
        );
    }

    fn interrupted(&self) -> bool {
        let interrupted = self.interrupted.load(Relaxed);
        if interrupted {
            self.progress.finish();
        }
        interrupted
    }
}
