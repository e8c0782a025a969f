//! The Python of this machine, if there is one: students write in it, and so lessons run it.

use std::process::{Command, Stdio};

/// An interpreter of Python 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// What it is called by.
    pub program: &'static str,
    /// Its version, as in `3.11.7`.
    pub version: String,
}

impl Python {
    /// The first of `python3` and `python` on the path that is Python 3; `None` when neither is.
    ///
    /// It takes some tens of milliseconds, for it asks them.
    #[must_use]
    pub fn find() -> Option<Self> {
        ["python3", "python"].into_iter().find_map(|program| {
            let version = answer(program, "import platform; print(platform.python_version())")?;
            let version = version.trim().to_owned();
            version
                .starts_with("3.")
                .then_some(Self { program, version })
        })
    }

    /// The version of an installed package, as in `24.2.1`; `None` when it can't be imported.
    #[must_use]
    pub fn package(&self, name: &str) -> Option<String> {
        let ask = format!("import {name}; print(getattr({name}, '__version__', '?'))");
        answer(self.program, &ask).map(|text| text.trim().to_owned())
    }

    /// Whether it runs without the global lock, so that two of its threads can run Python code at the
    /// same moment; `false` also when it doesn't say.
    ///
    /// Source: PEP 703, and `sys._is_gil_enabled` in the documentation of Python.
    #[must_use]
    pub fn is_free_threaded(&self) -> bool {
        let ask = "import sys; print(getattr(sys, '_is_gil_enabled', lambda: True)())";
        answer(self.program, ask).is_some_and(|text| text.trim() == "False")
    }
}

/// What `program` prints when it runs `code`; `None` when it can't be run or fails.
fn answer(program: &str, code: &str) -> Option<String> {
    let mut command = Command::new(program);
    // -I: whatever lies in this folder is not imported by mistake.
    let output = command
        .args(["-I", "-c", code])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
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
        assert!(python.package("json").is_some());
        assert_eq!(python.package("no_such_package_anywhere"), None);
    }

    #[test]
    fn a_program_that_is_not_there_answers_nothing() {
        assert_eq!(answer("no-such-program", "print(1)"), None);
    }
}
