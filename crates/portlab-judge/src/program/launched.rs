//! A server that the judge has started.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use portlab_conformance::experiments::{Processes, Program};
use portlab_sys::{asleep::Asleep, meter, process::reads_stdin, sockets::have_udp};
use portlab_words::Text;

use crate::{client::dialled, source::Source};

use super::{
    Kept, StartTrouble,
    port::{chosen, free, free_what_was_left, listeners},
    trouble::Output,
};

/// What to start, and how.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The command. `{port}` in a word is replaced by a free port.
    pub words: Vec<String>,
    /// The folder in which it runs; that of the judge if none is given.
    pub folder: Option<PathBuf>,
    /// The port of a server to judge, if it listens at several; the port that a client dials, if that can't be seen.
    pub port: Option<u16>,
    /// What is typed when it reads its stdin. `{port}` is replaced.
    pub typed: Option<String>,
    /// What portlab answers a client that needs a certain text.
    pub answer: Option<String>,
    /// How long it may take until it listens or connects.
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
    run: Option<Kept>,
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
        let folder = self.launch.folder.as_deref();
        let typed = typed.unwrap_or_default();
        let run = Kept::start(&words, folder, &typed, |_| Ok(()))?;
        let wanted = self.given.or(self.launch.port);
        let since = Instant::now();
        let mut listening_since = None;
        let mut asleep: Option<(Instant, Asleep)> = None;
        let run = self.run.insert(run);
        loop {
            let processes = processes(run).all();
            let found = listeners(&processes);
            if let Some(addr) = chosen(&found, wanted) {
                // A program may open a second port right after the first.
                let settled = Instant::now() - *listening_since.get_or_insert_with(Instant::now);
                if settled >= SETTLING {
                    return Ok(addr);
                }
            }
            if let Some(status) = run.ended() {
                let output = output(run);
                return Err(StartTrouble::ended(status, &output, &self.ports()));
            }
            let now = Asleep::look(&processes).filter(|_| found.is_empty());
            if now.is_none() || asleep.as_ref().map(|(_, it)| it) != now.as_ref() {
                asleep = now.map(|it| (Instant::now(), it));
            }
            let waited = asleep.as_ref().map(|(since, _)| since.elapsed());
            // On a busy machine, a program that still starts has more time.
            let starts =
                || since.elapsed() < self.launch.timeout * LONGER && meter::is_runnable(&processes);
            let is_late = since.elapsed() > self.launch.timeout && !starts();
            if is_late || waited > Some(WAITING) {
                let output = output(run);
                if is_late || output.reads_stdin || output.has_udp {
                    let ports: Vec<_> = found.iter().map(SocketAddr::port).collect();
                    self.run = None;
                    let waited = since.elapsed();
                    return Err(StartTrouble::silent(waited, wanted, &ports, &output));
                }
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
        self.run.as_ref().map_or(nothing, processes)
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
            Some(run) => run.ended()?,
            None => return Some(Text::new("killed by the judge", "被评测程序结束")),
        };
        Some(super::trouble::in_words(status))
    }

    fn has_failed(&mut self) -> bool {
        let run = self.run.as_mut();
        let status = run.and_then(Kept::ended);
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
        let run = self.run.as_ref();
        run.map(Kept::stderr).unwrap_or_default()
    }

    fn forget_complaints(&self) {
        self.run.as_ref().inspect(|it| it.forget_stderr());
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

fn processes(run: &Kept) -> Processes {
    Processes {
        root: run.root(),
        with_root: false,
    }
}

/// What a program is doing, and what it has written, after a moment in which the pipes are read to their ends.
fn output(run: &Kept) -> Output {
    thread::sleep(READING);
    let processes = processes(run).all();
    Output {
        stdout: run.stdout(),
        stderr: run.stderr(),
        reads_stdin: processes.iter().any(|pid| reads_stdin(*pid)),
        has_udp: have_udp(&processes),
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

/// How long a program that doesn't listen has waited, for input or for datagrams, when it is clear that it never listens.
const WAITING: Duration = Duration::from_secs(1);

/// How often longer than its time a program that is busy may take until it listens.
const LONGER: u32 = 3;

/// How often a start is tried.
const STARTS: usize = 3;
