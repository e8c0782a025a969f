//! Judging one program against another: from one record, from one of each, or from many.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use portlab_report::{gate_markdown, gate_text, place_of};
use portlab_stats::{
    analysis::LEAST_FLOOR,
    changes::{Pair, changes},
    gate::{Unpaired, builds, runs},
    record::{Cell, Kind, Record},
};
use portlab_words::Lang;

use super::{Args, Format};
use crate::{
    Verdict,
    args::{self, BAD},
    gate,
};

/// The record in `path`, a file or the folder that it is in; or those in the folders of the folder `path`.
pub(super) fn open(path: &Path) -> anyhow::Result<Vec<Record>> {
    if !path.is_dir() || path.join("results.json").exists() {
        return Ok(vec![super::open(path)?]);
    }
    let entries = fs::read_dir(path).with_context(|| format!("can't read {}", path.display()))?;
    let mut dirs: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    dirs.retain(|dir| dir.join("results.json").exists());
    dirs.sort();
    if dirs.is_empty() {
        // The error says what is missing.
        return Ok(vec![super::open(path)?]);
    }
    dirs.iter().map(|dir| super::open(dir)).collect()
}

/// How the build that made `record` compares with another one that took part, for a terminal.
pub(super) fn beside(args: &Args, record: &Record) -> Option<String> {
    has_other(record).then(|| {
        let gate = builds(record, args.fail_over.unwrap_or(LEAST_FLOOR));
        let text = gate_text(&gate, record, args::lang(), args::terminal_width());
        format!("\n{text}")
    })
}

fn has_other(record: &Record) -> bool {
    let mut entrants = record.entrants.iter();
    entrants.any(|it| matches!(it.kind, Kind::Build { .. }))
}

/// Refuses a bar for a record that has no other build.
pub(super) fn check_one(args: &Args, record: &Record) -> anyhow::Result<()> {
    if args.fail_over.is_some() && !has_other(record) {
        bail!(
            "--fail-over needs something to compare with: add the LATER results, or measure with \
             portlab compare --against PORTLAB"
        );
    }
    Ok(())
}

/// Judges the build that made `record`, if there is a bar.
pub(super) fn of_one(args: &Args, record: &Record) -> anyhow::Result<Verdict> {
    match args.fail_over {
        Some(bar) => gate::judge(&builds(record, bar), record),
        None => Ok(Verdict::Fine),
    }
}

/// Judges from one run of each program, which decides only whether a cell is broken.
pub(super) fn of_two(args: &Args, before: &Record, after: &Record) -> anyhow::Result<Verdict> {
    if args.fail_over.is_none() {
        return Ok(Verdict::Fine);
    }
    let changes = changes(before, after);
    // That some rounds had errors may be chance, but not that all had.
    let is_broken = |pair: &&Pair| pair.after.rounds.iter().all(|round| round.errors > 0);
    let mut broken = changes.broken().filter(is_broken).peekable();
    if broken.peek().is_none() {
        bail!("{}", undecided(Unpaired::OneEach));
    }
    for pair in broken {
        let Cell {
            model,
            workload,
            point,
            ..
        } = pair.after;
        let place = place_of(after, workload, *point, Lang::En);
        crate::tell!(
            "{BAD}failed:{BAD:#} {model} at {place}: no round was without an error, and before all were"
        );
    }
    Ok(Verdict::Failed)
}

/// Reports on several runs of each, and judges from them.
pub(super) fn of_several(
    args: &Args,
    format: Format,
    before: &[Record],
    after: &[Record],
) -> anyhow::Result<Verdict> {
    let bar = args.fail_over.unwrap_or(LEAST_FLOOR);
    let gate = match runs(before, after, bar) {
        Ok(gate) => gate,
        Err(why) => bail!("{}", undecided(why)),
    };
    let last = after.iter().max_by_key(|record| record.started_unix_s);
    let last = last.context("there are no runs")?;
    let text = match format {
        Format::Md => gate_markdown(&gate, last, Lang::En),
        _ => gate_text(&gate, last, Lang::En, args::terminal_width()),
    };
    super::print(args, format, &text)?;
    match args.fail_over {
        Some(_) => gate::judge(&gate, last),
        None => Ok(Verdict::Fine),
    }
}

fn undecided(why: Unpaired) -> String {
    format!(
        "these runs cannot decide: {why}. Measure both builds in one run (portlab compare --against \
         PORTLAB --fail-over 5%), or repeat both in turn and give folders of runs"
    )
}
