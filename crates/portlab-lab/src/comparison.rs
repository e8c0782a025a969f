//! The whole comparison: rounds over cells, a record that grows.

use std::{
    collections::HashMap,
    time::{SystemTime, UNIX_EPOCH},
};

use portlab_stats::record::{Cell, Environment, FORMAT, Record};
use portlab_sys::{limits::open_files, machine::machine};

use crate::{
    Experiment, MeasureError, Pinning, Running, Store, StoreError,
    launch::keep_generator_apart,
    measure::measure,
    rates::{find_rates, rate_of},
};

/// Watches a comparison. Every method may do nothing.
pub trait Observer {
    /// The measurement `number`, counted from 0, of `total` begins, and is of `cell`.
    fn begins(&mut self, _number: usize, _total: usize, _cell: &Cell) {}
    /// The highest rate of `cell` is being measured, so that it can be loaded with a part of that.
    fn tries(&mut self, _cell: &Cell) {}
    /// The cell at `place` of `record` has been measured once more.
    fn measured(&mut self, _record: &Record, _place: usize) {}
    /// Whether the comparison is complete after `rounds` rounds.
    fn is_enough(&mut self, _rounds: usize) -> bool {
        false
    }
    /// A share, in `[0, 1]`, of the measurement under way is over.
    fn tick(&mut self, _share: f64) {}
    /// Something went wrong with `cell`; the comparison goes on.
    fn failed(&mut self, _cell: &Cell, _error: &MeasureError) {}
    /// `cell`'s entrant has failed too often without ever being measured, and isn't tried again.
    fn gives_up(&mut self, _cell: &Cell) {}
    /// There is no timeline of `cell`'s entrant.
    fn no_timeline(&mut self, _cell: &Cell, _error: &MeasureError) {}
    /// Whether the comparison is to end now, with the rounds that it has.
    fn interrupted(&self) -> bool {
        false
    }
}

impl Observer for () {}

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

/// Makes the comparison, going on from `record`, which is [`blank`] or has been begun before, and
/// returns it; `store` has kept it after every measurement. The calling thread, and those that it
/// starts, are kept to the generator's processors from now on.
///
/// A measurement that fails is part of the record; the others are made all the same.
///
/// # Errors
/// When the record can't be kept.
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
    let mut hopeless = Hopeless::default();
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
        // An entrant whose rate is unknown is measured no further.
        if record.cells[place].has(round) || record.cells[place].has(0) {
            continue;
        }
        if hopeless.has(&record.cells[place].model) {
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
        if hopeless.note(&cell.model, measured.is_ok()) {
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
        store.keep_soon(&record)?;
    }
    let is_over = |&(round, place): &(usize, usize)| {
        let cell: &Cell = &record.cells[place];
        cell.has(round) || cell.has(0) || hopeless.has(&cell.model)
    };
    record.complete = order.iter().all(is_over);
    store.keep(&record)?;
    Ok(record)
}

/// Entrants that have failed several times, and were never measured: they are tried no more.
#[derive(Default)]
struct Hopeless(HashMap<String, Tries>);

/// The results of an entrant so far.
enum Tries {
    Failed(usize),
    Measured,
}

/// An entrant that begins with so many failures is given up.
const ENOUGH: usize = 3;

impl Hopeless {
    /// Counts a measurement, and returns whether the entrant is to be given up.
    fn note(&mut self, model: &str, went_well: bool) -> bool {
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
