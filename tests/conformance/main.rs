//! Every model against every case, black-box: the real binary, in a process of its own, over TCP.
//! One named test each, such as `threads::echo::half_close`.
//!
//! The cases in `HEAVY` take the most time: each runs on every third model, and the next of these cases on another
//! third; with `PORTLAB_FAULTS=all` (`tests/faults.sh`) all of them run on every model.
//!
//! The textbook twin of each model (`textbook::threads::echo::half_close`) runs the cases of a plain echo that are not
//! in `NOT_PROMISED_BY_TWINS`: bytes, half-close, resets, idle clients, reaped children.
//!
//! Cases that need only an address run a second time through a fault proxy, on one model for each driver: bytes then
//! arrive late and in pieces.

mod forbidden;
mod models;
mod running;

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use models::promises;
use portlab_backends::{MODELS, Sheet, models::runnable, textbook};
use portlab_conformance::{
    CASES, Case, Failure, Requires, Speaks, Target,
    http::{self, Options, Verdict},
};
use portlab_proxy::Proxy;
use portlab_sys::interrupt::restore_hangup;
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
    "idle_members_receive_the_reason_and_are_closed",
    "late_readers_receive_their_answers_at_a_stop",
    "no_descriptors_left",
    "no_descriptors_left_in_a_chat",
    "short_connections_leave_no_trace",
    "slow_lines_are_cut_off",
    "stuck_clients_are_cut_at_the_deadline",
    "the_oldest_lines_are_dropped_when_asked",
];

/// A heavy case runs on one of three models.
const SHARE: usize = 3;

/// One model for each driver: blocking calls, readiness, threads that take turns, coroutines with stacks, completions, tasks.
const BEHIND_A_PROXY: &[&str] = &[
    "threads",
    "event-loop",
    "leader-followers",
    "coroutines",
    "uring",
    "tasks",
];

/// What the proxy does to both directions.
const FAULTS: &[&str] = &["latency 2ms", "slicer 1000"];

/// The cases of an echo that a textbook twin doesn't promise to pass. A twin has none of the options of `serve`, so it
/// also runs no case with options.
const NOT_PROMISED_BY_TWINS: &[&str] = &[
    // A signal ends a twin at once.
    "a_graceful_stop_answers_what_was_asked",
    "a_hangup_is_a_stop",
    "late_readers_receive_their_answers_at_a_stop",
    // If the address is in use, a twin prints the error of the system.
    "a_busy_port_is_explained_and_a_restart_works",
];

/// The rules that a server should follow, and this one doesn't.
const BROKEN_ON_PURPOSE: &[&str] = &[
    // Its parser reads HTTP/1.0 and HTTP/1.1; no other version 1 exists.
    "a_higher_minor_version_is_served",
    // What another server may understand in another way is 400.
    "an_unknown_coding_gets_501",
];

