//! The whole comparison: rounds over cells, a record that grows.

use std::time::{SystemTime, UNIX_EPOCH};

use portlab_stats::record::{Cell, Environment, FORMAT, Failed, Record};
use portlab_sys::{limits::open_files, machine::machine};

use crate::{Experiment, MeasureError, Store, StoreError, measure::measure};

/// Watches a comparison. Every method may do nothing.
pub trait Observer {
    /// The measurement `number`, counted from 0, of `total` begins, and is of `cell`.
    fn begins(&mut self, _number: usize, _total: usize, _cell: &Cell) {}
    /// A share, in `[0, 1]`, of the measurement under way is over.
    fn tick(&mut self, _share: f64) {}
    /// Something went wrong with `cell`; the comparison goes on.
    fn failed(&mut self, _cell: &Cell, _error: &MeasureError) {}
    /// Whether the comparison is to end now, with what it has.
    fn interrupted(&self) -> bool {
        false
    }
}

impl Observer for () {}

/// Makes the comparison and returns its record, which `store` has kept after every measurement.
///
/// A measurement that fails is part of the record; the others are made all the same.
///
/// # Errors
/// When the record can't be kept.
pub fn compare(
    experiment: &Experiment,
    command: &str,
    store: &Store,
    observer: &mut dyn Observer,
) -> Result<Record, StoreError> {
    let mut record = Record {
        format: FORMAT.to_owned(),
        portlab_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command.to_owned(),
        started_unix_s: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
        environment: environment(),
        setup: experiment.setup(),
        complete: false,
        cells: experiment.cells(),
    };
    let rounds = 1..=experiment.rounds;
    let order: Vec<(usize, usize)> = rounds
        .flat_map(|round| {
            let order = experiment.order(&record.cells, round);
            order.into_iter().map(move |place| (round, place))
        })
        .collect();
    if order.is_empty() {
        record.complete = true;
        store.keep(&record)?;
    }
    for (number, &(round, place)) in order.iter().enumerate() {
        observer.begins(number, order.len(), &record.cells[place]);
        let measured = measure(experiment, &record.cells[place], round, observer);
        if observer.interrupted() {
            return Ok(record);
        }
        let cell = &mut record.cells[place];
        match measured {
            Ok(measured) => cell.rounds.push(measured),
            Err(error) => {
                cell.failures.push(Failed {
                    round,
                    reason: error.to_string(),
                });
                observer.failed(&record.cells[place], &error);
            }
        }
        record.complete = number + 1 == order.len();
        store.keep(&record)?;
    }
    Ok(record)
}

fn environment() -> Environment {
    let machine = machine();
    Environment {
        kernel: machine.kernel,
        cpu: machine.cpu,
        cores: machine.cores,
        open_files_limit: open_files(),
        somaxconn: machine.somaxconn,
        port_range_first: machine.port_range.0,
        port_range_last: machine.port_range.1,
    }
}
