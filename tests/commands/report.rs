//! `portlab report`: records, and files that aren't records.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value, json};

use portlab_testkit::{command, folder, path, portlab, root, stderr};

/// The output of `report`, and its exit code.
fn report(arguments: &[&str]) -> (String, Option<i32>) {
    let output = portlab(&[&["report"], arguments].concat());
    let said = stderr(&output);
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    let text = String::from_utf8(output.stdout).unwrap() + &said;
    (text, output.status.code())
}

/// The error of a report that can't be made.
fn refused(arguments: &[&str]) -> String {
    portlab_testkit::refused(&[&["report"], arguments].concat())
}

/// A record with every kind of content.
fn results() -> String {
    let file = root().join("crates/portlab-report/testdata/results.json");
    file.to_str().unwrap().to_owned()
}

/// A file that holds the record after `change`.
fn changed(dir: &Path, change: impl Fn(&mut Value)) -> PathBuf {
    let mut record: Value = serde_json::from_str(&fs::read_to_string(results()).unwrap()).unwrap();
    change(&mut record);
    let file = dir.join("results.json");
    fs::write(&file, record.to_string()).unwrap();
    file
}

/// Multiplies what a message costs `model`.
fn costs(record: &mut Value, model: &str, factor: f64) {
    for cell in record["cells"].as_array_mut().unwrap() {
        if cell["model"] != model {
            continue;
        }
        for round in cell["rounds"].as_array_mut().unwrap() {
            let cpu = &mut round["server_cpu_us_per_message"];
            if let Some(micros) = cpu.as_f64() {
                *cpu = json!(micros * factor);
            }
        }
    }
}

#[test]
fn a_record_is_reported_on_in_every_form_wherever_it_is() {
    let file = results();
    let dir = root().join("crates/portlab-report/testdata");
    let (text, code) = report(&[&file]);
    assert_eq!(code, Some(0));
    assert!(
        text.contains("echo  100 connections") && !text.contains('\u{1b}'),
        "{text}"
    );
    assert_eq!(report(&[path(&dir)]).0, text);
    assert_eq!(report(&[&file]).0, text, "the same bytes");
    let (page, _) = report(&[&file, "--format", "md"]);
    assert!(page.contains("| rank | model |"), "{page}");
    let (table, _) = report(&[&file, "--format", "csv"]);
    assert!(table.starts_with("workload,service,"), "{table}");
}

#[test]
fn the_name_of_the_file_chooses_the_format() {
    let dir = folder("out");
    for (name, begins) in [
        ("a.md", "# "),
        ("a.csv", "workload,"),
        ("a.txt", "echo, rate"),
    ] {
        let file = dir.join(name);
        let (text, code) = report(&[&results(), "--out", path(&file)]);
        assert_eq!((text.as_str(), code), ("", Some(0)));
        let written = fs::read_to_string(&file).unwrap();
        assert!(written.starts_with(begins), "{name}: {written}");
        assert!(!written.contains('\u{1b}'), "{name}");
    }
    let nowhere = dir.join("no/such/place.md");
    assert!(refused(&[&results(), "--out", path(&nowhere)]).contains("can't write"));
}

#[test]
fn a_build_without_png_says_how_to_get_it() {
    let charts = folder("report-png").join("charts");
    let (text, code) = report(&[&results(), "--charts", path(&charts), "--png"]);
    if cfg!(feature = "png") {
        let has_font = !text.contains("needs a font");
        assert_eq!(code, Some(if has_font { 0 } else { 2 }), "{text}");
        assert_eq!(text.contains(".png"), has_font, "{text}");
    } else {
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("--features png"), "{text}");
        assert!(!charts.exists());
    }
}

#[test]
fn a_record_in_the_oldest_format_is_reported_on() {
    let first = root().join("crates/portlab-stats/testdata/results-1.json");
    let (text, code) = report(&[path(&first)]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("CPU/msg"), "{text}");
}

