//! What each model promises, as the suite's `Promises`.

use portlab_backends::{Sheet, Workers};
use portlab_conformance::{Case, Promises};

/// The workers of a server: enough for every case, and so few that cases which fill a pool take little time.
pub(crate) const WORKERS: usize = 6;

/// What a model promises when it is started with the options of a case.
pub(crate) fn promises(sheet: &Sheet, case: &Case) -> Promises {
    let mut options = case.options.iter();
    let given = options.find_map(|option| option.strip_prefix("--workers="));
    let workers = given
        .and_then(|count| count.parse().ok())
        .unwrap_or(WORKERS);
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
