//! `portlab class`: what the page draws is true, who may do what, and how it ends. `browser` looks at it in a browser.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod browser;
mod console;
mod driver;
mod ends;
mod lanes;
mod lessons;
mod page;
mod race;
mod safety;
mod tabs;
mod wall;

use portlab_backends::{Backend, models::runnable};
use portlab_testkit::trial;

fn main() {
    let mut trials = Vec::new();
    for sheet in runnable().map(Backend::sheet) {
        for &(name, run) in lanes::ON_EVERY_MODEL {
            let name = format!("{}::{name}", sheet.name);
            trials.push(trial(name, move || run(sheet)));
        }
    }
    let once = [
        lanes::ONCE,
        safety::ONCE,
        ends::ONCE,
        race::ONCE,
        console::ONCE,
        wall::ONCE,
        lessons::ONCE,
    ];
    trials.extend(
        once.concat()
            .into_iter()
            .map(|(name, run)| trial(name, run)),
    );
    let in_browser = [browser::ONCE, tabs::ONCE, race::IN_BROWSER];
    for (name, run) in in_browser.concat() {
        let trial = trial(format!("browser::{name}"), run);
        trials.push(trial.with_ignored_flag(!driver::is_installed()));
    }
    for &(name, run) in browser::WITH_AXE {
        let trial = trial(format!("browser::{name}"), run);
        let runs = driver::is_installed() && driver::axe().is_file();
        trials.push(trial.with_ignored_flag(!runs));
    }
    portlab_testkit::run(trials);
}
