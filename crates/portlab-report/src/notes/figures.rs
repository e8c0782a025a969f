//! How figures are written.

use portlab_stats::{analysis::Floor, estimate::Estimate, measure::Measure, record::Cell};
use portlab_words::{
    Lang, tr,
    units::{bytes, nanos, short, three_digits},
};

use super::sentence::figure;

/// A ratio whose interval reaches further than this share to either side is given with it.
const WIDE: f64 = 0.1;

/// Stands before a figure below the resolution.
pub(crate) const BELOW: char = '<';

/// Writes a figure of `measure` to three digits, with its unit.
pub fn figure_of(measure: Measure, value: f64) -> String {
    match measure {
        // Rounded to two digits, a small figure would be 0.
        Measure::SwitchesPerMessage if value > 0.0 && value < 0.005 => "<0.01".to_owned(),
        Measure::Threads | Measure::Processes => format!("{value:.0}"),
        _ => writer(measure)(value),
    }
}

/// How figures of `measure` are written on an axis.
pub(crate) fn writer(measure: Measure) -> fn(f64) -> String {
    match measure {
        Measure::MessagesPerS
        | Measure::HeavyMessagesPerS
        | Measure::MessagesPerCpuS
        | Measure::Threads
        | Measure::Processes => short,
        Measure::LatencyP50
        | Measure::LatencyP99
        | Measure::LatencyP999
        | Measure::CpuPerMessage => nanos,
        Measure::SwitchesPerMessage | Measure::CpusUsed => three_digits,
        Measure::PeakMemory | Measure::MemoryPerConnection => bytes,
    }
}

/// Writes the median of `cell`; one that can't be measured as below the resolution: `<41.0 B`.
pub(crate) fn median_of(measure: Measure, cell: &Cell, median: f64) -> String {
    match measure.resolution(cell) {
        Some(resolution) if cell.is_below(measure) => {
            format!("{BELOW}{}", figure_of(measure, resolution))
        }
        _ => figure_of(measure, median),
    }
}

/// Writes the figures from `low` to `high`, with a unit that they share once.
pub(crate) fn interval_of(measure: Measure, low: f64, high: f64) -> String {
    let (low, high) = (figure_of(measure, low), figure_of(measure, high));
    match (low.rsplit_once(' '), high.rsplit_once(' ')) {
        (Some((low, unit)), Some((_, same))) if unit == same => format!("{low}–{high}"),
        _ => format!("{low}–{high}"),
    }
}

/// Writes a share, in parts of 1, as per cent: `0.4%`, `3.1%`, `25%`.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = if percent.abs() < 9.95 { 1 } else { 0 };
    format!("{percent:.digits$}%")
}

/// Writes how many times as much: `1.7x`; close to 1, `1.04x`.
pub(crate) fn times(lang: Lang, ratio: f64) -> String {
    let number = match ratio {
        r if r < 0.1 => format!("1/{:.0}", 1.0 / r),
        r if r < 1.095 => format!("{r:.2}"),
        r if r < 9.95 => format!("{r:.1}"),
        r => format!("{r:.0}"),
    };
    tr!(lang, "{number}x", "{number} 倍")
}

/// Writes the size of a message: whole KiB and MiB without decimals.
pub(crate) fn size(size: usize) -> String {
    match size {
        kib if kib > 0 && kib % (1 << 20) == 0 => format!("{} MiB", kib >> 20),
        kib if kib > 0 && kib % (1 << 10) == 0 => format!("{} KiB", kib >> 10),
        other => bytes(other as f64),
    }
}

