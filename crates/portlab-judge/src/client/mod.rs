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

use portlab_conformance::experiments::{Record, Trouble};
use portlab_words::Text;

use experiment::{ClientExperiment, Exam};
pub(crate) use start::dialled;
pub use start::{ClientLaunch, TYPED_BY_DEFAULT};

use crate::{Plan, Result, Row, Side, Verdict, bugs::client_bug, judge::seen};

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
    launch: &ClientLaunch,
    show: &mut dyn FnMut(&Row),
) -> std::result::Result<Verdict, Text> {
    let began = Instant::now();
    let mut verdict = Verdict::begin(plan, Side::Client);
    let mut exam = Exam::new(launch, plan.kind, plan.patience);
    for (number, experiment) in EXPERIMENTS.iter().enumerate() {
        // Without a connection or a question, the other experiments have nothing to answer.
        let is_mute = number > 1 && exam.manner.question.is_empty();
        if is_mute || (number > 0 && exam.dialled.is_none()) {
            break;
        }
        if !(experiment.fits)(&exam.manner) {
            continue;
        }
        let row = match verdict.left_out(experiment.unless, began) {
            Some(why) => skipped(experiment, why),
            None => exam.run(experiment, plan, &mut verdict)?,
        };
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

impl Exam<'_> {
    fn run(
        &mut self,
        experiment: &ClientExperiment,
        plan: &Plan,
        verdict: &mut Verdict,
    ) -> std::result::Result<Row, Text> {
        self.record = Record::new();
        let outcome = (experiment.run)(self);
        if let Some(trouble) = self.trouble.take() {
            return Err(trouble.what);
        }
        Ok(match outcome {
            Ok(()) => row(experiment, Result::Pass),
            Err(Trouble::Skipped(why)) => skipped(experiment, why),
            Err(Trouble::Bug(name)) => {
                debug_assert!(experiment.names.contains(&name), "{name}");
                if let Some(bug) = client_bug(name).filter(|_| !verdict.has_bug(name)) {
                    let stderr = self.complaints.borrow();
                    let about = (experiment.name, experiment.weight);
                    let finding = plan.finding(bug, about, seen(self.record.events()), &stderr);
                    verdict.bugs.push(finding);
                }
                let result = Result::of(experiment.weight);
                Row {
                    bug: Some(name.to_owned()),
                    ..row(experiment, result)
                }
            }
        })
    }
}

fn row(experiment: &ClientExperiment, result: Result) -> Row {
    Row::new(experiment.name, experiment.about, experiment.weight, result)
}

fn skipped(experiment: &ClientExperiment, why: Text) -> Row {
    Row {
        why: Some(why),
        ..row(experiment, Result::Skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_that_an_experiment_names_is_in_the_table() {
        for experiment in EXPERIMENTS {
            for name in experiment.names.iter().chain(experiment.unless) {
                assert!(client_bug(name).is_some(), "{}: {name}", experiment.name);
            }
            assert!(!experiment.names.is_empty(), "{}", experiment.name);
        }
    }
}
