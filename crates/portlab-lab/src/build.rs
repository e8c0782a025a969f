//! Another build of portlab, whose models take part beside ours.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use portlab_stats::record::Cell;
use portlab_sys::spawn;
use portlab_words::{Text, tr};

use crate::{Experiment, Running, measure::STOPPING, server::AGAIN};

/// Another build of portlab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Its file.
    pub program: PathBuf,
    /// Its version.
    pub version: String,
}

/// How long `--version` may take.
const PATIENCE: Duration = Duration::from_secs(5);

impl Build {
    /// Asks the file `program` for its version.
    ///
    /// # Errors
    /// When it can't be started, or isn't a portlab.
    pub fn ask(program: &Path) -> Result<Self, Text> {
        let name = program.display();
        let mut command = Command::new(program);
        command.arg("--version");
        let (said, ended) = first_words(&mut command, PATIENCE)
            .map_err(|error| tr!("can't start {name}: {error}", "无法启动 {name}：{error}"))?;
        let line = said.lines().next().unwrap_or_default();
        let is_number = |text: &&str| text.starts_with(|c: char| c.is_ascii_digit());
        let version = line.strip_prefix("portlab ").filter(is_number);
        match (ended, version) {
            (None, _) => Err(tr!(
                "{name} is not a portlab program: it doesn't answer --version",
                "{name} 不是 portlab 程序：用 --version 运行它，没有得到结果"
            )),
            (_, None) => Err(tr!(
                "{name} is not a portlab program: asked for its --version, it said {line:?}",
                "{name} 不是 portlab 程序：用 --version 运行它，输出是 {line:?}"
            )),
            (_, Some(version)) => Ok(Self {
                program: program.to_owned(),
                version: version.trim().to_owned(),
            }),
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
    pub fn try_builds(&self, cells: &[Cell], running: &Running) -> Result<(), Text> {
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
            stopped.map_err(|error| {
                let (program, version) = (build.program.display(), &build.version);
                let model = entrant.sheet().map_or(&*entrant.name, |sheet| sheet.name);
                tr!(
                    "{program}, portlab {version}, can't serve {model}: {error}; leave the model or the option out",
                    "{program}（portlab {version}）不能运行 {model}：{error:#}；请去掉这个模型或选项"
                )
            })?;
        }
        Ok(())
    }
}
