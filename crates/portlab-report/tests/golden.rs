//! Reports of a record file in every form equal the golden files.
//!
//! `PORTLAB_RENEW=1 cargo test -p portlab-report --test golden` renews them; read the `git diff` before you commit it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{fs, path::PathBuf, sync::LazyLock};

use portlab_report::{Notes, changes_markdown, changes_text, csv, html, markdown, text};
use portlab_stats::{
    read::read,
    record::{Cell, Record},
};
use portlab_words::Lang;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name)
}

/// Compares `text` with the file that holds it, or renews that file.
fn golden(name: &str, text: &str) {
    if std::env::var_os("PORTLAB_RENEW").is_some() {
        fs::write(file(name), text).unwrap();
    }
    let kept = fs::read_to_string(file(name)).unwrap_or_default();
    let differs = |(number, (kept, now)): (usize, (&str, &str))| {
        (kept != now).then(|| format!("line {}:\n  {kept}\n  {now}", number + 1))
    };
    let first = kept.lines().zip(text.lines()).enumerate().find_map(differs);
    assert!(
        kept == text,
        "testdata/{name} isn't what is rendered now; {}\nrenew it with: \
         PORTLAB_RENEW=1 cargo test -p portlab-report --test golden",
        first.unwrap_or_else(|| "one is longer".to_owned())
    );
}

/// An invented comparison: small, with everything that a report can say. Renewing writes it in the newest form.
fn results() -> Record {
    static RESULTS: LazyLock<Record> = LazyLock::new(|| {
        let record = read(&fs::read_to_string(file("results.json")).unwrap()).unwrap();
        let mut text = serde_json::to_string(&record).unwrap();
        text.push('\n');
        golden("results.json", &text);
        record
    });
    RESULTS.clone()
}

/// The same, measured again after two changes: one model has become slower, and one quicker.
fn later() -> Record {
    let mut record = results();
    record.started_unix_s += 86_400;
    record.environment.kernel = "6.13.0".to_owned();
    record.cells.retain(|cell| cell.model != "fork");
    for cell in &mut record.cells {
        let factor = match &cell.model[..] {
            "threads" => 1.2,
            "tasks" => 0.9,
            _ => 1.003,
        };
        for round in &mut cell.rounds {
            if let Some(cpu) = &mut round.server_cpu_us_per_message {
                *cpu *= factor;
            }
        }
    }
    record
}

/// As much as a study of an hour has: ten workloads, most at two or three numbers of connections and
/// one over six, all entrants everywhere.
fn hour() -> Record {
    let mut record = results();
    let (cells, echo) = (record.cells, record.workloads[0].clone());
    let is_pattern = |cell: &&Cell| cell.workload == "echo" && cell.point.connections == 100;
    let pattern: Vec<&Cell> = cells.iter().filter(is_pattern).collect();
    (record.cells, record.workloads) = (Vec::new(), Vec::new());
    let points = [&[1, 4, 16, 64, 256, 1000][..]];
    let points = points.into_iter().chain([&[10, 100][..]; 4]);
    for (number, points) in points.chain([&[10, 100, 1000][..]; 5]).enumerate() {
        let mut workload = echo.clone();
        workload.name = format!("workload-{number}");
        for connections in points {
            record.cells.extend(pattern.iter().map(|&cell| {
                let mut cell = cell.clone();
                cell.workload.clone_from(&workload.name);
                cell.point.connections = *connections;
                cell
            }));
        }
        record.workloads.push(workload);
    }
    record
}

/// Without colours, as off a terminal.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_report_for_a_terminal() {
    let record = results();
    let notes = Notes::of(&record, Lang::En);
    for width in [40, 80, 140, 200] {
        golden(&format!("report-{width}.txt"), &plain(&text(&notes, width)));
    }
    let notes = Notes::of(&record, Lang::Zh);
    golden("report-140.zh.txt", &plain(&text(&notes, 140)));
}

#[test]
fn a_report_as_markdown() {
    golden("report.md", &markdown(&Notes::of(&results(), Lang::En)));
}

#[test]
fn a_report_as_csv() {
    golden("report.csv", &csv(&Notes::of(&results(), Lang::En)));
}

#[test]
fn two_runs_compared() {
    let (before, after) = (results(), later());
    for (name, lang, width) in [
        ("changes-80.txt", Lang::En, 80),
        ("changes-140.txt", Lang::En, 140),
        ("changes-100.zh.txt", Lang::Zh, 100),
    ] {
        golden(name, &plain(&changes_text(&before, &after, lang, width)));
    }
    golden("changes.md", &changes_markdown(&before, &after, Lang::En));
}

/// Without the style sheet and the script, which are files of their own. The Chinese texts are in `report-140.zh.txt`.
#[test]
fn a_report_as_a_page() {
    let mut page = html(&Notes::of(&results(), Lang::En));
    for (begin, end) in [("<style>", "</style>"), ("<script>", "</script>")] {
        let from = page.find(begin).unwrap() + begin.len();
        let length = page[from..].find(end).unwrap();
        page.replace_range(from..from + length, "");
    }
    golden("report.html", &page);
}

#[test]
fn a_study_of_an_hour_fits_on_a_page() {
    let record = hour();
    assert!(record.cells.len() >= 350, "{}", record.cells.len());
    let page = html(&Notes::of(&record, Lang::Zh));
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
}
