//! `portlab compare` as a process, in a folder of its own.

use std::{
    fs, io,
    process::{Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use portlab_stats::{read::read_bytes, record::Record};
use portlab_words::{Text, tr};

use super::plan::Plan;
use crate::{
    folder::Folder,
    process::{Process, lines},
    room::Room,
};

/// A comparison that runs. When this is dropped, its process has ended, and its folder is removed.
#[derive(Debug)]
pub(super) struct Measuring {
    process: Process,
    folder: Folder,
    /// The last line on its stderr.
    last_line: Arc<Mutex<String>>,
    began: Instant,
}

/// The longest time of a comparison: `--quick` ends within half a minute.
const LONGEST: Duration = Duration::from_secs(90);
/// How long a comparison that is interrupted may take to end its servers and to remove its files.
const PATIENCE: Duration = Duration::from_millis(500);
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
            .stdin(Stdio::null());
        let last_line = Arc::<Mutex<String>>::default();
        let last = Arc::clone(&last_line);
        let keep = lines(move |line| line.clone_into(&mut lock(&last)));
        let process = Process::start(&mut command, PATIENCE, |_| {}, keep);
        Ok(Self {
            process: process.map_err(failed)?,
            folder,
            last_line,
            began: Instant::now(),
        })
    }

    /// Whether the comparison is over.
    ///
    /// # Errors
    /// If it takes too long.
    pub(super) fn has_ended(&mut self) -> Result<bool, Text> {
        let ended = self.process.ended();
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

fn lock(line: &Mutex<String>) -> MutexGuard<'_, String> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many measurements `record` has, and how many it will have.
pub(super) fn progress(record: &Record) -> [usize; 2] {
    let cells = record.cells.iter().filter(|it| it.not_run.is_none());
    [record.measured(), cells.count() * record.setup.rounds]
}
