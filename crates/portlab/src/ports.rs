//! `portlab ports`: what a port number means, and which programs listen on this machine.

use std::io::Write;

use anyhow::Context;
use portlab_ports::{Machine, Meaning, asked, json, listing};
use portlab_words::tr;

use crate::{Verdict, args, output};

/// Say what port numbers mean, or list the programs that listen on this machine
///
/// With numbers or names, it prints what each port is for, its class in the course
/// and at IANA, whether this system hands it out by itself, which users may listen
/// on it, and which programs listen on it now.
///
/// Without them, it prints tables of the TCP ports that programs of this machine
/// listen on and of the UDP ports that they receive at, and how many of the ports
/// that the system hands out are in use.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab ports                     the programs that listen here
  portlab ports 21 8080 50000       what the numbers mean
  portlab ports http mysql          the numbers of services
  sudo portlab ports                also the programs of other users
  portlab ports 8080 --lang zh")]
pub(crate) struct Args {
    /// Port numbers from 0 to 65535, or names of services such as http
    #[arg(value_name = "NUMBER", allow_negative_numbers = true)]
    ports: Vec<String>,

    /// Print JSON, in both languages
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let lang = args::lang();
    let ports = args.ports.iter().map(|text| asked(text));
    let ports: Vec<u16> = ports.collect::<Result<_, _>>()?;
    let machine = Machine::look().context(tr!(
        "can't list the sockets of this machine",
        "无法列出这台机器的套接字",
    ))?;
    let meanings = ports.iter().map(|&port| Meaning::of(port, &machine));
    let meanings: Vec<_> = meanings.collect();
    let width = args::prose_width();
    let mut out = output::stdout();
    match (args.json, meanings.is_empty()) {
        (true, true) => output::print_json(&json::listing(&machine))?,
        (true, false) => output::print_json(&json::meanings(&meanings))?,
        (false, true) => write!(out, "{}", listing(&machine, lang, width))?,
        (false, false) => {
            let all: Vec<_> = meanings.iter().map(|it| it.text(lang, width)).collect();
            write!(out, "{}", all.join("\n"))?;
        }
    }
    Ok(Verdict::Fine)
}
