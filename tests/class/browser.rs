//! The page in a real browser. Without Chromium and its driver, these tests are listed as ignored.

use portlab_backends::MODELS;
use portlab_testkit::named;
use serde_json::json;

use super::{
    driver::{Browser, Look, PHONE, PROJECTOR, axe},
    page::Page,
};

pub(super) const ONCE: &[(&str, fn())] = named![
    the_page_opens_without_an_error_or_another_host,
    a_server_is_started_by_a_key_and_drawn_with_its_lanes,
    a_paused_picture_stands_still_and_goes_from_event_to_event,
    a_student_votes_on_a_phone_and_the_teacher_shows_the_outcome,
    no_page_of_a_phone_is_wider_than_its_screen,
    without_the_teachers_code_nothing_can_be_started,
];

pub(super) const WITH_AXE: &[(&str, fn())] = named![no_tab_has_a_serious_finding_of_accessibility,];

/// The teacher's page in a browser.
pub(super) fn open(look: Look) -> (Page, Browser) {
    let page = Page::open();
    let browser = Browser::open(look);
    browser.go(&format!("{}/#teacher={}", page.base, page.teacher));
    browser.wait("document.querySelector('#tabs button')");
    (page, browser)
}

#[track_caller]
pub(super) fn no_trouble(page: &Page, browser: &Browser) {
    let troubles = browser.troubles(&page.base);
    assert!(troubles.is_empty(), "{troubles:#?}");
}

fn the_page_opens_without_an_error_or_another_host() {
    let (page, browser) = open(PROJECTOR);
    // The address bar is on the projector, too.
    assert_eq!(
        browser.run("return location.href.includes('teacher')"),
        json!(false)
    );
    for lang in ["zh", "en"] {
        browser.click("#lang");
        browser.wait(&format!("document.documentElement.lang === '{lang}'"));
        for tab in tabs(&browser) {
            show(&browser, &tab);
            no_trouble(&page, &browser);
            let text = browser.text("body").replace("中文", "");
            let has_chinese = text
                .chars()
                .any(|it| ('\u{4e00}'..='\u{9fff}').contains(&it));
            assert_eq!(has_chinese, lang == "zh", "{tab}: {text}");
            browser.keep(&format!("{tab}-{lang}"));
        }
    }
}

fn a_server_is_started_by_a_key_and_drawn_with_its_lanes() {
    let (page, browser) = open(PROJECTOR);
    // The first model of the table.
    browser.press("1");
    page.once("stage", |it| {
        it["slots"][0]["model"] == MODELS[0].sheet().name
    });
    page.turn(&json!({"work": "block:800ms", "clients": 5, "rate": 2}));
    page.order("/do/load", &json!({"on": "first"}));
    browser.wait("document.querySelector('[data-lane] [data-doing=block], [data-doing=block]')");
    // Four others stand in the accept queue.
    browser.wait(
        "document.querySelectorAll('.dot[data-place=queue], [data-place=queue]').length === 4",
    );
    page.order("/do/guest", &json!({"slot": 0, "kind": "silent"}));
    browser.wait("document.querySelector('.dot.silent')");
    browser.keep("blocked");
    no_trouble(&page, &browser);
}

/// The picture as text: where each connection is, and what each lane does.
const PICTURE: &str =
    "return [...document.querySelectorAll('.stand [data-doing], .stand [data-place]')]
    .map(it => Object.values({...it.dataset}).join(' ')).join('; ')";

fn a_paused_picture_stands_still_and_goes_from_event_to_event() {
    let (page, browser) = open(PROJECTOR);
    page.serve("event-loop");
    page.turn(&json!({"clients": 4, "rate": 50}));
    page.order("/do/load", &json!({"on": "first"}));
    browser.wait("document.querySelectorAll('[data-place=rest]').length > 2");
    browser.press(" ");
    browser.wait("document.querySelector('.replay.paused.filled')");
    let paused = browser.run(PICTURE);
    let newest = page.once("lanes", |_| true)["at_ms"].as_u64();
    // The server goes on, and the page shows the moment of the pause.
    page.once("lanes", |it| {
        it["at_ms"].as_u64() > newest.map(|it| it + 500)
    });
    assert_eq!(browser.run(PICTURE), paused);
    let mut steps = Vec::new();
    for _ in 0..4 {
        browser.press("\u{e012}");
        steps.push(browser.text("#step-words"));
    }
    assert!(steps.iter().all(|it| !it.is_empty()), "{steps:?}");
    assert!(steps[1..] != steps[..3], "{steps:?}");
    // And forward again, over the same events.
    browser.press("\u{e014}");
    assert_eq!(browser.text("#step-words"), steps[2]);
    browser.run(
        "const slider = document.getElementById('replay'); slider.value = 0; slider.dispatchEvent(new Event('input'))",
    );
    browser.wait("document.getElementById('age').textContent.startsWith('\u{2212}')");
    browser.press(" ");
    browser.wait("!document.querySelector('.replay.paused')");
    no_trouble(&page, &browser);
}

