//! `portlab doctor`: what this machine allows, and why an address can't be reached.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use anyhow::bail;
use portlab_ports::{
    address::Purpose,
    doctor::{Facts, Reach, Way},
};
use portlab_words::{tr, units};

use crate::{Verdict, args, output};

/// Say what this machine allows, or why an address can't be reached
///
/// Without ADDR, it prints line by line what limits a lesson or a load on this
/// machine, and how to change it. With ADDR, it checks the way to that address step
/// by step: the name, the place, the listener, and whether the program accepts. If
/// a program of this machine listens at ADDR, it doesn't connect: the system's list
/// of sockets is enough, and even an empty connection ends some servers. It connects
/// to any other address, and with --connect to this one too, and sends no byte.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab doctor                    what this machine allows
  portlab doctor 127.0.0.1:8080     why I can't connect to it
  portlab doctor 8080               the same, for a port of this machine
  portlab doctor 8080 --connect     connects too: does the server accept?
  portlab doctor example.org:http --timeout 10s --lang zh

Exit codes: 0 fine (notes are fine too), 1 something that portlab needs doesn't
work, or ADDR can't be reached, or the server ended when --connect closed its
connection, 2 could not run.")]
pub(crate) struct Args {
    /// The address to reach, HOST:PORT; a port alone is one of this machine
    #[arg(value_name = "ADDR", allow_negative_numbers = true)]
    addr: Option<String>,

    /// Connect, even if a program of this machine listens at ADDR
    #[arg(long, requires = "addr")]
    connect: bool,

    /// How long each step may take: looking the name up, connecting, accepting
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = units::duration("0s", "1h"))]
    #[arg(requires = "addr")]
    timeout: Duration,

    /// Print JSON, in both languages
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let lang = args::lang();
    let (diagnosis, json) = match &args.addr {
        None => {
            let columns = io::stdout().is_terminal().then(args::terminal_width);
            let facts = Facts::gather(columns);
            (facts.diagnosis(), args.json.then(|| facts.json()))
        }
        Some(addr) => {
            if args.timeout.is_zero() {
                bail!(tr!(
                    lang,
                    "--timeout is 0, and no step can end in that time; write a longer time, such as 3s",
                    "--timeout 是 0，什么也来不及做；请写长一点的时间，比如 3s"
                ));
            }
            let way = Way {
                timeout: args.timeout,
                connects: args.connect,
            };
            let reach = Reach::go(Purpose::DOCTOR.read(addr)?, way)?;
            (reach.diagnosis(), args.json.then(|| reach.json()))
        }
    };
    match json {
        Some(json) => output::print_json(&json)?,
        None => write!(
            output::stdout(),
            "{}",
            diagnosis.text(lang, args::prose_width())
        )?,
    }
    Ok(match diagnosis.is_well {
        true => Verdict::Fine,
        false => Verdict::Failed,
    })
}
