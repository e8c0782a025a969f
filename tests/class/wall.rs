//! The wall of servers: what `portlab judge --report` sends is on the page.

use portlab_testkit::{Running, named, portlab, stderr};
use serde_json::{Value, json};

use super::page::Page;

pub(super) const ONCE: &[(&str, fn())] = named![
    a_server_that_is_judged_again_keeps_its_place_and_its_earlier_mark,
    a_flood_of_verdicts_is_refused,
    what_is_no_verdict_is_refused,
    only_the_teacher_removes_a_card,
];

/// Judges a program, and reports to the page.
fn judge(page: &Page, name: &str, options: &[&str]) -> std::process::Output {
    let report = ["judge", "--json", "--report", &page.base, "--name", name];
    portlab(&[&report, options].concat())
}

/// The cards, as soon as there are so many verdicts.
fn cards(page: &Page, verdicts: u64) -> Vec<Value> {
    let count = |it: &Value| {
        let numbers = it.as_array().unwrap().iter();
        numbers.filter_map(|it| it["number"].as_u64()).max()
    };
    let seen = page.once("wall", |it| count(it) == Some(verdicts));
    seen.as_array().unwrap().clone()
}

fn a_server_that_is_judged_again_keeps_its_place_and_its_earlier_mark() {
    let page = Page::open();
    let output = judge(&page, "王小明", &["--", "sh", "-c", "exit 7"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let first = cards(&page, 1).remove(0);
    assert_eq!(
        (&first["name"], &first["mark"]),
        (&json!("王小明"), &json!(0))
    );
    assert_eq!(first["bugs"][0]["name"], "crashes-at-start");
    assert!(
        first["bugs"][0]["title"]["zh"]
            .as_str()
            .unwrap()
            .contains("程序")
    );
    judge(&page, "Li", &["--", "sh", "-c", "exit 7"]);
    let server = Running::serve(&[]);
    let output = judge(&page, "王小明", &["--at", &server.addr.to_string()]);
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    let again = cards(&page, 3);
    assert_eq!(again.len(), 2);
    let again = &again[0];
    assert_eq!(
        (&again["name"], &again["mark"]),
        (&json!("王小明"), &verdict["mark"]["points"])
    );
    assert_eq!((&again["before"], &again["times"]), (&json!(0), &json!(2)));
}

fn a_flood_of_verdicts_is_refused() {
    let page = Page::open();
    let is_refused = || page.send("/", "{}", &[]).0 == 429;
    assert!((0..5_000).any(|_| is_refused()));
}

fn what_is_no_verdict_is_refused() {
    let page = Page::open();
    let verdict = judge(&page, "Li", &["--", "sh", "-c", "exit 7"]).stdout;
    let verdict: Value = serde_json::from_slice(&verdict).unwrap();
    let changed = |key: &str, value: Value| {
        let mut verdict = verdict.clone();
        verdict[key] = value;
        verdict.to_string()
    };
    let mut mark = verdict["mark"].clone();
    mark["points"] = json!(11);
    for (body, expected) in [
        ("{}".to_owned(), 400),
        ("[".repeat(100_000), 400),
        (changed("name", json!(7)), 400),
        (changed("format", json!(99)), 422),
        (changed("name", json!(" \u{a0}\n")), 422),
        (changed("mark", mark), 422),
        // One byte too many, so that the page has read all of them when it answers.
        (" ".repeat((512 << 10) + 1), 413),
    ] {
        let (status, why) = page.send("/", &body, &[]);
        let begin: String = body.chars().take(80).collect();
        assert_eq!(status, expected, "{begin}: {why}");
        assert!(why["en"].is_string() && why["zh"] != why["en"], "{why}");
    }
    assert_eq!(cards(&page, 1).len(), 1);
}

fn only_the_teacher_removes_a_card() {
    let page = Page::open();
    let name = "<b>Li</b>";
    for name in [name, "Wang"] {
        judge(&page, name, &["--", "sh", "-c", "exit 7"]);
    }
    assert_eq!(cards(&page, 2)[0]["name"], name);
    let named = json!({ "name": name });
    assert_eq!(page.send("/do/wall/remove", &named.to_string(), &[]).0, 403);
    page.order("/do/wall/remove", &named);
    let left = page.once("wall", |it| it.as_array().unwrap().len() == 1);
    assert_eq!(left[0]["name"], "Wang");
    page.order("/do/wall/clear", &json!({}));
    page.once("wall", |it| it == &json!([]));
}
