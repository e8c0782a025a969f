//! `--fail-if`: the exit code, the verdicts, and what is refused.

use super::*;

const LITTLE: &str = "-c=2 --messages=400";

/// The limits of a result, each with whether it failed.
fn verdicts(result: &Value) -> Vec<(String, bool)> {
    let limits = result["limits"].as_array().unwrap().iter();
    let verdict = |limit: &Value| {
        let text = limit["limit"].as_str().unwrap().to_owned();
        (text, limit["failed"].as_bool().unwrap())
    };
    limits.map(verdict).collect()
}

#[test]
fn a_run_fails_if_a_limit_does_and_shows_each() {
    let addr = server(echo);
    let limits = "--fail-if=p99>1h --fail-if=errors>0 --fail-if=rate<1/s";
    let result = fine(addr, &format!("{LITTLE} {limits}"));
    let passed = ["p99>1h", "errors>0", "rate<1/s"].map(|it| (it.to_owned(), false));
    assert_eq!(verdicts(&result), passed);
    let (result, stderr) = failed(addr, &format!("{LITTLE} {limits} --fail-if=p50>0ns"));
    assert_eq!(verdicts(&result)[3], ("p50>0ns".to_owned(), true));
    has(&stderr, &["limit failed: p50>0ns"]);
    let limit = &result["limits"][3];
    holds(
        limit,
        json!({"unit": "ns", "bound": 0.0, "sure": true, "reason": null}),
    );
    let [low, value, high] = ["low", "value", "high"].map(|key| number(limit, key));
    assert!(low <= value && value <= high, "{limit}");
    let text = text(addr, &format!("{LITTLE} {limits} --fail-if=p50>0ns"), 1);
    has(
        &text,
        &["1 failed", "FAILED  p50>0ns", "passed  errors>0  0"],
    );
}

#[test]
fn a_limit_takes_the_place_of_the_usual_rule() {
    // One connection in two is closed at its first message.
    let addr = numbered(|number, stream| match number % 2 {
        0 => echo(stream),
        _ => Ok(()),
    });
    let run = "-c=2 --messages=100";
    failed(addr, run);
    let output = load(addr, &format!("{run} --fail-if=errors>1"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(number(&json(&output), "errors"), 1.0);
    failed(addr, &format!("{run} --fail-if=errors>0"));
}

#[test]
fn a_run_without_an_answer_fails_its_limits_with_the_reason() {
    let options = "-c=1 -d=200ms --warmup=0s --timeout=300ms --fail-if=p99>1h --fail-if=errors>9";
    let (result, _) = failed(server(swallow), options);
    holds(&result["limits"][0], json!({"failed": true, "value": null}));
    has(
        &result["limits"][0]["reason"].to_string(),
        &["nothing was measured"],
    );
    assert_eq!(result["limits"][1]["failed"], false);
}

#[test]
fn a_ladder_judges_each_of_its_rates() {
    let addr = server(echo);
    let ladder = "--rate=100..200 --steps=2 -d=300ms --warmup=0s -c=2";
    let options = format!("{ladder} --fail-if=p50>0ns --fail-if=p99>1h");
    let (result, _) = failed(addr, &options);
    for rung in result["rungs"].as_array().unwrap() {
        assert_eq!(verdicts(rung)[1], ("p99>1h".to_owned(), false));
    }
    has(
        &text(addr, &options, 1),
        &["at 100/s: p50>0ns failed:", "at 200/s: p50>0ns failed:"],
    );
}

#[test]
fn a_limit_that_fails_good_runs_is_pointed_out() {
    let output = load(server(echo), &format!("{LITTLE} --fail-if=p99<1h"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    has(&stderr(&output), &["fails good runs", "--fail-if 'p99>1h'"]);
}
