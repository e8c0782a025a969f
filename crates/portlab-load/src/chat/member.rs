//! A member of the chat under load: it enters its room, sends messages and receives lines.

use std::io::{self, Read, Write};

use mio::net::TcpStream;

use super::{
    line::{Line, read_line, write_message},
    rooms::{ChatRecord, Rooms},
};
use crate::{
    Cause, LONGEST_LINE, Phase, Plan,
    conn::{Broken, Then},
    dialogue::{Dialogue, Finished, Turn},
};

type Desk = crate::desk::Desk<Rooms>;

/// One member, and its connection.
#[derive(Debug)]
pub(crate) struct Member {
    stream: TcpStream,
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
    Greeted,
    /// It has asked for its encoding.
    Speaks,
    /// It has sent its name.
    Named,
    /// It has asked for its room.
    Joins,
    /// It is in its room.
    In,
}

/// How many reads there are in one visit, so that a member that always has more doesn't starve the others.
const VISIT: usize = 4;
/// How many messages are sent at most before the thread looks at what has come.
const BURST: usize = 256;

impl Dialogue for Member {
    type Shared = Rooms;

    /// The server tells the members of a room of each that enters.
    const ENTERING_AT_ONCE: usize = 32;
    const NEEDS_ALL: bool = true;
    const REPLACES_LOST: bool = false;

    fn shared(plan: &Plan, places: usize) -> Rooms {
        Rooms::new(plan, places)
    }

    fn new(stream: TcpStream, slot: u32, _number: usize, desk: &mut Desk) -> Result<Self, Broken> {
        desk.shared.connects(slot);
        Ok(Self {
            stream,
            slot,
            step: Step::Greeted,
            line: Vec::new(),
            unsent: Vec::new(),
        })
    }

    fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn enter(&mut self, desk: &mut Desk) -> Result<bool, Broken> {
        if self.visit(desk, true)? {
            desk.again.push(self.slot);
        }
        Ok(self.step == Step::In)
    }

    fn opened(&mut self, desk: &mut Desk, now: u64) {
        desk.shared.may_send(self.slot, now);
    }

    fn is_dispatched(_desk: &Desk) -> bool {
        true
    }

    fn next_due(desk: &Desk) -> Option<u64> {
        match desk.schedule {
            None => desk.asks_at_once().then_some(0),
            Some(_) => desk.next_due(),
        }
    }

    fn can_send(desk: &Desk) -> bool {
        desk.shared.can_send()
    }

    fn burst(_desk: &Desk) -> usize {
        BURST
    }

    /// A member at random.
    fn next_sender(desk: &mut Desk, now: u64) -> Option<Turn> {
        Self::next_due(desk).filter(|due| *due <= now)?;
        let slot = desk.shared.sender()?;
        Some(Turn {
            slot,
            free_since: desk.shared.free_since(),
            messages: 1,
        })
    }

    fn has_room(&self, desk: &Desk) -> bool {
        desk.shared.can_send()
    }

    fn ask(&mut self, desk: &mut Desk, due: u64, now: u64) {
        desk.one_more_in_flight();
        let number = desk.shared.sends(self.slot, due, now);
        let filler = &desk.shared.encoding_of(self.slot).filler;
        write_message(&mut self.unsent, number, filler);
    }

    fn send(&mut self, desk: &mut Desk) -> Result<bool, Broken> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(sent) => {
                    desk.harvest.bytes_sent += sent as u64;
                    self.unsent.drain(..sent);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Io(Phase::Send, error)),
            }
        }
        Ok(false)
    }

    fn converse(&mut self, desk: &mut Desk, ended: bool) -> Result<Then, Broken> {
        let more = self.visit(desk, ended)?;
        Ok(match more {
            _ if self.is_done(desk) => Then::Retire,
            true => Then::GoOn,
            false => Then::Wait,
        })
    }

    /// Messages that don't reach their rooms are counted when the run ends, or when nothing comes any more.
    fn deadline(&self, _desk: &Desk) -> Option<(u64, Phase, Cause)> {
        None
    }

    fn is_done(&self, desk: &Desk) -> bool {
        desk.shared.is_done(self.slot)
    }

    fn is_waiting(&self) -> bool {
        false
    }

    fn leave(self, desk: &mut Desk, _now: u64) -> u64 {
        desk.lose_member(self.slot)
    }

    fn goes_on(desk: &Desk) -> bool {
        desk.shared.goes_on()
    }

    fn is_silent(desk: &Desk) -> bool {
        desk.shared.is_silent(desk.now(), desk.patience())
    }

    fn unanswered<'a>(_open: impl Iterator<Item = &'a Self>, desk: &Desk) -> u64 {
        desk.shared.on_their_way(|due| desk.is_measured(due))
    }

    fn finish(shared: Rooms) -> Finished {
        Finished {
            chat: Some(Box::new(ChatRecord::of(shared))),
            ..Finished::default()
        }
    }
}