/// From the smallest of `values` to the largest, each written by `write`; one figure where they are
/// written alike.
pub(crate) fn range(
    lang: Lang,
    values: impl IntoIterator<Item = f64>,
    write: impl Fn(f64) -> String,
) -> String {
    let values: Vec<f64> = values.into_iter().collect();
    if values.is_empty() {
        return String::new();
    }
    let low = write(values.iter().copied().fold(f64::INFINITY, f64::min));
    let high = write(values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    if low == high {
        return figure(low);
    }
    let (low, high) = (figure(low), figure(high));
    tr!(lang, "{low} to {high}", "{low}～{high}")
}

/// How many times as much, from the least of `ratios` to the most; with their intervals if these are wide.
pub(crate) fn ratios(lang: Lang, ratios: &[Estimate]) -> String {
    let write = |ratio| times(lang, ratio);
    let medians = range(lang, ratios.iter().map(|ratio| ratio.median), write);
    let is_wide = |ratio: &Estimate| {
        let below = 1.0 - ratio.low / ratio.median;
        let above = ratio.high / ratio.median - 1.0;
        below.max(above) > WIDE
    };
    if !ratios.iter().any(is_wide) {
        return medians;
    }
    let ends = ratios.iter().flat_map(|ratio| [ratio.low, ratio.high]);
    let ends = range(lang, ends, write);
    tr!(lang, "{medians} ({ends})", "{medians}（{ends}）")
}

/// "noise floor 3.0%", or "noise floor 5.0%, assumed".
pub(crate) fn floor_of(lang: Lang, floor: Floor) -> String {
    let share = figure(percent(floor.share));
    match floor.measured {
        true => tr!(lang, "noise floor {share}", "噪声水平{share}"),
        false => tr!(
            lang,
            "noise floor {share}, assumed",
            "噪声水平按{share}估计"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notes::Sentence;

    fn said(lang: Lang, marked: String) -> String {
        Sentence::of(lang, &marked).to_string()
    }

    #[test]
    fn figures_are_written_with_few_digits() {
        let times = [0.004, 0.59, 1.04, 1.68, 12.3].map(|ratio| times(Lang::En, ratio));
        assert_eq!(times, ["1/250x", "0.59x", "1.04x", "1.7x", "12x"]);
        let percents = [0.031, 0.0996, 0.62].map(percent);
        assert_eq!(percents, ["3.1%", "10%", "62%"]);
        let switches = [0.0, 0.004, 0.02].map(|it| figure_of(Measure::SwitchesPerMessage, it));
        assert_eq!(switches, ["0", "<0.01", "0.02"]);
        let sizes = [0, 64, 1500, 4096, 1 << 20].map(size);
        assert_eq!(sizes, ["0 B", "64 B", "1.46 KiB", "4 KiB", "1 MiB"]);
    }

    #[test]
    fn an_interval_names_its_unit_once() {
        let written = |low, high| interval_of(Measure::LatencyP50, low, high);
        assert_eq!(written(3_950.0, 4_210.0), "3.95–4.21 µs");
        assert_eq!(written(950.0, 4_210.0), "950 ns–4.21 µs");
        let written = interval_of(Measure::MessagesPerS, 99_100.0, 102_000.0);
        assert_eq!(written, "99.1k–102k");
    }

    #[test]
    fn a_range_that_is_written_alike_is_one_figure() {
        let write = |value| figure_of(Measure::CpuPerMessage, value);
        let said = |values: &[f64]| said(Lang::En, range(Lang::En, values.iter().copied(), write));
        assert_eq!(said(&[4101.0, 4099.0]), "4.10 µs");
        assert_eq!(said(&[4200.0, 4100.0, 4150.0]), "4.10 µs to 4.20 µs");
        assert_eq!(range(Lang::En, [], write), "");
    }

    #[test]
    fn a_ratio_is_given_with_its_interval_where_that_is_wide() {
        let ratio = |low, median, high| Estimate {
            median,
            low,
            high,
            min: low,
            max: high,
            count: 9,
        };
        let all = |lang, list: &[Estimate]| said(lang, ratios(lang, list));
        assert_eq!(all(Lang::En, &[ratio(1.68, 1.7, 1.72)]), "1.7x");
        assert_eq!(
            all(Lang::En, &[ratio(1.4, 1.7, 2.1)]),
            "1.7x (1.4x to 2.1x)"
        );
        assert_eq!(
            all(Lang::Zh, &[ratio(1.7, 1.7, 1.7), ratio(1.9, 1.9, 1.9)]),
            "1.7 倍～1.9 倍"
        );
    }
}
