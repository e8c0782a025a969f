//! The judge: recognises the server, runs the experiments that fit, and collects the verdict.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use portlab_conformance::experiments::{
    EXPERIMENTS, Event, Evidence, Experiment, Kind, KnownEnd, Needs, Outcome, Program, Speech,
    Subject, Trouble, Weight,
};
use portlab_service::inert;
use portlab_words::{Text, tr};

use crate::{
    Finding, Mark, Result, Row, Seen, Side, Traceback, Verdict,
    bugs::{Bug, bug_of, find},
    program::StartTrouble,
    recognise::{asked, recognise, told},
    source::Source,
};

/// What to judge.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whose program it is.
    pub name: Option<String>,
    /// The command that was started; empty for a server that ran already.
    pub command: Vec<String>,
    /// The student's program, if the command names a Python file.
    pub source: Option<Source>,
    /// The kind of the server, if the user says it.
    pub kind: Option<Kind>,
    /// What clients ask, if the user says it.
    pub question: Option<Vec<u8>>,
    /// How long a client waits for a step of the server.
    pub patience: Duration,
}

/// A judgement that runs.
struct Judging<'a, 'p> {
    plan: &'a Plan,
    addr: SocketAddr,
    speech: Speech,
    program: Option<&'p mut dyn Program>,
    verdict: Verdict,
    /// How named bugs have ended the program.
    known_ends: Vec<KnownEnd>,
    /// Whether the next experiment needs a server that was started anew.
    is_stale: bool,
    /// Why no more experiments run: the server can't be started again.
    stopped: Option<Text>,
}

/// Judges the server at `addr`. `show` is called after each experiment.
///
/// `start` is the server's address and its program if known; or why it couldn't be started.
///
/// # Errors
/// If no client can connect to a server whose program isn't known.
pub fn judge(
    plan: &Plan,
    start: std::result::Result<(SocketAddr, Option<&mut dyn Program>), StartTrouble>,
    show: &mut dyn FnMut(&Row),
) -> std::result::Result<Verdict, Text> {
    let began = Instant::now();
    let mut verdict = Verdict::begin(plan, Side::Server);
    match start {
        Err(trouble) => {
            let (row, finding) = plan.not_started(trouble);
            show(&row);
            verdict.experiments.push(row);
            verdict.bugs.extend(finding);
        }
        Ok((addr, program)) => {
            let others = program.as_ref().map(|it| it.other_ports(addr.port()));
            let started = Row {
                why: others.and_then(|it| others_in_words(&it)),
                ..Row::new(&STARTS, Result::Pass)
            };
            verdict.experiments.push(started.clone());
            // A server that isn't seen is known to listen when a client has connected.
            let is_known = program.is_some();
            if is_known {
                show(&started);
            }
            let mut judging = Judging {
                plan,
                addr,
                speech: Speech::echo(b""),
                program,
                verdict,
                known_ends: Vec::new(),
                is_stale: false,
                stopped: None,
            };
            judging.recognise()?;
            if !is_known {
                show(&started);
            }
            for experiment in EXPERIMENTS {
                if !(experiment.fits)(&judging.speech) {
                    continue;
                }
                let ended = judging.run(experiment, began);
                show(&ended);
                judging.verdict.experiments.push(ended);
            }
            verdict = judging.verdict;
        }
    }
    verdict.end(began);
    Ok(verdict)
}

impl Judging<'_, '_> {
    fn recognise(&mut self) -> std::result::Result<(), Text> {
        let nothing = Speech::echo(b"");
        let plan = self.plan;
        let is_alone = self.program.is_none();
        let mut subject = self.subject(nothing, plan.patience);
        let speech = match (&plan.question, plan.kind) {
            (Some(question), kind) => asked(&mut subject, question, kind),
            (None, Some(kind)) => told(&mut subject, kind),
            (None, None) => recognise(&mut subject),
        };
        let addr = subject.addr;
        if is_alone && subject.record.is_unreached() {
            return Err(tr!(
                "can't connect to {addr}; is the server running, and is the address right?",
                "连不上 {addr}；服务端启动了吗？地址写对了吗？"
            ));
        }
        self.addr = addr;
        // The last client may end the server a moment later.
        self.is_stale = true;
        self.verdict.addr = Some(self.addr.to_string());
        self.verdict.speech = Some(speech.kind.name().to_owned());
        self.speech = speech;
        if self.plan.name.is_none() {
            self.verdict.name = self.addr.to_string();
        }
        Ok(())
    }

