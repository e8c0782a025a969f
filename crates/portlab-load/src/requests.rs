//! What the connections of a thread share if they send requests and receive answers.

use std::collections::VecDeque;

use crate::{Answers, Exchanges, Plan, http::LastHead, status::Dialect};

/// What a thread's connections have in common.
pub(crate) struct Requests {
    /// What the answers of the whole run begin with.
    pub(crate) answers: Answers,
    /// Which answers are errors.
    pub(crate) dialect: Dialect,
    /// What was measured of each exchange of a dialogue file; empty without one.
    pub(crate) exchanges: Exchanges,
    /// The head of the last answer of HTTP.
    pub(crate) last_head: LastHead,
    /// Messages answered while measuring, by slot; `None` where there never was a connection.
    pub(crate) served: Vec<Option<u64>>,
    /// The slots that have room for a message of an open loop, in the order of their turns. Whether the connection is
    /// still open is checked when its turn comes.
    free: VecDeque<u32>,
    /// For each slot, whether it has room.
    room: Vec<Room>,
}

/// Whether a slot is listed as free, and since when it has had room.
#[derive(Clone, Copy, Debug, Default)]
struct Room {
    listed: bool,
    since: u64,
}

impl Requests {
    pub(crate) fn new(plan: &Plan, slots: usize) -> Self {
        Self {
            answers: Answers::default(),
            dialect: Dialect::of(&plan.script),
            exchanges: Exchanges::of(&plan.script),
            last_head: LastHead::default(),
            served: vec![None; slots],
            free: VecDeque::new(),
            room: vec![Room::default(); slots],
        }
    }

    /// Slot `slot` has a connection, and so room for a message, as of `now`.
    pub(crate) fn has_opened(&mut self, slot: u32, now: u64) {
        self.room[slot as usize].since = now;
        self.still_has_room(slot);
    }

    /// Slot `slot` has room for a message; as of `now`, if it had none before.
    pub(crate) fn has_room(&mut self, slot: u32, now: u64) {
        let room = &mut self.room[slot as usize];
        if !room.listed {
            room.since = now;
            self.still_has_room(slot);
        }
    }

    /// Slot `slot` has room for another message, as it had before.
    pub(crate) fn still_has_room(&mut self, slot: u32) {
        let room = &mut self.room[slot as usize];
        if !std::mem::replace(&mut room.listed, true) {
            self.free.push_back(slot);
        }
    }

    /// Takes the slot whose turn it is, and since when it has had room.
    pub(crate) fn next_room(&mut self) -> Option<(u32, u64)> {
        let slot = self.free.pop_front()?;
        let room = &mut self.room[slot as usize];
        room.listed = false;
        Some((slot, room.since))
    }

    /// How many slots have room.
    pub(crate) fn rooms(&self) -> usize {
        self.free.len()
    }
}
