//! Giving messages to connections, at once or when they are due.

use crate::{
    Pace,
    dialogue::Dialogue,
    pace::{Part, Schedule},
    worker::{Slot, Worker},
};

impl<C: Dialogue> Worker<C> {
    /// The load begins: every connection that is open has room, and an open loop its schedule.
    pub(crate) fn begin(&mut self) {
        let state = &mut self.state;
        if let Pace::Open { arrivals, .. } = state.plan.pace {
            self.rate = state.stages.rate_per_s();
            let part = Part {
                thread: self.index,
                threads: state.plan.threads,
                connections: state.plan.connections,
            };
            let start = state.stages.began(state.stage);
            let schedule = Schedule::new(arrivals, self.rate, part, state.plan.seed, start);
            state.schedule = Some(schedule);
        }
        for slot in 0..self.places.len() as u32 {
            self.offer(slot);
        }
        self.replace_the_lost();
    }

    /// The connection at `slot` has room for its first messages.
    pub(crate) fn offer(&mut self, slot: u32) {
        let now = self.state.now();
        if let Slot::Open(conn) = &mut self.places[slot as usize] {
            conn.opened(&mut self.state, now);
            self.send(slot);
        }
    }

    /// Sends the messages whose time has come, as long as connections have room, but only so many: what has
    /// come is to be read meanwhile.
    pub(crate) fn send_what_is_due(&mut self) {
        if !C::is_dispatched(&self.state) {
            return;
        }
        for _ in 0..C::burst(&self.state) {
            let now = self.state.now();
            let Some(turn) = C::next_sender(&mut self.state, now) else {
                return;
            };
            // The connection may have been filled, or lost, since it had room.
            let Slot::Open(conn) = &mut self.places[turn.slot as usize] else {
                continue;
            };
            for _ in 0..turn.messages {
                if !conn.has_room(&self.state) {
                    break;
                }
                let Some(due) = self.state.take_due(now) else {
                    break;
                };
                self.state.record_lag(due, turn.free_since, now);
                conn.ask(&mut self.state, due, now);
            }
            if conn.has_room(&self.state) {
                C::still_has_room(&mut self.state, turn.slot);
            }
            self.send(turn.slot);
        }
    }
}