    fn subject(&mut self, speech: Speech, patience: Duration) -> Subject<'_> {
        let program = self
            .program
            .as_mut()
            .map(|it| &mut **it as &mut dyn Program);
        Subject::new(self.addr, speech, program, patience)
    }

    /// Makes sure that an experiment can run.
    ///
    /// # Errors
    /// Why it can't.
    fn prepare(&mut self, experiment: &Experiment, began: Instant) -> Outcome {
        self.verdict.allows(experiment, began)?;
        if let Some(why) = &self.stopped {
            return Err(Trouble::Blocked(why.clone()));
        }
        let program = self.program.as_ref();
        let is_controlled = program.is_some_and(|it| it.is_controlled());
        let cannot = match experiment.needs {
            Needs::Process if program.is_none() => {
                Text::new("the server's process can't be seen", "看不到服务端的进程")
            }
            Needs::Control if !is_controlled => Text::new(
                "portlab doesn't pause or end a program that it hasn't started",
                "portlab 不会暂停或结束不是它启动的程序",
            ),
            _ => {
                return self.refresh().map_err(|why| {
                    self.stopped = Some(why.clone());
                    Trouble::Blocked(why)
                });
            }
        };
        Err(Trouble::Skipped(cannot))
    }

    /// Runs an experiment. If something came too late, the experiment runs again with more patience: a busy machine
    /// must not look like a bug.
    fn run(&mut self, experiment: &Experiment, began: Instant) -> Row {
        for patience in [self.plan.patience, 2 * self.plan.patience] {
            if let Err(trouble) = self.prepare(experiment, began) {
                let evidence = Evidence::default();
                return self
                    .verdict
                    .row(self.plan, experiment, Err(trouble), evidence);
            }
            let known_ends = self.known_ends.clone();
            let mut subject = self.subject(self.speech.clone(), patience);
            subject.known_ends = known_ends;
            let mut outcome = (experiment.run)(&mut subject);
            if let (Err(Trouble::Bug(_)), Some(why)) = (&outcome, subject.record.is_slow()) {
                outcome = Err(Trouble::Skipped(why));
            }
            let ending = subject.ending();
            let (addr, is_up) = (subject.addr, subject.is_up());
            let (evidence, has_waited) = (subject.evidence(), subject.record.has_waited());
            self.addr = addr;
            self.is_stale = outcome.is_err() || !is_up;
            let is_decided = matches!(outcome, Ok(()) | Err(Trouble::Skipped(_)));
            if has_waited && !is_decided && patience == self.plan.patience {
                continue;
            }
            if let Err(Trouble::Bug(bug)) = outcome
                && let Some((bug, ending)) = find(bug).zip(ending)
                && ENDING.contains(&bug.name)
            {
                let [en, zh] = bug.title;
                self.known_ends.push(KnownEnd {
                    bug: bug.name,
                    title: Text::new(en, zh),
                    ending,
                });
            }
            return self.verdict.row(self.plan, experiment, outcome, evidence);
        }
        unreachable!("the second turn returns")
    }

    /// Makes sure that the server runs, and that the last experiment has left nothing behind.
    fn refresh(&mut self) -> std::result::Result<(), Text> {
        // A server that its clients end may do so a moment after an experiment.
        let bugs = &self.verdict.bugs;
        let is_stale = self.is_stale || bugs.iter().any(|it| ENDING.contains(&it.bug.as_str()));
        let Some(program) = &mut self.program else {
            return Ok(());
        };
        if is_stale && !program.is_controlled() {
            thread::sleep(ENDING_SOON);
        }
        let is_up = program.ended().is_none() && program.is_listening();
        if is_up && (!is_stale || !program.is_controlled()) {
            return Ok(());
        }
        self.addr = program.start()?;
        self.is_stale = false;
        Ok(())
    }
}

