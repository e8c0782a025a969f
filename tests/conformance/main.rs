//! Every model against every case, black-box: the real binary, in a process of its own, over TCP.
//! One named test each, such as `threads::echo::half_close`.
//!
//! The cases in `HEAVY` take the most time: each runs on every third model, another third for the next
//! of them; with `PORTLAB_FAULTS=all` (`tests/faults.sh`) on every model.
//!
//! Cases that need nothing but an address run a second time through a fault proxy, on one model for each driver:
//! bytes then arrive late and in pieces.

mod models;
mod running;

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use models::promises;
use portlab_backends::{MODELS, Sheet};
use portlab_conformance::{CASES, Case, Requires, Target};
use portlab_proxy::Proxy;
use portlab_sys::interrupt::heed_hangup;
use portlab_testkit::binary;
use running::{Running, options};

/// The cases that take the most time.
const HEAVY: &[&str] = &[
    "a_busy_port_is_explained_and_a_restart_works",
    "a_client_that_does_not_read_stops_only_itself",
    "a_fast_sender_does_not_delay_others",
    "a_hangup_is_a_stop",
    "a_lost_member_is_announced",
    "a_member_that_does_not_read_is_dropped",
    "a_member_that_pauses_misses_no_line",
    "a_paste_drops_no_member_that_reads",
    "idle_connections_are_closed",
    "idle_members_are_told_and_closed",
    "late_readers_have_their_answers_at_a_stop",
    "no_descriptors_left",
    "no_descriptors_left_in_a_chat",
    "short_connections_leave_no_trace",
    "slow_lines_are_cut_off",
    "stuck_clients_are_cut_at_the_deadline",
    "the_oldest_lines_are_dropped_when_asked",
];

/// A heavy case runs on one of so many models.
const SHARE: usize = 3;

/// One model for each driver: blocking calls, readiness, tasks.
const BEHIND_A_PROXY: &[&str] = &["threads", "event-loop", "tasks"];

/// What the proxy does to both directions.
const FAULTS: &[&str] = &["latency 2ms", "slicer 1000"];

fn main() {
    // Under nohup, the servers would ignore SIGHUP.
    heed_hangup();
    let all = std::env::var("PORTLAB_FAULTS").is_ok_and(|value| value == "all");
    let known = |name: &&str| CASES.iter().any(|case| case.name == *name);
    assert!(
        HEAVY.iter().all(known),
        "HEAVY names a case that isn't there"
    );
    let sheets = MODELS.iter().map(|model| model.sheet()).enumerate();
    let trials = sheets.flat_map(|(place, sheet)| {
        CASES.iter().map(move |case| {
            let heavy = HEAVY.iter().position(|name| *name == case.name);
            let left_out = heavy.is_some_and(|heavy| !all && heavy % SHARE != place % SHARE);
            let name = format!("{}::{}::{}", sheet.name, case.speaks.name(), case.name);
            let unmet = case.unmet(&promises(sheet, case), true);
            let trial = Trial::test(name, move || run(sheet, case, &[]));
            // A case that the model doesn't promise is skipped, by the name of the promise.
            match unmet {
                Some(promise) => trial
                    .with_kind(format!("{promise:?}"))
                    .with_ignored_flag(true),
                None if left_out => trial.with_kind("heavy").with_ignored_flag(true),
                None => trial,
            }
        })
    });
    let mut trials: Vec<_> = trials.collect();
    trials.extend(
        MODELS
            .iter()
            .flat_map(|model| behind_a_proxy(model.sheet())),
    );
    portlab_testkit::run(trials);
}

/// The cases of a model that run through a proxy as well.
fn behind_a_proxy(sheet: &'static Sheet) -> impl Iterator<Item = Trial> {
    let is_chosen = BEHIND_A_PROXY.contains(&sheet.name);
    let cases = CASES.iter().filter(move |case| {
        let needs_an_address =
            case.options.is_empty() && !case.requires.contains(&Requires::Process);
        let is_met = case.unmet(&promises(sheet, case), false).is_none();
        is_chosen && needs_an_address && is_met && !HEAVY.contains(&case.name)
    });
    cases.map(move |case| {
        let name = format!(
            "proxy::{}::{}::{}",
            sheet.name,
            case.speaks.name(),
            case.name
        );
        Trial::test(name, move || run(sheet, case, FAULTS))
    })
}

fn run(sheet: &'static Sheet, case: &Case, faults: &[&str]) -> Result<(), Failed> {
    let promises = promises(sheet, case);
    if let Some(promise) = case.unmet(&promises, true) {
        return Err(format!("{} doesn't promise {promise:?}", sheet.name).into());
    }
    let program = Path::new(binary());
    let mut running = Running::start(program, options(sheet.name, case))?;
    let mut addr = running.server.addr();
    let proxy = match faults {
        [] => None,
        faults => Some(Proxy::before(addr, faults)?),
    };
    if let Some(proxy) = &proxy {
        addr = proxy.addr();
    }
    let mut target = Target {
        addr,
        promises,
        process: Some(&mut running),
    };
    let result = (case.run)(&mut target);
    result.map_err(|failure| {
        let complaints = running.server.complaints();
        format!(
            "{}\n  {failure}\n  the server said: {complaints}",
            case.about
        )
        .into()
    })
}
