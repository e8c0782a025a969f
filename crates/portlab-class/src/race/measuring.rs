//! `portlab compare` as a process, in a folder of its own.

use std::{
    fs, io,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use portlab_stats::{read::read_bytes, record::Record};
use portlab_sys::spawn::{self, Signal};
use portlab_words::{Text, tr};

use super::plan::Plan;
use crate::folder::Folder;
use crate::{room::Room, stage::read_lines};

/// A comparison that runs. When this is dropped, its process has ended, and its folder is removed.
#[derive(Debug)]
pub(super) struct Measuring {
    child: Child,
    folder: Folder,
    /// The last line on its stderr.
    last_line: Arc<Mutex<String>>,
    began: Instant,
}

/// The longest time of a comparison: `--quick` ends within half a minute.
const LONGEST: Duration = Duration::from_secs(90);
/// How long a comparison may take to end its servers.
const ENDING: Duration = Duration::from_millis(500);
const AGAIN: Duration = Duration::from_millis(5);
/// The most characters of an error that are shown.
const MOST_CHARS: usize = 300;

impl Measuring {
    /// Starts the comparison of `plan`. The process ends with the calling thread.
    pub(super) fn start(room: &Room, plan: &Plan) -> Result<Self, Text> {
        let failed = |error: io::Error| Text::system(&error);
        let folder = Folder::create("race").map_err(failed)?;
        let mut command = Command::new(&room.program);
        command
            .args(plan.arguments())
            .arg(format!("--out={}", folder.path().display()))
            .args(["--lang", room.lang.pick("en", "zh")])
            // Web servers have their files there.
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let child = spawn::tie_to_this_thread(&mut command).spawn();
        let mut measuring = Self {
            child: child.map_err(failed)?,
            folder,
            last_line: Arc::default(),
            began: Instant::now(),
        };
        if let Some(errors) = measuring.child.stderr.take() {
            let last_line = Arc::clone(&measuring.last_line);
            let keep = move |line: &str, _: &str| line.clone_into(&mut lock(&last_line));
            read_lines("compare-errors", errors, keep).map_err(failed)?;
        }
        Ok(measuring)
    }

    /// Whether the comparison is over.
    ///
    /// # Errors
    /// If it takes too long.
    pub(super) fn has_ended(&mut self) -> Result<bool, Text> {
        let ended = self.child.try_wait();
        if self.began.elapsed() > LONGEST {
            let seconds = LONGEST.as_secs();
            return Err(tr!(
                "the comparison was not over after {seconds} s",
                "比较在 {seconds} 秒内没有完成"
            ));
        }
        ended.map(|it| it.is_some()).map_err(|it| Text::system(&it))
    }

    /// What was measured up to now.
    pub(super) fn record(&self) -> Option<Record> {
        let bytes = fs::read(self.folder.path().join("results.json")).ok()?;
        let record = read_bytes(&bytes).ok()?;
        (record.measured() > 0).then_some(record)
    }

    /// Why the comparison has no result: the last line of its stderr.
    pub(super) fn why(&self) -> Text {
        let last: String = lock(&self.last_line).chars().take(MOST_CHARS).collect();
        tr!(
            "the comparison has no result: {last}",
            "比较没有结果：{last}"
        )
    }
}

impl Drop for Measuring {
    fn drop(&mut self) {
        // A comparison that is interrupted ends its servers and removes its files.
        let _ = spawn::signal(&mut self.child, Signal::INT);
        let end = Instant::now() + ENDING;
        while self.child.try_wait().is_ok_and(|it| it.is_none()) && Instant::now() < end {
            thread::sleep(AGAIN);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lock(line: &Mutex<String>) -> MutexGuard<'_, String> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many measurements `record` has, and how many it will have.
pub(super) fn progress(record: &Record) -> [usize; 2] {
    let cells = record.cells.iter().filter(|it| it.not_run.is_none());
    [record.measured(), cells.count() * record.setup.rounds]
}
