//! The charts of a load, or of two.

use portlab_chart::{
    Axis, Lines, Marker, Sample, Series, Spacing, Style, lines, percentiles, place_of,
};
use portlab_stats::{
    load::{IntervalLine, LoadRecord, Loop},
    record::Histogram,
};
use portlab_words::{Lang, tr, units};

use super::document::Block;
use crate::html::charts::{BEYOND, Chart, PLOT, drawn, spaced};

/// If the largest figure is more than this many times the smallest, the axis is logarithmic.
const FAR: f64 = 10.0;
/// The most bins of a histogram.
const MOST_BINS: f64 = 60.0;

/// A line without markers.
const fn line(colour: usize, dash: usize) -> Style {
    Style {
        colour,
        dash,
        marker: Marker::None,
    }
}

pub(crate) const BLUE: Style = line(3, 0);
const AMBER: Style = line(2, 0);
const RED: Style = line(1, 0);
const GREEN: Style = line(6, 0);
pub(crate) const GREY: Style = line(14, 4);

/// Histograms of the same kind, each with its name and its style.
pub(crate) type Named<'a> = [(String, Style, &'a Histogram)];

/// What happened over time: throughput, latency, errors, and connections if their number changed.
pub(crate) fn over_time(record: &LoadRecord, lang: Lang) -> Vec<Block> {
    if record.intervals.len() < 2 {
        return Vec::new();
    }
    let any = |of: fn(&IntervalLine) -> bool| record.intervals.iter().any(of);
    let mut charts = Vec::new();
    if record.pace != Loop::Idle {
        charts.push(throughput(record, lang));
        charts.push(latency(record, lang));
    }
    if any(|it| it.errors > 0) {
        charts.push(errors(record, lang));
    }
    let open = record.intervals.iter().map(|it| it.open_connections);
    if open.clone().min() != open.max() {
        charts.push(connections(record, lang));
    }
    charts.into_iter().map(Block::chart).collect()
}

/// A line over the intervals of `record`.
fn over(
    record: &LoadRecord,
    name: &str,
    style: Style,
    figure: impl Fn(&IntervalLine) -> Option<f64>,
) -> Series {
    let sample = |it: &IntervalLine| Sample {
        y: figure(it),
        ..Sample::new(it.to_ns as f64 / 1e9, 0.0)
    };
    Series {
        name: name.to_owned(),
        style,
        samples: record.intervals.iter().map(sample).collect(),
    }
}

/// A chart whose horizontal axis is the time.
fn of_time(
    (name, heading): (&str, &str),
    caption: String,
    series: &[Series],
    y: Axis<'_>,
    lang: Lang,
) -> Chart {
    let time = lang.pick("time since measuring began", "从开始测量起的时间");
    let write = |seconds: f64| match seconds {
        0.0 => "0 s".to_owned(),
        _ => units::nanos(seconds * 1e9),
    };
    drawn((name.to_owned(), heading.to_owned()), caption, |frame| {
        let chart = Lines {
            series,
            x: Axis::new(time, Spacing::FromZero, write),
            y,
            plot_height: 240.0,
        };
        lines(frame, &chart)
    })
}

fn throughput(record: &LoadRecord, lang: Lang) -> Chart {
    let answered = lang.pick("answered", "已响应");
    let mut series = vec![over(record, answered, BLUE, |it| Some(it.messages_per_s))];
    let mut caption = tr!(
        lang,
        "Each point is the end of an interval.",
        "每个点是一段间隔的终点。"
    );
    if record.pace == Loop::Open {
        let asked = lang.pick("asked", "要求");
        series.insert(0, over(record, asked, GREY, |it| it.rate_per_s));
        caption += &tr!(
            lang,
            " Where the line of answers falls below that of the rate, the server didn't keep up.",
            "响应线低于速率线的地方，服务端跟不上。"
        );
    }
    let heading = lang.pick("Throughput over time", "吞吐量随时间的变化");
    let label = lang.pick("messages per second", "每秒消息数");
    let y = Axis::new(label, Spacing::FromZero, units::short);
    of_time(("throughput", heading), caption, &series, y, lang)
}

fn latency(record: &LoadRecord, lang: Lang) -> Chart {
    let max = lang.pick("max", "最大");
    let nanos = |value: Option<u64>| value.map(|it| it as f64);
    let series = [
        over(record, max, RED, |it| nanos(it.latency_max_ns)),
        over(record, "p99", AMBER, |it| nanos(it.latency_p99_ns)),
        over(record, "p50", BLUE, |it| nanos(it.latency_p50_ns)),
    ];
    let all = series
        .iter()
        .flat_map(|it| &it.samples)
        .filter_map(|it| it.y);
    let least = all.clone().fold(f64::INFINITY, f64::min);
    let spacing = match all.fold(0.0, f64::max) / least > FAR {
        true => Spacing::Log,
        false => Spacing::FromZero,
    };
    let heading = lang.pick("Latency over time", "延迟随时间的变化");
    let label = spaced(lang.pick("latency", "延迟"), spacing, lang);
    let caption = tr!(
        lang,
        "Of the messages that were answered in each interval: half took at most the p50, 99 of 100 at most the p99.",
        "每段间隔内得到响应的消息：一半不超过 p50，99% 不超过 p99。"
    );
    let y = Axis::new(&label, spacing, units::nanos);
    of_time(("latency", heading), caption, &series, y, lang)
}

