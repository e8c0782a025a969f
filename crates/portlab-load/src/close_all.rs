//! Closing all connections when the run is over.

use std::{
    io,
    time::{Duration, Instant},
};

use mio::Events;

use crate::{
    Phase,
    dialogue::{Broken, Dialogue, Then},
    leaving::LEAVING,
    worker::{Slot, Worker},
};

/// How long the server may take to close the connections too.
const CLOSING: Duration = Duration::from_millis(500);

impl<C: Dialogue> Worker<C> {
    /// Half-closes every connection without a request in flight, and reads until the server has closed too: bytes
    /// that come now are an error if every byte is checked. The other connections are closed at once.
    pub(crate) fn close_all(&mut self, events: &mut Events) -> io::Result<()> {
        let mut left = 0;
        for slot in 0..self.slots.len() as u32 {
            let Slot::Open(conn) = &mut self.slots[slot as usize] else {
                continue;
            };
            if self.state.plan.life.reset || conn.is_waiting() {
                self.hang_up(slot);
            } else if let Err(error) = conn.stream().shut_down_sending() {
                // The server may have closed already.
                if error.kind() != io::ErrorKind::NotConnected {
                    self.note(Broken::Io(Phase::Close, error));
                }
                self.clear(slot);
            } else {
                left += 1;
            }
        }
        let deadline = Instant::now() + CLOSING;
        self.await_the_leaving();
        while left > 0 || !self.leaving.is_empty() {
            let patience = deadline.saturating_duration_since(Instant::now());
            if patience.is_zero() {
                return Ok(());
            }
            self.poll_for(events, patience)?;
            self.drop_the_ended();
            for event in events.iter().filter(|event| event.token() < LEAVING) {
                // A server that goes on sending doesn't prolong the run.
                if Instant::now() >= deadline {
                    return Ok(());
                }
                let slot = event.token().0 as u32;
                let Slot::Open(conn) = &mut self.slots[slot as usize] else {
                    continue;
                };
                let ended = event.is_read_closed();
                match conn.drive(&mut self.state, ended) {
                    Ok(Then::Wait | Then::GoOn) => {}
                    // A server may send a farewell message; an echo server may not.
                    Err(broken @ (Broken::Wrong(_) | Broken::Because(Phase::Verify, _)))
                        if self.state.plan.checks_every_byte() =>
                    {
                        self.lose(slot, broken);
                        left -= 1;
                    }
                    // No request waited for its answer, so neither a FIN nor an error matters.
                    Ok(_) | Err(_) => {
                        self.clear(slot);
                        left -= 1;
                    }
                }
            }
        }
        Ok(())
    }
}
