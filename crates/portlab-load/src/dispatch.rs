//! Giving messages to connections, at once or when they are due.

use crate::{
    Pace,
    dialogue::Dialogue,
    pace::{Part, Schedule},
    worker::{Place, Worker},
};

impl<C: Dialogue> Worker<C> {
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
        if let Place::Open(conn) = &mut self.places[slot as usize] {
            conn.opened(&mut self.desk, now);
            self.send(slot);
        }
    }

    /// Sends the messages whose time has come, as long as connections have room, but only so many: what has
    /// come is to be read meanwhile.
    pub(crate) fn send_what_is_due(&mut self) {
        if !C::is_dispatched(&self.desk) {
            return;
        }
        for _ in 0..C::burst(&self.desk) {
            let now = self.desk.now();
            let Some(turn) = C::next_sender(&mut self.desk, now) else {
                return;
            };
            // The connection may have been filled, or lost, since it had room.
            let Place::Open(conn) = &mut self.places[turn.slot as usize] else {
                continue;
            };
            for _ in 0..turn.messages {
                if !conn.has_room(&self.desk) {
                    break;
                }
                let Some(due) = self.desk.take_due(now) else {
                    break;
                };
                self.desk.record_lag(due, turn.free_since, now);
                conn.ask(&mut self.desk, due, now);
            }
            if conn.has_room(&self.desk) {
                C::still_has_room(&mut self.desk, turn.slot);
            }
            self.send(turn.slot);
        }
    }
}
