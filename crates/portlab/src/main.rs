//! portlab: a laboratory for ports. One file per subcommand.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};
use portlab_service::inert;
use portlab_words::Lang;

/// Writes lines to stderr, broken to fit into a terminal. If stderr is closed, it does nothing, where the macro of the
/// standard library would panic.
macro_rules! tell {
    ($($text:tt)+) => {{
        use std::io::Write as _;
        let text = $crate::output::fitted(&format!($($text)+));
        let _ = writeln!($crate::output::stderr(), "{text}");
    }};
}
use tell;

/// Writes a message to stderr, in the language of this run.
macro_rules! say {
    ($en:literal, $zh:literal $(,)?) => {
        $crate::tell!("{}", portlab_words::tr!($crate::args::lang(), $en, $zh))
    };
}
use say;

mod address;
mod advise;
mod args;
mod assist;
mod choice;
#[cfg_attr(not(feature = "class"), path = "class_absent.rs")]
mod class;
mod compare;
mod completions;
mod connect;
mod doctor;
mod error_text;
mod gate;
mod help;
mod judge;
mod lesson;
mod load;
mod man;
mod models;
mod output;
mod ports;
mod progress;
mod proxy;
mod report;
mod serve;
#[cfg(feature = "tui")]
mod terminal;
mod usage_error;

/// A laboratory for ports: serves one protocol through every classic concurrency model, loads any
/// TCP port, and compares the models side by side.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 80,
    propagate_version = true,
    disable_help_subcommand = true
)]
#[command(after_help = "Begin with:  portlab compare --quick, or in class:  portlab lesson")]
struct Cli {
    /// The language of messages and reports: en or zh [default: that of PORTLAB_LANG,
    /// or of the locale]
    #[arg(long, value_name = "LANG", global = true, display_order = 900)]
    lang: Option<Lang>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Compare(Box<compare::Args>),
    Advise(Box<advise::Args>),
    Report(report::Args),
    Load(Box<load::Args>),
    Serve(Box<serve::Args>),
    Proxy(proxy::Args),
    Connect(connect::Args),
    Assist(Box<assist::Args>),
    Models(models::Args),
    Judge(Box<judge::Args>),
    Lesson(lesson::Args),
    Class(class::Args),
    Ports(ports::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    Man(man::Args),
    /// A server whose behaviour is known, for `load --self-test`
    #[command(hide = true)]
    KnownServer(load::KnownArgs),
}

/// How a command that ran has ended. A command that could not run returns an error instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Everything was as it should be.
    Fine,
    /// The run found a failure: wrong bytes, a failed check.
    Failed,
    /// A signal ended the run before it had a result.
    Interrupted,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return print_usage(error),
    };
    let result = args::choose_lang(cli.lang).and_then(|()| run(cli));
    match result {
        Ok(Verdict::Fine) => ExitCode::SUCCESS,
        Ok(Verdict::Failed) => ExitCode::from(1),
        // As if by SIGINT: see `signal(7)`.
        Ok(Verdict::Interrupted) => ExitCode::from(130),
        Err(error) => {
            crate::tell!("{}", error_text::of(&error));
            ExitCode::from(2)
        }
    }
}

/// Runs a command, and writes the rest of its output.
fn run(cli: Cli) -> anyhow::Result<Verdict> {
    let verdict = match cli.command {
        Command::Compare(args) => compare::run(&args),
        Command::Advise(args) => advise::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Load(args) => load::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Proxy(args) => proxy::run(&args),
        Command::Connect(args) => connect::run(&args),
        Command::Assist(args) => assist::run(&args),
        Command::Models(args) => models::run(&args),
        Command::Judge(args) => judge::run(&args),
        Command::Lesson(args) => lesson::run(&args, cli.lang),
        Command::Class(args) => class::run(&args),
        Command::Ports(args) => ports::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
        Command::KnownServer(args) => load::serve_known(&args),
    }?;
    // The rest of the output may not fit on the disk.
    output::finish().with_context(output::unwritten)?;
    Ok(verdict)
}

/// Prints clap's help, or its error about an option, which quotes the option.
fn print_usage(error: clap::Error) -> ExitCode {
    use std::io::Write as _;
    // The options are made inert and parsed again, so that no control character in the error comes from an option.
    let options = std::env::args_os().map(|it| inert(&it.to_string_lossy()));
    let options: Vec<_> = options.collect();
    // Of an unknown language in PORTLAB_LANG, only a command speaks.
    let _ = args::choose_lang(lang_in(&options));
    let command = args::lang().pick(|it| it, help::in_chinese as fn(_) -> _)(Cli::command());
    let error = command.try_get_matches_from(options).err().unwrap_or(error);
    let chinese = args::lang().pick(None, usage_error::in_chinese(&error));
    let text = chinese.unwrap_or_else(|| error.render().ansi().to_string());
    let _ = match error.use_stderr() {
        true => write!(output::stderr(), "{text}"),
        false => write!(output::stdout(), "{text}"),
    };
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// The language that `options` ask for, which can't be parsed as a whole.
fn lang_in(options: &[String]) -> Option<Lang> {
    let mut options = options.iter().take_while(|it| *it != "--");
    let value = options.find_map(|it| match it.strip_prefix("--lang")? {
        "" => Some(None),
        rest => rest.strip_prefix('=').map(Some),
    })?;
    value
        .or_else(|| options.next().map(String::as_str))?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests;
