//! The server under judgement.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{
    listening::has_listener,
    meter,
    process::reads_stdin,
    sockets::{State, sockets_at},
    spawn::{Signal, signal_pid},
};
use portlab_words::{Text, tr};

use super::{
    Evidence, Kind, Outcome, Progress, Received, Speech, Trouble, Visitor, Waits,
    ending::{Ending, KnownEnd, ended},
    errors,
    record::Record,
    talk::has,
    visitor::{Dial, Processes, Wait},
};

/// The program of a server, as far as an experiment may look at it and control it.
pub trait Program {
    /// Its processes.
    fn processes(&self) -> Processes;
    /// Whether one of its processes listens at the server's port.
    fn is_listening(&self) -> bool;
    /// The ports at which it listens beside `port`.
    fn other_ports(&self, port: u16) -> Vec<u16>;
    /// How the program has ended, in a few words; `None` while a process of it is alive.
    fn ended(&mut self) -> Option<Text>;
    /// Whether the program has ended with an exit code that says so, or by a signal.
    fn has_failed(&mut self) -> bool;
    /// Whether [`kill`](Self::kill) and the starts are allowed.
    fn is_controlled(&self) -> bool;
    /// Kills all of its processes, and waits until they have ended.
    fn kill(&mut self);
    /// Starts it once, at a port as it is. Returns where it listens, or what it did instead.
    ///
    /// # Errors
    /// When it doesn't listen in time.
    fn start_once(&mut self) -> Result<SocketAddr, Text>;
    /// Frees its port from sockets in TIME-WAIT, and starts it.
    ///
    /// # Errors
    /// When it doesn't listen in time.
    fn start(&mut self) -> Result<SocketAddr, Text>;
    /// What it has written to stderr since its start or the last [`forget_complaints`](Self::forget_complaints); of much,
    /// the end.
    fn complaints(&self) -> String;
    /// Forgets what it has written to stderr.
    fn forget_complaints(&self);
}

/// A server under judgement, and the record of one experiment.
pub struct Subject<'a> {
    /// Where it listens.
    pub addr: SocketAddr,
    /// How it is asked.
    pub speech: Speech,
    /// Its program, if known.
    pub program: Option<&'a mut dyn Program>,
    /// How long a client waits for a step of the server.
    pub patience: Duration,
    /// How known bugs have ended the program.
    pub known_ends: Vec<KnownEnd>,
    /// The encoding of the text that the server mistook, if it has.
    pub(crate) encoding: Option<&'static str>,
    /// What the program had written to stderr when it was sent a text.
    pub(crate) complaints_before: String,
    /// What has happened so far.
    pub record: Record,
}

/// What a client found who asked the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The right answer came.
    Served,
    /// Another answer came, or a part of the answer.
    Wrong,
    /// Nothing came.
    Deaf,
    /// The program has ended, or doesn't listen any more.
    Down,
}

impl<'a> Subject<'a> {
    /// A server at `addr` that is asked by `speech`. Its record begins now.
    pub fn new(
        addr: SocketAddr,
        speech: Speech,
        program: Option<&'a mut dyn Program>,
        patience: Duration,
    ) -> Self {
        let subject = Self {
            addr,
            speech,
            program,
            patience,
            known_ends: Vec::new(),
            encoding: None,
            complaints_before: String::new(),
            record: Record::new(),
        };
        // What the program writes about the clients of the last experiment doesn't belong to this one.
        subject.waits().settle(SETTLING);
        subject
            .program
            .as_ref()
            .inspect(|it| it.forget_complaints());
        subject
    }

    /// What has been seen so far.
    pub fn evidence(&self) -> Evidence {
        Evidence {
            events: self.record.events(),
            stderr: self.complaints(),
            encoding: self.encoding,
        }
    }

    /// Adds an event to the record.
    pub fn note(&self, what: Text) {
        self.record.add(what);
    }

    /// How long clients of this server wait.
    pub fn waits(&self) -> Waits {
        Waits {
            patience: self.patience,
            processes: self.program.as_ref().map(|it| it.processes()),
            port: self.addr.port(),
        }
    }

    /// Connects a client. `None` if the server can't be reached.
    pub fn connect(&mut self) -> Option<Visitor> {
        self.dial(false)
    }

