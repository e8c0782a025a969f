//! Every model against every case, black-box: the real binary, in a process of its own, over TCP.
//! One named test each, such as `threads::echo::half_close`.

use std::{io, path::Path, process::ExitStatus, time::Duration};

use libtest_mimic::{Arguments, Failed, Trial};
use portlab_backends::{Family, MODELS, Sheet, Workers};
use portlab_conformance::{CASES, Case, Process, Promises, Target};
use portlab_lab::Server;
use portlab_sys::spawn::Signal;

/// Enough for every case, and few enough that cases which fill a pool are quick.
const WORKERS: usize = 6;

fn main() {
    let trials = MODELS.iter().map(|model| model.sheet()).flat_map(|sheet| {
        CASES.iter().map(move |case| {
            let name = format!("{}::{}::{}", sheet.name, case.speaks.name(), case.name);
            let unmet = case.unmet(&promises(sheet, case), true);
            let trial = Trial::test(name, move || run(sheet, case));
            // A case that the model doesn't promise is skipped, by the name of the promise.
            match unmet {
                Some(promise) => trial
                    .with_kind(format!("{promise:?}"))
                    .with_ignored_flag(true),
                None => trial,
            }
        })
    });
    let trials = trials.collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn run(sheet: &'static Sheet, case: &Case) -> Result<(), Failed> {
    let promises = promises(sheet, case);
    if let Some(promise) = case.unmet(&promises, true) {
        return Err(format!("{} doesn't promise {promise:?}", sheet.name).into());
    }
    let mut server = Running(Server::start(program(), options(sheet, case))?);
    let mut target = Target {
        addr: server.0.addr(),
        promises,
        process: Some(&mut server),
    };
    let result = (case.run)(&mut target);
    result.map_err(|failure| {
        let complaints = server.0.complaints();
        format!(
            "{}\n  {failure}\n  the server said: {complaints}",
            case.about
        )
        .into()
    })
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_portlab"))
}

fn options(sheet: &Sheet, case: &Case) -> Vec<String> {
    let mut options = vec![
        format!("--model={}", sheet.name),
        format!("--service={}", case.speaks.name()),
    ];
    if !case
        .options
        .iter()
        .any(|option| option.starts_with("--workers"))
    {
        options.push(format!("--workers={WORKERS}"));
    }
    options.extend(case.options.iter().map(|&option| option.to_owned()));
    options
}

/// What a model's sheet promises, in the suite's words.
fn promises(sheet: &Sheet, case: &Case) -> Promises {
    let told = case
        .options
        .iter()
        .find_map(|option| option.strip_prefix("--workers="));
    let workers = told.and_then(|count| count.parse().ok()).unwrap_or(WORKERS);
    let processes = sheet.family == Family::Processes;
    let pool = matches!(sheet.workers, Workers::Fixed(_));
    Promises {
        at_once: sheet.capacity(workers),
        survives_blocking: sheet.survives_blocking,
        hub: sheet.hub.is_ok(),
        processes,
        standing_processes: if processes && pool { workers } else { 0 },
    }
}

/// The server's process, as the suite looks at it.
struct Running(Server);

impl Process for Running {
    fn pid(&self) -> i32 {
        self.0.pid()
    }

    fn signal(&mut self, signal: Signal) -> io::Result<()> {
        self.0.signal(signal)
    }

    fn wait(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        self.0.wait(patience)
    }
}
