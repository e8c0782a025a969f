//! What a table calls a measure, how it writes its figures, and what goes first where there is no room.

use portlab_stats::{
    estimate::Estimate,
    measure::Measure,
    record::{Cell, Counts, Workload},
    units,
};

/// The measures that say something of `workload`, the one that it is ranked by first.
pub(crate) fn measures(workload: &Workload) -> Vec<Measure> {
    let tells = |measure: &Measure| match workload.counts {
        Counts::Messages | Counts::Deliveries => true,
        // Connections that come and go hold no memory that could be divided among them.
        Counts::Connections => *measure != Measure::MemoryPerConnection,
        Counts::Nothing => matches!(
            measure,
            Measure::PeakMemory
                | Measure::MemoryPerConnection
                | Measure::Threads
                | Measure::Processes
        ),
    };
    let others = Measure::ALL.into_iter().filter(tells);
    let others = others.filter(|measure| *measure != workload.ranked_by);
    std::iter::once(workload.ranked_by).chain(others).collect()
}

/// What heads the figures of `measure`, in a table of what `counts` says.
pub(crate) fn title(measure: Measure, counts: Counts) -> &'static str {
    use Counts::{Connections, Deliveries};
    match (measure, counts) {
        (Measure::MessagesPerS, Deliveries) => "deliveries/s",
        (Measure::MessagesPerS, Connections) => "conns/s",
        (Measure::MessagesPerS, _) => "msgs/s",
        (Measure::LatencyP50, Deliveries) => "fan-out p50",
        (Measure::LatencyP50, _) => "p50",
        (Measure::LatencyP99, Deliveries) => "fan-out p99",
        (Measure::LatencyP99, _) => "p99",
        (Measure::LatencyP999, Deliveries) => "fan-out p99.9",
        (Measure::LatencyP999, _) => "p99.9",
        (Measure::CpuPerMessage, Deliveries) => "CPU/delivery",
        (Measure::CpuPerMessage, Connections) => "CPU/conn",
        (Measure::CpuPerMessage, _) => "CPU/msg",
        (Measure::SwitchesPerMessage, _) => "switches",
        (Measure::PeakMemory, _) => "memory",
        (Measure::MemoryPerConnection, Deliveries) => "per member",
        (Measure::MemoryPerConnection, _) => "per conn",
        (Measure::Threads, _) => "threads",
        (Measure::Processes, _) => "procs",
    }
}

/// Writes a figure of `measure` to three digits, with its unit.
pub(crate) fn write(measure: Measure, figure: f64) -> String {
    match measure {
        Measure::MessagesPerS => units::short(figure),
        Measure::LatencyP50
        | Measure::LatencyP99
        | Measure::LatencyP999
        | Measure::CpuPerMessage => units::nanos(figure),
        Measure::SwitchesPerMessage => units::three_digits(figure),
        Measure::PeakMemory | Measure::MemoryPerConnection => units::bytes(figure),
        Measure::Threads | Measure::Processes => format!("{figure:.0}"),
    }
}

/// Writes a figure of `cell`, with a sign before the least that can be seen.
pub(crate) fn write_of(measure: Measure, cell: &Cell, figure: f64) -> String {
    let text = write(measure, figure);
    match measure.is_the_least(cell, figure) {
        true => format!("<{text}"),
        false => text,
    }
}

/// Writes how many times a baseline's figure a cell's is; if the baseline's is the least that can be
/// seen, it is more.
pub(crate) fn write_ratio(
    measure: Measure,
    baseline: &Cell,
    ratio: Estimate,
    wide: bool,
) -> String {
    let Estimate {
        median, low, high, ..
    } = ratio;
    let of = baseline.figure(measure);
    if of.is_some_and(|of| measure.is_the_least(baseline, of.median)) {
        return format!(">{median:.0}");
    }
    match wide {
        true => format!("{median:.2} ({low:.2}–{high:.2})"),
        false => format!("{median:.2}"),
    }
}

/// Writes the figures from `low` to `high`, with a unit that they share once.
pub(crate) fn write_interval(measure: Measure, low: f64, high: f64) -> String {
    let (low, high) = (write(measure, low), write(measure, high));
    match (low.rsplit_once(' '), high.rsplit_once(' ')) {
        (Some((low, unit)), Some((_, same))) if unit == same => format!("{low}–{high}"),
        _ => format!("{low}–{high}"),
    }
}

/// When there is no room for all columns, the one with the lowest weight goes first.
pub(crate) fn weight(measure: Measure) -> u8 {
    match measure {
        Measure::Processes => 1,
        Measure::Threads => 2,
        Measure::LatencyP999 => 3,
        Measure::MemoryPerConnection => 4,
        Measure::LatencyP50 => 5,
        Measure::SwitchesPerMessage => 6,
        Measure::PeakMemory => 7,
        Measure::LatencyP99 => 8,
        Measure::CpuPerMessage => 10,
        Measure::MessagesPerS => 11,
    }
}

/// Writes a share, in parts of 1, as per cent: `0.4%`, `3.1%`, `25%`.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 9.95 {
        format!("{percent:.1}%")
    } else {
        format!("{percent:.0}%")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::fixture;

    #[test]
    fn a_workload_in_which_nothing_is_said_shows_what_it_holds() {
        let mut workload = fixture::record(Vec::new()).workloads.remove(0);
        assert_eq!(measures(&workload).len(), Measure::ALL.len());
        assert_eq!(measures(&workload)[0], Measure::CpuPerMessage);
        workload.counts = Counts::Nothing;
        workload.ranked_by = Measure::MemoryPerConnection;
        let titles = measures(&workload).into_iter();
        let titles: Vec<_> = titles.map(|it| title(it, workload.counts)).collect();
        assert_eq!(titles, ["per conn", "memory", "threads", "procs"]);
    }

    #[test]
    fn an_interval_names_its_unit_once() {
        let written = |low, high| write_interval(Measure::LatencyP50, low, high);
        assert_eq!(written(3_950.0, 4_210.0), "3.95–4.21 µs");
        assert_eq!(written(950.0, 4_210.0), "950 ns–4.21 µs");
        let written = write_interval(Measure::MessagesPerS, 99_100.0, 102_000.0);
        assert_eq!(written, "99.1k–102k");
    }

    #[test]
    fn per_cent_has_two_digits() {
        assert_eq!(
            [0.0, 0.031, 0.0994, 0.0996, 2.5].map(percent),
            ["0.0%", "3.1%", "9.9%", "10%", "250%"]
        );
    }
}
