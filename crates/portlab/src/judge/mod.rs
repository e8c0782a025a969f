//! `portlab judge`: judges a student's server or client by experiments, and names the bug in a beginner's words.

mod each;
mod report;
mod rules;
mod screen;

use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::builder::PossibleValuesParser;
use portlab_judge::{
    Kind, Plan, Program, Verdict as Judgement, check_rules, judge, judge_client,
    program::{Attached, Launch, Launched},
    source::Source,
};
use portlab_load::unescape;
use portlab_service::{TextEncoding, inert};
use portlab_sys::{interrupt, listening::has_listener};
use portlab_words::{tr, units};

use crate::{
    Verdict,
    address::Purpose,
    args::{self, lang, whole},
    output,
};
use rules::Root;
use screen::Screen;

/// Judge a student's server or client, and name its bugs
///
/// Starts the program of COMMAND, finds its port, and examines it from outside: each
/// experiment is a client that a server must be able to bear. For each bug that is
/// found it shows what was sent and received, the likely cause, the line of a Python
/// program to look at, the code to write, and the lesson to read. With --client,
/// portlab is the server: the program may dial any address, and is connected to
/// portlab instead. The program, and everything that it started, ends with portlab.
/// The mark is the share of experiments that were passed (must counts 3, should 2, may
/// 1); an experiment that a bug keeps from running counts as not passed. With --as
/// http, the server is held to the rules of the standards as well: that is more than a
/// beginner's server needs, and counts for the exit code, not for the mark.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab judge -- python3 server.py
  portlab judge -- python3 server.py {port}      portlab chooses a free port
  portlab judge --lang zh --as http -- python3 web.py
  portlab judge --as http -- ./server {port} {root}    files for more rules
  portlab judge --client -- python3 client.py
  portlab judge --at 127.0.0.1:8080              a server that runs already
  portlab judge --each 'students/*/server.py' > marks.csv
  portlab judge --report http://192.168.1.5:8000 --name 王 -- python3 server.py
  portlab judge --json -- ./server > verdict.json

Exit codes: 0 fine (warnings are fine too), 1 a bug was found, 2 could not run.")]
pub(crate) struct Args {
    /// The command that starts the program, behind all options; {port} is replaced by
    /// a free port, {root} by a folder with files for the rules of HTTP
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    command: Vec<String>,

    /// Judge a client: portlab is the server
    #[arg(long, conflicts_with = "at")]
    client: bool,

    /// What is typed when the program reads its stdin; \n ends a line [default:
    /// nothing; with --client some texts, then quit, exit, bye and q]
    #[arg(long, value_name = "TEXT", value_parser = unescape, conflicts_with = "at")]
    typed: Option<String>,

    /// What clients ask a server that answers certain texts only; \n ends a line, \x00
    /// is a byte
    #[arg(long, value_name = "TEXT", value_parser = unescape, conflicts_with = "client")]
    ask: Option<String>,

    /// The encoding of --ask, such as gbk
    #[arg(long, value_name = "LABEL", default_value = "utf-8", requires = "ask")]
    encoding: TextEncoding,

    /// With --client: what portlab answers, if the program needs a certain text
    #[arg(long, value_name = "TEXT", value_parser = unescape, requires = "client")]
    answer: Option<String>,

    /// Judge the server that runs at ADDR, HOST:PORT; it isn't paused or ended
    #[arg(long, value_name = "ADDR", conflicts_with = "command")]
    at: Option<String>,

    /// With --at: the command that starts the server again when it has ended
    #[arg(long, value_name = "COMMAND", requires = "at")]
    restart: Option<String>,

    /// Judge each file that matches PATTERN, one after another, and print a line of
    /// CSV for each. Each runs in its own folder: a .py file with python3, another by
    /// itself, or as COMMAND says, in which {file} is the file's name
    #[arg(long, value_name = "PATTERN", conflicts_with_all = ["at", "json"])]
    each: Option<String>,

    /// Send the verdict as JSON to a classroom page at URL, http://HOST:PORT
    #[arg(long, value_name = "URL")]
    report: Option<String>,

    /// Whose program it is, at most 40 characters [default: the server's address; with
    /// --each the file]
    #[arg(long, value_name = "TEXT", conflicts_with = "each")]
    name: Option<String>,

    /// What the program speaks; with http, the rules of RFC 9110 and 9112 are checked
    /// too [default: found out by asking]
    #[arg(long = "as", value_name = "KIND", value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::name)))]
    kind: Option<String>,

    /// The port to judge, if the program listens at several; with --client, the port
    /// that it dials, where the system doesn't show that
    #[arg(long, value_name = "PORT", value_parser = whole(1..=u16::MAX), conflicts_with = "at")]
    port: Option<u16>,

    /// How long the program may take until it listens or connects
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = units::duration("100ms", "10min"))]
    start_timeout: Duration,

    /// Print the verdict as JSON, in both languages (docs/judge.schema.json)
    #[arg(long)]
    json: bool,

    /// Print the JSON schema of --json
    #[arg(long, exclusive = true)]
    json_schema: bool,
}