    /// Connects a client that doesn't wait for a greeting.
    pub(crate) fn connect_quietly(&mut self) -> Option<Visitor> {
        self.visitor(false)
    }

    /// Connects a client whose segments and receive buffer are small.
    pub(crate) fn connect_narrow(&mut self) -> Option<Visitor> {
        self.dial(true)
    }

    fn visitor(&self, is_narrow: bool) -> Option<Visitor> {
        let dial = Dial {
            is_narrow,
            server_closes: self.speech.closes,
            needs_question: !self.speech.question.is_empty(),
        };
        Visitor::connect(self.addr, dial, &self.record, self.waits())
    }

    /// Stops the server's processes until the answer is dropped, if that is allowed: what clients do meanwhile arrives
    /// before the server does anything.
    pub(crate) fn pause(&self) -> Option<Paused> {
        let program = self.program.as_ref().filter(|it| it.is_controlled())?;
        let processes = program.processes().all();
        for pid in &processes {
            // Fails only if the process has ended.
            let _ = signal_pid(*pid, Signal::STOP);
        }
        self.until(|| !meter::is_runnable(&processes));
        Some(Paused(processes))
    }

    fn dial(&mut self, is_narrow: bool) -> Option<Visitor> {
        let mut visitor = self.visitor(is_narrow)?;
        if self.speech.greets
            && let Received::Bytes(_) = visitor.receive()
        {
            visitor.drain(QUIET);
        }
        Some(visitor)
    }

    /// Connects a client that asks the question and gets the right answer, and stays connected if the server allows it.
    ///
    /// # Errors
    /// What the client found instead.
    pub fn served(&mut self) -> Result<Visitor, Service> {
        if self.speech.kind == Kind::Chat {
            return self.served_in_a_chat();
        }
        let Some(mut visitor) = self.connect() else {
            return Err(self.without_answer(Service::Deaf));
        };
        let (progress, bytes) = visitor.ask(&self.speech.clone());
        // An answer may differ each time, such as one with the time in it. A response of HTTP without a length, whose
        // connection stays open, is the subject of another experiment.
        let is_answer = self.speech.kind != Kind::Echo && !bytes.is_empty();
        match progress == Progress::Right || is_answer {
            true => Ok(visitor),
            false if bytes.is_empty() => Err(self.without_answer(Service::Deaf)),
            false => Err(self.without_answer(Service::Wrong)),
        }
    }

    /// Connects two members of a chat, the first of which receives a line of the second.
    fn served_in_a_chat(&mut self) -> Result<Visitor, Service> {
        let Some([mut listener, mut speaker]) = self.members() else {
            return Err(self.without_answer(Service::Deaf));
        };
        let line = format!("hello-{}", speaker.number());
        speaker.send(format!("{line}\n").as_bytes());
        match listener.collect_until(|bytes| has(bytes, line.as_bytes())) {
            (true, _) => Ok(speaker),
            _ => Err(self.without_answer(Service::Deaf)),
        }
    }

    /// Connects two clients, the first of which is accepted first. `None` if the server can't be reached.
    pub fn pair(&mut self) -> Option<[Visitor; 2]> {
        Some([self.connect()?, self.connect()?])
    }

    /// Connects two members of a chat, each with a name. `None` if the server can't be reached.
    pub fn members(&mut self) -> Option<[Visitor; 2]> {
        let mut members = self.pair()?;
        members.iter_mut().for_each(Visitor::introduce);
        // The first one may be told that the second one has come.
        members[0].drain(QUIET);
        Some(members)
    }

    /// Connects a client, asks, and disconnects it. A client of a chat has a partner.
    pub fn ask(&mut self) -> Service {
        match self.served() {
            Ok(_) => Service::Served,
            Err(service) => service,
        }
    }

    /// Expects that a new client is served: otherwise, the server has the bug `bug`.
    ///
    /// # Errors
    /// If the client isn't served.
    pub fn expect_service(&mut self, bug: &'static str) -> Outcome {
        match self.ask() {
            Service::Served => Ok(()),
            _ => Err(self.named(bug)),
        }
    }

