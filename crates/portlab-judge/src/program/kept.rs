//! A process of the program under judgement: it runs below a keeper, so that all of its processes end with the judge.

use std::{
    io::Write,
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{
    keeper, process,
    spawn::{Signal, signal},
};

use super::{StartTrouble, Tail};

/// One run of a program.
#[derive(Debug)]
pub(crate) struct Kept {
    keeper: Child,
    status: Option<ExitStatus>,
    /// A program that reads a line waits for it, as at a terminal where nothing is typed.
    stdin: Option<ChildStdin>,
    stdout: Tail,
    stderr: Tail,
}

impl Kept {
    /// Starts the program of `words` in `folder`, and types `typed`. `prepare` is called right before the start.
    ///
    /// # Errors
    /// When it can't be started.
    pub(crate) fn start(
        words: &[String],
        folder: Option<&Path>,
        typed: &str,
        prepare: impl FnOnce(&mut Command) -> Result<(), StartTrouble>,
    ) -> Result<Self, StartTrouble> {
        StartTrouble::check(words, folder)?;
        let (program, rest) = words.split_first().ok_or_else(StartTrouble::empty)?;
        let mut command = Command::new(program);
        command
            .args(rest)
            // What Python prints is seen at once, a prompt for input too, and in one encoding.
            .env("PYTHONUNBUFFERED", "1")
            .env("PYTHONIOENCODING", "utf-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        prepare(&mut command)?;
        let mut keeper = keeper::keep(&mut command, None)
            .spawn()
            .map_err(|error| StartTrouble::not_found(program, &error))?;
        let mut stdin = keeper.stdin.take();
        if let Some(stdin) = &mut stdin {
            // A pipe takes some thousand bytes at once. A program that has ended reads nothing.
            let _ = stdin.write_all(&typed.as_bytes()[..typed.len().min(TYPED)]);
        }
        let stdout = keeper.stdout.take().expect("it was made a pipe");
        let stderr = keeper.stderr.take().expect("it was made a pipe");
        Ok(Self {
            keeper,
            status: None,
            stdin,
            stdout: Tail::of(stdout),
            stderr: Tail::of(stderr),
        })
    }

    /// The keeper: all processes of the program are below it.
    pub(crate) fn root(&self) -> i32 {
        self.keeper.id().cast_signed()
    }

    /// How the program has ended, if all of its processes have.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.keeper.try_wait().ok().flatten();
        }
        self.status
    }

    /// Whether the program has read all that was typed, and so waits for more, or will.
    pub(crate) fn has_read_stdin(&self) -> bool {
        let unread = self.stdin.as_ref().map(process::unread);
        unread.is_some_and(|it| it.is_ok_and(|bytes| bytes == 0))
    }

    /// What it has printed.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has written to stderr.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Forgets what it has written to stderr so far.
    pub(crate) fn forget_stderr(&self) {
        self.stderr.clear();
    }

    /// Waits until the output of a program that has ended is read.
    pub(crate) fn await_output(&self) {
        let since = Instant::now();
        while !(self.stdout.is_at_end() && self.stderr.is_at_end()) && since.elapsed() < ENDING {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // The keeper kills all of the program's processes before it ends.
        let _ = signal(&mut self.keeper, Signal::TERM);
        let since = Instant::now();
        while since.elapsed() < ENDING && self.ended().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// How many bytes are typed: a pipe takes more than that without a reader.
const TYPED: usize = 4096;

/// How long all processes of a program may take to end.
const ENDING: Duration = Duration::from_secs(5);
