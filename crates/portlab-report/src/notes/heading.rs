//! What was compared, where and how.

use std::time::{Duration, UNIX_EPOCH};

use portlab_stats::record::{Cell, Counts, Point, Record, Workload};
use portlab_words::{Lang, Text};

use super::{
    figures::size,
    parts::{Sentence, Words, line, sentence},
};

/// What stands above a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Heading {
    /// The number of servers: "10 servers, side by side".
    pub title: String,
    /// The suite and its workloads.
    pub what: String,
    /// How often and how long each cell was measured.
    pub how: String,
    /// The machine.
    pub machine: String,
    /// When the run began, in UTC.
    pub date: String,
    /// Whether every response was right; `None` where that is told by remarks, or nothing was measured.
    pub checked: Option<Sentence>,
}

pub(super) fn heading(record: &Record, servers: usize, lang: Lang) -> Heading {
    Heading {
        title: title(servers, lang),
        what: what(record, lang),
        how: how(record, lang),
        machine: machine(record, lang),
        date: date(record),
        checked: checked(record, lang),
    }
}

fn title(servers: usize, lang: Lang) -> String {
    let text = match servers {
        1 => Text::new("{count} server measured", "{count}个服务器的测量结果"),
        _ => Text::new("{count} servers, side by side", "{count}个服务器，并排比较"),
    };
    line(lang, &text, &[("count", Words::count(servers))])
}

/// The suite or the workloads.
fn what(record: &Record, lang: Lang) -> String {
    let names = record.workloads.iter().map(|it| it.name.as_str());
    let comma = Text::new(", ", "、").pick(lang).to_owned();
    let names = names.collect::<Vec<_>>().join(&comma);
    match &record.setup.suite {
        Some(suite) => {
            let text = Text::new("suite {suite}: {names}", "套件{suite}：{names}");
            let slots = [("suite", Words::text(suite)), ("names", Words::text(names))];
            line(lang, &text, &slots)
        }
        None => names,
    }
}

fn how(record: &Record, lang: Lang) -> String {
    let durations = || record.workloads.iter().map(|workload| workload.duration_ms);
    let duration = match (durations().min(), durations().max()) {
        (Some(shortest), Some(longest)) if shortest < longest => {
            let text = Text::new("{shortest} to {longest} ms", "{shortest} 到{longest} ms");
            let slots = [
                ("shortest", Words::figure(shortest.to_string())),
                ("longest", Words::figure(longest.to_string())),
            ];
            line(lang, &text, &slots)
        }
        (shortest, _) => format!("{} ms", shortest.unwrap_or(0)),
    };
    let slots = [
        ("rounds", Words::count(record.setup.rounds)),
        ("duration", Words::text(duration)),
        ("seed", Words::figure(record.setup.seed.to_string())),
    ];
    let text = Text::new(
        "{rounds} round[|s] of {duration} per cell, seed {seed}",
        "每项测{rounds}轮，每轮{duration}，随机种子{seed}",
    );
    line(lang, &text, &slots)
}

fn machine(record: &Record, lang: Lang) -> String {
    let environment = &record.environment;
    let slots = [
        ("cpu", Words::text(&environment.cpu)),
        ("cores", Words::count(environment.cores)),
        ("kernel", Words::text(&environment.kernel)),
        ("version", Words::text(&record.portlab_version)),
    ];
    let text = Text::new(
        "{cpu}, {cores} core[|s], Linux {kernel}; portlab {version}",
        "{cpu}，{cores}核，Linux {kernel}；portlab {version}",
    );
    line(lang, &text, &slots)
}

/// The first second after the year 9999, the last that RFC 3339 can write.
const AFTER_9999_S: u64 = 253_402_300_800;

/// When the run began, in UTC; empty where no calendar has it.
pub(crate) fn date(record: &Record) -> String {
    if record.started_unix_s >= AFTER_9999_S {
        return String::new();
    }
    let began = UNIX_EPOCH + Duration::from_secs(record.started_unix_s);
    humantime::format_rfc3339_seconds(began).to_string()
}

fn checked(record: &Record, lang: Lang) -> Option<Sentence> {
    let measured: usize = record.cells.iter().map(|cell| cell.rounds.len()).sum();
    let is_well = |cell: &Cell| cell.errors() == 0 && cell.failures.is_empty();
    if measured == 0 || !record.cells.iter().all(is_well) {
        return None;
    }
    let text = Text::new(
        "{count} measurement[|s] without an error: every response was checked.",
        "{count}次测量，没有错误：每条应答都核对过。",
    );
    Some(sentence(lang, &text, &[("count", Words::count(measured))]))
}

/// What is the same wherever a workload was measured: "64 B, depth 1, work wait:5ms".
pub(super) fn details(record: &Record, workload: &Workload, lang: Lang) -> String {
    let own = |cell: &&Cell| cell.workload == workload.name;
    let points: Vec<Point> = record.cells.iter().filter(own).map(|it| it.point).collect();
    let same = |what: fn(&Point) -> Option<usize>| {
        let first = points.first()?;
        points
            .iter()
            .all(|it| what(it) == what(first))
            .then_some(what(first)?)
    };
    let mut details = Vec::new();
    if workload.counts != Counts::Nothing {
        details.extend(same(|it| Some(it.size_bytes)).map(size));
    }
    let counted = |text: Text, count: usize| line(lang, &text, &[("count", Words::count(count))]);
    if let Some(workers) = same(|it| it.workers_asked) {
        details.push(counted(
            Text::new("{count} worker[|s]", "{count}个工作者"),
            workers,
        ));
    }
    if let Some(rooms) = workload.rooms {
        details.push(counted(
            Text::new("{count} room[|s]", "{count}个房间"),
            rooms,
        ));
    }
    match workload.counts {
        Counts::Deliveries => details.push(counted(
            Text::new("{count} message[|s] under way", "{count}条消息在途"),
            workload.depth,
        )),
        Counts::Messages => {
            details.push(counted(
                Text::new("depth {count}", "深度{count}"),
                workload.depth,
            ));
        }
        Counts::Connections | Counts::Nothing => {}
    }
    if workload.work != "none" {
        let work = Words::text(&workload.work);
        details.push(line(
            lang,
            &Text::new("work {work}", "处理{work}"),
            &[("work", work)],
        ));
    }
    if workload.server_on_all_cpus {
        let text = Text::new("servers on all processors", "服务器可用所有处理器");
        details.push(line(lang, &text, &[]));
    }
    details.join(Text::new(", ", "，").pick(lang))
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::fixture;

    #[test]
    fn a_workload_says_what_does_not_vary() {
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
    fn a_date_beyond_all_calendars_is_left_out() {
        let mut record = fixture::record(vec![]);
        assert_eq!(date(&record), "1970-01-01T00:00:00Z");
        record.started_unix_s = u64::MAX;
        assert_eq!(date(&record), "");
    }

    #[test]
    fn only_a_run_without_errors_was_right_throughout() {
        let mut record = fixture::record(vec![fixture::cell("a", &[4.0; 3])]);
        let told = |record: &Record| checked(record, Lang::En).map(|it| it.to_string());
        let expected = "3 measurements without an error: every response was checked.";
        assert_eq!(told(&record).as_deref(), Some(expected));
        record.cells[0].rounds[1].errors = 1;
        assert_eq!(told(&record), None);
        assert_eq!(told(&fixture::record(vec![])), None);
    }
}
