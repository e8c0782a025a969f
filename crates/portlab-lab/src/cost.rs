//! How long measurements take, from short trials before the first round.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use portlab_stats::record::{Cell, Rate, Record};

use crate::{
    Experiment, Observer, Running,
    launch::keep_generator_apart,
    measure::{TRIAL, trial},
};

/// How long each measurement takes beside its warm-up and its measuring: starting the server, verifying,
/// connecting, metering, stopping. Much of this depends on the model and on the number of its workers, and
/// much on the number of connections.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    /// By the place of the cell that was tried.
    tried: HashMap<usize, Duration>,
}

/// Up to this many cells, all cells are tried. If there are more, each entrant is tried at one point, and one entrant
/// at each point.
const ALL: usize = 24;

/// Assumed for a cell of which nothing is known.
const UNKNOWN: Duration = Duration::from_millis(60);

/// How long it takes to write the results and the report.
const AFTERWARDS: Duration = Duration::from_millis(500);

/// Makes short trials of servers. A trial that fails has no cost and no message, because the measurement will report
/// the same failure.
pub fn costs(
    experiment: &Experiment,
    record: &Record,
    running: &Running,
    observer: &mut dyn Observer,
) -> Costs {
    keep_generator_apart(&experiment.pinning);
    let mut costs = Costs::default();
    for place in chosen(&record.cells) {
        if observer.interrupted() {
            break;
        }
        let cell = &record.cells[place];
        observer.tries(cell);
        let since = Instant::now();
        if trial(experiment, cell, &running.mark, observer).is_ok() {
            let loaded = TRIAL + experiment.of(cell).0.work_time * 4;
            costs
                .tried
                .insert(place, since.elapsed().saturating_sub(loaded));
        }
    }
    costs
}

/// The cells that are tried, by their places.
fn chosen(cells: &[Cell]) -> Vec<usize> {
    let runs = |place: &usize| cells[*place].not_run.is_none();
    let all: Vec<usize> = (0..cells.len()).filter(runs).collect();
    if all.len() <= ALL {
        return all;
    }
    let is_first = |place: &usize, same: fn(&Cell, &Cell) -> bool| {
        let mut before = all.iter().take_while(|it| *it < place);
        !before.any(|&it| same(&cells[it], &cells[*place]))
    };
    let chosen = all.iter().filter(|place| {
        is_first(place, |one, other| one.model == other.model) || is_first(place, Cell::is_beside)
    });
    chosen.copied().collect()
}

impl Costs {
    /// How long a measurement of the cell at `place` takes in all.
    fn of(&self, experiment: &Experiment, cells: &[Cell], place: usize) -> Duration {
        let (part, _) = experiment.of(&cells[place]);
        part.duration + part.warmup + self.beside(cells, place)
    }

    fn beside(&self, cells: &[Cell], place: usize) -> Duration {
        let cell = &cells[place];
        if let Some(cost) = self.tried.get(&place) {
            return *cost;
        }
        let known = |is: &dyn Fn(&Cell) -> bool| {
            let places = (0..cells.len()).filter(|it| is(&cells[*it]));
            places
                .filter_map(|it| Some((it, *self.tried.get(&it)?)))
                .next()
        };
        let of_entrant = known(&|it| it.model == cell.model);
        let of_point = known(&|it| it.is_beside(cell));
        match (of_entrant, of_point) {
            (Some((at, entrant)), Some((other, point))) => {
                // Both include the cost of the entrant tried at this point, at the other point.
                let common =
                    known(&|it| it.model == cells[other].model && it.is_beside(&cells[at]));
                let common = common.map_or(entrant.min(point), |(_, cost)| cost);
                (entrant + point).saturating_sub(common)
            }
            (Some((_, cost)), None) | (None, Some((_, cost))) => cost,
            (None, None) => UNKNOWN,
        }
    }

