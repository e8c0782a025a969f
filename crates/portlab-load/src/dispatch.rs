//! Giving messages to connections, at once or when they are due.

use crate::{
    Pace,
    dialogue::Dialogue,
    pace::{Part, Schedule},
    worker::{Slot, Worker},
};

impl<C: Dialogue> Worker<C> {
    /// The load begins: makes the schedule of an open loop, and every open connection may send.
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
        for slot in 0..self.slots.len() as u32 {
            self.offer(slot);
        }
        self.replace_the_lost();
    }

    /// The connection at `slot` may send its first messages.
    pub(crate) fn offer(&mut self, slot: u32) {
        let now = self.state.now();
        if let Slot::Open(conn) = &mut self.slots[slot as usize] {
            conn.opened(&mut self.state, now);
            self.send(slot);
        }
    }

    /// Sends the messages that are due, as long as connections have room, but at most one burst: the connections must
    /// be read in between.
    pub(crate) fn send_what_is_due(&mut self) {
        if !C::is_dispatched(&self.state) {
            return;
        }
        for _ in 0..C::burst(&self.state) {
            let now = self.state.now();
            let Some(turn) = C::next_sender(&mut self.state, now) else {
                return;
            };
            // Since it was listed, the connection may have been lost.
            let Slot::Open(conn) = &mut self.slots[turn.slot as usize] else {
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
                conn.queue(&mut self.state, due, now);
            }
            if conn.has_room(&self.state) {
                C::still_has_room(&mut self.state, turn.slot);
            }
            self.send(turn.slot);
        }
    }
}
