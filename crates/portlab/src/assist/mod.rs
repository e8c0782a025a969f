//! `portlab assist`: a network debugging assistant.

mod open;
mod plain;
mod save;
#[cfg(feature = "tui")]
mod screen;

use std::{path::PathBuf, time::Duration};

use portlab_assist::{Desk, Eol, Open, Plan, Recipient, Record, Replay, Rules, Speech};
use portlab_service::TextEncoding;
use portlab_words::{Text, tr, units};

use crate::{Verdict, output};
use save::Save;

/// A network debugging assistant: a server or a client that you play by hand
///
/// It waits for clients (or connects to a server with --to) and shows every read as a
/// row: time in seconds, client, direction, number of bytes, text and hex. What you
/// type is sent to all clients; /to 2 chooses one. A line that begins with / is a
/// command: /help lists them. On a terminal it is a screen, and F1 shows its keys. In
/// a pipe, lines are read from stdin and rows are written to stdout; the first text, and
/// all lines after it, wait for the first client. The end of stdin changes nothing.
///
/// A character that a read has cut is shown as ▯, at the end of one row and before
/// the character in the next.
///
/// A rule is 'CONDITION => ANSWER', and the first that fits answers. Conditions: any,
/// equals:TEXT, starts:TEXT, contains:TEXT, not:TEXT, match:REGEX; several are joined by
/// &. Answers may have {text} and {echo} (what came), {length}, {time}, {seq}, {peer},
/// and \n, \r, \x41.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab assist                            wait for clients at 127.0.0.1:8080
  portlab assist 8080 --encoding gbk        for clients that send GBK
  portlab assist 8080 --bind 0.0.0.0        clients of other machines, too
  portlab assist 8080 --rule 'contains:hello => hello, client' --auto-echo
  portlab assist --to 127.0.0.1:8080        be the client
  portlab assist udp://127.0.0.1:9000       datagrams
  portlab assist 8080 --save lesson.jsonl   keep a log, and answer as it did:
  portlab assist 8080 --replay lesson.jsonl

Ctrl-C or /quit ends it. Exit codes: 0 fine, 2 could not run.")]
pub(crate) struct Args {
    /// Where to listen: PORT, HOST:PORT or udp://HOST:PORT; a port alone is loopback's,
    /// and 0 lets the system choose one [default: 127.0.0.1:8080]
    #[arg(value_name = "ADDR", conflicts_with = "to")]
    addr: Option<String>,

    /// The own address to listen at, such as 0.0.0.0 for clients of other machines
    #[arg(long, value_name = "ADDR", conflicts_with = "to")]
    bind: Option<String>,

    /// Connect to a server instead: HOST:PORT or udp://HOST:PORT
    #[arg(long, value_name = "ADDR")]
    to: Option<String>,

    /// How long connecting may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = units::duration("1ms", "1h"))]
    connect_timeout: Duration,

    /// The encoding of texts, such as gbk; /encoding changes it
    #[arg(long, value_name = "LABEL", default_value = "utf-8")]
    encoding: TextEncoding,

    /// Show every text in GBK and in UTF-8
    #[arg(long)]
    both: bool,

    /// What follows a text that is sent: none, lf (\n) or crlf (\r\n)
    #[arg(long, value_name = "END", default_value = "none", value_parser = eol)]
    eol: Eol,

    /// Answer by this rule, as in 'contains:hello => hello, client'
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,

    /// Send everything back that no rule answers
    #[arg(long)]
    auto_echo: bool,

    /// Answer as in this log, a .jsonl file of --save: the first client gets what its
    /// first client was sent, and so on
    #[arg(long, value_name = "LOG")]
    replay: Option<PathBuf>,

    /// After the peer's FIN keep the own end open, in CLOSE-WAIT, until /close
    #[arg(long)]
    hold: bool,

    /// Append every row to this file; JSON if it is called .json or .jsonl
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    /// Print each event on stdout as a line of JSON (docs/assist.schema.json)
    #[arg(long)]
    json: bool,

    /// Print the schema of --json (docs/assist.schema.json)
    #[arg(long, exclusive = true)]
    json_schema: bool,
}

/// What both fronts, the screen and the plain one, need.
pub(crate) struct Session {
    /// Where connections come from.
    pub(crate) open: Open,
    /// What the engine is to do.
    pub(crate) plan: Plan,
    /// What typed lines begin with.
    pub(crate) desk: Desk,
    /// The log that every row is appended to.
    pub(crate) save: Save,
    /// Whether it waits for clients; otherwise it has connected to a server.
    pub(crate) is_server: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    if args.json_schema {
        output::print_json(&schemars::schema_for!(Record))?;
        return Ok(Verdict::Fine);
    }
    let speech = Speech {
        encoding: args.encoding,
        eol: args.eol,
    };
    let rules = Rules::parse(&args.rule)?;
    rules.check(speech)?;
    let replay = args.replay.as_deref().map(Replay::open).transpose()?;
    let save = Save::open(args.save.as_deref())?;
    let session = Session {
        open: open::open(args)?,
        plan: Plan {
            speech,
            rules,
            echo: args.auto_echo,
            replay: replay.unwrap_or_default(),
            hold: args.hold,
        },
        desk: Desk {
            speech,
            to: Recipient::All,
            both: args.both,
        },
        save,
        is_server: args.to.is_none(),
    };
    #[cfg(feature = "tui")]
    if !args.json && screen::is_possible() {
        return screen::run(session);
    }
    plain::run(session, args.json)
}

fn eol(name: &str) -> Result<Eol, Text> {
    Eol::named(name).ok_or_else(|| {
        tr!(
            "unknown line end {name:?}: expected none, lf or crlf",
            "没有 {name:?} 这种换行：请写 none、lf 或 crlf"
        )
    })
}