impl Plan {
    /// The finding of `bug`. The line is that of the traceback in stderr, or one that the bug's patterns find. The code has
    /// the encoding that the traceback names, or else that of the experiment.
    fn finding<Fits, Run>(
        &self,
        bug: &Bug,
        experiment: &Experiment<Fits, Run>,
        evidence: Evidence,
    ) -> Finding {
        let source = self.source.as_ref();
        let traceback = Traceback::of(&evidence.stderr, source.map(Source::path));
        let codec = traceback.as_ref().and_then(Traceback::codec);
        let encoding = codec.or(evidence.encoding).unwrap_or("utf-8");
        let place = source.and_then(|source| {
            let of_traceback = traceback.as_ref().and_then(|it| it.place.as_ref());
            let line = of_traceback.and_then(|(_, line)| source.line(*line));
            line.or_else(|| source.find(bug))
        });
        let text = |[en, zh]: [&'static str; 2]| Text::new(en, zh);
        let seen = |Event { at, what }| Seen {
            at_ms: ms(at),
            what,
        };
        let lines: Vec<_> = evidence.stderr.lines().map(inert).collect();
        let last = lines.len().saturating_sub(STDERR);
        Finding {
            bug: bug.name.to_owned(),
            experiment: experiment.name.to_owned(),
            weight: experiment.weight.name().to_owned(),
            title: text(bug.title),
            evidence: evidence.events.into_iter().map(seen).collect(),
            stderr: lines[last..].to_vec(),
            cause: text(bug.cause),
            source: place,
            remedy: text(bug.remedy),
            code: bug.code.replace("{encoding}", &encoding.to_lowercase()),
            lesson: bug.lesson.to_owned(),
        }
    }

    fn not_started(&self, trouble: StartTrouble) -> (Row, Option<Finding>) {
        let bug = trouble.bug.and_then(find);
        let row = Row {
            bug: bug.map(|it| it.name.to_owned()),
            why: bug.is_none().then(|| trouble.what.clone()),
            ..Row::new(&STARTS, Result::Fail)
        };
        let evidence = Evidence {
            events: vec![Event {
                at: Duration::ZERO,
                what: trouble.what,
            }],
            stderr: trouble.stderr,
            encoding: None,
        };
        let mut finding = bug.map(|it| self.finding(it, &STARTS, evidence));
        if let (Some(finding), Some(source)) = (&mut finding, &self.source)
            && !trouble.prompt.is_empty()
        {
            finding.source = source.input_at(&trouble.prompt);
        }
        (row, finding)
    }
}

impl Verdict {
    /// A verdict without experiments.
    pub(crate) fn begin(plan: &Plan, side: Side) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            format: Self::FORMAT,
            portlab_version: env!("CARGO_PKG_VERSION").to_owned(),
            name: plan.name.clone().unwrap_or_default(),
            side,
            command: plan.command.iter().map(|it| inert(it)).collect(),
            addr: None,
            speech: None,
            started_unix_s: now.map_or(0, |it| it.as_secs()),
            took_ms: 0,
            mark: Mark::of(&[]),
            experiments: Vec::new(),
            bugs: Vec::new(),
            rules: Vec::new(),
        }
    }

    /// Whether `experiment` may run.
    ///
    /// # Errors
    /// Why it is left out: one of the bugs of its `unless` was named already, or it is too late. A warning costs the marks
    /// of its own experiment only.
    pub(crate) fn allows<Fits, Run>(
        &self,
        experiment: &Experiment<Fits, Run>,
        began: Instant,
    ) -> Outcome {
        let mut named = self.bugs.iter();
        if let Some(bug) = named.find(|it| experiment.unless.concat().contains(&&*it.bug)) {
            let trouble = Trouble::because(&bug.title);
            return Err(match trouble {
                Trouble::Blocked(why) if bug.weight == Weight::May.name() => Trouble::Skipped(why),
                trouble => trouble,
            });
        }
        let seconds = LONGEST.as_secs();
        match began.elapsed() > LONGEST {
            false => Ok(()),
            true => Err(Trouble::Skipped(tr!(
                "the judge's {seconds} s are over",
                "评测已经用了 {seconds} 秒"
            ))),
        }
    }

    /// The row of `experiment`. A bug that is found for the first time is described in a finding.
    pub(crate) fn row<Fits, Run>(
        &mut self,
        plan: &Plan,
        experiment: &Experiment<Fits, Run>,
        outcome: Outcome,
        evidence: Evidence,
    ) -> Row {
        let (result, bug, why) = match outcome {
            Ok(()) => (Result::Pass, None, None),
            Err(Trouble::Blocked(why)) => (Result::Blocked, None, Some(why)),
            Err(Trouble::Skipped(why)) => (Result::Skipped, None, Some(why)),
            Err(Trouble::Bug(name)) if experiment.weight == Weight::May => {
                (Result::Warn, Some(name), None)
            }
            Err(Trouble::Bug(name)) => (Result::Fail, Some(name), None),
        };
        let is_new = |name: &&str| self.bugs.iter().all(|it| it.bug != *name);
        if let Some(name) = bug.filter(is_new)
            && let Some(bug) = bug_of(self.side, name)
        {
            self.bugs.push(plan.finding(bug, experiment, evidence));
        }
        Row {
            bug: bug.map(str::to_owned),
            why,
            ..Row::new(experiment, result)
        }
    }

    /// All experiments have ended.
    pub(crate) fn end(&mut self, began: Instant) {
        self.mark = Mark::of(&self.experiments);
        self.took_ms = ms(began.elapsed());
    }
}

/// The row of the start, which is outside the table of experiments.
static STARTS: Experiment = Experiment {
    name: "starts_and_listens",
    about: ["starts and listens", "启动并监听端口"],
    names: &["no-listen", "input-before-listen", "crashes-at-start"],
    ..Experiment::any(|_| true, |_| Ok(()))
};

/// The ports of a program that are not judged.
fn others_in_words(ports: &[u16]) -> Option<Text> {
    let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
    let ports = ports.join(", ");
    (!ports.is_empty()).then(|| {
        tr!(
            "it listens at port {ports} too; --port chooses the one to judge",
            "它还监听端口 {ports}；用 --port 选择要评测的端口"
        )
    })
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Bugs by which one client ends the whole server.
const ENDING: &[&str] = &[
    "crashes",
    "ends-after-first-client",
    "ends-at-empty-connection",
    "ends-at-reset",
    "epoll-closed-before-unregistered",
];

/// How long a program may take to end that its clients have ended, and that can't be killed.
const ENDING_SOON: Duration = Duration::from_millis(200);

/// How many lines of stderr a finding has.
const STDERR: usize = 8;

/// When no further experiment begins.
const LONGEST: Duration = Duration::from_secs(120);
