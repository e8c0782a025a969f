//! A program that the judge has started: it runs below a keeper, so that all of its processes end with the judge.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use portlab_conformance::experiments::{Processes, Program};
use portlab_sys::{
    keeper,
    process::reads_stdin,
    sockets::have_udp,
    spawn::{Signal, signal},
};
use portlab_words::Text;

use crate::{client::dialled, source::Source};

use super::{
    StartTrouble, Tail,
    port::{chosen, free, free_what_was_left, listeners},
};

/// What to start, and how.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The command. `{port}` in a word is replaced by a free port.
    pub words: Vec<String>,
    /// The folder in which it runs; that of the judge if none is given.
    pub folder: Option<PathBuf>,
    /// The port to judge, if the program listens at several.
    pub port: Option<u16>,
    /// What is typed when it reads its stdin. `{port}` is replaced.
    pub typed: Option<String>,
    /// How long it may take until it listens.
    pub timeout: Duration,
}

/// A program that was started, perhaps several times.
#[derive(Debug)]
pub struct Launched {
    launch: Launch,
    /// The port that replaces `{port}`.
    given: Option<u16>,
    /// Where it listens.
    addr: SocketAddr,
    run: Option<Run>,
}

/// One run of the program.
#[derive(Debug)]
struct Run {
    keeper: Child,
    stderr: Tail,
    stdout: Tail,
    /// A program that reads a line waits for it, as at a terminal where nothing is typed.
    _stdin: Option<ChildStdin>,
}

impl Launched {
    /// Starts the program of `launch`, and waits until it listens.
    ///
    /// # Errors
    /// When it can't be started, ends, or doesn't listen in time.
    pub fn start(launch: Launch) -> Result<Self, StartTrouble> {
        let mut words = launch.words.iter().chain(&launch.typed);
        let has_place = words.any(|it| it.contains("{port}"));
        let given = has_place.then(|| launch.port.or_else(free_port)).flatten();
        let mut program = Self {
            launch,
            given,
            addr: SocketAddr::from(([0, 0, 0, 0], 0)),
            run: None,
        };
        let source = Source::of(&program.launch.words, program.launch.folder.as_deref());
        let started = match program.launch_once() {
            // The student's own last run may have left its port in TIME-WAIT: that is the subject of an experiment.
            Err(trouble) if trouble.may_be_taken && free_what_was_left(&program.ports()) => {
                program.launch_once()
            }
            first => first,
        };
        program.addr = started.map_err(|trouble| {
            let is_server = source.is_some_and(|it| it.has("listen("));
            let may_dial = trouble.bug.is_some() && !is_server;
            let dialled = may_dial.then(|| dialled(&program.launch)).flatten();
            dialled.map_or(trouble, StartTrouble::is_client)
        })?;
        Ok(program)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The ports that the command and the program's text may mean.
    fn ports(&self) -> Vec<u16> {
        let words = self.launch.words.iter();
        let mut ports: Vec<_> = words.filter_map(|it| it.parse().ok()).collect();
        let source = Source::of(&self.launch.words, self.launch.folder.as_deref());
        ports.extend(source.map(|it| it.numbers()).unwrap_or_default());
        ports
    }

    /// Starts the program once, and waits until it listens.
    fn launch_once(&mut self) -> Result<SocketAddr, StartTrouble> {
        self.run = None;
        let port = self.given.map(|it| it.to_string()).unwrap_or_default();
        let words = self.launch.words.iter();
        let words: Vec<_> = words.map(|it| it.replace("{port}", &port)).collect();
        let typed = self.launch.typed.as_ref();
        let typed = typed.map(|it| it.replace("{port}", &port));
        let run = Run::begin(&words, self.launch.folder.as_ref(), typed.as_deref())?;
        let wanted = self.given.or(self.launch.port);
        let since = Instant::now();
        let mut listening_since = None;
        let run = self.run.insert(run);
        loop {
            let found = listeners(&run.processes().all());
            if let Some(addr) = chosen(&found, wanted) {
                // A program may open a second port right after the first.
                let settled = Instant::now() - *listening_since.get_or_insert_with(Instant::now);
                if settled >= SETTLING {
                    return Ok(addr);
                }
            }
            if let Ok(Some(status)) = run.keeper.try_wait() {
                let output = run.output();
                return Err(StartTrouble::ended(status, &output, &self.ports()));
            }
            if since.elapsed() > self.launch.timeout {
                let ports: Vec<_> = found.iter().map(SocketAddr::port).collect();
                let output = run.output();
                self.run = None;
                return Err(StartTrouble::silent(
                    self.launch.timeout,
                    wanted,
                    &ports,
                    &output,
                ));
            }
            thread::sleep(AGAIN);
        }
    }
}

impl Program for Launched {
    fn processes(&self) -> Processes {
        // Process 0 has no descendants in this list.
        let nothing = Processes {
            root: 0,
            with_root: false,
        };
        self.run.as_ref().map_or(nothing, Run::processes)
    }

