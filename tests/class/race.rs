//! A race of two models: what it shows while it goes on, what it says at its end, and how it is stopped.

use std::fs;

use portlab_sys::{meter, spawn::Signal};
use portlab_testkit::{named, wait_until};
use serde_json::{Value, json};

use super::{
    browser::{no_trouble, open},
    driver::PROJECTOR,
    ends::wait_until_gone,
    page::Page,
};

pub(super) const ONCE: &[(&str, fn())] = named![
    a_race_ends_with_the_sentences_of_a_report,
    a_stopped_race_leaves_no_comparison_and_the_load_goes_on,
    a_race_needs_two_models_and_clients,
    a_killed_page_leaves_no_process_of_a_race,
];

pub(super) const IN_BROWSER: &[(&str, fn())] =
    named![a_race_is_begun_by_a_click_and_its_sentences_are_read,];

/// Where the comparison of a page has its files.
fn folder(page: &Page) -> String {
    let name = format!("portlab-class-{}-race", page.pid());
    let folder = std::env::temp_dir().join(name);
    folder.to_str().unwrap().to_owned()
}

fn texts(of: &Value) -> Vec<&str> {
    let texts = of.as_array().unwrap().iter();
    texts.map(|it| it["en"].as_str().unwrap()).collect()
}

fn a_race_ends_with_the_sentences_of_a_report() {
    let page = Page::open_with(&["--bind=127.0.0.1:0", "--lang=zh"]);
    let about = page.get("/about.json", &[]).into_body().read_to_string();
    let about: Value = serde_json::from_str(&about.unwrap()).unwrap();
    assert_eq!(about["lang"], "zh");
    let mut seen = page.watch("race");
    let race = json!({"first": "threads", "second": "event-loop", "seconds": 1, "rounds": 2});
    page.order("/do/race", &race);
    let (status, why) = page.order_status("/do/race", &race);
    assert_eq!(status, 422, "{why}");
    let mut states: Vec<String> = Vec::new();
    let ended = seen.find(|(_, race)| {
        let state = race["state"].as_str().unwrap_or_default().to_owned();
        if states.last() != Some(&state) {
            states.push(state.clone());
        }
        state == "done" || state == "failed"
    });
    let race = ended.unwrap().1;
    assert_eq!(race["state"], "done", "{race}");
    let states: Vec<&str> = states.iter().map(String::as_str).collect();
    assert!(
        states.ends_with(&["live", "measuring", "done"]),
        "{states:?}"
    );
    // Both have served, and every measurement was made: two models, and one of them a second time.
    for answers in race["answers"].as_array().unwrap() {
        assert!(answers.as_u64() > Some(0), "{race}");
    }
    assert_eq!(race["measured"], json!([6, 6]));
    let sentences = texts(&race["sentences"]).join(" ");
    let says = [
        "threads",
        "event-loop",
        "no difference",
        "no server is ranked",
    ];
    assert!(says.iter().any(|it| sentences.contains(it)), "{race}");
    for sentence in race["sentences"].as_array().unwrap() {
        assert!(
            sentence["zh"]
                .as_str()
                .unwrap()
                .chars()
                .any(|it| it > '\u{4e00}')
        );
    }
    let rows = race["table"]["rows"].as_array().unwrap();
    let models: Vec<&Value> = rows.iter().map(|it| &it["model"]).collect();
    assert_eq!(models, ["threads", "event-loop"]);
    let columns = race["table"]["columns"].as_array().unwrap().len();
    assert!(
        rows.iter()
            .all(|it| it["cells"].as_array().unwrap().len() == columns)
    );
    let command = race["command"].as_str().unwrap();
    assert!(command.contains(" --models threads,event-loop --workload echo --connections 8 "));
    // The loads rest, as before the race; both servers stand.
    let stage = page.once("stage", |_| true);
    assert_eq!(stage["loaded"], Value::Null);
    assert_eq!(stage["slots"][1]["model"], "event-loop");
    assert!(!fs::exists(folder(&page)).unwrap());
}

fn a_stopped_race_leaves_no_comparison_and_the_load_goes_on() {
    let page = Page::open();
    page.serve("threads");
    page.order("/do/load", &json!({"on": "first"}));
    page.order(
        "/do/race",
        &json!({"first": "threads", "second": "tasks", "seconds": 1}),
    );
    page.once("race", |it| it["state"] == "measuring");
    assert!(fs::exists(folder(&page)).unwrap());
    page.order("/do/race/stop", &json!({}));
    page.once("race", |it| it["state"] == "idle");
    assert!(!fs::exists(folder(&page)).unwrap());
    assert_eq!(page.once("stage", |_| true)["loaded"], "first");
    // Two servers and a load.
    wait_until("the comparison has ended", || {
        meter::below(page.pid()).unwrap().len() == 3
    });
}

fn a_race_needs_two_models_and_clients() {
    let page = Page::open();
    for (race, what) in [
        (json!({"first": "tasks", "second": "tasks"}), "different"),
        (json!({"first": "tasks", "second": "none"}), "no model"),
        (
            json!({"first": "tasks", "second": "fork", "seconds": 0}),
            "length",
        ),
        (
            json!({"first": "tasks", "second": "fork", "rounds": 1000}),
            "rounds",
        ),
    ] {
        let (status, why) = page.order_status("/do/race", &race);
        assert_eq!(status, 422, "{race}");
        assert!(why["en"].as_str().unwrap().contains(what), "{why}");
    }
    page.turn(&json!({"clients": 0}));
    page.order("/do/race", &json!({"first": "tasks", "second": "fork"}));
    let failed = page.once("race", |it| it["state"] == "failed");
    assert!(
        failed["why"]["en"].as_str().unwrap().contains("clients"),
        "{failed}"
    );
}

fn a_killed_page_leaves_no_process_of_a_race() {
    let mut page = Page::open();
    page.order(
        "/do/race",
        &json!({"first": "prefork", "second": "tasks", "seconds": 1, "rounds": 9}),
    );
    // The comparison has started its servers.
    page.once("race", |it| it["measured"][0].as_u64() > Some(0));
    let (below, left) = (meter::below(page.pid()).unwrap(), folder(&page));
    page.signal(Signal::KILL);
    page.child.wait().unwrap();
    wait_until_gone(&below);
    // Only the folder stays.
    fs::remove_dir_all(left).unwrap();
}

fn a_race_is_begun_by_a_click_and_its_sentences_are_read() {
    let (page, browser) = open(PROJECTOR);
    let button = "document.querySelector('#race button.main')";
    browser.wait(&format!("{button}?.disabled"));
    page.serve("threads");
    page.order("/do/serve", &json!({"slot": 1, "model": "event-loop"}));
    browser.wait(&format!("!{button}.disabled"));
    browser.click("#race button.main");
    // Both loads run, and the page counts the answers of both.
    browser.wait("[...document.querySelectorAll('#race .number')].filter(it => /[1-9]/.test(it.textContent)).length === 2");
    browser.keep("race-live");
    page.order("/do/race/stop", &json!({}));
    browser.wait(&format!("!{button}.hidden"));
    let race = json!({"first": "threads", "second": "event-loop", "seconds": 1, "rounds": 2});
    page.order("/do/race", &race);
    browser.wait("document.querySelector('#race .why li')");
    let race = page.once("race", |it| it["state"] == "done");
    let sentence = race["sentences"][0]["en"].as_str().unwrap();
    assert_eq!(browser.text("#race .why li"), sentence);
    let rows = "return document.querySelectorAll('#race tbody tr').length";
    assert_eq!(browser.run(rows), json!(2));
    browser.keep("race-done");
    no_trouble(&page, &browser);
}