    /// `service`, or [`Service::Down`] if the program has ended or no longer listens, with an event that says so.
    pub fn without_answer(&mut self, service: Service) -> Service {
        // A program that has met an exception needs a moment to end.
        let since = Instant::now();
        while self.is_up() {
            if self.waits().look(since, ENDING) != Wait::GoesOn {
                return service;
            }
            thread::sleep(Duration::from_millis(5));
        }
        Service::Down
    }

    /// Whether the server still listens. If not, an event says so.
    pub fn is_up(&mut self) -> bool {
        let ended = self.program.as_mut().and_then(|it| ended(&mut **it));
        if let Some(Text { en, zh }) = ended {
            self.record
                .add_once(tr!("the program has ended: {en}", "程序结束了：{zh}"));
            return false;
        }
        let addr = self.addr;
        let is_listening = match &self.program {
            Some(program) => program.is_listening(),
            None => has_listener(addr) != Some(false),
        };
        if !is_listening {
            self.record.add_once(tr!(
                "the server no longer listens at {addr}",
                "服务端不再监听 {addr}"
            ));
        }
        is_listening
    }

    /// Whether the program has ended by an error, and not because its work was done.
    pub(crate) fn has_failed(&mut self) -> bool {
        let program = self.program.as_mut();
        program.is_some_and(|it| it.has_failed())
    }

    /// Whether a process of the server waits for a line from its stdin.
    pub(crate) fn reads_stdin(&self) -> bool {
        let processes = self.program.as_ref().map(|it| it.processes().all());
        processes.unwrap_or_default().into_iter().any(reads_stdin)
    }

    /// Whether the program's last error is a slip that no client can cause.
    pub(crate) fn has_slipped(&self) -> bool {
        errors::is_slip(&self.complaints())
    }

    /// What the program has written to stderr since the experiment began; empty if the program isn't known.
    pub(crate) fn complaints(&self) -> String {
        let program = self.program.as_ref();
        program.map(|it| it.complaints()).unwrap_or_default()
    }

    /// Whether a decoder of Python whose name has `codec` has failed at the text that the program was sent.
    pub(crate) fn decoding_has_failed(&self, codec: &str) -> bool {
        let all = self.complaints();
        let new = all.strip_prefix(&*self.complaints_before);
        let mut lines = new.unwrap_or(&all).lines();
        lines.any(|line| line.contains("UnicodeDecodeError") && line.contains(codec))
    }

    /// The trouble with the name `bug`, whose only sign is that no answer came, or not the whole one. The program's
    /// traceback may name another bug. If the program has ended as a known bug ends it, the experiment can't tell.
    pub fn named(&mut self, bug: &'static str) -> Trouble {
        let bug = errors::bug_of(&self.complaints(), bug).unwrap_or(bug);
        match self.known_end(bug) {
            Some(title) => Trouble::because(&title),
            None => Trouble::Bug(bug),
        }
    }

    /// The title of the known bug that has ended the program again. `None` if that bug is `bug` itself.
    fn known_end(&mut self, bug: &str) -> Option<Text> {
        if self.known_ends.is_empty() {
            return None;
        }
        self.without_answer(Service::Deaf);
        let ending = self.ending()?;
        let mut same = self.known_ends.iter().filter(|it| it.ending == ending);
        let is_itself = same.clone().any(|it| it.bug == bug);
        same.next()
            .filter(|_| !is_itself)
            .map(|it| it.title.clone())
    }

    /// How the program has ended, or has stopped to listen. `None` if it serves on.
    pub fn ending(&mut self) -> Option<Ending> {
        Ending::of(&mut **self.program.as_mut()?)
    }

    /// What the server does for a moment in which clients send nothing. `None` if its processes can't be seen.
    pub fn idle(&self) -> Option<Idle> {
        let processes = self.program.as_ref()?.processes();
        let before = processes.usage()?;
        let since = Instant::now();
        let (mut looks, mut ready) = (0, 0);
        while since.elapsed() < IDLE {
            thread::sleep(IDLE / LOOKS);
            looks += 1;
            ready += u32::from(meter::is_runnable(&processes.all()));
        }
        let (now, time) = (processes.usage()?, since.elapsed());
        let cpu = now.cpu.saturating_sub(before.cpu);
        let (ms, of) = (cpu.as_millis(), time.as_millis());
        self.note(tr!(
            "in {of} ms without data, the server uses {ms} ms of CPU time",
            "{of} 毫秒里没有任何数据，服务端用了 {ms} 毫秒 CPU 时间"
        ));
        let wakes = now.context_switches.saturating_sub(before.context_switches);
        Some(Idle {
            is_spinning: cpu > time.mul_f64(COMPUTING)
                || f64::from(ready) > RUNNABLE * f64::from(looks) && cpu > time.mul_f64(LEAST),
            is_polling: wakes >= POLLING,
        })
    }

