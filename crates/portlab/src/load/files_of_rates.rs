//! The files that runs at several rates leave: a table with a row for each run, and the percentiles at each rate.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use portlab_load::{Latency, LoadResult, write_percentiles};
use portlab_sys::whole::WholeFile;
use portlab_words::Text;

use super::{
    OutputArgs,
    files::{latencies, note, refuse_the_same_twice},
};
use crate::args::unwritten;

/// The files that were asked for. The paths are tried before the first run; the files are written after the last one.
pub(super) struct FilesOfRates {
    csv: Option<(PathBuf, WholeFile)>,
    hgrm: Option<PathBuf>,
}

/// The columns of the table.
const HEAD: &str = "rate_per_s,messages_per_s,messages,latency_p50_ns,latency_p90_ns,latency_p99_ns,latency_p999_ns,\
                    latency_max_ns,uncorrected_p50_ns,uncorrected_p99_ns,pacing_lag_p99_ns,errors,unanswered,\
                    due_not_sent,generator_cpu_share,kept_up,believable,finding";

impl FilesOfRates {
    pub(super) fn create(args: &OutputArgs) -> anyhow::Result<Self> {
        refuse_the_same_twice(args)?;
        if args.hlog.is_some() {
            bail!(Text::new(
                "--hlog keeps one run over time; give one --rate, or use --csv or --hgrm",
                "--hlog 只保存一次运行；请只给一个 --rate，或使用 --csv 或 --hgrm",
            ));
        }
        if args.html.is_some() {
            bail!(Text::new(
                "--html is a page about one run; give one --rate, or use --json or --csv",
                "--html 的网页只针对一次运行；请只给一个 --rate，或使用 --json 或 --csv",
            ));
        }
        let create = |path: &PathBuf| WholeFile::create(path).with_context(|| unwritten(path));
        if let Some(path) = &args.hgrm {
            // The file is dropped: it has no name yet.
            create(path)?;
        }
        let csv = args
            .csv
            .as_ref()
            .map(|path| Ok((path.clone(), create(path)?)));
        Ok(Self {
            csv: csv.transpose().map_err(|error: anyhow::Error| error)?,
            hgrm: args.hgrm.clone(),
        })
    }

    /// Writes the files of `runs`: the result of each, and its finding in a search.
    pub(super) fn finish<'a>(
        self,
        runs: impl Iterator<Item = (&'a LoadResult, &'a str)> + Clone,
    ) -> anyhow::Result<()> {
        let mut failed = None;
        if let Some((path, mut csv)) = self.csv {
            let lines = runs.clone().map(|(result, finding)| row(result, finding));
            let mut lines = std::iter::once(HEAD.to_owned()).chain(lines);
            let written = lines.try_for_each(|line| writeln!(csv, "{line}"));
            note(&mut failed, &path, written.and_then(|()| csv.commit()));
        }
        if let Some(path) = self.hgrm {
            for (rate, latency) in by_rate(runs.map(|(result, _)| result)) {
                let path = with_rate(&path, &rate);
                note(&mut failed, &path, percentiles(&path, &latency));
            }
        }
        match failed {
            None => Ok(()),
            Some((path, error)) => Err(error).with_context(|| unwritten(&path)),
        }
    }
}

fn percentiles(path: &Path, latency: &Latency) -> io::Result<()> {
    let mut file = WholeFile::create(path)?;
    write_percentiles(latency, &mut file)?;
    file.commit()
}

/// The latencies at each rate, over all runs at this rate.
fn by_rate<'a>(results: impl Iterator<Item = &'a LoadResult>) -> BTreeMap<String, Latency> {
    let mut latencies: BTreeMap<String, Latency> = BTreeMap::new();
    for result in results {
        let latency = latencies.entry(rate(result)).or_default();
        latency.merge(&result.latency_ns);
    }
    latencies
}

/// The rate of a run as programs read it.
fn rate(result: &LoadResult) -> String {
    let rate_per_s = result.rate_per_s.unwrap_or_default();
    let text = format!("{rate_per_s:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `path` with `-rate` before its extension.
fn with_rate(path: &Path, rate: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push("-");
    name.push(rate);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name::<OsString>(name)
}

fn row(result: &LoadResult, finding: &str) -> String {
    let none = Latency::new();
    let [uncorrected, lag] = [&result.uncorrected_latency_ns, &result.pacing_lag_ns]
        .map(|it| it.as_ref().unwrap_or(&none));
    [
        rate(result),
        format!("{:.1}", result.messages_per_s),
        result.messages.to_string(),
        latencies(&result.latency_ns, uncorrected, lag),
        result.errors.to_string(),
        result.unanswered.to_string(),
        result.due_not_sent.to_string(),
        format!("{:.3}", result.generator_cpu_share),
        result.kept_up.to_string(),
        result.verdict.believable.to_string(),
        finding.to_owned(),
    ]
    .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_stands_before_the_extension() {
        for (path, with) in [
            ("a/out.hgrm", "a/out-1000.5.hgrm"),
            ("out", "out-1000.5"),
            ("a.b/out", "a.b/out-1000.5"),
            ("out.tar.gz", "out.tar-1000.5.gz"),
        ] {
            assert_eq!(with_rate(Path::new(path), "1000.5"), Path::new(with));
        }
    }
}
