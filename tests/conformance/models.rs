//! What each model promises, as the suite's `Promises`.

use portlab_backends::{Sheet, Workers};
use portlab_conformance::{Case, Promises};

/// The workers of a server: enough for every case, and so few that cases which fill a pool take little time.
const WORKERS: usize = 6;

/// The same for loops with a listener each: they take descriptors without a connection, and serve any number of clients.
const SHARDS: usize = 3;

/// How many workers a model has in a case; without `sheet`, another server.
pub(crate) fn workers(sheet: Option<&Sheet>, case: &Case) -> usize {
    let mut options = case.options.iter();
    let given = options.find_map(|option| option.strip_prefix(WORKERS_OPTION));
    let given = given.and_then(|count| count.parse().ok());
    match sheet.map(|sheet| sheet.workers) {
        Some(Workers::Shards) => SHARDS,
        _ => given.unwrap_or(WORKERS),
    }
}

pub(crate) const WORKERS_OPTION: &str = "--workers=";

/// What a model promises when it is started with the options of a case.
pub(crate) fn promises(sheet: &Sheet, case: &Case) -> Promises {
    let workers = workers(Some(sheet), case);
    let processes = sheet.forks();
    Promises {
        at_once: sheet.capacity(workers),
        survives_blocking: sheet.survives_blocking,
        loops: if sheet.loops() { workers } else { 1 },
        hub: sheet.hub.is_ok(),
        processes,
        standing_processes: if processes && sheet.workers != Workers::None {
            workers
        } else {
            0
        },
    }
}
