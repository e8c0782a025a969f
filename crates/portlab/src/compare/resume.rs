//! Going on with a comparison that was ended before its time.

use anyhow::bail;
use portlab_lab::{Leftover, Store, StoreError};
use portlab_stats::record::{Cell, Record};

use super::Args;

/// The record to go on with, if there is to be one.
///
/// # Errors
/// When there is none to go on with; or one that shouldn't be lost, or that isn't ours.
pub(super) fn kept(args: &Args, store: &Store) -> anyhow::Result<Option<Record>> {
    let file = store.file().display();
    let kept = match store.kept() {
        Err(error @ StoreError::Unusable { .. }) => {
            bail!("{error}; it would be replaced: choose another folder with --out DIR")
        }
        kept => kept?,
    };
    match kept {
        None if args.resume => bail!("there is no {file} to go on with; leave out --resume"),
        Some(record) if args.resume && record.complete => {
            bail!("{file} is complete; leave out --resume to measure again")
        }
        Some(record) if args.resume => Ok(Some(record)),
        Some(record) if !record.complete && is_a_study(&record) && !args.fresh => {
            let (made, all) = (record.measured(), measurements(&record));
            bail!(
                "{file} holds an unfinished study, with {made} of {all} measurements made; go on \
                 with it by --resume, replace it by --fresh, or choose another folder with --out DIR"
            )
        }
        _ => Ok(None),
    }
}

fn is_a_study(record: &Record) -> bool {
    record.setup.suite.as_deref() == Some("full") && record.measured() > 0
}

fn measurements(record: &Record) -> usize {
    let cells = record.cells.iter().filter(|cell| cell.not_run.is_none());
    cells.count() * record.setup.rounds
}

/// Makes sure that `kept` is of the same experiment as `fresh`.
pub(super) fn check(kept: &Record, fresh: &Record) -> anyhow::Result<()> {
    let place = |cell: &Cell| {
        let Cell {
            workload,
            model,
            point,
            ..
        } = cell;
        (workload.clone(), model.clone(), *point)
    };
    let places = |record: &Record| record.cells.iter().map(place).collect::<Vec<_>>();
    let differences = [
        (
            kept.portlab_version != fresh.portlab_version,
            "portlab's version",
        ),
        (
            kept.environment != fresh.environment,
            "the machine, or its limits",
        ),
        (
            kept.setup != fresh.setup,
            "rounds, threads, suite or baseline",
        ),
        (kept.entrants != fresh.entrants, "who takes part"),
        (
            kept.workloads != fresh.workloads,
            "the workloads, or their options",
        ),
        (
            places(kept) != places(fresh),
            "connections, sizes, workers or rates",
        ),
    ];
    if let Some((_, what)) = differences.iter().find(|(differs, _)| *differs) {
        bail!(
            "can't go on: this differs from what was begun: {what}; it was begun with `{}`",
            kept.command
        );
    }
    Ok(())
}

/// Says what is kept.
pub(super) fn going_on(kept: &Record, fresh: &Record) -> String {
    let (made, all) = (kept.measured(), measurements(fresh));
    format!("going on: {made} of {all} measurements are made already")
}

/// Says what was left behind by a comparison that was killed.
pub(super) fn told(left: Leftover) -> String {
    let Leftover { pid, processes } = left;
    let ended = match processes {
        0 => "none of its servers was left".to_owned(),
        1 => "one process of its servers was left, and has been ended".to_owned(),
        many => format!("{many} processes of its servers were left, and have been ended"),
    };
    format!("an earlier comparison here (pid {pid}) was killed; {ended}")
}
