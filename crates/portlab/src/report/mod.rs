//! `portlab report`: what a record says, and what has changed since another one.

mod charts;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use portlab_lab::{StoreError, load};
use portlab_report::{Lang, notes::Notes};
use portlab_stats::{
    changes::{Changes, Pair, changes},
    read::ReadError,
    record::Record,
};
use portlab_sys::whole::write_whole;
use schemars::schema_for;

use crate::{
    Verdict,
    args::{self, BAD},
    output,
};

/// Report on a comparison that was made, or on what has changed between two
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab report portlab-results
  portlab report portlab-results/results.json --format md --out report.md
  portlab report before/ after/
  portlab report main/results.json results.json --fail-over 5%
  portlab report portlab-results --charts charts --png

Exit codes: 0 fine, 1 worse by more than --fail-over, 2 could not run.")]
pub(crate) struct Args {
    /// The results.json of a comparison, or the folder that it is in
    #[arg(value_name = "RESULTS", required_unless_present = "json_schema")]
    results: Option<PathBuf>,

    /// Those of a later one: what has changed from RESULTS to it
    #[arg(value_name = "LATER")]
    later: Option<PathBuf>,

    /// As text, md (Markdown), csv (a line for each measurement) or html (a page
    /// with charts) [default: what the name of --out ends with, or text]
    #[arg(long, short, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<Format>,

    /// The language of the report: en or zh [default: the environment's]
    #[arg(long, value_name = "LANG")]
    lang: Option<Lang>,

    /// Fail when an entrant is worse than before by more than this, as 5%, by what
    /// its workload is ranked by, and the runs could see it; or when something
    /// went wrong that was well before
    #[arg(long, value_name = "SHARE", value_parser = share, requires = "later")]
    fail_over: Option<f64>,

    /// Write it into this file
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Write each chart of a page into this folder, as a file of SVG of its own
    #[arg(long, value_name = "DIR", conflicts_with_all = ["later", "out", "format"])]
    charts: Option<PathBuf>,

    /// Write the charts as PNG too
    #[arg(long, requires = "charts")]
    png: bool,

    /// Print the schema of a results.json, which docs/results.schema.json is
    #[arg(long, exclusive = true, hide = true)]
    json_schema: bool,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Md,
    Csv,
    Html,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let Some(results) = &args.results else {
        let schema = serde_json::to_string_pretty(&schema_for!(Record))?;
        writeln!(output::stdout(), "{schema}")?;
        return Ok(Verdict::Fine);
    };
    let format = format(args)?;
    let record = open(results)?;
    let Some(later) = &args.later else {
        // Programs read CSV: its words are English wherever it is made.
        let lang = match format {
            Format::Csv => Lang::En,
            _ => args::lang(args.lang),
        };
        if let Some(dir) = &args.charts {
            return charts::write(&record, lang, dir, args.png);
        }
        print(args, format, &one(&record, format, lang))?;
        return Ok(Verdict::Fine);
    };
    let later = open(later)?;
    print(args, format, &two(&record, &later, format)?)?;
    match args.fail_over {
        Some(most) => judge(&changes(&record, &later), most),
        None => Ok(Verdict::Fine),
    }
}

/// The form that was asked for, if the other options fit it.
fn format(args: &Args) -> anyhow::Result<Format> {
    let extension = args.out.as_deref().and_then(Path::extension);
    let by_name = match extension.and_then(|it| it.to_str()) {
        Some("md" | "markdown") => Format::Md,
        Some("csv") => Format::Csv,
        Some("html" | "htm") => Format::Html,
        _ => Format::Text,
    };
    let format = args.format.unwrap_or(by_name);
    if args.lang.is_some() && args.later.is_some() {
        bail!("two comparisons are reported on in English; leave out --lang");
    }
    if args.later.is_some() && matches!(format, Format::Csv | Format::Html) {
        bail!("two comparisons are reported on as text or md; add --format md");
    }
    Ok(format)
}

