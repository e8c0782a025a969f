//! Closing all connections when the run is over.

use std::{
    io,
    time::{Duration, Instant},
};

use mio::Events;

use crate::{
    Phase,
    conn::{Broken, Then},
    dialogue::Dialogue,
    worker::{ALARM, Slot, Worker},
};

/// How long the server may take to close as well.
const CLOSING: Duration = Duration::from_millis(500);

impl<C: Dialogue> Worker<C> {
    /// Closes every connection that owes nothing, and listens until the server has closed too: what
    /// it says now, it says too much.
    pub(crate) fn close_all(&mut self, events: &mut Events) -> io::Result<()> {
        let mut left = 0;
        for slot in 0..self.places.len() as u32 {
            let Slot::Open(conn) = &self.places[slot as usize] else {
                continue;
            };
            if self.state.plan.life.reset || conn.is_waiting() {
                self.hang_up(slot);
            } else if let Err(error) = conn.stream().shutdown(std::net::Shutdown::Write) {
                // Who has gone already is not told.
                if error.kind() != io::ErrorKind::NotConnected {
                    self.note(Broken::Io(Phase::Close, error));
                }
                self.clear(slot);
            } else {
                left += 1;
            }
        }
        let deadline = Instant::now() + CLOSING;
        while left > 0 {
            let patience = deadline.saturating_duration_since(Instant::now());
            if patience.is_zero() {
                return Ok(());
            }
            self.poll_for(events, patience)?;
            for event in events.iter().filter(|event| event.token() < ALARM) {
                // A server that goes on sending takes no time of the others.
                if Instant::now() >= deadline {
                    return Ok(());
                }
                let slot = event.token().0 as u32;
                let Slot::Open(conn) = &mut self.places[slot as usize] else {
                    continue;
                };
                let ended = event.is_read_closed();
                match conn.drive(&mut self.state, ended) {
                    Ok(Then::Wait | Then::GoOn) => {}
                    // A server that speaks may say close_all; an echo has nothing to say.
                    Err(broken @ (Broken::Wrong(_) | Broken::Because(Phase::Verify, _)))
                        if self.state.plan.checks_every_byte() =>
                    {
                        self.lose(slot, broken);
                        left -= 1;
                    }
                    // However it ends, nothing was owed.
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
