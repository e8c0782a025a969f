//! `portlab doctor`: what this machine allows, and why an address can't be reached.

mod checks;
mod finding;
mod json;
mod machine;
mod reach;
mod steps;

use std::{io::Write, time::Duration};

use anyhow::{anyhow, bail};

use crate::{
    Verdict,
    address::{Address, Purpose},
    args::{self, BAD, GOOD},
    output,
};
use finding::{Finding, Grade, worst};
use machine::Facts;
use portlab_words::{Lang, tr, units, wrap::wrap};
use reach::Way;

/// Say what this machine allows, or why an address can't be reached
///
/// Without ADDR: what limits a lesson or a load here, line by line, and how to
/// change it. With ADDR: the way to it step by step: the name, where it is, who
/// listens, whether the program accepts. An address of this machine that a program
/// listens at is not connected to: the system's list of sockets tells, and even an
/// empty connection ends some servers. Any other address is connected to, and so
/// is this one with --connect; no byte is sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab doctor                    what this machine allows
  portlab doctor 127.0.0.1:8080     why I can't connect to it
  portlab doctor 8080               the same, for a port of this machine
  portlab doctor 8080 --connect     connects as well: does it accept, and speak?
  portlab doctor example.org:http --timeout 10s --lang zh

Exit codes: 0 fine (notes are fine too), 1 something that portlab needs doesn't
work, or ADDR can't be reached, or it ended when the connection of --connect was
closed, 2 could not run.")]
pub(crate) struct Args {
    /// The address that is to be reached, HOST:PORT; a port alone is one of this
    /// machine
    #[arg(value_name = "ADDR", allow_negative_numbers = true)]
    addr: Option<String>,

    /// Connect, even where a program of this machine is known to listen
    #[arg(long, requires = "addr")]
    connect: bool,

    /// How long each step may take: looking the name up, connecting, accepting
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = units::duration("0s", "1h"))]
    #[arg(requires = "addr")]
    timeout: Duration,

    /// As JSON, in both languages
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let lang = args::lang();
    match &args.addr {
        None => examine(lang, args.json),
        Some(addr) => {
            if args.timeout.is_zero() {
                bail!(tr!(
                    lang,
                    "--timeout is 0, in which nothing can come; write a longer time, such as 3s",
                    "--timeout 是 0，什么也等不到；请写长一点的时间，比如 3s"
                ));
            }
            let target = Purpose::DOCTOR.read(addr, lang).map_err(|it| anyhow!(it))?;
            let way = Way {
                patience: args.timeout,
                connects: args.connect,
            };
            visit(target, way, lang, args.json)
        }
    }
}

fn examine(lang: Lang, json: bool) -> anyhow::Result<Verdict> {
    let facts = Facts::gather();
    let checks = checks::all(&facts, lang);
    let notes = checks.iter().filter(|it| it.grade == Grade::Note).count();
    let grade = worst(&checks);
    let conclusion = match (grade, notes) {
        (Grade::Problem, _) => tr!(
            lang,
            "This machine lacks something that portlab needs.",
            "这台机器缺少 portlab 必需的条件。"
        ),
        (_, 0) => tr!(lang, "This machine is ready.", "这台机器已经准备好了。"),
        (_, 1) => tr!(
            lang,
            "This machine is ready, with 1 note above.",
            "这台机器可以用，上面有 1 条提示。"
        ),
        _ => tr!(
            lang,
            "This machine is ready, with {notes} notes above.",
            "这台机器可以用，上面有 {notes} 条提示。"
        ),
    };
    let json = json.then(|| json::machine(&facts));
    let well = grade != Grade::Problem;
    print(&checks, json, &conclusion, well, lang)
}

fn visit(target: Address, way: Way, lang: Lang, json: bool) -> anyhow::Result<Verdict> {
    let literal = target.literal(lang).map_err(|it| anyhow!(it))?;
    let reach = reach::reach(target, literal, way);
    let json = json.then(|| json::reach(&reach));
    let conclusion = steps::conclusion(&reach, lang);
    print(
        &steps::all(&reach, lang),
        json,
        &conclusion,
        reach.is_well(),
        lang,
    )
}

fn print(
    findings: &[Finding],
    json: Option<serde_json::Value>,
    conclusion: &str,
    well: bool,
    lang: Lang,
) -> anyhow::Result<Verdict> {
    let mut out = output::stdout();
    let width = args::prose_width();
    match json {
        Some(json) => output::print_json(&json)?,
        None => {
            write!(out, "{}", finding::text(findings, lang, width))?;
            let style = if well { GOOD } else { BAD };
            writeln!(out)?;
            for line in wrap(conclusion, width) {
                writeln!(out, "{style}{line}{style:#}")?;
            }
        }
    }
    Ok(if well { Verdict::Fine } else { Verdict::Failed })
}