#[test]
fn a_file_that_is_not_a_record_is_refused_with_the_remedy() {
    let dir = folder("foreign");
    let holds = |text: &str| {
        let file = dir.join("it.json");
        fs::write(&file, text).unwrap();
        refused(&[path(&file)])
    };
    let whole = fs::read_to_string(results()).unwrap();
    let misspelt = whole.replace("\"elapsed_ms\"", "\"lapsed_ms\"");
    let (foreign, newer) = (
        r#"{"target": "[::1]:1"}"#,
        r#"{"format": "portlab-comparison/99"}"#,
    );
    for (text, words) in [
        (&whole[..whole.len() / 2], "damaged"),
        (&misspelt, "missing field `elapsed_ms`"),
        ("", "not JSON"),
        (foreign, "isn't a record of a comparison"),
        (newer, "take a newer portlab"),
    ] {
        let said = holds(text);
        assert!(
            said.contains(words) && said.contains("it.json"),
            "{words}: {said}"
        );
    }
    let missing = dir.join("missing.json");
    let said = refused(&[path(&missing)]);
    assert!(
        said.contains("missing.json") && said.contains("or its folder"),
        "{said}"
    );
    assert!(refused(&[path(&dir)]).contains("results.json"));
    assert!(refused(&[]).contains("RESULTS"));
}

#[test]
fn an_impossible_value_is_named_and_a_byte_order_mark_is_read() {
    let dir = folder("values");
    changed(&dir, |record| {
        record["started_unix_s"] = json!(1_767_225_600_000_u64);
    });
    let said = refused(&[path(&dir)]);
    assert!(said.contains("started_unix_s is 1767225600000"), "{said}");
    assert!(said.contains("milliseconds"), "{said}");
    let whole = fs::read_to_string(results()).unwrap();
    fs::write(dir.join("results.json"), format!("\u{feff}{whole}")).unwrap();
    assert_eq!(report(&[path(&dir)]), report(&[&results()]));
    let utf_16: Vec<u8> = format!("\u{feff}{whole}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(dir.join("results.json"), utf_16).unwrap();
    assert!(refused(&[path(&dir)]).contains("UTF-16; save it as UTF-8"));
}

#[test]
fn options_that_would_be_ignored_are_refused() {
    let file = results();
    for (options, words) in [
        (&["--fail-over", "5%"][..], "LATER"),
        (&["--lang", "fr"], "en or zh"),
        (&["--format", "pdf"], "invalid value"),
        (&[&file, "--format", "csv"], "--format md"),
        (&[&file, "--fail-over", "much"], "5%"),
    ] {
        let said = refused(&[&[&file[..]], options].concat());
        assert!(said.contains(words), "{options:?}: {said}");
    }
}

#[test]
fn a_run_compared_with_itself_has_not_changed() {
    let (text, code) = report(&[&results(), &results()]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("no change that these runs could see (floor"),
        "{text}"
    );
    // Only the line that explains the sign has it.
    assert_eq!(text.matches("▼ worse").count(), 1, "{text}");
    let (page, code) = report(&[&results(), &results(), "--format", "md"]);
    assert!(
        code == Some(0) && page.starts_with("# Two runs compared"),
        "{page}"
    );
}

/// Two runs of the same binary differ too: 2 of 42 pairs of quiet runs failed when one run of each program decided.
#[test]
fn one_run_of_each_program_decides_nothing() {
    let dir = folder("slower");
    changed(&dir, |record| costs(record, "threads", 1.2));
    for later in [path(&dir), &results()] {
        let (text, code) = report(&[&results(), later, "--fail-over", "5%"]);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("these runs cannot decide"), "{text}");
        assert!(text.contains("--against"), "{text}");
    }
    let (text, code) = report(&[&results(), path(&dir)]);
    assert_eq!(
        code,
        Some(0),
        "without --fail-over, a change is no failure: {text}"
    );
    assert!(text.contains("worse now"), "{text}");
    assert!(
        text.contains("can't tell a change of the program"),
        "{text}"
    );
}

