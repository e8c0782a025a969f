//! The files a run leaves: percentiles, a log of histograms, a table over time.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, bail};
use portlab_load::{Interval, IntervalLog, Latency, LoadResult, write_percentiles};
use portlab_sys::whole::WholeFile;
use portlab_words::{Text, tr};

use super::OutputArgs;

/// The files that were asked for. They are begun before the run, so that a path that can't be
/// written is said before anything is measured; what can't be written later is said at the end. Only
/// [`Files::finish`] puts them in the place of older ones: a run without a result leaves those alone.
#[derive(Default)]
pub(super) struct Files {
    hgrm: Option<(PathBuf, WholeFile)>,
    hlog: Option<(PathBuf, Log)>,
    csv: Option<(PathBuf, WholeFile)>,
    failed: Option<(PathBuf, io::Error)>,
}

/// A log begins with the moment that its times count from.
enum Log {
    Waiting(WholeFile),
    Begun(IntervalLog<WholeFile>),
    Broken,
}

/// The columns of the table over time.
const HEAD: &str = "from_s,to_s,messages,messages_per_s,latency_p50_ns,latency_p90_ns,latency_p99_ns,\
                    latency_p999_ns,latency_max_ns,uncorrected_p50_ns,uncorrected_p99_ns,\
                    pacing_lag_p99_ns,open_connections,in_flight,errors,generator_cpu_share";

impl Files {
    pub(super) fn create(args: &OutputArgs) -> anyhow::Result<Self> {
        refuse_the_same_twice(args)?;
        let create = |path: &Option<PathBuf>| {
            let path = path.as_ref();
            path.map(|path| {
                let file = WholeFile::create(path);
                let file = file.with_context(|| unwritten(path))?;
                anyhow::Ok((path.clone(), file))
            })
            .transpose()
        };
        let mut files = Self {
            hgrm: create(&args.hgrm)?,
            hlog: create(&args.hlog)?.map(|(path, file)| (path, Log::Waiting(file))),
            csv: create(&args.csv)?,
            failed: None,
        };
        files.with_csv(|csv| writeln!(csv, "{HEAD}"));
        Ok(files)
    }

    /// Whether none was asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.hgrm.is_none() && self.hlog.is_none() && self.csv.is_none()
    }

    /// Measuring begins.
    pub(super) fn begin(&mut self) {
        let Some((path, log)) = &mut self.hlog else {
            return;
        };
        if let Log::Waiting(file) = std::mem::replace(log, Log::Broken) {
            match IntervalLog::begin(file, SystemTime::now()) {
                Ok(begun) => *log = Log::Begun(begun),
                Err(error) => note(&mut self.failed, path, error),
            }
        }
    }

    /// A second is over.
    pub(super) fn add(&mut self, second: &Interval) {
        if let Some((path, Log::Begun(log))) = &mut self.hlog
            && let Err(error) = log.add(&second.latency, second.from, second.to)
        {
            note(&mut self.failed, path, error);
        }
        self.with_csv(|csv| writeln!(csv, "{}", row(second)));
    }

    /// The run is over.
    pub(super) fn finish(mut self, result: &LoadResult) -> anyhow::Result<()> {
        if let Some((path, mut file)) = self.hgrm.take() {
            let written =
                write_percentiles(&result.latency_ns, &mut file).and_then(|()| file.commit());
            if let Err(error) = written {
                note(&mut self.failed, &path, error);
            }
        }
        if let Some((path, Log::Begun(log))) = self.hlog.take()
            && let Err(error) = log.finish().and_then(WholeFile::commit)
        {
            note(&mut self.failed, &path, error);
        }
        if let Some((path, csv)) = self.csv.take()
            && let Err(error) = csv.commit()
        {
            note(&mut self.failed, &path, error);
        }
        match self.failed {
            None => Ok(()),
            Some((path, error)) => Err(error).with_context(|| unwritten(&path)),
        }
    }

    fn with_csv(&mut self, write: impl FnOnce(&mut WholeFile) -> io::Result<()>) {
        if let Some((path, csv)) = &mut self.csv
            && let Err(error) = write(csv)
        {
            note(&mut self.failed, path, error);
        }
    }
}

/// Two that write to one file would leave neither.
fn refuse_the_same_twice(args: &OutputArgs) -> anyhow::Result<()> {
    let named = [
        ("--hgrm", &args.hgrm),
        ("--hlog", &args.hlog),
        ("--csv", &args.csv),
    ];
    for (index, (name, path)) in named.iter().enumerate() {
        let Some(path) = path else { continue };
        let same =
            |other: &PathBuf| std::path::absolute(other).ok() == std::path::absolute(path).ok();
        let twin = named[..index]
            .iter()
            .find(|(_, other)| other.as_ref().is_some_and(same));
        if let Some((twin, _)) = twin {
            let path = path.display();
            bail!(tr!(
                "{twin} and {name} both write to {path}; give each a file of its own",
                "{twin} 和 {name} 都写到 {path}；请各用一个文件"
            ));
        }
    }
    Ok(())
}

fn unwritten(path: &Path) -> Text {
    let path = path.display();
    tr!("can't write {path}", "无法写入 {path}")
}

/// The first error is the one that is told.
fn note(failed: &mut Option<(PathBuf, io::Error)>, path: &Path, error: io::Error) {
    failed.get_or_insert((path.to_owned(), error));
}

fn row(second: &Interval) -> String {
    // An empty field where nothing was recorded.
    let at = |latency: &Latency, quantile: f64| match latency.count() {
        0 => String::new(),
        _ => latency.quantile_ns(quantile).to_string(),
    };
    let (latency, uncorrected) = (&second.latency, &second.uncorrected);
    [
        format!("{:.3}", second.from.as_secs_f64()),
        format!("{:.3}", second.to.as_secs_f64()),
        second.messages.to_string(),
        format!("{:.1}", second.messages_per_s()),
        at(latency, 0.5),
        at(latency, 0.9),
        at(latency, 0.99),
        at(latency, 0.999),
        at(latency, 1.0),
        at(uncorrected, 0.5),
        at(uncorrected, 0.99),
        at(&second.pacing_lag, 0.99),
        second.open.to_string(),
        second.in_flight.to_string(),
        second.errors.to_string(),
        format!("{:.3}", second.generator_cpu_share),
    ]
    .join(",")
}