    /// How long one round of the cells that `is` chooses takes.
    fn round_of(
        &self,
        experiment: &Experiment,
        record: &Record,
        is: impl Fn(&Cell) -> bool,
    ) -> Duration {
        let places = 0..record.cells.len();
        let runs = places.filter(|&it| record.cells[it].not_run.is_none() && is(&record.cells[it]));
        runs.map(|it| self.of(experiment, &record.cells, it)).sum()
    }

    /// How long one round takes.
    pub fn round(&self, experiment: &Experiment, record: &Record) -> Duration {
        self.round_of(experiment, record, |_| true)
    }

    /// How long the parts that are made once take: finding the rates of open loops, and the report.
    pub fn once(&self, experiment: &Experiment, record: &Record) -> Duration {
        let mut known: Vec<&Cell> = Vec::new();
        let mut total = AFTERWARDS;
        for (place, cell) in record.cells.iter().enumerate() {
            let follows = matches!(cell.point.rate, Some(Rate::Common | Rate::HalfOfBest));
            let same = |it: &&Cell| it.has_same_closed_loop(cell);
            if follows
                && cell.not_run.is_none()
                && cell.best_per_s.is_none()
                && !known.iter().any(same)
            {
                known.push(cell);
                total += self.of(experiment, &record.cells, place);
            }
        }
        total
    }

    /// How long the remaining measurements take.
    pub fn left(&self, experiment: &Experiment, record: &Record) -> Duration {
        let of = |place: usize| {
            let cell = &record.cells[place];
            let made = cell.rounds.len() + cell.failures.len();
            let left =
                u32::try_from(experiment.setup.rounds.saturating_sub(made)).unwrap_or(u32::MAX);
            match cell.not_run {
                None => self
                    .of(experiment, &record.cells, place)
                    .saturating_mul(left),
                Some(_) => Duration::ZERO,
            }
        };
        (0..record.cells.len()).map(of).sum::<Duration>() + self.once(experiment, record)
    }

    /// The workloads, in order, of which `rounds` rounds fit into `time`.
    pub fn fitting(
        &self,
        experiment: &Experiment,
        record: &Record,
        (rounds, time): (u32, Duration),
    ) -> Vec<&'static str> {
        let mut left = time.saturating_sub(self.once(experiment, record));
        let mut fitting = Vec::new();
        for part in &experiment.parts {
            let name = part.workload.name;
            let takes = self.round_of(experiment, record, |cell| cell.workload == name) * rounds;
            if takes <= left {
                left -= takes;
                fitting.push(name);
            }
        }
        fitting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::fixture::cell;

    fn cells(models: usize, points: usize) -> Vec<Cell> {
        let mut cells = Vec::new();
        for point in 1..=points {
            for model in 0..models {
                let mut cell = cell(&format!("model-{model}"), &[]);
                cell.point.connections = point;
                cells.push(cell);
            }
        }
        cells
    }

    #[test]
    fn few_cells_are_all_tried_and_if_there_are_many_each_entrant_and_each_point_is() {
        assert_eq!(chosen(&cells(4, 6)).len(), 24);
        let many = cells(10, 10);
        let tried = chosen(&many);
        assert_eq!(tried.len(), 10 + 9);
        assert!((0..10).all(|it| tried.contains(&it) && tried.contains(&(it * 10))));
    }

    #[test]
    fn the_cost_of_a_cell_follows_from_its_entrant_and_its_point() {
        let many = cells(10, 10);
        // Each model takes 1 ms more than the last, each point 10 ms more.
        let cost = |place: usize| Duration::from_millis((20 + place % 10 + place / 10 * 10) as u64);
        let tried = chosen(&many).into_iter();
        let costs = Costs {
            tried: tried.map(|place| (place, cost(place))).collect(),
        };
        for place in 0..many.len() {
            assert_eq!(costs.beside(&many, place), cost(place), "{place}");
        }
        assert_eq!(Costs::default().beside(&many, 0), UNKNOWN);
    }
}