/// Writes small runs with few cells, one every 1000 s from `from` on, in which `threads` costs `factors` times as much.
fn runs(dir: &Path, from: u64, factors: &[f64]) -> PathBuf {
    for (at, factor) in factors.iter().enumerate() {
        let run = dir.join(at.to_string());
        fs::create_dir_all(&run).unwrap();
        changed(&run, |record| {
            record["started_unix_s"] = json!(from + 1000 * at as u64);
            let kept = |cell: &Value| {
                cell["workload"] == "echo"
                    && cell["connections"] == 10
                    && ["threads", "tasks"].contains(&cell["model"].as_str().unwrap())
            };
            record["cells"].as_array_mut().unwrap().retain(kept);
            costs(record, "threads", *factor);
        });
    }
    dir.to_owned()
}

#[test]
fn runs_made_in_turn_find_a_model_that_became_slower_and_no_other() {
    let moods = [1.0, 1.2, 1.1, 0.95, 1.05, 1.3, 1.0, 1.1, 1.07];
    let before = runs(&folder("before"), 0, &moods);
    let slower = runs(&folder("after"), 500, &moods.map(|mood| mood * 1.1));
    let judged =
        |later: &Path, more: &[&str]| report(&[&[path(&before), path(later)], more].concat());
    let (text, code) = judged(&slower, &["--fail-over", "5%"]);
    assert_eq!(code, Some(1), "{text}");
    let words = "failed: threads at echo, 10 connections of 64 B: worse by 10%, more than 5.0%";
    assert!(text.contains(words), "{text}");
    assert!(!text.contains("failed: tasks"), "{text}");
    // If the pipe of stdout is closed, the run still fails.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = command(&["report", path(&before), path(&slower), "--fail-over", "5%"]);
    command.stdout(writer).stderr(Stdio::null());
    assert_eq!(command.status().unwrap().code(), Some(1));
    assert_eq!(judged(&slower, &["--fail-over", "0.15"]).1, Some(0));
    // Without a bar, a change is only told.
    assert_eq!(judged(&slower, &[]).1, Some(0));
    let (page, _) = judged(&slower, &["--format", "md"]);
    assert!(page.starts_with("# Runs compared in pairs"), "{page}");
    let equal = runs(&folder("equal"), 500, &moods);
    assert_eq!(judged(&equal, &["--fail-over", "5%"]).1, Some(0));
    // The other way round it has become quicker.
    let (text, code) = report(&[path(&slower), path(&before), "--fail-over", "5%"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("▲ better"), "{text}");
}

#[test]
fn runs_that_are_too_few_or_not_in_turn_cannot_decide() {
    let before = runs(&folder("few-before"), 0, &[1.0; 5]);
    let few = runs(&folder("few-after"), 500, &[1.2; 5]);
    let later = runs(&folder("later"), 10_000, &[1.2; 5]);
    for (after, words) in [
        (&few, "take at least 9 pairs"),
        (&later, "weren't made in turn"),
    ] {
        let (text, code) = report(&[path(&before), path(after), "--fail-over", "5%"]);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_server_that_had_no_errors_before_and_has_some_now_fails() {
    let dir = folder("broken");
    changed(&dir, |record| {
        for round in record["cells"][1]["rounds"].as_array_mut().unwrap() {
            round["errors"] = json!(2);
        }
    });
    let (text, code) = report(&[&results(), path(&dir), "--fail-over", "50%"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("fork at echo, 10 connections: every round had errors"),
        "{text}"
    );
}

#[test]
fn a_gate_without_cells_does_not_pass() {
    let dir = folder("nothing");
    changed(&dir, |record| record["cells"] = json!([]));
    let said = portlab(&["report", &results(), path(&dir), "--fail-over", "5%"]);
    assert_eq!(said.status.code(), Some(2));
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(words.contains("these runs cannot decide"), "{words}");
}

#[test]
fn a_pipe_that_is_closed_early_is_not_an_error() {
    let mut command = command(&["report", &results(), "--format", "csv"]);
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}