    fn is_listening(&self) -> bool {
        let found = listeners(&self.processes().all());
        found.iter().any(|it| it.port() == self.addr.port())
    }

    fn other_ports(&self, port: u16) -> Vec<u16> {
        let found = listeners(&self.processes().all());
        let mut ports: Vec<_> = found.iter().map(SocketAddr::port).collect();
        ports.dedup();
        ports.retain(|it| *it != port);
        ports
    }

    fn ended(&mut self) -> Option<Text> {
        let status = match &mut self.run {
            Some(run) => run.keeper.try_wait().ok()??,
            None => return Some(Text::new("killed by the judge", "被评测程序结束")),
        };
        Some(super::trouble::in_words(status))
    }

    fn has_failed(&mut self) -> bool {
        let run = self.run.as_mut();
        let status = run.and_then(|it| it.keeper.try_wait().ok()?);
        status.is_some_and(|it| !it.success())
    }

    fn is_controlled(&self) -> bool {
        true
    }

    fn kill(&mut self) {
        self.run = None;
    }

    fn start_once(&mut self) -> Result<SocketAddr, Text> {
        let addr = self.launch_once().map_err(|trouble| trouble.what)?;
        self.addr = addr;
        Ok(addr)
    }

    fn start(&mut self) -> Result<SocketAddr, Text> {
        self.kill();
        let mut result = Err(Text::default());
        for _ in 0..STARTS {
            free(self.addr.port());
            result = self.start_once();
            if result.is_ok() {
                break;
            }
        }
        result
    }

    fn complaints(&self) -> String {
        self.run
            .as_ref()
            .map(|it| it.stderr.text())
            .unwrap_or_default()
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        // The student can start the program again at once.
        self.kill();
        if self.addr.port() != 0 {
            free(self.addr.port());
        }
    }
}

impl Run {
    fn begin(
        words: &[String],
        folder: Option<&PathBuf>,
        typed: Option<&str>,
    ) -> Result<Self, StartTrouble> {
        StartTrouble::check(words, folder.map(PathBuf::as_path))?;
        let (program, rest) = words.split_first().ok_or_else(StartTrouble::empty)?;
        let mut command = Command::new(program);
        command
            .args(rest)
            // What Python prints is seen at once, a prompt for input too.
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        let mut keeper = keeper::keep(&mut command, None)
            .spawn()
            .map_err(|error| StartTrouble::not_found(program, &error))?;
        let mut stdin = keeper.stdin.take();
        if let (Some(stdin), Some(typed)) = (&mut stdin, typed) {
            // A pipe takes some thousand bytes at once. A program that has ended reads nothing.
            let _ = stdin.write_all(&typed.as_bytes()[..typed.len().min(TYPED)]);
        }
        let stdout = keeper.stdout.take().expect("it was made a pipe");
        let stderr = keeper.stderr.take().expect("it was made a pipe");
        Ok(Self {
            stderr: Tail::of(stderr),
            stdout: Tail::of(stdout),
            _stdin: stdin,
            keeper,
        })
    }

    fn processes(&self) -> Processes {
        Processes {
            root: self.keeper.id().cast_signed(),
            with_root: false,
        }
    }

    /// What the program is doing, and what it has written, after a moment in which the pipes are read to their ends.
    fn output(&self) -> super::trouble::Output {
        thread::sleep(READING);
        let processes = self.processes().all();
        super::trouble::Output {
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            reads_stdin: processes.iter().any(|pid| reads_stdin(*pid)),
            has_udp: have_udp(&processes),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // The keeper kills all of the program's processes before it ends.
        let _ = signal(&mut self.keeper, Signal::TERM);
        let since = Instant::now();
        while since.elapsed() < ENDING {
            if !matches!(self.keeper.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn free_port() -> Option<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    listener.local_addr().ok().map(|it| it.port())
}

/// The time between two looks at the program.
const AGAIN: Duration = Duration::from_millis(5);

/// How long a program has listened when it is judged.
const SETTLING: Duration = Duration::from_millis(30);

/// How long the output of a program that has ended is read.
const READING: Duration = Duration::from_millis(50);

/// How long all processes of a program may take to end.
const ENDING: Duration = Duration::from_secs(5);

/// How many bytes are typed.
const TYPED: usize = 4096;

/// How often a start is tried.
const STARTS: usize = 3;
