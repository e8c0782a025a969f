//! Histograms in the forms that HdrHistogram's own tools read.

use std::{
    io::{self, Write},
    time::{Duration, SystemTime},
};

use hdrhistogram::serialization::{
    V2DeflateSerializer,
    interval_log::{IntervalLogWriterBuilder, IntervalLogWriterError},
};

use crate::Latency;

/// How many percentiles are written in each half of the rest up to 100 %.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// Milliseconds are what the tools' users expect.
const NANOS_PER_MS: f64 = 1e6;

/// Writes the percentiles of `latency`, in milliseconds, as HdrHistogram's
/// `outputPercentileDistribution` does; its plotters read that.
///
/// # Errors
/// When `out` can't be written.
///
/// Source: `AbstractHistogram.outputPercentileDistribution` of the Java library.
pub fn write_percentiles(latency: &Latency, out: &mut impl Write) -> io::Result<()> {
    let histogram = latency.histogram();
    writeln!(
        out,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )?;
    let mut total = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        total += step.count_since_last_iteration();
        let value = step.value_iterated_to() as f64 / NANOS_PER_MS;
        let quantile = step.quantile_iterated_to();
        write!(out, "{value:>12.6} {quantile:>14.12} {total:>10}")?;
        if quantile < 1.0 {
            writeln!(out, " {:>14.2}", 1.0 / (1.0 - quantile))?;
        } else {
            writeln!(out)?;
        }
    }
    writeln!(
        out,
        "#[Mean    = {:>12.6}, StdDeviation   = {:>12.6}]",
        histogram.mean() / NANOS_PER_MS,
        histogram.stdev() / NANOS_PER_MS
    )?;
    writeln!(
        out,
        "#[Max     = {:>12.6}, Total count    = {:>12}]",
        histogram.max() as f64 / NANOS_PER_MS,
        histogram.len()
    )?;
    // Readers don't need the sizes of the histogram, but the Java tools write them.
    writeln!(
        out,
        "#[Buckets = {:>12}, SubBuckets     = {:>12}]",
        histogram.buckets(),
        2048
    )
}

/// A log of histograms, one for each interval, in nanoseconds: HdrHistogram's interval log, format
/// 1.3.
pub struct IntervalLog<W> {
    out: W,
    serializer: V2DeflateSerializer,
}

impl<W: Write> IntervalLog<W> {
    /// Begins a log of a run whose measuring began at `began`.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn begin(mut out: W, began: SystemTime) -> io::Result<Self> {
        let mut serializer = V2DeflateSerializer::new();
        IntervalLogWriterBuilder::new()
            .add_comment("[Histogram log format version 1.3]")
            .add_comment("[Logged by portlab; values in nanoseconds]")
            .with_start_time(began)
            .with_base_time(began)
            .begin_log_with(&mut out, &mut serializer)?;
        writeln!(
            out,
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""
        )?;
        Ok(Self { out, serializer })
    }

    /// Adds what was recorded between `from` and `to`, counted from when measuring began.
    ///
    /// # Errors
    /// When the log can't be written.
    pub fn add(&mut self, latency: &Latency, from: Duration, to: Duration) -> io::Result<()> {
        // A writer without a header adds to an existing log.
        IntervalLogWriterBuilder::new()
            .begin_log_with(&mut self.out, &mut self.serializer)?
            .write_histogram(latency.histogram(), from, to.saturating_sub(from), None)
            .map_err(|error| match error {
                IntervalLogWriterError::IoError(error) => error,
                IntervalLogWriterError::SerializeError(error) => io::Error::other(error),
            })
    }

    /// Flushes the log, and returns the stream.
    ///
    /// # Errors
    /// When the log can't be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use hdrhistogram::serialization::{
        Deserializer,
        interval_log::{IntervalLogIterator, LogEntry},
    };

    use super::*;

    fn latency(millis: std::ops::RangeInclusive<u64>) -> Latency {
        let mut latency = Latency::new();
        millis.for_each(|value| latency.record(value * 1_000_000));
        latency
    }

    #[test]
    fn percentiles_are_written_as_the_java_library_writes_them() {
        let mut out = Vec::new();
        write_percentiles(&latency(1..=100), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[0],
            "       Value     Percentile TotalCount 1/(1-Percentile)"
        );
        let rows = lines.iter().filter(|line| !line.starts_with('#')).skip(2);
        let figures = |row: &&str| {
            row.split_whitespace()
                .map(|it| it.parse().unwrap())
                .collect()
        };
        let rows: Vec<Vec<f64>> = rows.map(figures).collect();
        let median = rows.iter().find(|row| (row[1] - 0.5).abs() < 1e-9).unwrap();
        assert!((median[0] - 50.0).abs() < 0.1 && median[2] == 50.0 && median[3] == 2.0);
        let last = rows.last().unwrap();
        assert!((last[0] - 100.0).abs() < 0.1 && last[1] == 1.0 && last[2] == 100.0);
        let rises = |column: usize| rows.is_sorted_by(|one, next| one[column] <= next[column]);
        assert!(rises(0) && rises(1));
        assert!(
            lines[lines.len() - 3].starts_with("#[Mean    =    50.49"),
            "{text}"
        );
    }

    #[test]
    fn an_interval_log_is_read_back_with_every_count() {
        let mut log = IntervalLog::begin(Vec::new(), SystemTime::now()).unwrap();
        let seconds = Duration::from_secs;
        log.add(&latency(1..=10), seconds(0), seconds(1)).unwrap();
        log.add(&latency(5..=9), seconds(1), seconds(3)).unwrap();
        let mut read = Vec::new();
        for entry in IntervalLogIterator::new(&log.out) {
            // The legend, in quotes, isn't an entry; the Java tools skip it as well.
            if let Ok(LogEntry::Interval(it)) = entry {
                let bytes = STANDARD.decode(it.encoded_histogram()).unwrap();
                let histogram = Deserializer::new().deserialize::<u64, _>(&mut &bytes[..]);
                read.push((
                    it.start_timestamp(),
                    it.duration(),
                    histogram.unwrap().len(),
                ));
            }
        }
        let (first, second) = ((seconds(0), seconds(1), 10), (seconds(1), seconds(2), 5));
        assert_eq!(read, [first, second]);
    }
}