fn errors(record: &LoadRecord, lang: Lang) -> Chart {
    let per_s = |it: &IntervalLine| Some(it.errors as f64 / it.length_s().max(1e-9));
    let series = over(record, lang.pick("errors", "错误"), RED, per_s);
    let heading = lang.pick("Errors over time", "错误随时间的变化");
    counts(
        ("errors", heading),
        lang.pick("errors per second", "每秒错误数"),
        series,
        lang,
    )
}

fn connections(record: &LoadRecord, lang: Lang) -> Chart {
    let open = |it: &IntervalLine| Some(it.open_connections as f64);
    let series = over(record, lang.pick("open", "打开"), GREEN, open);
    let heading = lang.pick("Open connections over time", "打开的连接数随时间的变化");
    let label = lang.pick(
        "connections at the end of the interval",
        "间隔结束时的连接数",
    );
    counts(("open", heading), label, series, lang)
}

fn counts(about: (&str, &str), label: &str, series: Series, lang: Lang) -> Chart {
    let y = Axis::new(label, Spacing::FromZero, units::short);
    of_time(about, String::new(), &[series], y, lang)
}

/// The latencies of a run: counted from when messages were due, and in an open loop from when they were sent too.
pub(crate) fn latencies(record: &LoadRecord, lang: Lang) -> Vec<Block> {
    let histograms = &record.histograms;
    let (due, sent) = (&histograms.latency, &histograms.uncorrected_latency);
    if record.pace != Loop::Open {
        let name = lang.pick("latency", "延迟").to_owned();
        return of_histograms(&[(name, BLUE, due)], "", lang);
    }
    let named = [
        (lang.pick("from sent", "从发送").to_owned(), GREY, sent),
        (lang.pick("from due", "从到期").to_owned(), BLUE, due),
    ];
    let kinds = tr!(
        lang,
        " \"From due\" contains the time that a message waited because earlier ones were late; \"from sent\" doesn't, \
         and is what many other tools show.",
        "“从到期”包含消息因前面的消息迟到而等待的时间；“从发送”不包含，许多别的工具只显示后者。"
    );
    of_histograms(&named, &kinds, lang)
}

/// The percentile curves and the histograms of `named`, as far as anything was measured; `kinds` says what they are.
pub(crate) fn of_histograms(named: &Named<'_>, kinds: &str, lang: Lang) -> Vec<Block> {
    if named.iter().all(|(_, _, it)| it.is_empty()) {
        return Vec::new();
    }
    let about = (
        "histogram",
        lang.pick("Histogram of the latency", "延迟直方图"),
        lang.pick("latency", "延迟"),
        lang.pick("share of messages", "消息占比"),
    );
    let caption = tr!(
        lang,
        "How many of the messages took about so long. Two hills mean two kinds of answers: a cache and a disk, or \
         an idle server and a busy one.",
        "用时在此附近的消息有多少。出现两个峰，说明响应有两类：如缓存与磁盘、空闲与繁忙。"
    );
    [
        curve(named, kinds, lang),
        histogram(named, about, caption, lang),
    ]
    .map(Block::chart)
    .into()
}

/// The times that connections and handshakes took, if there were enough for a histogram.
pub(crate) fn connecting(record: &LoadRecord, lang: Lang) -> Vec<Block> {
    let histograms = &record.histograms;
    let handshakes = histograms.handshake_latency.as_ref();
    let kinds = [
        (
            lang.pick("connecting", "建立连接"),
            GREEN,
            Some(&histograms.connect_latency),
        ),
        (lang.pick("TLS handshake", "TLS 握手"), AMBER, handshakes),
    ];
    let enough = kinds
        .into_iter()
        .filter(|(.., it)| it.is_some_and(|it| it.count() >= FEWEST_TIMES));
    let named: Vec<_> = enough
        .filter_map(|(name, style, it)| Some((name.to_owned(), style, it?)))
        .collect();
    if named.is_empty() {
        return Vec::new();
    }
    let about = (
        "connecting",
        lang.pick("How long it took to connect", "建立连接用时"),
        lang.pick("time", "时间"),
        lang.pick("share of connections", "连接占比"),
    );
    vec![Block::chart(histogram(&named, about, String::new(), lang))]
}

/// Fewer times than this are better read in a table than in a histogram.
const FEWEST_TIMES: u64 = 10;

/// Steps of the curve from one percentile to the next whose rest is a tenth.
const STEPS: i32 = 12;

