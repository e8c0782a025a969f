//! The page of a load, and reports on its JSON.

use std::fs;

use super::*;

#[test]
fn a_page_is_the_report_on_the_json_in_each_language() {
    let addr = server(echo);
    let dir = folder("page");
    let [page, result, again] = ["page.html", "load.json", "again.html"].map(|it| dir.join(it));
    for (lang, found) in [("en", "What was found"), ("zh", "结论")] {
        let (html, lang) = (
            format!("--html={}", page.display()),
            format!("--lang={lang}"),
        );
        let options = [
            "load",
            &addr.to_string(),
            "-c=2",
            "-d=600ms",
            "--json",
            &html,
            &lang,
        ];
        let output = portlab(&options);
        assert!(output.status.success(), "{output:?}");
        fs::write(&result, &output.stdout).unwrap();
        let out = again.display().to_string();
        let report = portlab(&[
            "report",
            &result.display().to_string(),
            "--out",
            &out,
            &lang,
        ]);
        assert!(report.status.success(), "{report:?}");
        let page = fs::read_to_string(&page).unwrap();
        assert!(page == fs::read_to_string(&again).unwrap());
        has(&page, &[found, "<svg"]);
    }
    let text = portlab(&["report", &result.display().to_string()]);
    has(
        &String::from_utf8_lossy(&text.stdout),
        &["Load of", "99 of 100 within", "The command"],
    );
    let csv = portlab(&["report", &result.display().to_string(), "--format=csv"]);
    assert!(
        String::from_utf8_lossy(&csv.stdout).lines().count() >= 3,
        "{csv:?}"
    );
}

#[test]
fn two_loads_are_compared_and_two_kinds_are_not() {
    let dir = folder("two");
    let addr = server(echo);
    let [before, now, page] =
        ["before.json", "now.json", "page.html"].map(|it| dir.join(it).display().to_string());
    for file in [&before, &now] {
        let output = load(addr, "-c=2 -d=300ms");
        fs::write(file, &output.stdout).unwrap();
    }
    let said = portlab(&["report", &before, &now, "--format=md"]);
    has(
        &String::from_utf8_lossy(&said.stdout),
        &["Two loads compared", "latency p99"],
    );
    let written = portlab(&["report", &before, &now, "--out", &page]);
    assert!(written.status.success(), "{written:?}");
    has(
        &fs::read_to_string(&page).unwrap(),
        &["Latency by percentile", "<svg"],
    );
    // Of 300 ms there are too few intervals to decide.
    let judged = portlab(&["report", &before, &now, "--fail-over=5%"]);
    assert_eq!(judged.status.code(), Some(2), "{judged:?}");
    has(&stderr(&judged), &["cannot decide", "load for longer"]);
    for (arguments, reason) in [
        (
            &["report", &before, &now, "--format=csv"][..],
            "text, md or html",
        ),
        (&["report", &before, &now, &now], "compares two results"),
        (
            &["report", &before, "--fail-over=5%"],
            "something to compare with",
        ),
    ] {
        let output = portlab(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        has(&stderr(&output), &[reason]);
    }
}

#[test]
fn a_file_that_is_no_load_is_an_error_with_a_remedy() {
    let file = folder("no-load").join("x.json");
    for (content, reason) in [
        ("{\"rungs\": []}", "one --rate"),
        ("{\"loop\": \"closed\"}", "load again"),
        ("{\"format\": \"portlab-load/1\"}", "missing field"),
        ("{\"format\": \"portlab-load/7\"}", "newer portlab"),
    ] {
        fs::write(&file, content).unwrap();
        let output = portlab(&["report", &file.display().to_string()]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        has(&stderr(&output), &[reason]);
    }
}
