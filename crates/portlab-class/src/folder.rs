//! Folders for temporary files of the page, which only this user can read.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process,
};

/// A folder of this page. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

/// The names of these folders begin with this, then comes the number of the page's process.
const NAME: &str = "portlab-class-";

impl Folder {
    /// Creates the folder for `purpose`, a word. Folders of pages that were killed are removed.
    pub(crate) fn create(purpose: &str) -> io::Result<Self> {
        let temporary = std::env::temp_dir();
        for found in fs::read_dir(&temporary)?.flatten() {
            if is_left(&found.file_name().to_string_lossy()) {
                // Another user's folder stays.
                let _ = fs::remove_dir_all(found.path());
            }
        }
        let path = temporary.join(format!("{NAME}{}-{purpose}", process::id()));
        // A killed page with the same number has left it.
        let _ = fs::remove_dir_all(&path);
        // An existing folder is refused: another user could have made it.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What can't be removed stays in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether a page has left the folder `name` that runs no more.
fn is_left(name: &str) -> bool {
    let rest = name.strip_prefix(NAME).and_then(|it| it.split_once('-'));
    let pid = rest.and_then(|(pid, _)| pid.parse::<u32>().ok());
    pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_a_page_that_runs_is_not_left() {
        let own = process::id();
        assert!(!is_left(&format!("{NAME}{own}-race")));
        // No process has this number: it is larger than the kernel's limit.
        assert!(is_left(&format!("{NAME}4194999-race")));
        assert!(!is_left("portlab-class-race") && !is_left("other-4194999-race"));
    }
}
