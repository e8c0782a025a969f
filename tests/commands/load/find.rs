//! `--find`: what is found, the exit codes, the files, and what is refused.

use super::*;

/// A range that is tried in a few trials of 150 ms.
const LITTLE: &str = "--rate=100..110 -d=150ms --warmup=0s -c=4";

#[test]
fn a_server_that_meets_the_limit_at_the_highest_rate_of_interest_is_found() {
    let dir = folder("find");
    let files = format!("--csv={0}/f.csv --hgrm={0}/f.hgrm", dir.display());
    // No bound of time, which a busy machine could break.
    let output = load(
        server(echo),
        &format!("--find=errors<1 --find=loss<1% {LITTLE} {files}"),
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let result = json(&output);
    holds(
        &result,
        json!({"found": "at_least", "limits": ["errors<1", "loss<1%"], "high_rate_per_s": null, "settled": true}),
    );
    assert!(
        (100.0..=110.0).contains(&number(&result, "low_rate_per_s")),
        "{result}"
    );
    has(&result["command"].to_string(), &["'--find=errors<1'"]);
    let trials = result["trials"].as_array().unwrap();
    let held = |trial: &Value| trial["finding"] == "held" && trial["missed"].is_null();
    assert!(trials.iter().all(held), "{result}");
    // Each trial has arrivals of its own.
    let seeds: BTreeSet<_> = trials
        .iter()
        .map(|it| it["result"]["seed"].as_u64())
        .collect();
    assert_eq!(seeds.len(), trials.len());
    let csv = fs::read_to_string(dir.join("f.csv")).unwrap();
    assert_eq!(csv.lines().count(), trials.len() + 1, "{csv}");
    assert!(
        csv.lines().skip(1).all(|row| row.ends_with(",held")),
        "{csv}"
    );
    let hgrm = fs::read_to_string(dir.join("f-110.hgrm")).unwrap();
    has(&hgrm, &["Value", "#[Max"]);
}

#[test]
fn a_server_that_never_meets_the_limit_is_told_with_the_reason() {
    let addr = server(answering(b"-ERR no\r\n"));
    let options = format!("--text=a\\n --expect=until:\\r\\n --find=p99<10ms {LITTLE}");
    let text = text(addr, &options, 1);
    has(
        &text,
        &[
            "missed errors",
            "none: not even 100/s",
            "verify: ",
            "again: ",
        ],
    );
}

#[test]
fn wrong_answers_end_a_search_at_once() {
    let lies = server(|mut stream| {
        stream.read_exact(&mut [0; 64])?;
        stream.write_all(&[b'?'; 64])?;
        stream.read(&mut [0; 64]).map(drop)
    });
    let output = load(lies, &format!("--find=p99<10ms {LITTLE}"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(result["trials"].as_array().unwrap().len(), 1, "{result}");
    has(&result["cut_short"].to_string(), &["answers were wrong"]);
}

#[test]
fn an_interrupted_search_tells_what_is_known() {
    let load = format!(
        "load {} --find=errors<1 --rate=100..1k -d=10m --warmup=0s --json --plain",
        server(echo)
    );
    let mut child = command(&words(&load)).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    lines.find(|line| is_second(line)).unwrap();
    signal(&mut child, Signal::INT).unwrap();
    lines.for_each(drop);
    let output = child.wait_with_output().unwrap();
    // No trial was completed, so nothing is known.
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    holds(
        &json(&output),
        json!({"found": "unknown", "cut_short": "interrupted", "trials": []}),
    );
}

#[test]
fn a_ladder_leaves_files_of_its_rates() {
    let dir = folder("ladder-files");
    let files = format!("--csv={0}/l.csv --hgrm={0}/l", dir.display());
    let ladder = "--rate=100..200 --steps=2 -d=200ms --warmup=0s -c=2";
    let result = json(&load(server(echo), &format!("{ladder} {files}")));
    let csv = fs::read_to_string(dir.join("l.csv")).unwrap();
    let rows: Vec<Vec<_>> = csv.lines().map(|row| row.split(',').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{csv}");
    for (rung, row) in rows[1..].iter().enumerate() {
        let rung = &result["rungs"][rung];
        assert_eq!(row[0].parse::<f64>().unwrap(), number(rung, "rate_per_s"));
        assert_eq!(row[2].parse::<f64>().unwrap(), number(rung, "messages"));
        let hgrm = fs::read_to_string(dir.join(format!("l-{}", row[0]))).unwrap();
        has(&hgrm, &["#[Max"]);
    }
    let nowhere = format!("{ladder} --hgrm={}/none/l", dir.display());
    has(&unable(free_addr(), &nowhere), &["none/l"]);
}
