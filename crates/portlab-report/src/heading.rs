//! What was compared, where and how, in words that all forms of the report share.

use std::time::{Duration, UNIX_EPOCH};

use portlab_stats::{
    analysis::Group,
    estimate::Estimate,
    record::{Counts, Pinning, Point, Rate, Record, Workload},
    units,
};

use crate::sentences::names::together;

/// The suite or the workloads; and how often and how long they were measured.
pub(crate) fn what(record: &Record) -> (String, String) {
    let names = record.workloads.iter().map(|workload| &workload.name[..]);
    let names = names.collect::<Vec<_>>().join(", ");
    let what = match &record.setup.suite {
        Some(suite) => format!("suite {suite}: {names}"),
        None => names,
    };
    let rounds = plural(record.setup.rounds, "round");
    let durations = || record.workloads.iter().map(|workload| workload.duration_ms);
    let duration = match (durations().min(), durations().max()) {
        (Some(shortest), Some(longest)) if shortest < longest => {
            format!(" of {shortest} to {longest} ms")
        }
        (Some(duration), _) => format!(" of {duration} ms"),
        _ => String::new(),
    };
    let seed = record.setup.seed;
    (what, format!("{rounds}{duration} per cell, seed {seed}"))
}

/// The machine.
pub(crate) fn machine(record: &Record) -> String {
    let environment = &record.environment;
    format!(
        "{}, {}, Linux {}; portlab {}",
        environment.cpu,
        plural(environment.cores, "core"),
        environment.kernel,
        record.portlab_version,
    )
}

/// When the run began, in UTC.
pub(crate) fn date(record: &Record) -> String {
    let began = UNIX_EPOCH + Duration::from_secs(record.started_unix_s);
    humantime::format_rfc3339_seconds(began).to_string()
}

/// Which processors server and generator had.
pub(crate) fn pinning(pinning: &Pinning) -> String {
    match pinning {
        Pinning::Apart {
            server_cpus,
            generator_cpus,
        } => format!(
            "server on {}, generator on {}",
            cpus(server_cpus),
            cpus(generator_cpus)
        ),
        Pinning::Together(reason) => {
            format!(
                "server and generator shared all processors: {}",
                together(reason).en
            )
        }
    }
}

fn cpus(numbers: &[usize]) -> String {
    let list: Vec<_> = numbers.iter().map(usize::to_string).collect();
    let ending = if numbers.len() == 1 { "" } else { "s" };
    format!("cpu{ending} {}", list.join(", "))
}

/// What a record that isn't whole warns of.
pub(crate) const INCOMPLETE: &str = "incomplete: not every round of every cell was measured";

/// What a workload is and asks, and what is the same wherever it was measured.
pub(crate) fn workload(record: &Record, workload: &Workload) -> (String, String) {
    let points = || {
        let cells = record.cells.iter();
        let cells = cells.filter(|cell| cell.workload == workload.name);
        cells.map(|cell| cell.point)
    };
    let mut says = String::new();
    if workload.title.en != workload.name {
        says = format!("{}. ", workload.title.en);
    }
    says += &workload.asks.en;
    let mut details = Vec::new();
    if let Some(point) = points().next() {
        let varies = |same: fn(&Point, &Point) -> bool| points().any(|it| !same(&it, &point));
        if workload.counts != Counts::Nothing && !varies(same_size) {
            details.push(size(&point));
        }
        if !varies(same_workers) {
            details.extend(workers(&point));
        }
    }
    if let Some(rooms) = workload.rooms {
        details.push(plural(rooms, "room"));
    }
    match workload.counts {
        Counts::Deliveries => {
            details.push(format!("{} under way", plural(workload.depth, "message")));
        }
        Counts::Messages => details.push(format!("depth {}", workload.depth)),
        Counts::Connections | Counts::Nothing => {}
    }
    if workload.work != "none" {
        details.push(format!("work {}", workload.work));
    }
    (says, details.join(", "))
}

/// Where in its workload a group is: what is held, and whatever else varies.
pub(crate) fn place(record: &Record, group: &Group) -> String {
    let point = &group.point;
    let noun = match group.workload.counts {
        Counts::Deliveries => "member",
        _ => "connection",
    };
    let mut words = vec![plural(point.connections, noun)];
    let mut others = record
        .cells
        .iter()
        .filter(|cell| cell.workload == group.workload.name);
    if others.clone().any(|cell| !same_size(&cell.point, point)) {
        words.push(size(point));
    }
    if others.any(|cell| !same_workers(&cell.point, point)) {
        words.push(workers(point).unwrap_or_else(|| "each its own workers".to_owned()));
    }
    words.extend(point.rate.map(|asked| rate(asked, group)));
    words.join(", ")
}

fn same_size(a: &Point, b: &Point) -> bool {
    a.size_bytes == b.size_bytes
}

fn same_workers(a: &Point, b: &Point) -> bool {
    a.workers_asked == b.workers_asked
}

fn size(point: &Point) -> String {
    units::bytes(point.size_bytes as f64)
}

fn workers(point: &Point) -> Option<String> {
    point.workers_asked.map(|count| plural(count, "worker"))
}

/// The rate of an open loop, in words.
fn rate(asked: Rate, group: &Group) -> String {
    let offered = group.cells.iter().flat_map(|cell| &cell.rounds);
    let offered = Estimate::of(offered.filter_map(|round| round.offered_per_s));
    let offered = offered.map_or(String::new(), |rate| {
        format!("{}/s: ", units::short(rate.median))
    });
    match asked {
        Rate::PerS(rate) => format!("at {}/s", units::short(rate)),
        Rate::Common => format!("at {offered}half of what the weakest can bear"),
        Rate::HalfOfBest => "each at half of what it can bear".to_owned(),
    }
}

pub(crate) fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::{analysis::groups, fixture};

    #[test]
    fn a_table_says_what_varies_and_the_workload_what_does_not() {
        let mut large = fixture::cell("a", &[4.0; 3]);
        large.point.size_bytes = 4096;
        let mut record = fixture::record(vec![fixture::cell("a", &[4.0; 3]), large]);
        let places = |record: &Record| -> Vec<_> {
            groups(record).iter().map(|it| place(record, it)).collect()
        };
        assert_eq!(
            places(&record),
            ["100 connections, 64 B", "100 connections, 4.00 KiB"]
        );
        let details = |record: &Record| workload(record, &record.workloads[0]).1;
        assert_eq!(details(&record), "depth 1");
        record.cells.remove(1);
        assert_eq!(places(&record), ["100 connections"]);
        assert_eq!(details(&record), "64 B, depth 1");
    }

    #[test]
    fn the_rate_of_an_open_loop_is_told() {
        let mut cell = fixture::cell("a", &[4.0; 3]);
        cell.point.rate = Some(Rate::Common);
        for round in &mut cell.rounds {
            round.offered_per_s = Some(3_200.0);
        }
        let record = fixture::record(vec![cell]);
        let words = place(&record, &groups(&record)[0]);
        assert_eq!(
            words,
            "100 connections, at 3.20k/s: half of what the weakest can bear"
        );
    }

    #[test]
    fn who_was_pinned_where_is_told() {
        let apart = Pinning::Apart {
            server_cpus: vec![0],
            generator_cpus: vec![1, 2],
        };
        assert_eq!(pinning(&apart), "server on cpu 0, generator on cpus 1, 2");
        assert!(pinning(&Pinning::default()).contains("didn't pin"));
    }
}
