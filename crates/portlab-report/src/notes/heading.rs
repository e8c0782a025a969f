//! What was compared, where and how.

use std::time::{Duration, UNIX_EPOCH};

use portlab_stats::record::{Cell, Counts, Point, Record, Workload};
use portlab_words::{Lang, tr};

use super::{
    figures::size,
    sentence::{Sentence, count, figure, text},
};

/// What stands above a report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heading {
    /// The number of servers: "10 servers, side by side".
    pub(crate) title: String,
    /// The suite and its workloads.
    pub(crate) what: String,
    /// How often and how long each cell was measured.
    pub(crate) how: String,
    /// The machine.
    pub(crate) machine: String,
    /// When the run began, in UTC.
    pub(crate) date: String,
    /// That every response was right; `None` if there were errors, which remarks tell, or if nothing was measured.
    pub(crate) checked: Option<Sentence>,
}

pub(super) fn heading(record: &Record, servers: usize, lang: Lang) -> Heading {
    Heading {
        title: title(servers, lang),
        what: what(record, lang),
        how: how(record, lang),
        machine: machine(record, lang),
        date: date(record.started_unix_s),
        checked: checked(record, lang),
    }
}

fn line(lang: Lang, marked: &str) -> String {
    Sentence::line(lang, marked).plain()
}

fn title(servers: usize, lang: Lang) -> String {
    let count = count(servers);
    let title = match servers {
        1 => tr!(lang, "{count} server measured", "{count}个服务端的测量结果"),
        _ => tr!(
            lang,
            "{count} servers, side by side",
            "{count}个服务端，并排比较"
        ),
    };
    line(lang, &title)
}

/// The suite or the workloads.
fn what(record: &Record, lang: Lang) -> String {
    let names: Vec<&str> = record.workloads.iter().map(|it| it.name.as_str()).collect();
    let names = names.join(lang.pick(", ", "、"));
    match &record.setup.suite {
        Some(suite) => {
            let (suite, names) = (text(suite), text(&names));
            line(
                lang,
                &tr!(lang, "suite {suite}: {names}", "套件{suite}：{names}"),
            )
        }
        None => names,
    }
}

fn how(record: &Record, lang: Lang) -> String {
    let durations = || record.workloads.iter().map(|workload| workload.duration_ms);
    let duration = match (durations().min(), durations().max()) {
        (Some(shortest), Some(longest)) if shortest < longest => {
            tr!(
                lang,
                "{shortest} to {longest} ms",
                "{shortest} 到{longest} ms"
            )
        }
        (shortest, _) => format!("{} ms", shortest.unwrap_or(0)),
    };
    let (rounds, seed) = (count(record.setup.rounds), record.setup.seed);
    let how = tr!(
        lang,
        "{rounds} round[|s] of {duration} per cell, seed {seed}",
        "每个测点测{rounds}轮，每轮{duration}，随机种子{seed}"
    );
    line(lang, &how)
}

fn machine(record: &Record, lang: Lang) -> String {
    let environment = &record.environment;
    let [cpu, kernel, version] = [
        &environment.cpu,
        &environment.kernel,
        &record.portlab_version,
    ]
    .map(|it| text(it));
    let cores = count(environment.cores);
    let machine = tr!(
        lang,
        "{cpu}, {cores} core[|s], Linux {kernel}; portlab {version}",
        "{cpu}，{cores}核，Linux {kernel}；portlab {version}"
    );
    line(lang, &machine)
}

/// The first second after the year 9999, the last that RFC 3339 can write.
const AFTER_9999_S: u64 = 253_402_300_800;

/// When the run began, in UTC; empty if that is after the year 9999.
pub(crate) fn date(started_unix_s: u64) -> String {
    if started_unix_s >= AFTER_9999_S {
        return String::new();
    }
    let began = UNIX_EPOCH + Duration::from_secs(started_unix_s);
    humantime::format_rfc3339_seconds(began).to_string()
}

