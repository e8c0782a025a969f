//! `portlab report`: a report on a comparison or a load, or on what has changed since an earlier one.

mod loads;
mod png;
mod runs;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use portlab_lab::{StoreError, load};
use portlab_report::{Chart, Notes};
use portlab_service::inert;
use portlab_stats::{
    read::{ReadError, Stored},
    record::Record,
};
use portlab_sys::whole::write_whole;
use portlab_words::{Lang, tr, units};
use schemars::schema_for;

use self::png::Painter;
use crate::{
    Verdict,
    args::{self, lang},
    output,
};

/// Report on a comparison or a load, or on what has changed between two
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab report portlab-results
  portlab report portlab-results/results.json --format md --out report.md
  portlab report before/ after/
  portlab report main/ mine/ --fail-over 5%
  portlab report portlab-results --charts charts --png
  portlab report load.json --out load.html
  portlab report before.json now.json --fail-over 10%

RESULTS and LATER may hold a folder for each of several runs: then the report
compares pairs, each of one run before and one now. The runs must have been made
in turn: one before, one now, one before and so on.

Exit codes: 0 fine, 1 worse by more than --fail-over, 2 could not run, or the
runs can't decide.")]
pub(crate) struct Args {
    /// The results.json of a comparison, or the folder that it is in; or the JSON of
    /// portlab load
    #[arg(value_name = "RESULTS", required_unless_present = "json_schema")]
    results: Option<PathBuf>,

    /// The results of a later comparison, or the folder of several: the report says
    /// what has changed since RESULTS
    #[arg(value_name = "LATER")]
    later: Option<PathBuf>,

    /// More results, which are refused with the reason
    #[arg(value_name = "MORE", hide = true)]
    more: Vec<PathBuf>,

    /// The format: text, md (Markdown), csv (a line for each measurement) or html (a
    /// page with charts) [default: by the ending of --out, or text]
    #[arg(long, short, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<Format>,

    /// Fail if a server is worse than before by more than this share, such as 5%, in
    /// the figure by which its workload is ranked, or has errors so much more often
    /// that this can't be chance. It needs several runs of both builds in turn, or a
    /// comparison that was made with --against
    #[arg(long, value_name = "SHARE", value_parser = units::share("0", "1000%"))]
    fail_over: Option<f64>,

    /// Write the report to this file
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Write each chart of the page to this folder, as an SVG file
    #[arg(long, value_name = "DIR", conflicts_with_all = ["later", "out", "format", "fail_over"])]
    charts: Option<PathBuf>,

    /// Write the charts as PNG too; needs a build with --features png
    #[arg(long, requires = "charts")]
    png: bool,

    /// Print the schema of a results.json (docs/results.schema.json)
    #[arg(long, exclusive = true, hide = true)]
    json_schema: bool,
}

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Md,
    Csv,
    Html,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let Some(results) = &args.results else {
        output::print_json(&schema_for!(Record))?;
        return Ok(Verdict::Fine);
    };
    let format = format(args);
    let Some(later) = &args.later else {
        // CSV is for programs, so it is English in every language.
        let lang = match format {
            Format::Csv => Lang::En,
            _ => args::lang(),
        };
        let record = match open(results)? {
            Stored::Comparison(record) => *record,
            Stored::Load(record) => return loads::one(args, &record, format, lang),
        };
        if let Some(dir) = &args.charts {
            return write_charts(&record, lang, dir, args.png);
        }
        runs::check_one(args, &record)?;
        let mut report = one(&record, format, lang);
        if format == Format::Text {
            report.extend(runs::beside(args, &record));
        }
        print(args, format, &report)?;
        return runs::of_one(args, &record);
    };
    if !args.more.is_empty() {
        bail!(tr!(
            "a report compares two results; for several runs of each, give two folders that hold a folder for each run of \
             portlab compare",
            "报告只比较两个结果；如果各有多次运行，请给出两个文件夹，里面每次 portlab compare 的运行各一个文件夹"
        ));
    }
    if results.is_file()
        && let Stored::Load(before) = open(results)?
    {
        return match open(later)? {
            Stored::Load(now) => loads::two(args, &before, &now, format),
            Stored::Comparison(_) => bail!(of_two_kinds(results)),
        };
    }
    refuse_a_page(format)?;
    let (before, after) = (runs::open(results)?, runs::open(later)?);
    if let ([before], [after]) = (&before[..], &after[..]) {
        print(args, format, &two(before, after, format)?)?;
        return runs::of_two(args, before, after);
    }
    runs::of_several(args, format, &before, &after)
}

