//! A folder of files for a student's programs.

use std::{
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use portlab_lab::python::{Python, alone};

/// A temporary folder with files.
///
/// A process of its own writes the folder, and removes it when its input ends: when this value is dropped, and when this
/// process ends, however it ends. So Ctrl-C leaves no file behind.
#[derive(Debug)]
pub(crate) struct Folder {
    keeper: Child,
    path: PathBuf,
}

impl Folder {
    /// Writes `files`, each a path in the folder and a text. Fails when they can't be written.
    pub(crate) fn with<'a>(
        python: &Python,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> io::Result<Self> {
        let mut command = Command::new(&python.executable);
        let words = files.into_iter().flat_map(|(name, text)| [name, text]);
        alone(&mut command)
            .args(["-c", include_str!("folder.py")])
            .args(words);
        // Not tied to this process: it must outlive it for a moment.
        let mut keeper = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let stdout = keeper.stdout.take().expect("stdout was asked to be a pipe");
        BufReader::new(stdout).read_line(&mut line)?;
        let path = PathBuf::from(line.trim_end());
        let folder = Self { keeper, path };
        match folder.path.is_dir() {
            true => Ok(folder),
            false => Err(io::Error::other(portlab_words::tr!(
                "no temporary folder could be written",
                "无法写临时文件夹"
            ))),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Fails only when the keeper has been waited for.
        let _ = self.keeper.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_has_its_files_until_it_is_dropped() {
        // The machine may have no Python.
        let Some(python) = Python::find() else { return };
        let folder = Folder::with(&python, [("static/a.html", "页"), ("b.txt", "")]).unwrap();
        let path = folder.path().to_owned();
        assert_eq!(
            fs::read(path.join("static/a.html")).unwrap(),
            "页".as_bytes()
        );
        assert!(path.join("b.txt").is_file());
        drop(folder);
        assert!(!path.exists());
    }
}
