//! Who may do what.

use std::{collections::BTreeSet, fs, io::Read};

use portlab_sys::spawn::Signal;
use portlab_testkit::{named, root};
use serde_json::json;

use super::page::Page;

pub(super) const ONCE: &[(&str, fn())] = named![
    what_starts_loads_or_stops_needs_the_teachers_code,
    another_site_can_neither_order_nor_read,
    every_answer_forbids_inline_scripts_and_other_hosts,
    dials_outside_of_their_limits_are_refused,
    a_wide_address_is_warned_about,
];

/// The paths of all orders, from the sources.
fn orders() -> BTreeSet<String> {
    let mut dirs = vec![root().join("crates/portlab-class/src")];
    let mut orders = BTreeSet::new();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let parts = text.split("\"/do/").skip(1);
            orders.extend(parts.map(|it| format!("/do/{}", it.split('"').next().unwrap())));
        }
    }
    orders
}

fn what_starts_loads_or_stops_needs_the_teachers_code() {
    let page = Page::open();
    let orders = orders();
    assert!(
        orders.contains("/do/serve") && orders.len() > 5,
        "{orders:?}"
    );
    for path in &orders {
        let wrong = format!("{}x", page.teacher);
        for code in ["", &page.join, &wrong, &page.teacher[1..]] {
            let (status, why) = page.send(path, "{}", &[("x-teacher", code)]);
            assert_eq!(status, 403, "{path} with {code:?}");
            assert!(
                why["en"].as_str().unwrap().contains("teacher's code"),
                "{why}"
            );
        }
        assert_eq!(page.send(path, "{}", &[]).0, 403, "{path}");
    }
    for path in ["/teacher.json", "/replay.json"] {
        assert_eq!(page.get(path, &[]).status(), 403, "{path}");
    }
    let own = page.get("/teacher.json", &[("x-teacher", &page.teacher)]);
    let own = own.into_body().read_to_string().unwrap();
    assert!(own.contains(&page.join), "{own}");
    // What every browser may read has neither code.
    for path in ["/", "/about.json"] {
        let text = page.get(path, &[]).into_body().read_to_string().unwrap();
        assert!(
            !text.contains(&page.teacher) && !text.contains(&page.join),
            "{path}"
        );
    }
}

fn another_site_can_neither_order_nor_read() {
    let page = Page::open();
    let code = ("x-teacher", page.teacher.as_str());
    let body = json!({"on": null}).to_string();
    let origins = [
        ("http://evil.example", 403),
        ("null", 403),
        (page.base.as_str(), 204),
    ];
    for (origin, expected) in origins {
        let (status, _) = page.send("/do/load", &body, &[code, ("origin", origin)]);
        assert_eq!(status, expected, "{origin}");
    }
    // Another site's name that points to this machine.
    assert_eq!(page.get("/", &[("host", "evil.example")]).status(), 421);
    assert_eq!(
        page.send("/do/load", &body, &[code, ("host", "evil.example:8000")])
            .0,
        421
    );
    let answer = page.get("/about.json", &[("origin", "http://evil.example")]);
    let names: Vec<_> = answer
        .headers()
        .keys()
        .map(|it| it.as_str().to_owned())
        .collect();
    assert!(
        !names.iter().any(|it| it.starts_with("access-control")),
        "{names:?}"
    );
}

fn every_answer_forbids_inline_scripts_and_other_hosts() {
    let page = Page::open();
    for path in [
        "/",
        "/assets/class.js",
        "/about.json",
        "/nothing",
        "/teacher.json",
    ] {
        let answer = page.get(path, &[]);
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(
            answer.headers()["x-content-type-options"],
            "nosniff",
            "{path}"
        );
    }
}

fn dials_outside_of_their_limits_are_refused() {
    let page = Page::open();
    let dials = page.once("stage", |_| true)["dials"].clone();
    for (name, value) in [
        ("clients", json!(201)),
        ("rate", json!(0)),
        ("rate", json!(10_001)),
        ("size", json!(65_537)),
        ("workers", json!(65)),
        ("work", json!("wait:1h")),
        ("work", json!("--model=fork")),
        ("service", json!("files")),
        ("seed", json!(-1)),
        ("more", json!(1)),
    ] {
        let mut changed = dials.clone();
        changed[name] = value.clone();
        let (status, _) = page.order_status("/do/dials", &changed);
        assert_eq!(status, 422, "{name} {value}");
    }
    assert_eq!(page.once("stage", |_| true)["dials"], dials);
    let (status, why) = page.order_status("/do/serve", &json!({"slot": 2, "model": null}));
    assert_eq!(status, 422, "{why}");
    let (status, why) = page.order_status("/do/serve", &json!({"slot": 0, "model": "magic"}));
    assert_eq!(status, 422);
    assert!(why["en"].as_str().unwrap().contains("magic"), "{why}");
}

fn a_wide_address_is_warned_about() {
    for (bind, says) in [
        ("--bind=0.0.0.0:0", "warning: other machines can connect"),
        ("--bind=127.0.0.1:0", "--bind 0.0.0.0:"),
    ] {
        let mut page = Page::open_with(&[bind]);
        page.signal(Signal::TERM);
        let mut stderr = String::new();
        let mut pipe = page.child.stderr.take().unwrap();
        pipe.read_to_string(&mut stderr).unwrap();
        assert!(stderr.contains(says), "{stderr}");
    }
}