/// The first step of a lesson that has a question, by its key.
fn question() -> (&'static str, String) {
    let lesson = portlab_lessons::find("iterative").unwrap();
    let script = lesson.script(portlab_words::Lang::En).unwrap();
    let step = script.steps.iter().find(|it| it.ask.is_some()).unwrap();
    (lesson.name, step.key.clone())
}

fn a_student_votes_on_a_phone_and_the_teacher_shows_the_outcome() {
    let (page, browser) = open(PROJECTOR);
    let phone = Browser::open(PHONE);
    phone.go(&format!("{}/join", page.base));
    phone.wait("document.getElementById('code')");
    phone.run(&format!(
        "document.getElementById('code').value = '{}'; document.querySelector('form').requestSubmit()",
        page.join
    ));
    phone.wait("!document.getElementById('code')");
    let (lesson, step) = question();
    page.order("/do/vote/open", &json!({"lesson": lesson, "step": step}));
    phone.wait("document.querySelectorAll('.options button').length > 1");
    // Before the outcome is shown, the phone knows neither counts nor the right answer.
    assert_eq!(
        phone.run("return document.querySelectorAll('.options .count, .right').length"),
        json!(0)
    );
    phone.run("document.querySelectorAll('.options button')[1].click()");
    phone.wait("document.querySelector('.options .chosen')");
    let vote = page.once("join", |it| it["voters"] == 1);
    assert_eq!(vote["counts"], json!(null), "{vote}");
    page.order("/do/vote/close", &json!({}));
    page.order("/do/vote/show", &json!({}));
    phone.wait("document.querySelectorAll('.options .count').length > 1");
    phone.wait("document.querySelector('.options .right')");
    phone.keep("join-phone");
    show(&browser, "lessons");
    no_trouble(&page, &browser);
    no_trouble(&page, &phone);
}

fn no_page_of_a_phone_is_wider_than_its_screen() {
    let (page, browser) = open(PHONE);
    page.serve("threads");
    page.order("/do/load", &json!({"on": "first"}));
    for tab in tabs(&browser) {
        show(&browser, &tab);
        let wide = browser.run("return document.documentElement.scrollWidth - innerWidth");
        assert!(wide.as_i64() <= Some(0), "{tab} is {wide} px too wide");
        browser.keep(&format!("{tab}-phone"));
    }
    no_trouble(&page, &browser);
}

fn without_the_teachers_code_nothing_can_be_started() {
    let page = Page::open();
    let browser = Browser::open(PROJECTOR);
    browser.go(&page.base);
    browser.wait("document.querySelector('#tabs button')");
    browser.press("1");
    browser.wait("[...document.querySelectorAll('.heads select')].every(it => it.disabled)");
    let stage = page.once("stage", |_| true);
    assert_eq!(stage["slots"], json!([null, null]));
    assert!(!browser.text("body").contains(&page.join));
}

fn no_tab_has_a_serious_finding_of_accessibility() {
    let axe = std::fs::read_to_string(axe()).unwrap();
    for dark in [false, true] {
        let (page, browser) = open(Look { dark, ..PROJECTOR });
        page.serve("event-loop");
        page.order("/do/load", &json!({"on": "first"}));
        page.order(
            "/do/race",
            &json!({"first": "event-loop", "second": "threads", "seconds": 1, "rounds": 1}),
        );
        browser.wait("document.querySelector('#race table')");
        browser.run(&axe);
        for tab in tabs(&browser) {
            show(&browser, &tab);
            examine(&browser, &format!("{tab}, dark: {dark}"));
        }
        browser.go(&format!("{}/join", page.base));
        browser.run(&axe);
        examine(&browser, &format!("join, dark: {dark}"));
    }
}

/// Fails if the page has serious or critical findings.
#[track_caller]
fn examine(browser: &Browser, place: &str) {
    let found = browser.run_async(
        "axe.run().then(found => done(found.violations
            .filter(it => ['serious', 'critical'].includes(it.impact))
            .map(it => `${it.id}: ${it.nodes.map(node => node.html).slice(0, 3).join(' | ')}`)),
            error => done([String(error)]))",
    );
    assert_eq!(found, json!([]), "{place}");
}

/// The names of the tabs.
fn tabs(browser: &Browser) -> Vec<String> {
    let names = browser
        .run("return [...document.querySelectorAll('#tabs button')].map(it => it.dataset.tab)");
    serde_json::from_value(names).unwrap()
}

#[track_caller]
pub(super) fn show(browser: &Browser, tab: &str) {
    browser.click(&format!("#tabs button[data-tab={tab}]"));
    browser.wait("document.getElementById('main').children.length > 0");
}