fn main() {
    // Under nohup, the servers would ignore SIGHUP.
    restore_hangup();
    let all = std::env::var("PORTLAB_FAULTS").is_ok_and(|value| value == "all");
    let known = |name: &&str| CASES.iter().any(|case| case.name == *name);
    assert!(
        HEAVY.iter().chain(NOT_PROMISED_BY_TWINS).all(known),
        "HEAVY or NOT_PROMISED_BY_TWINS names a case that doesn't exist"
    );
    let sheets = || MODELS.iter().map(|model| model.sheet()).enumerate();
    assert!(runnable().next().is_some(), "no model can run here");
    let trials = sheets().flat_map(|(place, sheet)| {
        CASES.iter().map(move |case| {
            let left_out = !all && is_left_out(case, place);
            let name = format!("{}::{}::{}", sheet.name, case.speaks.name(), case.name);
            let unmet = case.unmet(&promises(sheet, case), true);
            let trial = Trial::test(name, move || run(sheet, sheet.name, case, &[]));
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
    let of_twins = sheets().flat_map(|(place, sheet)| of_twin(sheet, place, all));
    let behind_a_proxy = sheets().flat_map(|(_, sheet)| behind_a_proxy(sheet));
    let of_rules = sheets().flat_map(|(_, sheet)| of_rules(sheet));
    let trials = trials.chain(of_twins).chain(behind_a_proxy).chain(of_rules);
    let forbidden: Vec<_> = sheets()
        .filter_map(|(_, sheet)| Some((sheet.name, sheet.obstacle()?.en)))
        .collect();
    let trials = trials.map(|trial| {
        let is_of = |name| trial.name().split("::").any(|part| part == name);
        match forbidden.iter().find(|(name, _)| is_of(*name)) {
            Some((_, why)) => {
                let finding = why.split(';').next().unwrap_or_default();
                let kind = format!("not run: {finding}");
                trial.with_kind(kind).with_ignored_flag(true)
            }
            None => trial,
        }
    });
    portlab_testkit::run(trials.chain([forbidden::of_the_suite()]).collect());
}

/// Whether a heavy case runs on other models than the one at `place`.
fn is_left_out(case: &Case, place: usize) -> bool {
    let heavy = HEAVY.iter().position(|name| *name == case.name);
    heavy.is_some_and(|heavy| heavy % SHARE != place % SHARE)
}

/// The cases of a model's textbook twin.
fn of_twin(sheet: &'static Sheet, place: usize, all: bool) -> impl Iterator<Item = Trial> {
    let cases = CASES.iter().filter(move |case| {
        let is_plain = case.speaks == Speaks::Echo && case.options.is_empty();
        let is_met = case.unmet(&promises(sheet, case), true).is_none();
        let is_promised = is_plain && is_met && !NOT_PROMISED_BY_TWINS.contains(&case.name);
        // A heavy case runs on another model than the twin's.
        is_promised && (all || !is_left_out(case, place + 1))
    });
    cases.map(move |case| {
        let name = format!("textbook::{}::echo::{}", sheet.name, case.name);
        let server = format!("{}{}", sheet.name, textbook::SUFFIX);
        Trial::test(name, move || run(sheet, &server, case, &[]))
    })
}

/// The cases of a model that run through a proxy as well.
fn behind_a_proxy(sheet: &'static Sheet) -> impl Iterator<Item = Trial> {
    let is_chosen = BEHIND_A_PROXY.contains(&sheet.name);
    let cases = CASES.iter().filter(move |case| {
        let needs_more = !case.options.is_empty() || case.requires.contains(&Requires::Process);
        let is_met = case.unmet(&promises(sheet, case), false).is_none();
        is_chosen && !needs_more && is_met && !HEAVY.contains(&case.name)
    });
    cases.map(move |case| {
        let name = format!(
            "proxy::{}::{}::{}",
            sheet.name,
            case.speaks.name(),
            case.name
        );
        Trial::test(name, move || run(sheet, sheet.name, case, FAULTS))
    })
}

/// The rules of HTTP, all on one server, and once more behind a proxy.
fn of_rules(sheet: &'static Sheet) -> impl Iterator<Item = Trial> {
    let twice = BEHIND_A_PROXY
        .contains(&sheet.name)
        .then_some(("proxy::", FAULTS));
    let ways = [("", &[][..])].into_iter().chain(twice);
    ways.map(move |(way, faults)| {
        Trial::test(format!("{way}{}::http::rules", sheet.name), move || {
            run(sheet, sheet.name, &RULES_OF_HTTP, faults)
        })
    })
}

/// Every rule, as a case.
static RULES_OF_HTTP: Case = Case {
    name: "rules",
    about: "a web server follows the rules of HTTP",
    faults: &[],
    speaks: Speaks::Http,
    requires: &[],
    options: &[],
    run: |target| {
        let options = Options {
            has_fixture: true,
            has_limits: true,
        };
        let outcomes = http::run(target.addr, options).into_iter();
        let broken = outcomes.filter_map(|it| {
            let (name, is_known) = (it.rule.name, BROKEN_ON_PURPOSE.contains(&it.rule.name));
            match it.verdict {
                Verdict::Passed if is_known => Some(format!("{name} is followed after all")),
                Verdict::Failed(broken) if !is_known => {
                    Some(format!("{name}: {}\n{}", broken.saw, broken.line))
                }
                Verdict::Skipped(why) => Some(format!("{name} is skipped: {why}")),
                _ => None,
            }
        });
        let broken: Vec<_> = broken.collect();
        match broken.is_empty() {
            true => Ok(()),
            false => Err(Failure::new(broken.join("\n  "))),
        }
    },
};

/// Runs a case on `server`, which promises what the model of `sheet` does.
fn run(sheet: &'static Sheet, server: &str, case: &Case, faults: &[&str]) -> Result<(), Failed> {
    let promises = promises(sheet, case);
    if let Some(promise) = case.unmet(&promises, true) {
        return Err(format!("{} doesn't promise {promise:?}", sheet.name).into());
    }
    let program = Path::new(binary());
    let mut running = Running::start(program, options(server, case))?;
    let addr = running.server.addr();
    let proxy = match faults {
        [] => None,
        faults => Some(Proxy::before(addr, faults)?),
    };
    let mut target = Target {
        addr: proxy.as_ref().map_or(addr, Proxy::addr),
        promises,
        process: Some(&mut running),
    };
    let result = (case.run)(&mut target);
    result.map_err(|failure| {
        let complaints = running.server.error_output();
        let about = case.about;
        format!("{about}\n  {failure}\n  the server wrote: {complaints}").into()
    })
}