impl Member {
    /// Sends what was kept, and reads as much as one visit takes; returns whether there may be more. `ended`
    /// says that the poller has seen the server's FIN.
    fn visit(&mut self, desk: &mut Desk, ended: bool) -> Result<bool, Broken> {
        self.send(desk)?;
        // Lines are taken from it while the rest of the desk changes.
        let mut buffer = std::mem::take(&mut desk.buffer);
        let more = self.read(&mut buffer, desk, ended);
        desk.buffer = buffer;
        more
    }

    fn read(&mut self, buffer: &mut [u8], desk: &mut Desk, ended: bool) -> Result<bool, Broken> {
        for _ in 0..VISIT {
            let length = match self.stream.read(buffer) {
                Ok(0) => return Err(Broken::Because(self.phase(), Cause::ClosedEarly)),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Broken::Io(self.phase(), error)),
            };
            desk.harvest.bytes_received += length as u64;
            for piece in buffer[..length].split_inclusive(|byte| *byte == b'\n') {
                self.take_piece(piece, desk)?;
            }
            // A read that didn't fill the buffer has emptied the socket, unless the end is near.
            if length < buffer.len() && !ended {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What it is doing.
    fn phase(&self) -> Phase {
        match self.step {
            Step::In => Phase::Receive,
            _ => Phase::Greeting,
        }
    }

    /// Takes a line, or a part of one.
    fn take_piece(&mut self, piece: &[u8], desk: &mut Desk) -> Result<(), Broken> {
        let is_complete = piece.last() == Some(&b'\n');
        // Most lines come whole.
        if is_complete && self.line.is_empty() {
            return self.take_line(piece.trim_ascii_end(), desk);
        }
        self.line.extend_from_slice(piece);
        if is_complete {
            let line = std::mem::take(&mut self.line);
            return self.take_line(line.trim_ascii_end(), desk);
        }
        if self.line.len() > LONGEST_LINE {
            desk.harvest.tally.keep_wrong(&self.line);
            return Err(Broken::Because(self.phase(), Cause::NoEnd));
        }
        Ok(())
    }

    fn take_line(&mut self, line: &[u8], desk: &mut Desk) -> Result<(), Broken> {
        let Some(told) = line.strip_prefix(b"* ") else {
            return self.take_message(line, desk);
        };
        let refused = Err(Broken::Because(Phase::Greeting, Cause::Refused));
        // Lines about other members are ignored; those about this one are known by their beginning.
        match self.step {
            Step::Greeted => {
                let label = &desk.shared.encoding_of(self.slot).label;
                self.asks(Step::Speaks, &format!("/encoding {label}"), desk)
            }
            Step::Speaks if told.starts_with(b"from now on in ") => {
                let name = desk.shared.name_of(self.slot);
                self.asks(Step::Named, &name, desk)
            }
            Step::Named if told.starts_with(b"you are ") => {
                let room = desk.shared.joins(self.slot);
                self.asks(Step::Joins, &format!("/join {room}"), desk)
            }
            Step::Named if told.starts_with(b"somebody is called ") => refused,
            Step::Joins if told.starts_with(b"you are ") => {
                self.step = Step::In;
                desk.shared.is_in(self.slot);
                Ok(())
            }
            Step::Joins if told.starts_with(b"there are ") => refused,
            _ => Ok(()),
        }
    }

    /// Sends the next line of entering.
    fn asks(&mut self, step: Step, text: &str, desk: &mut Desk) -> Result<(), Broken> {
        self.step = step;
        self.unsent.extend_from_slice(text.as_bytes());
        self.unsent.push(b'\n');
        self.send(desk).map(drop)
    }

    /// Takes a line that isn't the server's own.
    fn take_message(&mut self, line: &[u8], desk: &mut Desk) -> Result<(), Broken> {
        // A member without a name receives lines of the server alone.
        if matches!(self.step, Step::Greeted | Step::Speaks) {
            desk.harvest.tally.keep_wrong(line);
            return Err(Broken::Because(Phase::Greeting, Cause::NoChat));
        }
        let filler = &desk.shared.encoding_of(self.slot).filler;
        match read_line(line, desk.shared.run(), filler) {
            Line::Message(message) => desk.deliver(self.slot, message),
            Line::Garbled => {
                desk.harvest.tally.keep_wrong(line);
                desk.shared.garbled(self.slot);
            }
            Line::Stranger => desk.shared.stranger(line),
        }
        Ok(())
    }
}