/// A program to judge.
struct Job {
    /// The command that starts it.
    command: Vec<String>,
    /// The folder in which it runs; that of portlab if none is given.
    folder: Option<PathBuf>,
    /// Whose program it is.
    name: Option<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    if args.json_schema {
        output::print_json(&schemars::schema_for!(Judgement))?;
        return Ok(Verdict::Fine);
    }
    if args.command.is_empty() && args.at.is_none() && args.each.is_none() {
        bail!(tr!(
            lang(),
            "which program? write its command, such as: portlab judge -- python3 server.py",
            "要评测哪个程序？请写上启动它的命令，例如：portlab judge -- python3 server.py"
        ));
    }
    let name = args.name.as_deref().map(name_of).transpose()?;
    let report = args.report.as_deref().map(report::Page::new).transpose()?;
    // The keeper ends the program and everything that it started.
    let line_end = if io::stderr().is_terminal() { "\n" } else { "" };
    interrupt::leave_with(line_end).with_context(args::uncaught)?;
    if let Some(pattern) = &args.each {
        return each::run(args, pattern, report.as_ref());
    }
    let mut screen = Screen::new(args.json);
    let job = Job {
        command: args.command.clone(),
        folder: None,
        name,
    };
    let verdict = args.judge(&job, &mut screen)?;
    match args.json {
        true => output::print_json(&verdict)?,
        false => screen.end(&verdict)?,
    }
    if let Some(page) = &report {
        page.send(&verdict)?;
        if !args.json {
            page.confirm(&verdict);
        }
    }
    Ok(match verdict.is_fine() {
        true => Verdict::Fine,
        false => Verdict::Failed,
    })
}

impl Args {
    fn judge(&self, job: &Job, screen: &mut Screen) -> anyhow::Result<Judgement> {
        let plan = Plan {
            name: job.name.clone(),
            command: job.command.clone(),
            source: Source::of(&job.command, job.folder.as_deref()),
            kind: self.kind.as_ref().and_then(|it| kind(it)),
            question: self.question()?,
            patience: PATIENCE,
        };
        if let Some(at) = &self.at {
            return self.judge_at(&plan, at, screen);
        }
        screen.starts(&job.command);
        let root = Root::of(&job.command)?;
        let path = root
            .as_ref()
            .map(|it| it.path.to_string_lossy())
            .unwrap_or_default();
        let words = job.command.iter().map(|it| it.replace("{root}", &path));
        let launch = Launch {
            words: words.collect(),
            folder: job.folder.clone(),
            port: self.port,
            typed: self.typed.clone(),
            answer: self.answer.clone(),
            timeout: self.start_timeout,
        };
        if self.client {
            return judge_client(&plan, &launch, &mut |row| screen.row(row))
                .map_err(anyhow::Error::new);
        }
        let mut launched = Launched::start(launch);
        let start = match &mut launched {
            Ok(program) => Ok((program.addr(), Some(program as &mut dyn Program))),
            Err(trouble) if trouble.bug.is_none() => bail!(trouble.what.clone()),
            Err(trouble) => Err(trouble.clone()),
        };
        let mut verdict = judge(&plan, start, &mut |row| screen.row(row))?;
        let program = launched.as_mut().ok().map(|it| it as &mut dyn Program);
        self.rules(&mut verdict, program, root.is_some(), screen);
        Ok(verdict)
    }

    /// Checks the rules of HTTP, if the user says that the server speaks it.
    fn rules(
        &self,
        verdict: &mut Judgement,
        program: Option<&mut dyn Program>,
        has_fixture: bool,
        screen: &mut Screen,
    ) {
        if self.kind.as_deref() == Some(Kind::Http.name()) {
            check_rules(verdict, program, has_fixture, &mut |share| {
                screen.rule(share);
            });
        }
    }

    /// The bytes of --ask.
    fn question(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let encoded = self.ask.as_ref().map(|it| self.encoding.encode(it));
        let encoding = self.encoding.name();
        encoded.transpose().with_context(|| {
            tr!(
                "--ask can't be encoded in {encoding}; choose another --encoding",
                "--ask 的内容不能用 {encoding} 编码；请换一个 --encoding"
            )
        })
    }

    fn judge_at(&self, plan: &Plan, at: &str, screen: &mut Screen) -> anyhow::Result<Judgement> {
        let addr = first_address(at)?;
        let (restart, timeout) = (self.restart.clone(), self.start_timeout);
        let mut program = match (has_listener(addr), restart) {
            (Some(false), Some(restart)) => Some(Attached::start(addr, restart, timeout)?),
            (Some(false), None) => bail!(tr!(
                lang(),
                "nothing listens at {addr}; is the server running, and is the port right? `portlab ports` lists the \
                 ports that are in use",
                "{addr} 处没有程序监听；服务端启动了吗？端口号写对了吗？`portlab ports` 会列出正在使用的端口"
            )),
            (_, restart) => Attached::find(addr, restart, timeout),
        };
        let start = Ok((addr, program.as_mut().map(|it| it as &mut dyn Program)));
        let mut verdict = judge(plan, start, &mut |row| screen.row(row))?;
        let program = program.as_mut().map(|it| it as &mut dyn Program);
        self.rules(&mut verdict, program, false, screen);
        Ok(verdict)
    }
}

/// The first address that `text` means at which something may listen: localhost has two.
fn first_address(text: &str) -> anyhow::Result<SocketAddr> {
    let all = Purpose::JUDGE.resolve(text)?;
    let mut all = all.iter().copied();
    let first = all.clone().next();
    all.find(|it| has_listener(*it) != Some(false))
        .or(first)
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        .with_context(|| tr!(lang(), "{text} has no address", "{text} 没有地址"))
}

/// Whose program it is, as `text` says it: a page shows it to a class.
fn name_of(text: &str) -> anyhow::Result<String> {
    let name = inert(text.trim());
    let length = name.chars().count();
    match length {
        1..=LONGEST_NAME => Ok(name),
        _ => bail!(tr!(
            lang(),
            "--name has {length} characters: write 1 to {LONGEST_NAME}",
            "--name 有 {length} 个字符：请写 1 到 {LONGEST_NAME} 个"
        )),
    }
}

fn kind(name: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|it| it.name() == name)
}

const LONGEST_NAME: usize = 40;

/// How long a client waits for a step of a server that sleeps.
const PATIENCE: Duration = Duration::from_secs(1);
