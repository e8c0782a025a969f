//! The Python of this machine, if there is one: lessons run it, because students write in it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::build::first_output;

/// An interpreter of Python 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// The name that starts it.
    pub program: &'static str,
    /// The interpreter's own file, even if the name leads to a wrapper.
    pub executable: PathBuf,
    /// Its version, as in `3.11.7`.
    pub version: String,
}

impl Python {
    /// The first of `python3` and `python` on the path that is Python 3; `None` if neither is.
    ///
    /// Running them takes some tens of milliseconds.
    pub fn find() -> Option<Self> {
        let ask = "import platform, sys; print(platform.python_version()); print(sys.executable)";
        ["python3", "python"].into_iter().find_map(|program| {
            let printed = answer(Path::new(program), ask)?;
            let mut lines = printed.lines();
            let version = lines.next().filter(|version| version.starts_with("3."))?;
            let executable = lines.next().filter(|path| !path.is_empty());
            Some(Self {
                program,
                executable: executable.unwrap_or(program).into(),
                version: version.to_owned(),
            })
        })
    }

    /// The version of an installed package, as in `24.2.1`; `None` if it can't be imported.
    pub fn package(&self, name: &str) -> Option<String> {
        let ask = format!("import {name}; print(getattr({name}, '__version__', '?'))");
        answer(&self.executable, &ask).map(|text| text.trim().to_owned())
    }

    /// Whether this Python is a build without the global lock (PEP 703), which runs threads at the same time.
    pub fn is_free_threaded(&self) -> bool {
        let ask = "import sys; print(getattr(sys, '_is_gil_enabled', lambda: True)())";
        answer(&self.executable, ask).is_some_and(|text| text.trim() == "False")
    }
}

/// Shields `command`, which runs Python, from the working directory: no file there is imported by mistake (a
/// student's own `socket.py`). Imports write no files (`__pycache__`), and errors have no colours.
/// Requests to this machine don't go through a proxy.
pub fn alone(command: &mut Command) -> &mut Command {
    command
        .current_dir("/")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHON_COLORS", "0")
        .env("PYTHONUTF8", "1")
        .env("PYTHONUNBUFFERED", "1")
        .env("no_proxy", "*")
}

/// How long Python may take: importing a large package takes some seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The output of `program` running `code`; `None` if the program can't be run, fails, or doesn't end.
fn answer(program: &Path, code: &str) -> Option<String> {
    let mut command = Command::new(program);
    alone(&mut command).args(["-c", code]);
    let (text, ended) = first_output(&mut command, TIMEOUT).ok()?;
    ended?.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_and_the_packages_of_python_are_found() {
        // The machine may have no Python.
        let Some(python) = Python::find() else {
            return;
        };
        assert!(python.version.starts_with("3."), "{python:?}");
        assert!(python.executable.is_absolute(), "{python:?}");
        assert!(python.package("json").is_some());
        assert_eq!(python.package("no_such_package_anywhere"), None);
    }

    #[test]
    fn a_missing_program_gives_no_answer() {
        assert_eq!(answer(Path::new("no-such-program"), "print(1)"), None);
    }
}