/// The format that was asked for, or that the name of the file shows.
fn format(args: &Args) -> Format {
    let extension = args.out.as_deref().and_then(Path::extension);
    let by_name = match extension.and_then(|it| it.to_str()) {
        Some("md" | "markdown") => Format::Md,
        Some("csv") => Format::Csv,
        Some("html" | "htm") => Format::Html,
        _ => Format::Text,
    };
    args.format.unwrap_or(by_name)
}

/// Refuses the formats that a report on two comparisons doesn't have.
fn refuse_a_page(format: Format) -> anyhow::Result<()> {
    if matches!(format, Format::Csv | Format::Html) {
        bail!(tr!(
            "a report on two comparisons is text or md; add --format md",
            "两次比较的报告只有 text 和 md 两种格式；请加上 --format md"
        ));
    }
    Ok(())
}

/// The record in `path`, a file or the folder that it is in, made inert.
fn open(path: &Path) -> anyhow::Result<Stored> {
    let file = match path.is_dir() {
        true => path.join("results.json"),
        false => path.to_owned(),
    };
    let stored = load(&file).map_err(|error| {
        let remedy = match &error {
            StoreError::Read(..) | StoreError::Unusable(_, ReadError::Foreign(_)) => lang().pick(
                "; give the results.json of a portlab compare, or its folder, or what portlab load --json printed",
                "；请给出 portlab compare 的 results.json 或它所在的文件夹，或者负载测试的 JSON",
            ),
            StoreError::Unusable(_, ReadError::Newer(_)) | StoreError::Write(..) => "",
            StoreError::Unusable(..) => lang().pick(
                "; measure again with portlab compare, or portlab load --json",
                "；请用 portlab compare 或 portlab load --json 重新测量",
            ),
        };
        match lang() {
            Lang::En => anyhow!("{error}{remedy}"),
            Lang::Zh => anyhow!("{error:#}{remedy}"),
        }
    })?;
    Ok(match stored {
        Stored::Comparison(record) => {
            Stored::Comparison(Box::new(portlab_report::inert(&*record)?))
        }
        Stored::Load(record) => Stored::Load(Box::new(portlab_report::inert(&*record)?)),
    })
}

/// The record of a comparison in `path`.
fn open_comparison(path: &Path) -> anyhow::Result<Record> {
    match open(path)? {
        Stored::Comparison(record) => Ok(*record),
        Stored::Load(_) => bail!(of_two_kinds(path)),
    }
}

/// Why `load` and a comparison can't be compared.
fn of_two_kinds(load: &Path) -> String {
    let load = load.display();
    tr!(
        lang(),
        "{load} is a load and the other one a comparison; give two of a kind",
        "{load} 是负载测试，另一个是比较；请给出两个同类的结果"
    )
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
        Format::Md => portlab_report::changes_markdown(before, after, lang()),
        _ => portlab_report::changes_text(before, after, lang(), args::terminal_width()),
    })
}

/// Writes each chart of `record` into the folder `dir`, which is made if need be, and names the files.
///
/// # Errors
/// When the record has no chart, or a file can't be written; and for PNG, when the machine has no font or this build
/// can't write PNG.
fn write_charts(record: &Record, lang: Lang, dir: &Path, png: bool) -> anyhow::Result<Verdict> {
    write_these(&portlab_report::charts(&Notes::of(record, lang)), dir, png)
}

/// Writes `charts` into the folder `dir`.
fn write_these(charts: &[Chart], dir: &Path, png: bool) -> anyhow::Result<Verdict> {
    let painter = png.then(Painter::new).transpose()?;
    if charts.is_empty() {
        bail!(tr!(
            "no chart can be drawn, because nothing was measured; measure again",
            "没有测量结果，画不出图表；请重新测量"
        ));
    }
    fs::create_dir_all(dir).with_context(|| args::unwritten(dir))?;
    for chart in charts {
        let svg = chart.wide.file();
        keep(&dir.join(format!("{}.svg", chart.name)), svg.as_bytes())?;
        if let Some(painter) = &painter {
            let file = dir.join(format!("{}.png", chart.name));
            keep(&file, &painter.paint(&svg)?)?;
        }
    }
    Ok(Verdict::Fine)
}

fn keep(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_whole(file, bytes).with_context(|| args::unwritten(file))?;
    crate::tell!("{}", inert(&file.display().to_string()));
    Ok(())
}

/// Prints `text`, or writes it to the file of `--out`, without colours.
fn print(args: &Args, format: Format, text: &str) -> anyhow::Result<()> {
    if let Some(file) = &args.out {
        let plain = match format {
            Format::Text => anstream::adapter::strip_str(text).to_string(),
            _ => text.to_owned(),
        };
        return write_whole(file, plain.as_bytes()).with_context(|| args::unwritten(file));
    }
    Ok(output::print(text)?)
}