    /// Whether the server computes although nothing is to be done. Both of two looks must agree. A server that sleeps in
    /// `recv`, `accept` or `epoll` does nearly nothing, and one that loops is always ready to run, on a busy machine too.
    pub fn is_spinning(&self) -> bool {
        let look = || self.idle().is_some_and(|it| it.is_spinning);
        look() && look()
    }

    /// Whether data of a client waits in a socket that the server has accepted, and doesn't read.
    pub(crate) fn leaves_unread(&self) -> bool {
        let at_port = sockets_at(self.addr.port()).unwrap_or_default();
        let mut of_server = at_port
            .iter()
            .filter(|it| it.local.port() == self.addr.port());
        of_server.any(|it| it.state != State::Listen && it.inode != 0 && it.unread > 0)
    }

    /// Starts the server anew, if that is allowed.
    pub fn restart(&mut self) {
        if self.program.as_ref().is_some_and(|it| it.is_controlled()) {
            let _ = self.start();
        }
    }

    /// Starts the server again if it doesn't listen.
    pub fn start_if_down(&mut self) {
        if !self.is_up() {
            let _ = self.start();
        }
    }

    /// Starts the server again if a client has ended it, perhaps just now.
    pub(crate) fn revive(&mut self) {
        if self.without_answer(Service::Deaf) == Service::Down {
            let _ = self.start();
        }
    }

    /// Starts the server, at a port that no connection holds.
    pub(crate) fn start(&mut self) -> Result<(), Text> {
        if let Some(program) = &mut self.program {
            self.addr = program.start()?;
        }
        Ok(())
    }

    /// Waits until `holds` returns true. Returns false if that doesn't happen in time.
    pub fn until(&self, holds: impl FnMut() -> bool) -> bool {
        let held = self.waits().until(holds);
        if held == Err(Wait::IsLate) {
            self.record.waited_in_vain();
        }
        held.is_ok()
    }
}

/// Processes that are stopped until this is dropped.
pub(crate) struct Paused(Vec<i32>);

impl Drop for Paused {
    fn drop(&mut self) {
        for pid in &self.0 {
            let _ = signal_pid(*pid, Signal::CONT);
        }
    }
}

impl Processes {
    /// Those that are alive.
    pub fn all(&self) -> Vec<i32> {
        let mut tree = meter::tree(self.root).unwrap_or_default();
        if !self.with_root {
            tree.retain(|&pid| pid != self.root);
        }
        tree
    }

    /// What they have used so far.
    pub fn usage(&self) -> Option<meter::Usage> {
        match self.with_root {
            true => meter::usage(self.root).ok(),
            false => meter::usage_below(self.root).ok(),
        }
    }
}

/// What a server does while nothing is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idle {
    /// Whether it computes.
    pub is_spinning: bool,
    /// Whether it wakes up again and again.
    pub is_polling: bool,
}

/// How long a server is quiet when its greeting or its answer is taken to be over.
pub(crate) const QUIET: Duration = Duration::from_millis(60);

/// How long a server may take to deal with the clients of the last experiment.
const SETTLING: Duration = Duration::from_millis(200);

/// How long a program that has met an exception may take to end.
const ENDING: Duration = Duration::from_millis(400);

/// For how long a server without work is watched.
const IDLE: Duration = Duration::from_millis(400);

/// The share of a processor above which a server without work computes.
const COMPUTING: f64 = 0.3;

/// How often it is looked whether a server is ready to run.
const LOOKS: u32 = 20;

/// The share of these looks in which a server that loops is ready to run: it gets less of the processor if others run too,
/// but not nothing.
const RUNNABLE: f64 = 0.8;
const LEAST: f64 = 0.02;

/// How often a server wakes up that polls.
const POLLING: u64 = 10;
