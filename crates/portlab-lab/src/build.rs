//! Another build of portlab, whose models take part beside ours.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use portlab_stats::record::Cell;
use portlab_sys::spawn;
use portlab_words::{Text, tr};

use crate::{
    Experiment, Running, ServerError, experiment::Entrant, measure::STOPPING, server::AGAIN,
};

/// Another build of portlab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Its file.
    pub program: PathBuf,
    /// Its version.
    pub version: String,
}

/// Why a file can't take part as another build.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub enum BuildError {
    /// The file can't be started.
    Start {
        /// The file.
        program: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The file is another program.
    Foreign {
        /// The file.
        program: PathBuf,
        /// The reason to think so.
        why: String,
    },
    /// It is a portlab, but can't serve a model with the options that are measured.
    Misfit {
        /// The build.
        build: Arc<Build>,
        /// The model.
        model: String,
        /// What it did instead.
        error: ServerError,
    },
}

impl BuildError {
    /// The reason, in both languages.
    pub fn text(&self) -> Text {
        match self {
            Self::Start { program, error } => {
                let program = program.display();
                tr!(
                    "can't start {program}: {error}",
                    "无法启动 {program}：{error}"
                )
            }
            Self::Foreign { program, why } => {
                let program = program.display();
                tr!(
                    "{program} is not a portlab program: {why}",
                    "{program} 不是 portlab 程序：{why}"
                )
            }
            Self::Misfit {
                build,
                model,
                error,
            } => {
                let (program, version) = (build.program.display(), &build.version);
                tr!(
                    "{program}, portlab {version}, can't serve {model}: {error}; leave the model or the option out",
                    "{program}（portlab {version}）不能运行 {model}：{error}；请去掉这个模型或选项"
                )
            }
        }
    }
}

/// How long `--version` may take.
const PATIENCE: Duration = Duration::from_secs(5);

impl Build {
    /// Asks the file `program` for its version.
    ///
    /// # Errors
    /// When it can't be started, or isn't a portlab.
    pub fn ask(program: &Path) -> Result<Self, BuildError> {
        let foreign = |why: String| BuildError::Foreign {
            program: program.to_owned(),
            why,
        };
        let mut command = Command::new(program);
        command.arg("--version");
        let told = first_words(&mut command, PATIENCE).map_err(|error| BuildError::Start {
            program: program.to_owned(),
            error,
        })?;
        let (said, ended) = told;
        if ended.is_none() {
            return Err(foreign("it doesn't answer --version".to_owned()));
        }
        let line = said.lines().next().unwrap_or_default();
        match line.split_once(' ') {
            Some(("portlab", version)) if version.starts_with(|c: char| c.is_ascii_digit()) => {
                Ok(Self {
                    program: program.to_owned(),
                    version: version.trim().to_owned(),
                })
            }
            _ => Err(foreign(format!(
                "asked for its --version, it said {line:?}"
            ))),
        }
    }
}

/// The beginning of what a program prints, and how it ended; `None` if it had to be killed after `patience`.
pub(crate) fn first_words(
    command: &mut Command,
    patience: Duration,
) -> io::Result<(String, Option<ExitStatus>)> {
    const ENOUGH: u64 = 4096;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = spawn::tie_to_this_thread(command).spawn()?;
    let since = Instant::now();
    let ended = loop {
        let ended = child.try_wait()?;
        if ended.is_some() || since.elapsed() > patience {
            break ended;
        }
        thread::sleep(AGAIN);
    };
    // Fails only if it has ended already. Its children may keep the pipe open, so the end of the pipe isn't
    // waited for.
    let _ = child.kill();
    let _ = child.wait();
    let mut said = Vec::new();
    if let Some(stdout) = child.stdout.take().filter(|_| ended.is_some()) {
        stdout.take(ENOUGH).read_to_end(&mut said)?;
    }
    Ok((String::from_utf8_lossy(&said).into_owned(), ended))
}

impl Experiment {
    /// Starts each model of another build once, with the options of its measurements, and stops it. So a
    /// build that can't serve a model fails before anything is measured.
    ///
    /// # Errors
    /// When a model doesn't begin to listen, or doesn't stop.
    pub fn try_builds(&self, cells: &[Cell], running: &Running) -> Result<(), BuildError> {
        let mut tried: Vec<(&str, &str)> = Vec::new();
        for cell in cells.iter().filter(|cell| cell.not_run.is_none()) {
            let (part, entrant) = self.of(cell);
            let Some(build) = &entrant.build else {
                continue;
            };
            let this = (cell.workload.as_str(), cell.model.as_str());
            if tried.contains(&this) {
                continue;
            }
            tried.push(this);
            let server = self.start(part, entrant, cell, (&running.mark, &[]), &|| false);
            let stopped = server.and_then(|server| server.stop(STOPPING));
            stopped.map_err(|error| BuildError::Misfit {
                build: Arc::clone(build),
                model: model_of(entrant),
                error,
            })?;
        }
        Ok(())
    }
}

fn model_of(entrant: &Entrant) -> String {
    entrant
        .sheet()
        .map_or(&*entrant.name, |sheet| sheet.name)
        .to_owned()
}
