//! The console, the kernel's view, the lessons and the wall in a real browser.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use portlab_testkit::{PATIENCE, named, portlab};
use serde_json::json;

use super::{
    browser::{no_trouble, open, show},
    driver::{Browser, PHONE, PROJECTOR},
    page::Page,
};

pub(super) const ONCE: &[(&str, fn())] = named![
    a_client_that_speaks_gbk_is_read_and_answered_by_clicks,
    sockets_that_come_and_go_are_marked_by_words,
    a_lesson_is_shown_part_by_part_and_run_by_keys,
    a_student_reads_a_lesson_without_its_answers,
    a_class_is_asked_by_a_key_and_a_phone_answers,
    a_judged_server_is_a_card_and_its_name_is_no_markup,
];

fn a_client_that_speaks_gbk_is_read_and_answered_by_clicks() {
    let (page, browser) = open(PROJECTOR);
    show(&browser, "console");
    browser.run("document.getElementById('port').value = 0");
    browser.click("#main form button");
    browser.wait("document.querySelector('.address strong')");
    let addr = browser.text(".address strong");
    let mut client = TcpStream::connect(addr).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(b"\xc4\xe3\xba\xc3<b>").unwrap();
    // Read as UTF-8, it is broken; a click reads it again.
    browser.wait("document.querySelector('.record.in .broken')");
    browser.click(".guess button");
    browser.wait("document.querySelector('.record.in .text').textContent === '你好<b>'");
    let hex = browser.run("return document.querySelector('.record.in .hex').textContent");
    assert_eq!(hex, "c4 e3");
    browser.run("document.getElementById('line').value = '再见'");
    browser.click(".speaker form button");
    let mut answer = [0; 4];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"\xd4\xd9\xbc\xfb");
    browser.wait("document.querySelector('.record.out')");
    browser.keep("console-gbk");
    no_trouble(&page, &browser);
}

fn sockets_that_come_and_go_are_marked_by_words() {
    let (page, browser) = open(PROJECTOR);
    show(&browser, "kernel");
    page.serve("threads");
    browser.wait("document.querySelector('.sockets tr[data-state=LISTEN]')");
    page.order("/do/guest", &json!({"slot": 0, "kind": "silent"}));
    // One look at both: a mark ends after some seconds.
    browser.wait("[...document.querySelectorAll('.sockets tr.new[data-state=ESTABLISHED] td:first-child')].filter(it => it.textContent).length === 2");
    browser.keep("kernel-new");
    page.order("/do/guests-leave", &json!({}));
    browser.wait("document.querySelector('.sockets tr.gone td')");
    browser.wait("!document.querySelector('.sockets tr.gone')");
    // A state is explained when it is clicked on.
    browser.click(".bar button[data-state=LISTEN]");
    browser.wait("document.querySelector('.explained').textContent.startsWith('LISTEN')");
    browser.wait("document.querySelectorAll('.sockets tr.picked').length === 1");
    no_trouble(&page, &browser);
}

/// The third step of the first lesson, which asks a question.
fn at_a_question() -> (Page, Browser) {
    let (page, browser) = open(PROJECTOR);
    show(&browser, "lessons");
    browser.click(".entry");
    browser.click(".marks button:nth-child(4)");
    browser.wait("document.querySelector('.step-title').textContent.startsWith('3.')");
    (page, browser)
}

fn a_lesson_is_shown_part_by_part_and_run_by_keys() {
    let (page, browser) = at_a_question();
    let parts = "return [...document.querySelectorAll('.sheet > section')].map(it => it.className)";
    let mut expected = vec!["say"];
    for part in ["ask", "outcome", "why"] {
        assert_eq!(browser.run(parts), json!(expected));
        browser.press(" ");
        expected.push(part);
        browser.wait(&format!("document.querySelector('.sheet > .{part}')"));
        let is_shown = browser.run("return Boolean(document.querySelector('.option.right'))");
        assert_eq!(is_shown, part != "ask", "the right answer with {part}");
    }
    browser.press("r");
    browser.wait("document.querySelector('.terminal .prompt')");
    browser.press(ENTER);
    browser.wait("document.querySelector('.terminal').textContent.includes('✓')");
    assert!(browser.text(".terminal").contains("EADDRINUSE"));
    browser.keep("lesson-run");
    // What a printer gets has every step, and isn't on the screen.
    let steps = "return [document.querySelectorAll('.paper .question').length > 1, document.querySelector('.paper').offsetHeight]";
    assert_eq!(browser.run(steps), json!([true, 0]));
    browser.press(ESCAPE);
    browser.wait("document.querySelectorAll('.entry').length > 30");
    no_trouble(&page, &browser);
}

fn a_student_reads_a_lesson_without_its_answers() {
    let page = Page::open();
    let browser = Browser::open(PHONE);
    browser.go(&format!("{}/#lessons", page.base));
    browser.click(".entry");
    browser.click(".marks button:nth-child(4)");
    browser.press(" ");
    browser.wait("document.querySelectorAll('.vote .option').length === 3");
    browser.press(" ");
    browser.wait("document.querySelector('.step-title').textContent.startsWith('4.')");
    let hidden = "return document.querySelectorAll('.run, .outcome, .right, .controls').length";
    assert_eq!(browser.run(hidden), 0);
    no_trouble(&page, &browser);
}

fn a_class_is_asked_by_a_key_and_a_phone_answers() {
    let (page, browser) = at_a_question();
    browser.press(" ");
    browser.wait("document.querySelector('.vote .option')");
    browser.press("a");
    browser.wait("document.querySelector('.invite')");
    let phone = Browser::open(PHONE);
    phone.go(&format!("{}/join#{}", page.base, page.join));
    phone.click("button.option");
    phone.wait("document.querySelector('.option.chosen')");
    browser.wait("/1/.test(document.querySelector('.voters').textContent)");
    assert_eq!(
        browser.run("return document.querySelectorAll('.share').length"),
        0
    );
    // The first key closes the vote. The second one goes on, and shows the outcome to all.
    browser.press(" ");
    page.once("join", |it| it["state"] == "closed");
    browser.wait("document.querySelector('.vote .controls .go')");
    assert_eq!(
        browser.run("return document.querySelectorAll('.share').length"),
        0
    );
    browser.press(" ");
    for window in [&browser, &phone] {
        window.wait("document.querySelector('.option.right .share')");
        let counts = window.run("return document.querySelector('.option .count').textContent");
        assert!(counts.as_str().unwrap().contains("100%"), "{counts}");
        no_trouble(&page, window);
    }
}

fn a_judged_server_is_a_card_and_its_name_is_no_markup() {
    let (page, browser) = open(PROJECTOR);
    show(&browser, "wall");
    let name = "<img src=x onerror=alert(1)>";
    let report = [
        "judge", "--report", &page.base, "--name", name, "--", "sh", "-c", "exit 7",
    ];
    for times in 1..=2 {
        portlab(&report);
        page.once("wall", |it| it[0]["times"] == times);
    }
    browser.wait("document.querySelector('.card .change')");
    assert_eq!(browser.text(".card h2"), name);
    assert_eq!(browser.text(".card .mark strong"), "0");
    browser.keep("wall-card");
    browser.click(".card .card-head button");
    browser.wait("!document.querySelector('.card')");
    no_trouble(&page, &browser);
}

const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
