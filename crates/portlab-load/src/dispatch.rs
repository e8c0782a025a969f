//! Giving messages to connections: as many as it may have to each in a closed loop, and in an open
//! one, what is due to the one that has waited longest.

use crate::{
    Pace,
    pace::{Part, Schedule},
    worker::{Place, Worker},
};

impl Worker {
    /// The load begins: every connection that is open has room, and an open loop its schedule.
    pub(crate) fn begin(&mut self) {
        let desk = &mut self.desk;
        if let Pace::Open { arrivals, .. } = desk.plan.pace {
            self.rate = desk.stages.rate_per_s();
            let part = Part {
                thread: self.index,
                threads: desk.plan.threads,
                connections: desk.plan.connections,
            };
            let start = desk.stages.began(desk.stage);
            let schedule = Schedule::new(arrivals, self.rate, part, desk.plan.seed, start);
            desk.schedule = Some(schedule);
        }
        for slot in 0..self.places.len() as u32 {
            self.offer(slot);
        }
        self.replace_the_lost();
    }

    /// The connection at `slot` has room for its first messages.
    pub(crate) fn offer(&mut self, slot: u32) {
        let now = self.desk.now();
        let Place::Open(conn) = &mut self.places[slot as usize] else {
            return;
        };
        if self.desk.schedule.is_some() {
            self.desk.has_opened(slot, now);
        } else if self.desk.asks_at_once() {
            while conn.has_room(&self.desk) && self.desk.take_one() {
                conn.ask(&mut self.desk, now, now);
            }
            self.send(slot);
        }
    }

    /// Sends the messages of an open loop whose time has come, as long as connections have room, but
    /// not for ever: others want to be heard meanwhile.
    pub(crate) fn send_what_is_due(&mut self) {
        if self.desk.schedule.is_none() {
            return;
        }
        for _ in 0..self.desk.rooms().max(BURST) {
            let now = self.desk.now();
            if !self.desk.is_due(now) || self.desk.rooms() == 0 {
                return;
            }
            self.send_to_the_next(now);
        }
    }

    /// Sends the connection whose turn it is what is due to it: usually one message, and more when
    /// more are due than there are connections with room.
    fn send_to_the_next(&mut self, now: u64) {
        let rooms = self.desk.rooms() as u64;
        let Some((slot, since)) = self.desk.next_room() else {
            return;
        };
        let due = self
            .desk
            .schedule
            .as_ref()
            .map_or(0, |it| it.due_before(now));
        for _ in 0..due.div_ceil(rooms).max(1) {
            // It may have been filled, or lost, since it had room.
            let Place::Open(conn) = &mut self.places[slot as usize] else {
                return;
            };
            if !conn.has_room(&self.desk) || !self.desk.is_due(now) || !self.desk.take_one() {
                break;
            }
            let Some(due) = self.desk.schedule.as_mut().map(Schedule::pop) else {
                return;
            };
            self.desk.record_lag(due, since, now);
            conn.ask(&mut self.desk, due, now);
        }
        if let Place::Open(conn) = &self.places[slot as usize]
            && conn.has_room(&self.desk)
        {
            self.desk.still_has_room(slot);
        }
        self.send(slot);
    }
}

/// How many messages are sent, or connections visited, without a look at what has come.
const BURST: usize = 64;
