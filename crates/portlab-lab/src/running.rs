//! Which comparison a server belongs to, so that processes of a killed comparison are found.
//!
//! If a comparison is killed (`kill -9`), its servers end with it, but processes that a foreign server has
//! started may not. So every server has a mark in its environment, which its children inherit, and the mark
//! is stored beside the results while the comparison runs. The next comparison in that folder reads it, and
//! ends the processes that still have it.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, Write},
    os::{
        fd::{AsRawFd, RawFd},
        unix::fs::OpenOptionsExt,
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use portlab_sys::marked::{kill_marked, started};
use portlab_words::{Text, tr};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::{files, store::unwritten};

/// How long the servers of a killed comparison may take to end.
const TO_END: Duration = Duration::from_secs(30);
/// The most bytes of a note that are read.
const MOST_BYTES: u64 = 4096;
/// The time between two checks whether these servers have ended.
const A_MOMENT: Duration = Duration::from_millis(5);

/// The environment variable of a server that holds the mark.
const VARIABLE: &str = "PORTLAB_RUN";

/// The mark of one comparison's servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Mark {
    name: String,
    /// The locked file of the comparison, which the keepers of its servers hold open.
    #[serde(skip)]
    lock: Option<RawFd>,
}

impl Mark {
    fn new(lock: &File) -> Self {
        Self {
            name: format!("{:016x}", fastrand::u64(..)),
            lock: Some(lock.as_raw_fd()),
        }
    }

    /// The variable and its value.
    pub(crate) fn variable(&self) -> (&str, &str) {
        (VARIABLE, &self.name)
    }

    /// The value alone: hexadecimal digits.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The descriptor that stays open until the last process of a foreign server has ended.
    pub(crate) fn held(&self) -> Option<RawFd> {
        self.lock
    }

    /// Kills the processes that still have the mark, and returns their number.
    pub(crate) fn sweep(&self) -> io::Result<usize> {
        kill_marked(VARIABLE, &self.name)
    }
}

/// A comparison that writes to a folder, until this value is dropped.
#[derive(Debug)]
pub struct Running {
    file: PathBuf,
    /// Locked for as long as the comparison runs.
    _lock: File,
    pub(crate) mark: Mark,
    /// The processes of an earlier, killed comparison. They have been killed.
    pub leftover: Option<Leftover>,
}

/// The processes that a killed comparison had left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The process number that the comparison had.
    pub pid: i32,
    /// How many processes of its servers were still running, and have been killed.
    pub processes: usize,
}

/// The stored mark.
#[derive(Serialize, Deserialize)]
struct Note {
    pid: i32,
    /// When that process started, in the machine's ticks: its number may have been reused.
    started: Option<u64>,
    mark: Mark,
}

impl Running {
    /// Begins a comparison in the folder `dir`, which is made if it doesn't exist. First, the processes that a killed
    /// comparison in this folder has left behind are killed.
    ///
    /// # Errors
    /// If another comparison runs in this folder, or the folder can't be written to.
    pub fn begin(dir: &Path) -> Result<Self, Text> {
        let file = dir.join("running.json");
        let failed = |error| unwritten(&file, &error);
        fs::create_dir_all(dir).map_err(failed)?;
        let mut lock = open_or_create(&file).map_err(failed)?;
        let mut is_ours = lock.try_lock().is_ok();
        let mut text = Vec::new();
        (&lock)
            .take(MOST_BYTES)
            .read_to_end(&mut text)
            .map_err(failed)?;
        // Another user may have written the note, and a folder is named after the mark.
        let is_made_here = |note: &Note| note.mark.name.bytes().all(|it| it.is_ascii_hexdigit());
        let note = serde_json::from_slice::<Note>(&text).ok();
        let note = note.filter(is_made_here);
        let mut leftover = None;
        if let Some(Note {
            pid,
            started: since,
            mark,
        }) = note
        {
            let goes_on = since.is_none() || started(pid) == since;
            // The keepers of a killed comparison hold the lock until the last process of its servers has
            // ended.
            let asked = Instant::now();
            while !is_ours && !goes_on && asked.elapsed() < TO_END {
                thread::sleep(A_MOMENT);
                is_ours = lock.try_lock().is_ok();
            }
            if !is_ours || since.is_some() && goes_on {
                let dir = dir.display();
                return Err(tr!(
                    "{dir} is being written to by another comparison (pid {pid}); wait for it, or choose another \
                     folder with --out DIR",
                    "另一次比较（进程 {pid}）正在写 {dir}；等它结束，或者用 --out 换一个文件夹"
                ));
            }
            let processes = mark.sweep().map_err(failed)?;
            files::remove(&mark.root());
            leftover = Some(Leftover { pid, processes });
        }
        let pid = std::process::id() as i32;
        let mark = Mark::new(&lock);
        let note = Note {
            pid,
            started: started(pid),
            mark: mark.clone(),
        };
        // Written in place, because the lock belongs to this file. An incomplete note counts as none.
        let written = lock
            .set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| lock.write_all(&serde_json::to_vec(&note)?));
        if let Err(error) = written {
            let _ = fs::remove_file(&file);
            return Err(failed(error));
        }
        Ok(Self {
            file,
            _lock: lock,
            mark,
            leftover,
        })
    }
}

