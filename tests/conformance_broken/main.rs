//! Every case of the conformance suite fails against a server that is broken for it on purpose. If the small server of
//! `server.rs` has what the case needs, the case passes against this server without the defect.
//!
//! The small server has no drain, no limits and no child processes. That the cases which need one of these can pass, is
//! shown by `cargo test --test conformance`.

#[path = "../conformance/models.rs"]
mod models;
#[path = "../conformance/running.rs"]
mod running;
mod server;

use std::{collections::BTreeSet, path::Path, time::Duration};

use libtest_mimic::{Failed, Trial};
use portlab_backends::find;
use portlab_conformance::{CASES, Case, Failure, Promises, Target, with_patience};
use portlab_testkit::binary;
use running::{Running, options};
use server::Defect::{self, *};

/// What breaks a promise.
#[derive(Clone, Copy)]
enum Broken {
    /// A defect of the small server, which passes without it.
    By(Defect),
    /// A defect of the small server, which can't pass the case without it either.
    Lacking(Defect),
    /// A model, with a change that makes it promise too much.
    Model(&'static str, fn(&mut Promises)),
}
use Broken::{By, Lacking, Model};

const UNBOUNDED: fn(&mut Promises) = |it| it.at_once = None;
const BOUNDED: fn(&mut Promises) = |it| it.at_once = Some(6);
const PROCESSES: fn(&mut Promises) = |it| it.processes = true;

/// Names the rows as their cases are named.
macro_rules! rows {
    ($($case:ident => $broken:expr,)*) => {
        /// One row or more for every case.
        const ROWS: &[(&str, Broken)] = &[$((stringify!($case), $broken),)*];
    };
}

rows! {
    exact_bytes => By(FlipsABit),
    one_byte_per_write => By(DoublesSingleBytes),
    many_messages_in_one_write => By(TakesALinePerRead),
    half_close => By(DropsAnswersAtFin),
    empty_connections => By(ExitsAtAnEmptyConnection),
    a_hundred_at_once => Model("prethreaded", UNBOUNDED),
    an_idle_client_does_not_delay_others => Model("iterative", UNBOUNDED),
    a_half_written_message_does_not_delay_others => Model("prethreaded", UNBOUNDED),
    a_fast_sender_does_not_delay_others => Model("iterative", UNBOUNDED),
    connections_above_the_limit_are_closed => Lacking(Sound),
    idle_connections_are_closed => Lacking(Sound),
    a_full_server_keeps_the_next_waiting => Model("threads", BOUNDED),
    a_client_that_does_not_read_stops_only_itself => By(QueuesWithoutBound),
    a_reset_mid_reply_leaves_nothing_behind => By(KeepsDescriptors),
    a_late_answer_to_a_lost_client_is_harmless => By(ExitsAtALostClient),
    resets_before_accept => By(ExitsAtALostClient),
    a_full_queue_is_served_after_a_pause => By(StopsAfterAHundred),
    waiting_handlers_wait_side_by_side => Model("iterative", UNBOUNDED),
    blocking_handlers_block_only_themselves => Model("event-loop", |it| it.survives_blocking = true),
    blocking_handlers_stall_the_port => Model("threads", |it| it.survives_blocking = false),
    a_computing_handler_answers_rightly => By(FlipsABit),
    a_panicking_handler_loses_only_its_connection => By(AbortsAtAPanic),
    short_connections_leave_no_trace => By(KeepsMemory),
    a_busy_port_is_explained_and_a_restart_works => Lacking(Sound),
    a_graceful_stop_answers_what_was_asked => Lacking(Sound),
    a_hangup_is_a_stop => Lacking(Sound),
    late_readers_receive_their_answers_at_a_stop => Lacking(Sound),
    stuck_clients_are_cut_at_the_deadline => Lacking(Sound),
    a_blocked_handler_does_not_outlive_the_deadline => Lacking(Sound),
    a_second_signal_ends_the_server_at_once => Lacking(LeavesAChild),
    a_killed_server_leaves_no_process => By(LeavesAChild),
    a_killed_worker_loses_only_its_own_client => Model("threads", PROCESSES),
    no_descriptors_left => By(Spins),
    no_descriptors_left_in_a_chat => By(Spins),
    fixed_text => By(IgnoresTheEncoding),
    a_line_appears_at_its_end => By(AddsNewlines),
    a_hundred_lines_in_one_write => By(ReversesLines),
    each_member_reads_its_own_encoding => By(DecodesEachReadAlone),
    each_member_reads_its_own_encoding => By(WritesReferences),
    malformed_bytes_are_replaced => By(ClosesAtMalformedBytes),
    escape_sequences_are_made_visible => By(PassesEscapes),
    a_line_without_end_is_cut_off => By(AddsNewlines),
    slow_lines_are_cut_off => Lacking(Sound),
    idle_members_receive_the_reason_and_are_closed => Lacking(Sound),
    members_above_the_limit_receive_the_reason => Lacking(Sound),
    one_of_many_gets_a_name => By(SeparateRooms),
    a_lost_member_is_announced => By(ForgetsTheLost),
    a_member_that_does_not_read_is_dropped => Lacking(Sound),
    the_oldest_lines_are_dropped_when_asked => Lacking(Sound),
    a_member_that_pauses_misses_no_line => By(StopsAtAPause),
    a_paste_drops_no_member_that_reads => By(DropsLateReaders),
    a_long_name_costs_no_more_than_a_short_one => By(BurnsAtLongInput),
    a_flood_of_commands_does_not_delay_others => By(HugeTurns),
    all_members_receive_the_lines_in_one_order => By(DoublesMail),
    all_members_receive_the_lines_in_one_order => By(LosesMail),
    all_members_receive_the_lines_in_one_order => By(SwapsMail),
    a_member_that_leaves_gets_all_its_answers => By(DropsAnswersAtFin),
    a_member_without_a_worker_receives_nothing => Model("threads", BOUNDED),
    a_killed_process_loses_only_its_own_members => Model("threads", PROCESSES),
    a_killed_broker_loses_only_the_rooms => Model("threads", PROCESSES),
    a_chat_that_stops_announces_no_departures => Lacking(Sound),
    an_idle_web_client_does_not_delay_others => Model("iterative", UNBOUNDED),
    a_slow_head_gets_408 => Lacking(Sound),
    a_thousand_requests_leave_nothing_behind => Lacking(Sound),
    a_reset_mid_file_leaves_nothing_behind => Lacking(Sound),
    slow_readers_of_a_file_do_not_delay_others => Model("prethreaded", UNBOUNDED),
}

/// The patience with a broken server.
const SHORT: Duration = Duration::from_secs(2);

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("serve") {
        let options: Vec<_> = arguments.collect();
        if let Err(error) = server::serve(&options) {
            eprintln!("{error}");
            std::process::exit(1);
        }
        return;
    }
    let broken = CASES.iter().flat_map(|case| {
        let rows = ROWS.iter().filter(|(name, _)| *name == case.name);
        rows.map(move |(_, broken)| {
            let by = match broken {
                By(defect) | Lacking(defect) => format!("{defect:?}"),
                Model(model, _) => (*model).to_owned(),
            };
            Trial::test(format!("{}::{by}", case.name), move || finds(case, *broken))
        })
    });
    let complete = Trial::test("every_case_has_a_row", || {
        let cases: BTreeSet<_> = CASES.iter().map(|case| case.name).collect();
        let rows: BTreeSet<_> = ROWS.iter().map(|row| row.0).collect();
        let different: Vec<_> = cases.symmetric_difference(&rows).collect();
        match different.is_empty() {
            true => Ok(()),
            false => Err(format!("add a row to ROWS, or take one out, for {different:?}").into()),
        }
    });
    portlab_testkit::run(broken.chain([complete]).collect());
}

