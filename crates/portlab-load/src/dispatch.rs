//! Giving messages to connections: as many as it may have to each in a closed loop, and in an open
//! one, what is due to the one that has waited longest.

use crate::{
    Pace,
    pace::Schedule,
    stage::Stage,
    worker::{Place, Worker},
};

impl Worker {
    /// The load begins: every connection that is open has room, and an open loop its schedule.
    pub(crate) fn begin(&mut self) {
        let desk = &mut self.desk;
        if let Pace::Open { arrivals, .. } = desk.plan.pace {
            self.rate = desk.stages.rate_per_s();
            let rate = self.rate * desk.plan.weight(self.index);
            let part = (self.index, desk.plan.threads);
            let start = desk.stages.began(desk.stage);
            let schedule = Schedule::new(arrivals, rate, part, desk.plan.seed, start);
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

    /// Sends the messages of an open loop whose time has come, as long as connections have room; at
    /// most one for each of them, for those without an answer would have room for ever.
    pub(crate) fn send_what_is_due(&mut self) {
        if self.desk.schedule.is_none() {
            return;
        }
        for _ in 0..self.desk.rooms() {
            let now = self.desk.now();
            if !self.is_due(now) {
                return;
            }
            self.send_to_the_next(now);
        }
    }

    /// Sends the next message of an open loop to the connection whose turn it is.
    fn send_to_the_next(&mut self, now: u64) {
        let Some((slot, since)) = self.desk.next_room() else {
            return;
        };
        // It may have been filled, or lost, since it had room.
        let Place::Open(conn) = &mut self.places[slot as usize] else {
            return;
        };
        if !conn.has_room(&self.desk) || !self.desk.take_one() {
            return;
        }
        let Some(due) = self.desk.schedule.as_mut().map(Schedule::pop) else {
            return;
        };
        self.desk.enter_lag(due, since, now);
        conn.ask(&mut self.desk, due, now);
        if conn.has_room(&self.desk) {
            self.desk.still_has_room(slot);
        }
        self.send(slot);
    }

    /// Whether a message of an open loop is due by `now`, and may still be sent.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        let sends = matches!(
            self.desk.stage,
            Stage::WarmUp | Stage::Measure | Stage::CatchUp
        );
        let due = self.desk.schedule.as_ref().map(Schedule::next);
        sends
            && due.is_some_and(|due| due <= now && due < self.due_until)
            && self.desk.budget() != Some(0)
    }
}