/// Opens the regular file `path`, or makes it. Another user may have put a link there, which is not followed, or
/// a FIFO, which doesn't block.
fn open_or_create(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let in_the_way = || {
        io::Error::other(Text::new(
            "it is a link, or not a regular file; remove it",
            "它是链接，或者不是普通文件；请把它删掉",
        ))
    };
    match opened {
        Ok(file) if file.metadata()?.is_file() => Ok(file),
        Ok(_) => Err(in_the_way()),
        Err(_) if path.is_symlink() => Err(in_the_way()),
        Err(error) => Err(error),
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only if `/proc` or the folder is missing.
        let _ = self.mark.sweep();
        files::remove(&self.mark.root());
        let _ = fs::remove_file(&self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_sys::spawn::tie_to_this_thread;
    use std::process::Command;

    #[test]
    fn the_files_to_serve_are_removed_also_after_a_comparison_was_killed() {
        let dir = portlab_testkit::folder("running-files");
        let workload = crate::workloads::find("http").unwrap();
        let part = crate::experiment::Part::of(workload, &[1, 300]);
        let running = Running::begin(&dir).unwrap();
        running.make_files(std::slice::from_ref(&part)).unwrap();
        let root = running.mark.root();
        assert_eq!(fs::read(root.join("300.bin")).unwrap(), files::content(300));
        let names = fs::read_dir(&root).unwrap().count();
        assert_eq!(names, 2);
        // As after a SIGKILL: the note is there, and no process has its number and start.
        let mut note: Note =
            serde_json::from_slice(&fs::read(dir.join("running.json")).unwrap()).unwrap();
        note.started = note.started.map(|ticks| ticks + 1);
        drop(running);
        assert!(!root.exists());
        fs::create_dir(&root).unwrap();
        fs::write(root.join("1.bin"), "x").unwrap();
        fs::write(dir.join("running.json"), serde_json::to_vec(&note).unwrap()).unwrap();
        drop(Running::begin(&dir).unwrap());
        assert!(!root.exists());
    }

    #[test]
    fn a_comparison_kills_the_processes_that_a_killed_comparison_has_left_behind() {
        let dir = portlab_testkit::folder("running");
        let file = dir.join("running.json");
        let running = Running::begin(&dir).unwrap();
        assert_eq!(running.leftover, None);
        let busy = Running::begin(&dir).unwrap_err().to_string();
        let by = format!("by another comparison (pid {})", std::process::id());
        assert!(busy.contains(&by), "{busy}");
        // After a SIGKILL, the file is still there, and no process has the number and start that it holds.
        let mark = running.mark.clone();
        let (name, value) = mark.variable();
        let mut note: Note = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        note.started = note.started.map(|ticks| ticks + 1);
        drop(running);
        assert!(!file.exists());
        // As servers are started.
        let mut command = Command::new("sleep");
        command.arg("60").env(name, value);
        let mut left = tie_to_this_thread(&mut command).spawn().unwrap();
        fs::write(&file, serde_json::to_vec(&note).unwrap()).unwrap();
        let next = Running::begin(&dir).unwrap();
        let pid = std::process::id() as i32;
        assert_eq!(next.leftover, Some(Leftover { pid, processes: 1 }));
        left.wait().unwrap();
        drop(next);
        // A damaged file doesn't prevent a comparison.
        fs::write(&file, "{").unwrap();
        assert_eq!(Running::begin(&dir).unwrap().leftover, None);
    }
}
