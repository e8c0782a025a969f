//! Another build of portlab, for comparing its models with the models of this build.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use portlab_sys::spawn;
use portlab_words::{Text, tr};

use crate::server::AGAIN;

/// Another build of portlab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// The file of the program.
    pub program: PathBuf,
    /// The version that the program prints.
    pub version: String,
}

/// How long `--version` may take.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Build {
    /// Runs `program --version`.
    ///
    /// # Errors
    /// If the program can't be started, or isn't portlab.
    pub fn ask(program: &Path) -> Result<Self, Text> {
        let name = program.display();
        let mut command = Command::new(program);
        command.arg("--version");
        let (printed, ended) = first_output(&mut command, TIMEOUT).map_err(|error| {
            let why = Text::system(&error);
            tr!("can't start {name}: {why}", "无法启动 {name}：{why:#}")
        })?;
        let line = printed.lines().next().unwrap_or_default();
        let is_number = |text: &&str| text.starts_with(|c: char| c.is_ascii_digit());
        let version = line.strip_prefix("portlab ").filter(is_number);
        match (ended, version) {
            (None, _) => Err(tr!(
                "{name} is not a portlab program: run with --version, it doesn't end",
                "{name} 不是 portlab 程序：用 --version 运行它，没有得到结果"
            )),
            (_, None) => Err(tr!(
                "{name} is not a portlab program: run with --version, it prints {line:?}",
                "{name} 不是 portlab 程序：用 --version 运行它，输出是 {line:?}"
            )),
            (_, Some(version)) => Ok(Self {
                program: program.to_owned(),
                version: version.trim().to_owned(),
            }),
        }
    }
}

/// The beginning of what a program prints to stdout, and how it ended; `None` if it was killed after `timeout`.
pub(crate) fn first_output(
    command: &mut Command,
    timeout: Duration,
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
        if ended.is_some() || since.elapsed() > timeout {
            break ended;
        }
        thread::sleep(AGAIN);
    };
    // Fails only if the program has ended already. Its children may keep the pipe open, so the pipe is read only if
    // the program ended by itself.
    let _ = child.kill();
    let _ = child.wait();
    let mut printed = Vec::new();
    if let Some(stdout) = child.stdout.take().filter(|_| ended.is_some()) {
        stdout.take(ENOUGH).read_to_end(&mut printed)?;
    }
    Ok((String::from_utf8_lossy(&printed).into_owned(), ended))
}
