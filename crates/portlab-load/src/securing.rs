//! Encrypting connections that have just been made.

use crate::{
    Phase,
    dialogue::{Broken, Dialogue},
    stream::Stream,
    worker::{Slot, Worker},
};

impl<C: Dialogue> Worker<C> {
    /// The connection at `slot` is made as of `now`: begins the handshake of TLS, if the plan has it.
    pub(crate) fn secure(&mut self, slot: u32, stream: Stream, now: u64) {
        if self.state.plan.tls.is_none() {
            return self.made(slot, stream, now);
        }
        match stream.encrypted(&self.state.plan, self.number(slot)) {
            Err(error) => self.fail(slot, Broken::Io(Phase::Handshake, error)),
            Ok(stream) => {
                self.slots[slot as usize] = Slot::Securing(stream, now);
                self.state.watch(slot, now + self.state.connect_patience());
                self.secure_at(slot);
            }
        }
    }

    /// Continues the handshake at `slot`.
    pub(crate) fn secure_at(&mut self, slot: u32) {
        let place = &mut self.slots[slot as usize];
        let Slot::Securing(Stream::Tls(stream), since) = place else {
            return;
        };
        match stream.shake_hands() {
            Ok(false) => {}
            Ok(true) => {
                let now = self.state.now();
                self.state.stats.handshakes.add(stream, now - *since);
                if let Slot::Securing(stream, _) = std::mem::replace(place, Slot::Empty) {
                    self.made(slot, stream, now);
                }
            }
            Err(error) => {
                if !stream.plain_head().is_empty() {
                    self.state.stats.tally.keep_wrong(stream.plain_head());
                }
                self.fail(slot, Broken::Io(Phase::Handshake, error));
            }
        }
    }
}
