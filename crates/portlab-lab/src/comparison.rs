//! A whole comparison: rounds over all cells, and a record that is stored after each measurement.

use std::{
    collections::HashMap,
    time::{SystemTime, UNIX_EPOCH},
};

use portlab_stats::record::{Cell, Environment, FORMAT, Record};
use portlab_sys::{limits::open_files, machine::machine};

use crate::{
    Pinning,
    error::MeasureError,
    experiment::Experiment,
    launch::keep_generator_apart,
    measure::measure,
    observer::Observer,
    rates::{find_rates, rate_of},
    running::Running,
    store::{Store, StoreError},
};

/// A record of `experiment` in which nothing is measured yet.
pub fn blank(experiment: &Experiment, command: &str) -> Record {
    Record {
        format: FORMAT.to_owned(),
        portlab_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command.to_owned(),
        started_unix_s: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
        environment: environment(&experiment.pinning),
        setup: experiment.setup.clone(),
        entrants: experiment.entrants(),
        workloads: experiment.workloads(),
        complete: false,
        cells: experiment.cells(),
        timelines: Vec::new(),
    }
}

/// Makes the comparison. It begins with `record`, which is [`blank`] or the record of an interrupted comparison, and
/// stores the record in `store` after the measurements. From now on, the calling thread and the threads that it
/// starts are kept to the generator's processors.
///
/// A measurement that fails is recorded, and the comparison goes on.
///
/// # Errors
/// If the record can't be stored.
pub fn compare(
    experiment: &Experiment,
    mut record: Record,
    (store, running): (&Store, &Running),
    observer: &mut dyn Observer,
) -> Result<Record, StoreError> {
    keep_generator_apart(&experiment.pinning);
    let rounds = 1..=experiment.setup.rounds;
    let mut order: Vec<(usize, usize)> = rounds
        .flat_map(|round| {
            let order = experiment.order(&record.cells, round);
            order.into_iter().map(move |place| (round, place))
        })
        .collect();
    find_rates(experiment, &mut record, running, observer);
    let mut given_up = GivenUp::default();
    let mut last_round = 1;
    for number in 0..order.len() {
        let (round, place) = order[number];
        if round > last_round {
            if observer.is_enough(last_round) {
                record.setup.rounds = last_round;
                order.truncate(number);
                break;
            }
            last_round = round;
        }
        // An entrant whose rate is unknown isn't measured.
        if record.cells[place].has(round) || record.cells[place].has(0) {
            continue;
        }
        if given_up.has(&record.cells[place].model) {
            continue;
        }
        if observer.interrupted() {
            break;
        }
        observer.begins(number, order.len(), &record.cells[place]);
        let rate = rate_of(&record, place);
        let measured = rate.map_err(MeasureError::from).and_then(|rate| {
            let cell = &record.cells[place];
            measure(experiment, cell, (round, rate), &running.mark, observer)
        });
        if observer.interrupted() {
            break;
        }
        let cell = &mut record.cells[place];
        if given_up.count(&cell.model, measured.is_ok()) {
            observer.gives_up(cell);
        }
        match measured {
            Ok((measured, latencies)) => {
                cell.rounds.push(measured);
                cell.latencies.add(&latencies);
                observer.measured(&record, place);
            }
            Err(error) => {
                cell.failures.push(error.in_round(round));
                observer.failed(&record.cells[place], &error);
            }
        }
        store.keep_if_due(&record)?;
    }
    let is_over = |&(round, place): &(usize, usize)| {
        let cell: &Cell = &record.cells[place];
        cell.has(round) || cell.has(0) || given_up.has(&cell.model)
    };
    record.complete = order.iter().all(is_over);
    store.keep(&record)?;
    Ok(record)
}

/// Entrants that have failed several times and were never measured. They aren't tried again.
#[derive(Default)]
struct GivenUp(HashMap<String, Tries>);

/// The results of an entrant so far.
enum Tries {
    Failed(usize),
    Measured,
}

/// An entrant whose first measurements all fail is given up after this many.
const ENOUGH: usize = 3;

impl GivenUp {
    /// Counts a measurement, and returns whether the entrant is given up now.
    fn count(&mut self, model: &str, went_well: bool) -> bool {
        let tries = self.0.entry(model.to_owned()).or_insert(Tries::Failed(0));
        match tries {
            Tries::Failed(count) if !went_well => {
                *count += 1;
                *count == ENOUGH
            }
            Tries::Failed(_) => {
                *tries = Tries::Measured;
                false
            }
            Tries::Measured => false,
        }
    }

    fn has(&self, model: &str) -> bool {
        matches!(self.0.get(model), Some(Tries::Failed(ENOUGH..)))
    }
}

fn environment(pinning: &Pinning) -> Environment {
    let machine = machine();
    Environment {
        kernel: machine.kernel,
        cpu: machine.cpu,
        cores: machine.cores,
        pinning: pinning.clone(),
        open_files_limit: open_files(),
        somaxconn: machine.somaxconn.unwrap_or(0),
        port_range_first: machine.port_range.0,
        port_range_last: machine.port_range.1,
    }
}
