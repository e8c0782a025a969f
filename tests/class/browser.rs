//! The page in a real browser. Without Chromium and its driver, these tests are listed as ignored.

use portlab_testkit::named;
use serde_json::json;

use super::{
    driver::{Browser, Look, PROJECTOR, axe},
    page::Page,
};

pub(super) const ONCE: &[(&str, fn())] = named![the_page_opens_without_an_error_or_another_host,];

pub(super) const WITH_AXE: &[(&str, fn())] = named![no_tab_has_a_serious_finding_of_accessibility,];

/// The teacher's page in a browser.
fn open(look: Look) -> (Page, Browser) {
    let page = Page::open();
    let browser = Browser::open(look);
    browser.go(&format!("{}/#teacher={}", page.base, page.teacher));
    browser.wait("document.querySelector('#tabs button')");
    (page, browser)
}

#[track_caller]
fn no_trouble(page: &Page, browser: &Browser) {
    let troubles = browser.troubles(&page.base);
    assert!(troubles.is_empty(), "{troubles:#?}");
}

fn the_page_opens_without_an_error_or_another_host() {
    let (page, browser) = open(PROJECTOR);
    for tab in tabs(&browser) {
        show(&browser, &tab);
        no_trouble(&page, &browser);
        browser.keep(&tab);
    }
}

fn no_tab_has_a_serious_finding_of_accessibility() {
    let axe = std::fs::read_to_string(axe()).unwrap();
    for dark in [false, true] {
        let (page, browser) = open(Look { dark, ..PROJECTOR });
        page.serve("event-loop");
        page.order("/do/load", &json!({"on": "first"}));
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
fn show(browser: &Browser, tab: &str) {
    browser.click(&format!("#tabs button[data-tab={tab}]"));
    browser.wait("document.getElementById('main').children.length > 0");
}
