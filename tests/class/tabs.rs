//! The console, the kernel's view and the wall in a real browser.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use portlab_testkit::{PATIENCE, named, portlab};
use serde_json::json;

use super::{
    browser::{no_trouble, open, show},
    driver::PROJECTOR,
};

pub(super) const ONCE: &[(&str, fn())] = named![
    a_client_that_speaks_gbk_is_read_and_answered_by_clicks,
    sockets_that_come_and_go_are_marked_by_words,
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
    browser.wait("document.querySelectorAll('.sockets tr.new[data-state=ESTABLISHED] td:first-child').length === 2");
    assert!(!browser.text(".sockets tr.new td").is_empty());
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
