//! A member of the chat under load: it enters its room, sends messages and receives lines.

use std::io::{self, Read, Write};

use super::{
    line::{Line, read_line, write_message},
    rooms::Rooms,
};
use crate::{
    Cause, LONGEST_LINE, Phase, Plan,
    dialogue::{Broken, Dialogue, Finished, Then, Turn},
    stream::Stream,
};

type ThreadState = crate::thread_state::ThreadState<Rooms>;

/// One member, and its connection.
#[derive(Debug)]
pub(crate) struct Member {
    stream: Stream,
    slot: u32,
    step: Step,
    /// The beginning of a line whose end hasn't come, of at most [`LONGEST_LINE`] bytes and one read.
    line: Vec<u8>,
    /// Bytes that the socket has not taken yet.
    unsent: Vec<u8>,
}

/// How far a member has come in entering its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It waits for the server's greeting.
    AwaitsGreeting,
    /// It has sent `/encoding`, and waits for the confirmation.
    AwaitsEncoding,
    /// It has sent its name, and waits for the confirmation.
    AwaitsName,
    /// It has sent `/join`, and waits for the confirmation.
    AwaitsRoom,
    /// It is in its room.
    InRoom,
}

/// How many reads one visit makes at most, so that a member with many lines doesn't starve the others.
const VISIT: usize = 4;
/// How many messages are sent at most before the thread looks at what has come.
const BURST: usize = 256;

impl Dialogue for Member {
    type Shared = Rooms;

    /// The server announces each new member to all members of its room.
    const ENTERING_AT_ONCE: usize = 32;
    const NEEDS_ALL: bool = true;
    const REPLACES_LOST: bool = false;

    fn shared(plan: &Plan, slots: usize) -> Rooms {
        Rooms::new(plan, slots)
    }

    fn new(
        stream: Stream,
        slot: u32,
        _number: usize,
        state: &mut ThreadState,
    ) -> Result<Self, Broken> {
        state.shared.connects(slot);
        Ok(Self {
            stream,
            slot,
            step: Step::AwaitsGreeting,
            line: Vec::new(),
            unsent: Vec::new(),
        })
    }

    fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    fn into_stream(self) -> Stream {
        self.stream
    }

    fn enter(&mut self, state: &mut ThreadState) -> Result<bool, Broken> {
        if self.visit(state, true)? {
            state.again.push(self.slot);
        }
        Ok(self.step == Step::InRoom)
    }

    fn opened(&mut self, state: &mut ThreadState, now: u64) {
        state.shared.may_send(self.slot, now);
    }

    fn is_dispatched(_state: &ThreadState) -> bool {
        true
    }

    fn next_due(state: &ThreadState) -> Option<u64> {
        match state.schedule {
            None => state.sends_at_once().then_some(0),
            Some(_) => state.next_due(),
        }
    }

    fn can_send(state: &ThreadState) -> bool {
        state.shared.can_send()
    }

    fn burst(_state: &ThreadState) -> usize {
        BURST
    }

    /// A member at random.
    fn next_sender(state: &mut ThreadState, now: u64) -> Option<Turn> {
        Self::next_due(state).filter(|due| *due <= now)?;
        let slot = state.shared.sender()?;
        Some(Turn {
            slot,
            free_since: state.shared.free_since(),
            messages: 1,
        })
    }

    fn has_room(&self, state: &ThreadState) -> bool {
        state.shared.can_send()
    }

    fn queue(&mut self, state: &mut ThreadState, due: u64, now: u64) {
        state.one_more_in_flight();
        let number = state.shared.sends(self.slot, due, now);
        let filler = &state.shared.encoding_of(self.slot).filler;
        write_message(&mut self.unsent, number, filler);
    }

    fn send(&mut self, state: &mut ThreadState) -> Result<bool, Broken> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(sent) => {
                    state.stats.bytes_sent += sent as u64;
                    self.unsent.drain(..sent);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Io(Phase::Send, error)),
            }
        }
        Ok(false)
    }

    fn drive(&mut self, state: &mut ThreadState, ended: bool) -> Result<Then, Broken> {
        let more = self.visit(state, ended)?;
        Ok(match more {
            _ if self.is_done(state) => Then::Retire,
            true => Then::GoOn,
            false => Then::Wait,
        })
    }

    /// Messages that don't reach their rooms are counted when the run ends, or when nothing comes any more.
    fn deadline(&self, _state: &ThreadState) -> Option<(u64, Phase, Cause)> {
        None
    }

    fn is_done(&self, state: &ThreadState) -> bool {
        state.shared.is_done(self.slot)
    }

    fn is_waiting(&self) -> bool {
        false
    }

    fn leave(&self, state: &mut ThreadState, _now: u64) -> u64 {
        state.lose_member(self.slot)
    }

    fn goes_on(state: &ThreadState) -> bool {
        state.shared.goes_on()
    }

    fn is_silent(state: &ThreadState) -> bool {
        state.shared.is_silent(state.now(), state.patience())
    }

    /// A message belongs to its room.
    fn unanswered(&self, _state: &ThreadState) -> u64 {
        0
    }

    fn given_up(state: &ThreadState) -> u64 {
        state.shared.on_their_way(|due| state.is_measured(due))
    }

    fn finish(mut shared: Rooms) -> Finished {
        Finished {
            answers: std::mem::take(&mut shared.received),
            chat: Some(Box::new(shared)),
            ..Finished::default()
        }
    }
}

