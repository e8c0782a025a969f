//! Judging a program against another one: from one record of both, from one record of each, or from many.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use portlab_report::{gate_markdown, gate_text, place_of};
use portlab_stats::{
    analysis::LEAST_FLOOR,
    changes::{Pair, changes},
    gate::{Unpaired, builds, runs},
    record::{Cell, Kind, Record},
};
use portlab_words::{Text, tr};

use super::{Args, Format};
use crate::{
    Verdict,
    args::{self, BAD, lang},
    gate,
};

/// The record in the file or folder `path`, or the records in the folders of the folder `path`.
pub(super) fn open(path: &Path) -> anyhow::Result<Vec<Record>> {
    if !path.is_dir() || path.join("results.json").exists() {
        return Ok(vec![super::open_comparison(path)?]);
    }
    let entries = fs::read_dir(path).with_context(|| {
        let path = path.display();
        tr!(lang(), "can't read {path}", "无法读取 {path}")
    })?;
    let mut dirs: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    dirs.retain(|dir| dir.join("results.json").exists());
    dirs.sort();
    if dirs.is_empty() {
        // The error says what is missing.
        return Ok(vec![super::open_comparison(path)?]);
    }
    dirs.iter().map(|dir| super::open_comparison(dir)).collect()
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

/// Refuses `--fail-over` for a record that has no other build.
pub(super) fn check_one(args: &Args, record: &Record) -> anyhow::Result<()> {
    if args.fail_over.is_some() && !has_other(record) {
        bail!(tr!(
            "--fail-over needs something to compare with: add the LATER results, or measure with \
             portlab compare --against PORTLAB",
            "--fail-over 需要比较的对象：请再给出后一次（LATER）的结果，或者用 portlab compare --against PORTLAB 测量"
        ));
    }
    Ok(())
}

/// Judges the build that made `record`, if `--fail-over` was given.
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
    // Errors in some rounds may be chance; errors in all rounds aren't.
    let is_broken = |pair: &&Pair| pair.after.rounds.iter().all(|round| round.errors > 0);
    let mut broken = changes.broken().filter(is_broken).peekable();
    if broken.peek().is_none() {
        bail!(undecided(Unpaired::OneEach));
    }
    for pair in broken {
        let Cell {
            model,
            workload,
            point,
            ..
        } = pair.after;
        let place = place_of(after, workload, *point, lang());
        let head = lang().pick("failed: ", "失败：");
        let why = tr!(
            lang(),
            "{model} at {place}: every round had errors, and before none had",
            "{model}，{place}：每一轮都出错，而以前一轮也没有"
        );
        crate::tell!("{BAD}{head}{BAD:#}{why}");
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
        Err(why) => bail!(undecided(why)),
    };
    let last = after.iter().max_by_key(|record| record.started_unix_s);
    let last = last.context(tr!("the folder contains no runs", "文件夹里没有运行记录"))?;
    let text = match format {
        Format::Md => gate_markdown(&gate, last, lang()),
        _ => gate_text(&gate, last, lang(), args::terminal_width()),
    };
    super::print(args, format, &text)?;
    match args.fail_over {
        Some(_) => gate::judge(&gate, last),
        None => Ok(Verdict::Fine),
    }
}

fn undecided(why: Unpaired) -> Text {
    let Text { en, zh } = match why {
        Unpaired::Counts { before, after } => tr!(
            "there are {before} runs before and {after} runs now; pairs need as many of both",
            "以前有 {before} 次运行，现在有 {after} 次；两边要一样多才能配对"
        ),
        Unpaired::OneEach => tr!(
            "one run of each program can't tell a change of the program from a change of the machine",
            "两个程序各只运行了一次，分不清是程序变了还是机器变了"
        ),
        Unpaired::NotInTurn => tr!(
            "the runs weren't made in turn, one before and one now, so a change of the machine looks like a change of \
             the program",
            "运行没有交替进行（以前一次、现在一次），机器的变化会被当成程序的变化"
        ),
    };
    tr!(
        "these runs cannot decide: {en}. Measure both builds in one run (portlab compare --against \
         PORTLAB --fail-over 5%), or repeat both in turn and give folders of runs",
        "这些运行不能判定：{zh}。请在一次运行里测量两个版本（portlab compare --against PORTLAB \
         --fail-over 5%），或者让两个版本交替运行多次，再给出各次运行的文件夹"
    )
}
