//! Timelines of models: which thread worked on which connection, and which waited.

use std::{fs, io, path::Path, time::Duration};

use portlab_stats::{
    record::{Cell, Kind, Record, Timeline},
    trace::Trace,
};
use portlab_sys::input::Input;
use portlab_words::{Text, tr};

use crate::{Experiment, MeasureError, Observer, Running, StoreError, measure::traced};

/// The largest trace that is read: ten times what a measurement records.
const MOST_BYTES: u64 = 1 << 30;

/// The length of a strip.
const LENGTH: Duration = Duration::from_millis(50);

/// The length of a second strip, if a thread did more in the first strip than can be drawn.
const CLOSER: Duration = Duration::from_millis(1);

/// The number of connections that a drawing shows best. The measured point nearest to it is drawn.
const CONNECTIONS: usize = 10;

/// Records each model once under the first workload that has messages, and puts strips of it into `record`.
/// The whole traces go into the folder `dir`, a file each. Traces don't count as measurements, because recording
/// takes CPU time.
///
/// # Errors
/// If the folder can't be made. A model that can't be recorded is reported to `observer`.
pub fn timelines(
    experiment: &Experiment,
    record: &mut Record,
    running: &Running,
    dir: &Path,
    observer: &mut dyn Observer,
) -> Result<(), StoreError> {
    let made = match dir.is_symlink() {
        true => Err(io::Error::other(Text::new(
            "it is a link, which is not followed; remove it",
            "它是链接，不会沿着它写；请把它删掉",
        ))),
        false => fs::create_dir_all(dir),
    };
    made.map_err(|error| StoreError::Write(dir.to_owned(), error))?;
    let Some(part) = experiment.parts.iter().find(|part| part.sends_messages()) else {
        return Ok(());
    };
    record.timelines.clear();
    let cells = record.cells.iter().filter(|cell| {
        let (of, entrant) = experiment.of(cell);
        of.workload.name == part.workload.name
            && entrant.kind == Kind::Model
            && cell.not_run.is_none()
    });
    // For each model, the cell that can be drawn best.
    let mut chosen: Vec<&Cell> = Vec::new();
    for cell in cells {
        let far = |cell: &Cell| cell.point.connections.abs_diff(CONNECTIONS);
        match chosen.iter_mut().find(|it| it.model == cell.model) {
            Some(known) if far(known) > far(cell) => *known = cell,
            Some(_) => {}
            None => chosen.push(cell),
        }
    }
    let mut strips = Vec::new();
    for cell in chosen {
        if observer.interrupted() {
            break;
        }
        observer.tries(cell);
        let file = dir.join(format!("{}.json", cell.model));
        match timeline(experiment, cell, running, &file, observer) {
            Ok(timelines) => strips.extend(timelines),
            Err(MeasureError::Interrupted) => break,
            Err(error) => observer.no_timeline(cell, &error),
        }
    }
    record.timelines = strips;
    Ok(())
}

fn timeline(
    experiment: &Experiment,
    cell: &Cell,
    running: &Running,
    file: &Path,
    observer: &mut dyn Observer,
) -> Result<Vec<Timeline>, MeasureError> {
    traced(experiment, cell, &running.mark, file, observer)?;
    let input = Input::open(file, MOST_BYTES).map_err(|error| Text::system(&error));
    let trace = input
        .and_then(Trace::read)
        .map_err(|Text { en, zh }| tr!("can't use its trace: {en}", "无法使用它的时间线：{zh}"))?;
    let mut timelines = Vec::new();
    for length in [LENGTH, CLOSER] {
        let strip = trace.strip(trace.middle(length.as_nanos() as u64), cell);
        let in_steps = strip.in_steps;
        timelines.push(strip);
        if !in_steps {
            break;
        }
    }
    Ok(timelines)
}
