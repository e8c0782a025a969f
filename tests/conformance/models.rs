//! What each model promises, in the suite's words.

use portlab_backends::{Sheet, Workers};
use portlab_conformance::{Case, Promises};

/// Enough for every case, and few enough that cases which fill a pool are quick.
pub(crate) const WORKERS: usize = 6;

/// What a model promises when it is started with the options of a case.
pub(crate) fn promises(sheet: &Sheet, case: &Case) -> Promises {
    let mut options = case.options.iter();
    let told = options.find_map(|option| option.strip_prefix("--workers="));
    let workers = told.and_then(|count| count.parse().ok()).unwrap_or(WORKERS);
    let processes = sheet.forks();
    let pool = matches!(sheet.workers, Workers::Fixed(_));
    Promises {
        at_once: sheet.capacity(workers),
        survives_blocking: sheet.survives_blocking,
        hub: sheet.hub.is_ok(),
        processes,
        standing_processes: if processes && pool { workers } else { 0 },
    }
}