fn checked(record: &Record, lang: Lang) -> Option<Sentence> {
    let measured: usize = record.cells.iter().map(|cell| cell.rounds.len()).sum();
    if measured == 0 || !record.cells.iter().all(Cell::went_well) {
        return None;
    }
    let count = count(measured);
    let checked = tr!(
        lang,
        "{count} measurement[|s] without an error: every response was checked.",
        "{count}次测量，没有错误：每个响应都核对过。"
    );
    Some(Sentence::of(lang, &checked))
}

/// What is the same wherever a workload was measured: "64 B, depth 1, work wait:5ms".
pub(super) fn details(record: &Record, workload: &Workload, lang: Lang) -> String {
    let own = |cell: &&Cell| cell.workload == workload.name;
    let points: Vec<Point> = record.cells.iter().filter(own).map(|it| it.point).collect();
    let same = |what: fn(&Point) -> Option<usize>| {
        let first = what(points.first()?)?;
        let is_same = points.iter().all(|it| what(it) == Some(first));
        is_same.then_some(first)
    };
    let mut details = Vec::new();
    if workload.counts != Counts::Nothing {
        details.extend(same(|it| Some(it.size_bytes)).map(|bytes| figure(size(bytes))));
    }
    if let Some(workers) = same(|it| it.workers_asked).map(count) {
        details.push(tr!(lang, "{workers} worker[|s]", "{workers}个工作者"));
    }
    if let Some(rooms) = workload.rooms.map(count) {
        details.push(tr!(lang, "{rooms} room[|s]", "{rooms}个聊天室"));
    }
    if let Some(active) = workload.active_connections.map(count) {
        details.push(tr!(
            lang,
            "{active} active connection[|s]",
            "{active}个活跃连接"
        ));
    }
    if let Some(heavy) = workload.heavy_depth.map(count) {
        details.push(tr!(
            lang,
            "one connection of depth {heavy}, the others measured",
            "一个连接的深度是{heavy}，测的是其他连接"
        ));
    }
    let depth = count(workload.depth);
    match workload.counts {
        Counts::Deliveries => details.push(tr!(
            lang,
            "{depth} message[|s] under way",
            "{depth}条消息在途"
        )),
        Counts::Messages | Counts::Requests => {
            details.push(tr!(lang, "depth {depth}", "深度{depth}"));
        }
        Counts::Connections | Counts::Nothing => {}
    }
    if workload.work != "none" {
        let work = text(&workload.work);
        details.push(tr!(lang, "work {work}", "处理{work}"));
    }
    if workload.server_on_all_cpus {
        let all = lang.pick("servers on all processors", "服务端可用所有处理器");
        details.push(all.to_owned());
    }
    line(lang, &details.join(lang.pick(", ", "，")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::fixture;

    #[test]
    fn the_details_of_a_workload_are_the_same_at_all_points() {
        let mut large = fixture::cell("a", &[4.0; 3]);
        large.point.size_bytes = 4096;
        let mut record = fixture::record(vec![fixture::cell("a", &[4.0; 3]), large]);
        let told = |record: &Record| Lang::ALL.map(|it| details(record, &record.workloads[0], it));
        assert_eq!(told(&record), ["depth 1", "深度 1"]);
        record.cells.remove(1);
        record.workloads[0].work = "wait:5ms".into();
        let expected = [
            "64 B, depth 1, work wait:5ms",
            "64 B，深度 1，处理 wait:5ms",
        ];
        assert_eq!(told(&record), expected);
    }

    #[test]
    fn a_date_after_the_year_9999_is_left_out() {
        assert_eq!(date(0), "1970-01-01T00:00:00Z");
        assert_eq!(date(u64::MAX), "");
    }

    #[test]
    fn only_a_run_without_errors_says_that_every_response_was_checked() {
        let mut record = fixture::record(vec![fixture::cell("a", &[4.0; 3])]);
        let told = |record: &Record| checked(record, Lang::En).map(|it| it.to_string());
        let expected = "3 measurements without an error: every response was checked.";
        assert_eq!(told(&record).as_deref(), Some(expected));
        record.cells[0].rounds[1].errors = 1;
        assert_eq!(told(&record), None);
        assert_eq!(told(&fixture::record(vec![])), None);
    }
}
