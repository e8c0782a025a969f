//! The files a run leaves: percentiles, a log of histograms, a table over time.

use std::{
    io::{self, Write},
    path::{Path, PathBuf, absolute},
    time::SystemTime,
};

use anyhow::{Context, bail};
use portlab_load::{Interval, IntervalLog, Latency, LoadResult, write_percentiles};
use portlab_report::Document;
use portlab_stats::read::{Stored, read_any_bytes};
use portlab_sys::whole::WholeFile;
use portlab_words::tr;

use super::{OutputArgs, openmetrics::To};
use crate::{
    args::{self, unwritten},
    output,
};

/// The files that were asked for. They are created before the run, so that a path that can't be
/// written is an error before anything is measured; a later error is reported at the end. Only
/// [`Files::finish`] puts the files in the place of older ones: a run without a result leaves the older files alone.
#[derive(Default)]
pub(super) struct Files {
    hgrm: Option<(PathBuf, WholeFile)>,
    hlog: Option<(PathBuf, Log)>,
    csv: Option<(PathBuf, WholeFile)>,
    html: Option<(PathBuf, WholeFile)>,
    failed: Option<(PathBuf, io::Error)>,
}

/// A log begins with the moment from which its times count.
enum Log {
    Waiting(WholeFile),
    Begun(IntervalLog<WholeFile>),
    Broken,
}

/// The columns of the table over time.
const HEAD: &str = "from_s,to_s,messages,messages_per_s,latency_p50_ns,latency_p90_ns,latency_p99_ns,\
                    latency_p999_ns,latency_max_ns,uncorrected_p50_ns,uncorrected_p99_ns,\
                    pacing_lag_p99_ns,open_connections,in_flight,errors,generator_cpu_share,bytes_sent,bytes_received";

impl Files {
    pub(super) fn create(args: &OutputArgs) -> anyhow::Result<Self> {
        let create = |path: &Option<PathBuf>| {
            let Some(path) = path else { return Ok(None) };
            let file = WholeFile::create(path).with_context(|| unwritten(path))?;
            anyhow::Ok(Some((path.clone(), file)))
        };
        let mut files = Self {
            hgrm: create(&args.hgrm)?,
            hlog: create(&args.hlog)?.map(|(path, file)| (path, Log::Waiting(file))),
            csv: create(&args.csv)?,
            html: create(&args.html)?,
            failed: None,
        };
        files.add_line(HEAD);
        Ok(files)
    }

    /// Whether no file needs the seconds of a run.
    pub(super) fn need_no_seconds(&self) -> bool {
        self.hlog.is_none() && self.csv.is_none()
    }

    /// Measuring begins.
    pub(super) fn begin(&mut self) {
        let Some((path, log)) = &mut self.hlog else {
            return;
        };
        if let Log::Waiting(file) = std::mem::replace(log, Log::Broken) {
            let begun = IntervalLog::begin(file, SystemTime::now());
            let begun = begun.map(|begun| *log = Log::Begun(begun));
            note(&mut self.failed, path, begun);
        }
    }

    /// A second is over.
    pub(super) fn add(&mut self, second: &Interval) {
        if let Some((path, Log::Begun(log))) = &mut self.hlog {
            let added = log.add(&second.latency, second.from, second.to);
            note(&mut self.failed, path, added);
        }
        self.add_line(&row(second));
    }

    /// The run is over.
    pub(super) fn finish(mut self, result: &LoadResult) -> anyhow::Result<()> {
        if let Some((path, mut file)) = self.hgrm.take() {
            let written = write_percentiles(&result.latency_ns, &mut file);
            let written = written.and_then(|()| file.commit());
            note(&mut self.failed, &path, written);
        }
        if let Some((path, Log::Begun(log))) = self.hlog.take() {
            let written = log.finish().and_then(WholeFile::commit);
            note(&mut self.failed, &path, written);
        }
        if let Some((path, csv)) = self.csv.take() {
            note(&mut self.failed, &path, csv.commit());
        }
        if let Some((path, mut file)) = self.html.take() {
            let page = page(result)?;
            let written = file.write_all(page.as_bytes());
            let written = written.and_then(|()| file.commit());
            note(&mut self.failed, &path, written);
        }
        match self.failed {
            None => Ok(()),
            Some((path, error)) => Err(error).with_context(|| unwritten(&path)),
        }
    }

    /// Writes a line of the table at once: a program that reads it from a pipe gets each second when it is over.
    fn add_line(&mut self, line: &str) {
        if let Some((path, csv)) = &mut self.csv {
            let written = writeln!(csv, "{line}").and_then(|()| csv.flush());
            note(&mut self.failed, path, written);
        }
    }
}

/// A page about `result`: the report on its JSON.
fn page(result: &LoadResult) -> anyhow::Result<String> {
    let stored = read_any_bytes(output::json(result)?.as_bytes())?;
    let Stored::Load(record) = stored else {
        unreachable!("a load isn't a comparison");
    };
    let record = portlab_report::inert(&*record)?;
    Ok(Document::of_load(&record, args::lang()).html())
}

/// Refuses two options with the same file: neither content would be whole.
pub(super) fn refuse_the_same_twice(args: &OutputArgs) -> anyhow::Result<()> {
    let figures = args.openmetrics.as_ref().and_then(To::file);
    let figures = figures.map(Path::to_owned);
    let named = [
        ("--hgrm", &args.hgrm),
        ("--hlog", &args.hlog),
        ("--csv", &args.csv),
        ("--openmetrics", &figures),
        ("--html", &args.html),
    ];
    for (index, (name, path)) in named.iter().enumerate() {
        let Some(path) = path else { continue };
        let is_same = |other: &PathBuf| absolute(other).ok() == absolute(path).ok();
        let mut before = named[..index].iter();
        if let Some((twin, _)) = before.find(|(_, other)| other.as_ref().is_some_and(is_same)) {
            let path = path.display();
            bail!(tr!(
                "{twin} and {name} both write to {path}; give each a file of its own",
                "{twin} 和 {name} 都写到 {path}；请各用一个文件"
            ));
        }
    }
    Ok(())
}

/// Keeps the first error, which is the one that is reported.
pub(super) fn note(failed: &mut Option<(PathBuf, io::Error)>, path: &Path, result: io::Result<()>) {
    if let Err(error) = result {
        failed.get_or_insert((path.to_owned(), error));
    }
}

/// The latencies of a row in a table, with commas; a field is empty if nothing was recorded.
pub(super) fn latencies(latency: &Latency, uncorrected: &Latency, lag: &Latency) -> String {
    let columns = [
        (latency, &[0.5, 0.9, 0.99, 0.999, 1.0][..]),
        (uncorrected, &[0.5, 0.99]),
        (lag, &[0.99]),
    ];
    let fields = columns.iter().flat_map(|(of, quantiles)| {
        quantiles.iter().map(|&quantile| match of.count() {
            0 => String::new(),
            _ => of.quantile_ns(quantile).to_string(),
        })
    });
    fields.collect::<Vec<_>>().join(",")
}

fn row(second: &Interval) -> String {
    [
        format!("{:.3}", second.from.as_secs_f64()),
        format!("{:.3}", second.to.as_secs_f64()),
        second.messages.to_string(),
        format!("{:.1}", second.messages_per_s()),
        latencies(&second.latency, &second.uncorrected, &second.pacing_lag),
        second.open.to_string(),
        second.in_flight.to_string(),
        second.errors.to_string(),
        format!("{:.3}", second.generator_cpu_share),
        second.bytes_sent.to_string(),
        second.bytes_received.to_string(),
    ]
    .join(",")
}
