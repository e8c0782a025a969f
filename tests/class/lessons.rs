//! Lessons on the page: who gets the answers, how students vote, how a lesson runs and ends.

use portlab_sys::{meter, spawn::Signal};
use portlab_testkit::{named, wait_until};
use serde_json::{Value, json};

use super::{ends::wait_until_gone, page::Page};

pub(super) const ONCE: &[(&str, fn())] = named![
    only_the_teachers_page_gets_the_answers,
    a_device_has_one_vote_and_sees_the_outcome_when_it_is_shown,
    a_device_without_the_code_has_no_vote,
    wrong_codes_are_limited_for_the_whole_page,
    a_lesson_runs_step_by_step_to_its_end,
    a_stopped_lesson_leaves_no_process,
    a_killed_page_ends_its_lesson,
];

/// A browser of a student, by its cookie.
struct Phone<'a> {
    page: &'a Page,
    cookie: String,
}

impl<'a> Phone<'a> {
    /// Opens `/join`.
    fn open(page: &'a Page) -> Self {
        let answer = page.get("/join", &[]);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        assert!(
            cookie.contains("; HttpOnly; SameSite=Strict"),
            "no script and no other site may read it: {cookie}"
        );
        let (pair, _) = cookie.split_once(';').unwrap();
        Self {
            page,
            cookie: pair.to_owned(),
        }
    }

    fn joined(page: &'a Page) -> Self {
        let phone = Self::open(page);
        assert_eq!(phone.join(&page.join), 204);
        phone
    }

    fn send(&self, path: &str, body: &Value) -> u16 {
        let headers = [("cookie", self.cookie.as_str())];
        self.page.send(path, &body.to_string(), &headers).0
    }

    fn join(&self, code: &str) -> u16 {
        self.send("/join", &json!({ "code": code }))
    }

    fn vote(&self, step: &str, option: usize) -> u16 {
        let vote = json!({"lesson": "ports", "step": step, "option": option});
        self.send("/vote", &vote)
    }
}

fn ask(page: &Page, step: &str) {
    page.order("/do/vote/open", &json!({"lesson": "ports", "step": step}));
}

fn standing(page: &Page) -> Value {
    page.once("join", |_| true)
}