fn curve(named: &Named<'_>, kinds: &str, lang: Lang) -> Chart {
    let series = named.iter().map(|(name, style, histogram)| {
        let count = histogram.count() as f64;
        let places = (1..).map(|step| 10_f64.powf(f64::from(step) / f64::from(STEPS)));
        // A quantile that few messages exceed says little.
        let places = places.take_while(|place| count / place >= BEYOND);
        let samples = places.filter_map(|place| {
            let latency = histogram.quantile(1.0 - 1.0 / place)?;
            Some(Sample::new(place, latency as f64))
        });
        let median = histogram
            .quantile(0.5)
            .map(|it| Sample::new(place_of(0.5), it as f64));
        let mut samples: Vec<Sample> = samples.chain(median).collect();
        samples.sort_by(|a, b| a.x.total_cmp(&b.x));
        Series {
            name: name.clone(),
            style: *style,
            samples,
        }
    });
    let series: Vec<Series> = series.collect();
    let heading = lang
        .pick("Latency by percentile", "延迟的分位数曲线")
        .to_owned();
    let (share, what) = (
        lang.pick("share of messages", "消息占比"),
        lang.pick("latency", "延迟"),
    );
    let [x_label, y_label] = [share, what].map(|it| spaced(it, Spacing::Log, lang));
    let caption = tr!(
        lang,
        "Read it so: 99% of the messages took no longer than the curve at 99%. To the right there are fewer \
         and fewer messages; the curve ends where only five are beyond.",
        "读法：99% 的消息不超过曲线在 99% 处的值。越往右消息越少；曲线在只剩五条消息的地方结束。"
    ) + kinds;
    drawn(("percentiles".to_owned(), heading), caption, |frame| {
        let chart = Lines {
            series: &series,
            x: percentiles(&x_label),
            y: Axis::new(&y_label, Spacing::Log, units::nanos),
            plot_height: PLOT,
        };
        lines(frame, &chart)
    })
}

fn histogram(
    named: &Named<'_>,
    (id, heading, time, share): (&str, &str, &str, &str),
    caption: String,
    lang: Lang,
) -> Chart {
    let ends = named
        .iter()
        .filter_map(|(_, _, it)| Some((it.0.first()?.0, it.0.last()?.0)));
    let least = ends.clone().map(|it| it.0).min().unwrap_or(1).max(1) as f64;
    let most = ends.map(|it| it.1).max().unwrap_or(1).max(1) as f64;
    let doubles = (most / least).log2();
    let widths = [8.0, 4.0, 2.0, 1.0];
    let fits = |each: &f64| doubles * each <= MOST_BINS;
    // Bins per double.
    let each = widths.into_iter().find(fits).unwrap_or(0.5);
    let series = named.iter().map(|(name, style, histogram)| Series {
        name: name.clone(),
        style: *style,
        samples: steps(histogram, each),
    });
    let series: Vec<Series> = series.collect();
    let time = spaced(time, Spacing::Log, lang);
    let percent = |share: f64| format!("{}%", units::three_digits(share * 100.0));
    drawn((id.to_owned(), heading.to_owned()), caption, |frame| {
        let chart = Lines {
            series: &series,
            x: Axis::new(&time, Spacing::Log, units::nanos),
            y: Axis::new(share, Spacing::FromZero, percent),
            plot_height: 240.0,
        };
        lines(frame, &chart)
    })
}

/// The columns of a histogram with so many bins per double, from the first that isn't empty to the last: the places where
/// the share of all changes, each with an area down to zero.
fn steps(histogram: &Histogram, each: f64) -> Vec<Sample> {
    let all = histogram.count() as f64;
    // The upper end of a bucket is rounded, perhaps to just above the end of its bin.
    let bin = |nanos: u64| ((nanos.max(1) as f64).log2() * each - 0.02).ceil() as i64;
    let (Some(first), Some(last)) = (histogram.0.first(), histogram.0.last()) else {
        return Vec::new();
    };
    let first = bin(first.0);
    let mut bins = vec![0; (bin(last.0) - first) as usize + 1];
    for &(nanos, count) in &histogram.0 {
        bins[(bin(nanos) - first) as usize] += count;
    }
    let sample = |bin: i64, count: u64| {
        let share = count as f64 / all;
        Sample {
            interval: Some((0.0, share)),
            ..Sample::new(((bin - 1) as f64 / each).exp2(), share)
        }
    };
    let mut samples = vec![sample(first, 0)];
    for (at, &count) in (first..).zip(&bins) {
        samples.extend([sample(at, count), sample(at + 1, count)]);
    }
    samples.push(sample(first + bins.len() as i64, 0));
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_a_histogram_have_the_shares_of_all() {
        let histogram = Histogram(vec![(1_000, 1), (1_020, 2), (2_000, 1)]);
        let samples = steps(&histogram, 1.0);
        let places: Vec<_> = samples.iter().map(|it| (it.x, it.y.unwrap())).collect();
        let expected = [
            (512.0, 0.0),
            (512.0, 0.75),
            (1024.0, 0.75),
            (1024.0, 0.25),
            (2048.0, 0.25),
            (2048.0, 0.0),
        ];
        assert_eq!(places, expected);
        assert!(steps(&Histogram::default(), 8.0).is_empty());
    }
}
