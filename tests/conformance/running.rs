//! A running server under test.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::LazyLock,
    time::Duration,
};

use portlab_backends::{Backend, find, textbook::SUFFIX};
use portlab_conformance::{Case, Process, Speaks, http::fixture};
use portlab_lab::{Server, ServerError};
use portlab_sys::spawn::Signal;
use portlab_testkit::{folder, path};

use crate::models::{WORKERS_OPTION, workers};

/// `PROGRAM serve OPTIONS`, and the servers that `start_another` started.
pub(crate) struct Running {
    pub(crate) server: Server,
    program: PathBuf,
    options: Vec<String>,
    others: Vec<Child>,
}

impl Running {
    pub(crate) fn start(program: &Path, options: Vec<String>) -> Result<Self, ServerError> {
        Ok(Self {
            server: Server::start(program, &options)?,
            program: program.to_owned(),
            options,
            others: Vec::new(),
        })
    }
}

impl Process for Running {
    fn pid(&self) -> i32 {
        self.server.pid()
    }

    fn signal(&mut self, signal: Signal) -> io::Result<()> {
        self.server.signal(signal)
    }

    fn wait(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        self.server.wait(patience)
    }

    fn complaints(&self) -> String {
        self.server.error_output()
    }

    fn start_another(&mut self, addr: SocketAddr) -> io::Result<Option<(Option<i32>, String)>> {
        let mut command = Command::new(&self.program);
        command.args(["serve", "--json", "--bind", &addr.to_string()]);
        command.args(&self.options).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut line = String::new();
        // The first line says that the server listens; a server that ends prints no line.
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        BufReader::new(stdout).read_line(&mut line)?;
        if !line.is_empty() {
            self.others.push(child);
            return Ok(None);
        }
        let mut text = String::new();
        let mut stderr = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        stderr.read_to_string(&mut text)?;
        Ok(Some((child.wait()?.code(), text)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for other in &mut self.others {
            // Both calls fail only if the server has ended already.
            let _ = other.kill();
            let _ = other.wait();
        }
    }
}

/// The folder that web servers serve, with the files of the rules.
fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let dir = folder("root");
        fixture(&dir).expect("a new folder takes files");
        // A file without blocks, larger than the socket buffers.
        let large = File::create(dir.join("large.bin"));
        let large = large.and_then(|file| file.set_len(64 << 20));
        large.expect("a new folder takes a file");
        dir
    });
    &ROOT
}

/// The options of `serve` for a case.
pub(crate) fn options(model: &str, case: &Case) -> Vec<String> {
    let sheet = find(model.trim_end_matches(SUFFIX)).map(Backend::sheet);
    let workers = format!("{WORKERS_OPTION}{}", workers(sheet, case));
    let service = format!("--service={}", case.speaks.name());
    let root = (case.speaks == Speaks::Http).then(|| format!("--root={}", path(root())));
    let all = [format!("--model={model}"), service];
    let all = all.into_iter().chain(root).chain([workers]);
    let others = case
        .options
        .iter()
        .filter(|it| !it.starts_with(WORKERS_OPTION));
    all.chain(others.map(ToString::to_string)).collect()
}
