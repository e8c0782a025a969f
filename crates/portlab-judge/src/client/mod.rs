//! Judging a client: portlab is the server at the address that the client dials.
//!
//! Each experiment starts the client once more, and is a server that does one thing that real servers do: it answers in two
//! pieces, closes, is silent. What the client does then is seen from its connection, its processes, its output and its end.

#![allow(
    non_upper_case_globals,
    reason = "an experiment is called by the name of its constant"
)]

mod answers;
mod begins;
mod caller;
mod ends;
mod experiment;
mod http;
mod manner;
mod quiet;
mod run;
mod start;
mod waits;

use std::time::Instant;

use portlab_conformance::experiments::{Evidence, Record, Trouble};
use portlab_words::Text;

use experiment::{ClientExperiment, Exam};
pub use manner::fuzz_questions;
pub(crate) use start::dialled;

use crate::{Plan, Row, Side, Verdict, program::Launch};

/// Lists the experiments under the names of their constants.
macro_rules! table {
    ($($topic:ident::$experiment:ident,)*) => {
        /// Every experiment, in the order in which they run.
        static EXPERIMENTS: &[&ClientExperiment] =
            &[$(&ClientExperiment { name: stringify!($experiment), ..$topic::$experiment },)*];
    };
}

table! {
    begins::connects,
    begins::asks,
    http::request_is_valid,
    begins::reads_the_answer,
    answers::answer_in_two_pieces,
    answers::text_in_two_pieces,
    answers::character_in_two_pieces,
    http::ends_at_the_length,
    waits::sends_everything,
    waits::waits_without_cpu,
    waits::has_a_timeout,
    ends::server_closes,
    ends::closes_its_connection,
    ends::server_resets,
    ends::connection_refused,
}

/// Judges the client of `launch`. `show` is called after each experiment.
///
/// # Errors
/// If the client can't be started, or its connections can't be seen: what to do about it.
pub fn judge_client(
    plan: &Plan,
    launch: &Launch,
    show: &mut dyn FnMut(&Row),
) -> std::result::Result<Verdict, Text> {
    let began = Instant::now();
    let mut verdict = Verdict::begin(plan, Side::Client);
    let mut exam = Exam::new(launch, plan.kind, plan.patience);
    for (number, experiment) in EXPERIMENTS.iter().enumerate() {
        if !(experiment.fits)(&exam.manner) {
            continue;
        }
        // Without a connection or a question, the other experiments have nothing to answer.
        let is_mute = number > 1 && exam.manner.question.is_empty();
        let outcome = match is_mute || (number > 0 && exam.dialled.is_none()) {
            true => match verdict.bugs.first() {
                Some(bug) => Err(Trouble::because(&bug.title)),
                None => break,
            },
            false => verdict.allows(experiment, began),
        };
        exam.record = Record::new();
        let outcome = outcome.and_then(|()| (experiment.run)(&mut exam));
        if let Some(trouble) = exam.trouble.take() {
            return Err(trouble.what);
        }
        let evidence = Evidence {
            events: exam.record.events(),
            stderr: exam.complaints.take(),
            encoding: Some(exam.manner.encoding.name()),
        };
        let row = verdict.row(plan, experiment, outcome, evidence);
        show(&row);
        verdict.experiments.push(row);
    }
    if !exam.manner.question.is_empty() {
        verdict.speech = Some(exam.manner.kind.name().to_owned());
    }
    verdict.addr = exam.dialled;
    if plan.name.is_none() {
        verdict.name = verdict.addr.clone().unwrap_or_default();
    }
    verdict.end(began);
    Ok(verdict)
}

#[cfg(test)]
#[test]
fn every_bug_that_an_experiment_names_is_in_the_table() {
    for experiment in EXPERIMENTS {
        crate::bugs::are_in_the_table(Side::Client, experiment);
    }
}
