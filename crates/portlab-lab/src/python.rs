//! The Python of this machine, if there is one: students write in it, and so lessons run it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::build::first_words;

/// An interpreter of Python 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// The name that starts it.
    pub program: &'static str,
    /// The interpreter's own file, whatever wrapper it was found by.
    pub executable: PathBuf,
    /// Its version, as in `3.11.7`.
    pub version: String,
}

impl Python {
    /// The first of `python3` and `python` on the path that is Python 3; `None` when neither is.
    ///
    /// Running them takes some tens of milliseconds.
    pub fn find() -> Option<Self> {
        let ask = "import platform, sys; print(platform.python_version()); print(sys.executable)";
        ["python3", "python"].into_iter().find_map(|program| {
            let said = answer(Path::new(program), ask)?;
            let mut lines = said.lines();
            let version = lines.next().filter(|version| version.starts_with("3."))?;
            let executable = lines.next().filter(|path| !path.is_empty());
            Some(Self {
                program,
                executable: executable.unwrap_or(program).into(),
                version: version.to_owned(),
            })
        })
    }

    /// The version of an installed package, as in `24.2.1`; `None` when it can't be imported.
    pub fn package(&self, name: &str) -> Option<String> {
        let ask = format!("import {name}; print(getattr({name}, '__version__', '?'))");
        answer(&self.executable, &ask).map(|text| text.trim().to_owned())
    }

    /// Whether it runs threads at the same time, being a build without the global lock (PEP 703).
    pub fn is_free_threaded(&self) -> bool {
        let ask = "import sys; print(getattr(sys, '_is_gil_enabled', lambda: True)())";
        answer(&self.executable, ask).is_some_and(|text| text.trim() == "False")
    }
}

/// Shields `command`, which runs Python, from this folder: no file of this
/// folder is imported by mistake (a student's own `socket.py`), no file is written for what is imported
/// (`__pycache__`), and errors come without colours.
pub fn alone(command: &mut Command) -> &mut Command {
    command
        .current_dir("/")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHON_COLORS", "0")
        .env("PYTHONUTF8", "1")
        .env("PYTHONUNBUFFERED", "1")
}

/// How long Python may take: a large package is imported in some seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `program` prints when it runs `code`; `None` when it can't be run, fails, or doesn't end.
fn answer(program: &Path, code: &str) -> Option<String> {
    let mut command = Command::new(program);
    alone(&mut command).args(["-c", code]);
    let (text, ended) = first_words(&mut command, PATIENCE).ok()?;
    ended?.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_knows_its_version_and_its_packages() {
        // A machine without Python has nothing to be asked.
        let Some(python) = Python::find() else {
            return;
        };
        assert!(python.version.starts_with("3."), "{python:?}");
        assert!(python.executable.is_absolute(), "{python:?}");
        assert!(python.package("json").is_some());
        assert_eq!(python.package("no_such_package_anywhere"), None);
    }

    #[test]
    fn a_program_that_is_not_there_answers_nothing() {
        assert_eq!(answer(Path::new("no-such-program"), "print(1)"), None);
    }
}