/// The record in `path`, a file or the folder that it is in.
fn open(path: &Path) -> anyhow::Result<Record> {
    let file = match path.is_dir() {
        true => path.join("results.json"),
        false => path.to_owned(),
    };
    load(&file).map_err(|error| {
        let remedy = match &error {
            StoreError::Read { .. }
            | StoreError::Unusable {
                error: ReadError::Foreign,
                ..
            } => "; give the results.json of a portlab compare, or its folder",
            StoreError::Unusable {
                error: ReadError::Newer(_),
                ..
            }
            | StoreError::Write { .. } => "",
            StoreError::Unusable { .. } => "; measure again with portlab compare",
        };
        anyhow!("{error}{remedy}")
    })
}

/// A report on one comparison.
fn one(record: &Record, format: Format, lang: Lang) -> String {
    let notes = Notes::of(record, lang);
    match format {
        Format::Text => portlab_report::text(&notes, args::terminal_width()),
        Format::Md => portlab_report::markdown(&notes),
        Format::Csv => portlab_report::csv(&notes),
        Format::Html => portlab_report::html(&notes),
    }
}

/// A report on what has changed.
fn two(before: &Record, after: &Record, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Md => portlab_report::changes_markdown(before, after),
        _ => portlab_report::changes_text(before, after, args::terminal_width()),
    })
}

/// Prints `text`, or writes it where it was asked to go, without colours.
fn print(args: &Args, format: Format, text: &str) -> anyhow::Result<()> {
    if let Some(file) = &args.out {
        let plain = match format {
            Format::Text => anstream::adapter::strip_str(text).to_string(),
            _ => text.to_owned(),
        };
        return write_whole(file, plain.as_bytes())
            .with_context(|| format!("can't write {}", file.display()));
    }
    // Written at once: a pipe that closes in the middle is then one error, of the pipe.
    let mut out: Box<dyn Write> = match format {
        Format::Text => Box::new(output::stdout()),
        _ => Box::new(output::raw_stdout()),
    };
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Whether nothing is worse by more than `most`; and if something is, what.
fn judge(changes: &Changes, most: f64) -> anyhow::Result<Verdict> {
    if changes.pairs().all(|pair| pair.change().ratio.is_none()) && changes.broken().count() == 0 {
        bail!("--fail-over has nothing to judge by: no cell was measured well in both comparisons");
    }
    let place = |pair: &Pair| {
        let (workload, connections) = (&pair.after.workload, pair.after.point.connections);
        format!("{} at {workload} {connections}", pair.after.model)
    };
    let mut verdict = Verdict::Fine;
    for pair in changes.broken() {
        crate::tell!(
            "{BAD}failed:{BAD:#} {}: it was well before, and isn't now",
            place(pair)
        );
        verdict = Verdict::Failed;
    }
    for pair in changes.worse_by(most) {
        let worse = pair.change().worsening().unwrap_or_default() * 100.0;
        let most = most * 100.0;
        crate::tell!(
            "{BAD}failed:{BAD:#} {}: worse by {worse:.1}%, more than {most}%",
            place(pair)
        );
        verdict = Verdict::Failed;
    }
    Ok(verdict)
}

/// Reads a share: `5%`, or `0.05`.
fn share(text: &str) -> anyhow::Result<f64> {
    let (digits, unit) = match text.strip_suffix('%') {
        Some(digits) => (digits, 100.0),
        None => (text, 1.0),
    };
    let share = digits.trim_end().parse::<f64>().ok().map(|it| it / unit);
    match share {
        Some(share) if share.is_finite() && share >= 0.0 => Ok(share),
        _ => bail!("{text:?} is no share; write 5%, or 0.05"),
    }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn a_share_is_read_in_per_cent_and_in_parts() {
        assert_eq!(share("5%").unwrap(), 0.05);
        assert_eq!(share("0.05").unwrap(), 0.05);
        assert_eq!(share("0").unwrap(), 0.0);
        for text in ["", "%", "five", "-5%", "inf", "nan"] {
            assert!(share(text).is_err(), "{text:?}");
        }
    }
}
