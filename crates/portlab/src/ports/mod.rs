//! `portlab ports`: what a port number means, and who listens on this machine.

mod asked;
pub(crate) mod json;
pub(crate) mod leftovers;
pub(crate) mod listeners;
mod listing;
pub(crate) mod meaning;
pub(crate) mod range;
pub(crate) mod receivers;
pub(crate) mod services;

use std::io::Write;

use anyhow::{Context, anyhow};
use portlab_sys::ports::unprivileged_from;
use unicode_width::UnicodeWidthStr;

use crate::{
    Verdict,
    args::{self, DIM, HEAD},
    output,
};
use listeners::Snapshot;
use meaning::{Machine, Meaning};
use portlab_words::{
    Lang,
    wrap::{Lead, hang},
};
use range::Range;

/// Say what port numbers mean, or list who listens on this machine
///
/// With numbers or names: what each is for, its class as the course and as IANA
/// have it, whether this system hands it out by itself, who may listen on it, and
/// who does now.
///
/// Without: tables of the TCP ports that programs of this machine listen on and of
/// the UDP ports that they receive at, and how many of the ports that the system
/// hands out are in use.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab ports                     who listens here
  portlab ports 21 8080 50000       what the numbers mean
  portlab ports http mysql          the numbers of services
  sudo portlab ports                also the programs of other users
  portlab ports 8080 --lang zh")]
pub(crate) struct Args {
    /// Port numbers from 0 to 65535, or names of services such as http
    #[arg(value_name = "NUMBER", allow_negative_numbers = true)]
    ports: Vec<String>,

    /// As JSON, in both languages
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let lang = args::lang();
    let ports = args.ports.iter().map(|text| asked::asked(text, lang));
    let ports: Vec<u16> = ports.collect::<Result<_, _>>().map_err(|it| anyhow!(it))?;
    let machine = Machine {
        range: Range::of_this_machine(),
        unprivileged_from: unprivileged_from(),
        snapshot: Snapshot::take().context("can't list the sockets of this machine")?,
    };
    let meanings = ports.iter().map(|&port| Meaning::of(port, &machine));
    let meanings: Vec<_> = meanings.collect();
    let width = args::prose_width();
    let mut out = output::stdout();
    match (args.json, meanings.is_empty()) {
        (true, true) => output::print_json(&json::listing(&machine))?,
        (true, false) => output::print_json(&json::meanings(&meanings))?,
        (false, true) => write!(out, "{}", listing::listing(&machine, lang, width))?,
        (false, false) => {
            let all: Vec<_> = meanings.iter().map(|it| text(it, lang, width)).collect();
            write!(out, "{}", all.join("\n"))?;
        }
    }
    Ok(Verdict::Fine)
}

/// What a number means, as a heading and facts.
fn text(meaning: &Meaning, lang: Lang, width: usize) -> String {
    let port = meaning.port.to_string();
    let (name, purpose) = meaning.title(lang);
    let mut heading = vec![Lead::new(&port, HEAD, port.len())];
    if !name.is_empty() {
        heading.push(Lead::new(name, HEAD, name.len()));
    }
    let mut text = hang(&heading, purpose, width);
    let facts = meaning.facts(lang);
    let columns = facts.iter().map(|(about, _)| about.width()).max();
    for (about, fact) in &facts {
        let leads = [
            Lead::new("", HEAD, 0),
            Lead::new(about, DIM, columns.unwrap_or(0)),
        ];
        text += &hang(&leads, fact, width);
    }
    text
}
