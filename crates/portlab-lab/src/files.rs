//! The files that the workloads of HTTP request: a temporary folder with a file of each size, which all servers serve.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use portlab_sys::whole::write_whole;
use portlab_words::{Text, tr};

use crate::{
    experiment::Part,
    running::{Mark, Running},
    workloads::Load,
};

/// The ending of the files' names. No server compresses such a file.
const ENDING: &str = ".bin";

/// Where the content of every file begins in the random numbers.
const SEED: u64 = 1;

impl Mark {
    /// The folder of the files that the servers of this comparison serve.
    pub(crate) fn root(&self) -> PathBuf {
        env::temp_dir().join(format!("portlab-files-{}", self.name()))
    }
}

impl Running {
    /// Makes the files that the workloads of `parts` request, in a temporary folder. They are removed when this value is
    /// dropped; if this process is killed, by the next comparison in the same folder.
    ///
    /// # Errors
    /// If a file can't be written.
    pub fn make_files(&self, parts: &[Part]) -> Result<(), Text> {
        let requested = |part: &&Part| matches!(part.workload.load, Load::Http(_));
        let parts = parts.iter().filter(requested);
        let mut sizes: Vec<usize> = parts
            .flat_map(|part| part.points.iter().map(|point| point.size_bytes))
            .collect();
        sizes.sort_unstable();
        sizes.dedup();
        if sizes.is_empty() {
            return Ok(());
        }
        let root = self.mark.root();
        // A server may drop its privileges, and serve the files as another user.
        let readable =
            |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode));
        let made = fs::create_dir(&root)
            .and_then(|()| readable(&root, 0o755))
            .and_then(|()| {
                sizes.into_iter().try_for_each(|size| {
                    let file = root.join(name(size));
                    write_whole(&file, &content(size)).and_then(|()| readable(&file, 0o644))
                })
            });
        made.map_err(|error| {
            let (root, why) = (root.display(), Text::system(&error));
            tr!(
                "can't make the files to serve in {root}: {why}; set TMPDIR to a folder with room for them",
                "无法在 {root} 里创建要提供的文件：{why:#}；请把 TMPDIR 设为有足够空间的文件夹"
            )
        })
    }
}

/// The name of the file of `size` bytes.
pub(crate) fn name(size: usize) -> String {
    format!("{size}{ENDING}")
}

/// The content of the file of `size` bytes, the same in each run.
pub(crate) fn content(size: usize) -> Vec<u8> {
    let mut content = vec![0; size];
    fastrand::Rng::with_seed(SEED).fill(&mut content);
    content
}

/// Removes the folder `root` with its files, if it exists.
pub(crate) fn remove(root: &Path) {
    // Another user may have put a link there.
    if root.is_symlink() {
        return;
    }
    let Ok(entries) = fs::read_dir(root) else {
        return;
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    for name in names.filter(|name| name.to_string_lossy().ends_with(ENDING)) {
        // What can't be removed stays in the folder for temporary files.
        let _ = fs::remove_file(root.join(name));
    }
    let _ = fs::remove_dir(root);
}