fn only_the_teachers_page_gets_the_answers() {
    let page = Page::open();
    let lesson = |headers: &[(&str, &str)]| -> Value {
        let answer = page.get("/lesson/ports.json?lang=zh", headers);
        let text = answer.into_body().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let own = lesson(&[("x-teacher", &page.teacher)]);
    let public = lesson(&[("x-teacher", &page.join)]);
    for (own, public) in own["steps"]
        .as_array()
        .unwrap()
        .iter()
        .zip(public["steps"].as_array().unwrap())
    {
        assert!(own["outcome"]["claims"].is_array(), "{own}");
        assert_eq!(public["outcome"], Value::Null);
        assert_eq!(own["ask"], public["ask"]);
    }
    assert_eq!(page.get("/lesson/none.json", &[]).status(), 404);
    assert_eq!(page.get("/lesson/ports", &[]).status(), 404);
}

fn a_device_has_one_vote_and_sees_the_outcome_when_it_is_shown() {
    let page = Page::open();
    let phones = [(); 3].map(|()| Phone::joined(&page));
    assert_eq!(phones[0].vote("second", 0), 409, "no question is open");
    ask(&page, "second");
    for (phone, option) in [(0, 1), (1, 2), (0, 2), (0, 0), (2, 0)] {
        assert_eq!(phones[phone].vote("second", option), 204);
    }
    let open = standing(&page);
    assert_eq!(open["voters"], 3);
    assert_eq!(open["state"], "open");
    // Only numbers of voters reach the phones before the outcome is shown.
    assert_eq!([&open["counts"], &open["right"]], [&Value::Null; 2]);
    assert_eq!(phones[0].vote("second", 3), 422);
    assert_eq!(phones[0].vote("door", 0), 409);
    page.order("/do/vote/close", &json!({}));
    assert_eq!(phones[0].vote("second", 1), 409);
    assert_eq!(standing(&page)["counts"], Value::Null);
    page.order("/do/vote/show", &json!({}));
    let shown = standing(&page);
    assert_eq!(shown["counts"], json!([2, 0, 1]));
    let right = usize::try_from(shown["right"].as_u64().unwrap()).unwrap();
    let words = shown["en"]["options"][right].to_string();
    assert!(words.contains("refused"), "{words}");
    let (status, _) = page.order_status(
        "/do/vote/open",
        &json!({"lesson": "ports", "step": "nothing"}),
    );
    assert_eq!(status, 404);
}

fn a_device_without_the_code_has_no_vote() {
    let page = Page::open();
    ask(&page, "second");
    let stranger = Phone::open(&page);
    assert_eq!(stranger.vote("second", 0), 403);
    assert_eq!(stranger.join("none"), 403);
    assert_eq!(stranger.vote("second", 0), 403);
    let without = Phone {
        page: &page,
        cookie: "device=1".to_owned(),
    };
    assert_eq!(without.join(&page.join), 403);
    // Phones begin a word with a capital letter.
    let capital = page.join.to_ascii_uppercase();
    assert_eq!(stranger.join(&capital), 204);
    assert_eq!(stranger.vote("second", 0), 204);
    assert_eq!(standing(&page)["voters"], 1);
}

fn wrong_codes_are_limited_for_the_whole_page() {
    let page = Page::open();
    let early = Phone::joined(&page);
    let late = Phone::open(&page);
    wait_until("wrong codes are too many", || late.join("none") == 429);
    // A device that has joined isn't disturbed.
    ask(&page, "second");
    assert_eq!(early.vote("second", 0), 204);
}

/// Starts a lesson at a step, and waits until it waits for Enter.
fn run(page: &Page, lesson: &str, step: &str) {
    let start = json!({"lesson": lesson, "step": step, "lang": "en"});
    page.order("/do/run", &start);
    page.once("run", waits);
}

fn waits(run: &Value) -> bool {
    run["state"] == "running" && run["prompt"].as_str().unwrap().starts_with('[')
}

fn a_lesson_runs_step_by_step_to_its_end() {
    let page = Page::open();
    let (status, _) = page.order_status("/do/run/line", &json!({"text": ""}));
    assert_eq!(status, 422, "no lesson runs");
    run(&page, "ports", "second");
    let mut values = page.watch("run").map(|(_, value)| value);
    let mut prompts = 0;
    let last = loop {
        let value = values.next().unwrap();
        if value["state"] == "ended" {
            break value;
        }
        if waits(&value) {
            // The first question is answered by a number, as on a terminal.
            let text = if prompts == 0 { "1" } else { "" };
            page.order("/do/run/line", &json!({ "text": text }));
            prompts += 1;
        }
    };
    assert!(prompts > 5, "{prompts}");
    assert_eq!(last["exit"], 0);
    let lines: Vec<_> = last["lines"].as_array().unwrap().iter().collect();
    let has = |text: &str| lines.iter().any(|it| it.as_str().unwrap().contains(text));
    assert!(has("3/5  The same number again"), "{lines:?}");
    assert!(has("Your guess (a number), or Enter] 1"), "{lines:?}");
    assert!(has("✓ The system refused: EADDRINUSE"), "{lines:?}");
    assert!(!has("[Enter"), "a prompt goes with Enter: {lines:?}");
    for wrong in [
        json!({"lesson": "--help", "step": null, "lang": "en"}),
        json!({"lesson": "ports", "step": "99", "lang": "en"}),
    ] {
        assert_eq!(page.order_status("/do/run", &wrong).0, 422, "{wrong}");
    }
}

/// A page whose lesson has a server with processes, and all processes below the page.
fn with_processes() -> (Page, Vec<i32>) {
    let page = Page::open();
    run(&page, "prefork-loop", "1");
    let mut below = Vec::new();
    wait_until("the lesson has started its server", || {
        if below.len() <= 4 {
            page.order("/do/run/line", &json!({"text": ""}));
            below = meter::below(page.pid()).unwrap();
        }
        below.len() > 4
    });
    (page, below)
}

fn a_stopped_lesson_leaves_no_process() {
    let (page, below) = with_processes();
    page.order("/do/run/stop", &json!({}));
    let ended = page.once("run", |it| it["state"] == "ended");
    assert_ne!(ended["exit"], 0);
    wait_until_gone(&below);
    // The page goes on, and so does another lesson.
    run(&page, "ports", "1");
}

fn a_killed_page_ends_its_lesson() {
    let (mut page, below) = with_processes();
    page.signal(Signal::KILL);
    page.child.wait().unwrap();
    wait_until_gone(&below);
    let (mut page, below) = with_processes();
    page.signal(Signal::INT);
    assert!(page.child.wait().unwrap().success());
    wait_until_gone(&below);
}
