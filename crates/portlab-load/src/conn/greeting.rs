//! What comes before the first message: the introduction, and the server's greeting.

use std::{io::Write, sync::Arc};

use super::{Conn, ThreadState, VISIT};
use crate::{
    Cause, Framing, LONGEST_LINE, Phase,
    dialogue::Broken,
    http::{Head, Sink},
};

/// Drops the answer to an introduction. What the answers contain is checked when the load has begun.
struct Dropped;

impl Sink for Dropped {
    fn head(&mut self, _head: Head, _bytes: &[u8], _location: Option<&[u8]>) {}

    fn body(&mut self, _bytes: &[u8]) {}
}

impl Conn {
    /// Sends the introduction: a few bytes, which the socket of a new connection takes at once.
    pub(super) fn introduce(&mut self, state: &mut ThreadState) -> Result<(), Broken> {
        let introduction = &state.plan.script.introduction;
        if introduction.is_empty() {
            return Ok(());
        }
        let written = self.stream.write(introduction);
        match written.map_err(|error| Broken::Io(Phase::Send, error))? {
            length if length == introduction.len() => Ok(()),
            _ => Err(Broken::Because(Phase::Send, Cause::Incomplete)),
        }
    }

    /// Reads the greeting, as much of it as one visit takes; returns whether it is complete.
    pub(super) fn greet(&mut self, state: &mut ThreadState) -> Result<bool, Broken> {
        let plan = Arc::clone(&state.plan);
        let Some(greeting) = &plan.script.greeting else {
            return Ok(true);
        };
        for _ in 0..VISIT {
            let length = match self.read(state)? {
                None => return Ok(false),
                Some(0) => return Err(Broken::Because(Phase::Greeting, Cause::ClosedEarly)),
                Some(length) => length,
            };
            let mut progress = self.progress.unwrap_or_else(|| greeting.framing.begin(0));
            let bytes = &state.buffer[..length];
            let used = match &greeting.framing {
                Framing::Http(http) => {
                    let reading = self.http.get_or_insert_default();
                    let taken = reading.take(bytes, http.method.is_head(), &mut Dropped);
                    let broken = |fault| Broken::Because(Phase::Greeting, Cause::Http(fault));
                    taken.map_err(broken)?.map(|(used, _)| used)
                }
                other => other.take(&mut progress, bytes),
            };
            self.keep_head(bytes);
            let verdict = self.judge(bytes, used.is_some(), &greeting.conditions);
            self.received += length as u64;
            let too_long = self.received > LONGEST_LINE as u64
                && !matches!(greeting.framing, Framing::Bytes(_) | Framing::Http(_));
            match used {
                None if too_long => return Err(Broken::Because(Phase::Greeting, Cause::NoEnd)),
                None => self.progress = Some(progress),
                Some(used) if used == length => {
                    // From here on, the bytes of answers are counted.
                    (self.progress, self.received, self.http) = (None, 0, None);
                    let dialect = &mut state.shared.dialect;
                    dialect.read_greeting(&self.head);
                    let cause = match (dialect.error_in(&self.head), verdict) {
                        (Some(error), _) => Some(Cause::ErrorAnswer(error)),
                        (None, Err(unmet)) => Some(Cause::Content(unmet)),
                        (None, Ok(())) => None,
                    };
                    if let Some(cause) = cause {
                        state.stats.tally.keep_wrong(&self.head);
                        return Err(Broken::Because(Phase::Greeting, cause));
                    }
                    self.head = Vec::new();
                    return Ok(true);
                }
                Some(_) => return Err(Broken::Because(Phase::Greeting, Cause::Unsolicited)),
            }
        }
        state.again.push(self.slot);
        Ok(false)
    }
}