/// The case passes without the defect, and fails with it.
fn finds(case: &'static Case, broken: Broken) -> Result<(), Failed> {
    let failure = match broken {
        By(defect) => {
            small(case, Sound, None)?
                .map_err(|failure| format!("without the defect: {failure}"))?;
            small(case, defect, Some(SHORT))?
        }
        Lacking(defect) => small(case, defect, Some(SHORT))?,
        Model(name, promise_more) => {
            let model = find(name).ok_or("there is no such model")?;
            let mut promises = models::promises(model.sheet(), case);
            promise_more(&mut promises);
            let options = options(name, case);
            let program = Path::new(binary());
            run(case, program, options, promises, Some(SHORT))?
        }
    };
    match failure {
        Err(_) => Ok(()),
        Ok(()) => Err("the case passes against the broken server".into()),
    }
}

/// Runs a case against the small server, which is this program.
fn small(
    case: &Case,
    defect: Defect,
    patience: Option<Duration>,
) -> Result<Result<(), Failure>, Failed> {
    let promises = Promises {
        at_once: None,
        survives_blocking: true,
        loops: 1,
        hub: true,
        processes: false,
        standing_processes: 0,
    };
    let mut options = options("small", case);
    options.push(format!("--defect={defect:?}"));
    run(case, &std::env::current_exe()?, options, promises, patience)
}

fn run(
    case: &Case,
    program: &Path,
    options: Vec<String>,
    promises: Promises,
    patience: Option<Duration>,
) -> Result<Result<(), Failure>, Failed> {
    let mut running = Running::start(program, options)?;
    let mut target = Target {
        addr: running.server.addr(),
        promises,
        process: Some(&mut running),
    };
    let mut run = || (case.run)(&mut target);
    Ok(match patience {
        Some(patience) => with_patience(patience, run),
        None => run(),
    })
}