impl Member {
    /// Sends what the socket did not take before, and reads as much as one visit takes; returns whether there may be more. `ended`
    /// says that the poller has seen the server's FIN.
    fn visit(&mut self, state: &mut ThreadState, ended: bool) -> Result<bool, Broken> {
        self.send(state)?;
        // The buffer is taken out of the state, because each line changes the state.
        let mut buffer = std::mem::take(&mut state.buffer);
        let more = self.read(&mut buffer, state, ended);
        state.buffer = buffer;
        more
    }

    fn read(
        &mut self,
        buffer: &mut [u8],
        state: &mut ThreadState,
        ended: bool,
    ) -> Result<bool, Broken> {
        for _ in 0..VISIT {
            let length = match self.stream.read(buffer) {
                Ok(0) => return Err(Broken::Because(self.phase(), Cause::ClosedEarly)),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Broken::Io(self.phase(), error)),
            };
            state.stats.bytes_received += length as u64;
            for piece in buffer[..length].split_inclusive(|byte| *byte == b'\n') {
                self.take_piece(piece, state)?;
            }
            // A read that didn't fill the buffer has emptied the socket; only the end may still be there to read.
            if length < buffer.len() && !ended && !self.stream.may_hold_more() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The phase in which an error of this member is counted.
    fn phase(&self) -> Phase {
        match self.step {
            Step::InRoom => Phase::Receive,
            _ => Phase::Greeting,
        }
    }

    /// Takes a line, or a part of one.
    fn take_piece(&mut self, piece: &[u8], state: &mut ThreadState) -> Result<(), Broken> {
        let is_complete = piece.last() == Some(&b'\n');
        // Most lines come whole.
        if is_complete && self.line.is_empty() {
            return self.take_line(piece.trim_ascii_end(), state);
        }
        self.line.extend_from_slice(piece);
        if is_complete {
            let line = std::mem::take(&mut self.line);
            return self.take_line(line.trim_ascii_end(), state);
        }
        if self.line.len() > LONGEST_LINE {
            state.stats.tally.keep_wrong(&self.line);
            return Err(Broken::Because(self.phase(), Cause::NoEnd));
        }
        Ok(())
    }

    fn take_line(&mut self, line: &[u8], state: &mut ThreadState) -> Result<(), Broken> {
        let Some(told) = line.strip_prefix(b"* ") else {
            return self.take_message(line, state);
        };
        let refused = Err(Broken::Because(Phase::Greeting, Cause::Refused));
        // The lines about this member are recognised by their beginning; lines about other members are ignored.
        match self.step {
            Step::AwaitsGreeting => {
                let label = &state.shared.encoding_of(self.slot).label;
                self.request(Step::AwaitsEncoding, &format!("/encoding {label}"), state)
            }
            Step::AwaitsEncoding if told.starts_with(b"from now on in ") => {
                let name = state.shared.name_of(self.slot);
                self.request(Step::AwaitsName, &name, state)
            }
            Step::AwaitsName if told.starts_with(b"you are ") => {
                let room = state.shared.joins(self.slot);
                self.request(Step::AwaitsRoom, &format!("/join {room}"), state)
            }
            Step::AwaitsName if told.starts_with(b"another member is called ") => refused,
            Step::AwaitsRoom if told.starts_with(b"you are ") => {
                self.step = Step::InRoom;
                state.shared.is_in(self.slot);
                Ok(())
            }
            Step::AwaitsRoom if told.starts_with(b"there are ") => refused,
            _ => Ok(()),
        }
    }

    /// Sends the next line of entering.
    fn request(&mut self, step: Step, text: &str, state: &mut ThreadState) -> Result<(), Broken> {
        self.step = step;
        self.unsent.extend_from_slice(text.as_bytes());
        self.unsent.push(b'\n');
        self.send(state).map(drop)
    }

    /// Takes a line that a member sent.
    fn take_message(&mut self, line: &[u8], state: &mut ThreadState) -> Result<(), Broken> {
        // A member without a name receives lines of the server alone.
        if matches!(self.step, Step::AwaitsGreeting | Step::AwaitsEncoding) {
            state.stats.tally.keep_wrong(line);
            return Err(Broken::Because(Phase::Greeting, Cause::NoChat));
        }
        let filler = &state.shared.encoding_of(self.slot).filler;
        match read_line(line, state.shared.run(), filler) {
            Line::Message(message) => {
                state.shared.received.keep_first(line);
                state.deliver(self.slot, message);
            }
            Line::Garbled => {
                state.stats.tally.keep_wrong(line);
                state.shared.garbled(self.slot);
            }
            Line::Stranger => state.shared.stranger(line),
        }
        Ok(())
    }
}
