//! What an experiment with a client is.

use std::{cell::RefCell, rc::Rc, time::Duration};

use portlab_conformance::experiments::{Experiment, Kind, Outcome, Record, Trouble};
use portlab_words::Text;

use super::{
    manner::{GREETING, Manner},
    run::{Complaints, Run},
    start::Door,
};
use crate::program::{Launch, StartTrouble};

/// A question to a client.
pub(super) type ClientExperiment = Experiment<fn(&Manner) -> bool, fn(&mut Exam<'_>) -> Outcome>;

/// The common part of most experiments.
pub(super) const ANY: ClientExperiment = Experiment::any(|_| true, |_| Ok(()));

/// A client under judgement, and the record of one experiment.
pub(super) struct Exam<'a> {
    pub(super) launch: &'a Launch,
    /// The kind that the user says.
    pub(super) told: Option<Kind>,
    pub(super) manner: Manner,
    /// The address that the client has dialled.
    pub(super) dialled: Option<String>,
    pub(super) record: Record,
    pub(super) patience: Duration,
    pub(super) complaints: Complaints,
    /// Why the client can't be judged.
    pub(super) trouble: Option<StartTrouble>,
}

impl<'a> Exam<'a> {
    pub(super) fn new(launch: &'a Launch, told: Option<Kind>, patience: Duration) -> Self {
        Self {
            launch,
            told,
            manner: Manner::unknown(told, launch.answer.clone()),
            dialled: None,
            record: Record::new(),
            patience,
            complaints: Rc::new(RefCell::default()),
            trouble: None,
        }
    }

    /// Starts the client.
    pub(super) fn begin(&mut self, door: Door) -> Result<Run, Trouble> {
        Run::begin(self, door).map_err(|trouble| {
            let what = trouble.what.clone();
            self.trouble = Some(trouble);
            Trouble::Skipped(what)
        })
    }

    /// Starts the client, and waits until it has connected and asked.
    pub(super) fn asked(&mut self) -> Result<Run, Trouble> {
        self.asked_at(Door::Open)
    }

    pub(super) fn asked_at(&mut self, door: Door) -> Result<Run, Trouble> {
        let mut run = self.begin(door)?;
        if !run.connected(self.launch.timeout) {
            return Err(Trouble::Skipped(Text::new(
                "this time, the client didn't connect",
                "这一次客户端没有连接",
            )));
        }
        if self.manner.is_greeted {
            run.send(GREETING);
        }
        if door == Door::Narrow || run.asked() {
            return Ok(run);
        }
        Err(Trouble::Skipped(Text::new(
            "this time, the client sent nothing",
            "这一次客户端什么也没有发送",
        )))
    }
}
