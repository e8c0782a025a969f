//! One connection: what it has sent, what it has received, and what it waits for.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    sync::Arc,
};

use mio::net::TcpStream;

use crate::{
    Answers, Cause, Expect, FirstLine, LONGEST_LINE, Mismatch, Pace, Phase, Plan, Ring, Tally,
    answers::Sorted,
    desk::nanos,
    dialogue::{Dialogue, Finished, Turn},
    endings,
    harvest::Harvest,
    requests::Requests,
    stage::{Stage, Stages},
    status::Dialect,
    timers::Errand,
};

type Desk = crate::desk::Desk<Requests>;

/// One connection. It owns no buffer: messages are sent straight from the ring, and answers pass
/// through the thread's one buffer.
#[derive(Debug)]
pub(crate) struct Conn {
    stream: TcpStream,
    /// Its place among its thread's connections.
    slot: u32,
    /// Which connection of the run this is; its stream is the ring from a place of its own on.
    number: usize,
    /// Bytes handed to the system.
    sent: u64,
    /// Bytes that are to be sent by now.
    due: u64,
    /// Bytes that came back.
    received: u64,
    /// Messages sent, or due, and not answered; the oldest first.
    asked: VecDeque<Asked>,
    /// How far the answer to the oldest has come in; `None` before its first byte.
    progress: Option<usize>,
    /// Which first line that answer has, once that is known.
    sorted: Option<Sorted>,
    /// The beginning of an answer that reads have cut: its first line, and what is shown if its end never
    /// comes. Most often empty, and never longer than [`FirstLine::LONGEST`].
    head: Vec<u8>,
    /// More has come than was asked for.
    got_more: bool,
    /// Messages answered.
    answered: u64,
    /// The socket took no more when it was last written to.
    blocked: bool,
    /// Messages that may still be asked on this connection.
    left: u64,
    /// A client with manners pauses: until when before it sends, until when before it reads, and
    /// when it is reminded to go on.
    pause: Pause,
}

#[derive(Clone, Copy, Debug, Default)]
struct Pause {
    sending_until: u64,
    reading_until: u64,
    reminder: u64,
}

/// A message in flight. Times are in nanoseconds since the run began.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// When it was due.
    due: u64,
    /// When the connection got it. In a closed loop that is when it was due.
    sent: u64,
    size: usize,
}

/// What is to become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The poller will tell when there is more.
    Wait,
    /// There is more already; but others wait as well.
    GoOn,
    /// It has had all its answers.
    Retire,
    /// The server has ended it, and nothing was missing.
    Over,
}

/// A connection that can't go on.
#[derive(Debug)]
pub(crate) enum Broken {
    Io(Phase, io::Error),
    Because(Phase, Cause),
    Wrong(Mismatch),
}

impl Broken {
    /// Whether the server has ended a connection that could talk.
    pub(crate) fn is_the_servers_end(&self) -> bool {
        match self {
            Self::Io(Phase::Send | Phase::Receive, error) => endings::is_the_servers_end(error),
            Self::Because(_, cause) => matches!(cause, Cause::ClosedEarly | Cause::ClosedIdle),
            Self::Io(..) | Self::Wrong(_) => false,
        }
    }

    pub(crate) fn count_in(self, tally: &mut Tally) {
        match self {
            Self::Io(phase, error) => tally.add_io(phase, &error),
            Self::Because(phase, cause) => tally.add(phase, cause),
            Self::Wrong(mismatch) => tally.add_mismatch(mismatch),
        }
    }
}

/// Reads, or messages sent without an answer, in one visit: so that a connection that always has
/// more doesn't starve the others.
const VISIT: usize = 16;

/// How many connections send at most before the thread looks at what has come.
const BURST: usize = 64;

/// How often a slow reader reads, per second.
const SIPS_PER_S: u64 = 20;

impl Dialogue for Conn {
    type Shared = Requests;

    const ENTERING_AT_ONCE: usize = usize::MAX;
    const NEEDS_ALL: bool = false;
    const REPLACES_LOST: bool = true;

    fn shared(plan: &Plan, places: usize) -> Requests {
        Requests::new(plan, places)
    }

    fn new(stream: TcpStream, slot: u32, number: usize, desk: &mut Desk) -> Result<Self, Broken> {
        let mut conn = Self {
            stream,
            slot,
            number,
            sent: 0,
            due: 0,
            received: 0,
            asked: VecDeque::new(),
            progress: None,
            sorted: None,
            head: Vec::new(),
            got_more: false,
            answered: 0,
            blocked: false,
            left: desk.plan.per_connection().unwrap_or(u64::MAX),
            pause: Pause::default(),
        };
        conn.introduce(desk)?;
        Ok(conn)
    }

    fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn enter(&mut self, desk: &mut Desk) -> Result<bool, Broken> {
        if desk.plan.script.greeting.is_some() && !self.greet(desk)? {
            return Ok(false);
        }
        desk.shared.served[self.slot as usize].get_or_insert(0);
        Ok(true)
    }

    fn opened(&mut self, desk: &mut Desk, now: u64) {
        if desk.schedule.is_some() {
            return desk.shared.has_opened(self.slot, now);
        }
        while self.has_room(desk)
            && let Some(due) = desk.take_due(now)
        {
            self.ask(desk, due, now);
        }
    }

    fn is_dispatched(desk: &Desk) -> bool {
        desk.schedule.is_some()
    }

    fn can_send(desk: &Desk) -> bool {
        desk.shared.rooms() > 0
    }

    fn burst(desk: &Desk) -> usize {
        desk.shared.rooms().max(BURST)
    }

    /// The connection that has been free for longest: usually for one message, and for more when more are due
    /// than there are connections with room.
    fn next_sender(desk: &mut Desk, now: u64) -> Option<Turn> {
        let rooms = desk.shared.rooms() as u64;
        desk.next_due().filter(|due| *due <= now)?;
        let due = desk.schedule.as_ref().map_or(0, |it| it.due_before(now));
        let (slot, free_since) = desk.shared.next_room()?;
        Some(Turn {
            slot,
            free_since,
            messages: due.div_ceil(rooms).max(1),
        })
    }

    fn still_has_room(desk: &mut Desk, slot: u32) {
        desk.shared.still_has_room(slot);
    }

    fn has_room(&self, desk: &Desk) -> bool {
        self.left > 0 && self.asked.len() < desk.plan.depth
    }

    fn ask(&mut self, desk: &mut Desk, due: u64, now: u64) {
        let size = desk.next_size();
        self.left -= 1;
        self.due += size as u64;
        desk.one_more_in_flight();
        let sent = now;
        self.asked.push_back(Asked { due, sent, size });
        desk.watch(self.slot, now + desk.patience());
    }

    fn converse(&mut self, desk: &mut Desk, ended: bool) -> Result<Then, Broken> {
        for _ in 0..VISIT {
            let read = self.read(desk)?;
            match read {
                Some(0) => return self.at_the_end(desk),
                Some(length) => self.take_in(length, desk)?,
                None => {}
            }
            let more = self.send(desk)?;
            if self.is_done(desk) {
                return Ok(Then::Retire);
            }
            // A read that didn't fill the buffer has emptied the socket, unless the end is near.
            let emptied = read.is_none_or(|length| length < desk.buffer.len() && !ended);
            if emptied && !more {
                return Ok(Then::Wait);
            }
        }
        Ok(Then::GoOn)
    }

    fn send(&mut self, desk: &mut Desk) -> Result<bool, Broken> {
        for _ in 0..VISIT {
            if self.sent == self.due {
                self.blocked = false;
                return Ok(false);
            }
            let mut length = (self.due - self.sent).min(Ring::REACH as u64) as usize;
            if desk.plan.script.manner.trickle.is_some() {
                if self.pauses_at(self.pause.sending_until, desk) {
                    return Ok(false);
                }
                length = 1;
            }
            match self
                .stream
                .write(desk.ring.at(self.number, self.sent, length))
            {
                Ok(written) => self.has_sent(written, desk),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return Ok(false);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Io(Phase::Send, error)),
            }
        }
        Ok(true)
    }

    fn deadline(&self, desk: &Desk) -> Option<(u64, Phase, Cause)> {
        let oldest = self.asked.front()?;
        let (phase, cause) = self.overdue(desk);
        Some((oldest.sent + desk.patience(), phase, cause))
    }

    fn is_done(&self, _desk: &Desk) -> bool {
        self.left == 0 && self.asked.is_empty()
    }

    fn is_waiting(&self) -> bool {
        !self.asked.is_empty()
    }

    fn answered(&self) -> u64 {
        self.answered
    }

    fn show_partial(&self, desk: &mut Desk) {
        if !self.head.is_empty() {
            desk.harvest.tally.keep_wrong(&self.head);
        }
    }

    fn end_measuring(&self, desk: &mut Desk, now: u64) {
        for asked in &self.asked {
            desk.account_for_flight(asked.due, now);
        }
    }

    fn leave(self, desk: &mut Desk, now: u64) -> u64 {
        self.end_measuring(desk, now);
        desk.in_flight -= self.asked.len() as u64;
        self.measured_in_flight(desk)
    }

    fn unanswered<'a>(open: impl Iterator<Item = &'a Self>, desk: &Desk) -> u64 {
        open.map(|conn| conn.measured_in_flight(desk)).sum()
    }

    fn finish(shared: Requests) -> Finished {
        Finished {
            served: shared.served,
            answers: shared.answers,
            chat: None,
        }
    }
}

impl Conn {
    fn has_sent(&mut self, written: usize, desk: &mut Desk) {
        self.sent += written as u64;
        desk.harvest.bytes_sent += written as u64;
        if let Some(gap) = desk.plan.script.manner.trickle {
            self.pause.sending_until = desk.now() + nanos(gap);
        }
        if is_one_way(desk) {
            let done = self.count_lengths(written, &Expect::Nothing);
            if done > 0 {
                self.complete(done, desk);
            }
        }
    }

    /// Reads once; `None` when there is nothing, and `Some(0)` at the end.
    fn read(&mut self, desk: &mut Desk) -> Result<Option<usize>, Broken> {
        let mut limit = desk.buffer.len();
        if let Some(rate) = desk.plan.script.manner.read_per_s {
            if self.pauses_at(self.pause.reading_until, desk) {
                return Ok(None);
            }
            limit = limit.min((rate / SIPS_PER_S).max(1) as usize);
        }
        let length = match self.stream.read(&mut desk.buffer[..limit]) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(error) => return Err(Broken::Io(Phase::Receive, error)),
        };
        desk.harvest.bytes_received += length as u64;
        if let Some(rate) = desk.plan.script.manner.read_per_s {
            let pause = (length as u128 * 1_000_000_000 / u128::from(rate)) as u64;
            let now = desk.now();
            self.pause.reading_until = self.pause.reading_until.max(now) + pause;
            // The poller told of these bytes once, and won't again.
            self.remind(self.pause.reading_until, now, desk);
        }
        Ok(Some(length))
    }

    /// Checks the `length` bytes that came last, and completes the messages that they answer.
    fn take_in(&mut self, length: usize, desk: &mut Desk) -> Result<(), Broken> {
        let taken = self.check(length, desk).inspect_err(|_| {
            let bytes = &desk.buffer[..length];
            desk.harvest.tally.keep_wrong(bytes);
        });
        let done = taken?;
        // What was answered before was answered.
        if done > 0 {
            self.complete(done, desk);
        }
        if self.got_more {
            desk.harvest.tally.keep_wrong(&desk.buffer[..length]);
            return Err(Broken::Because(Phase::Verify, Cause::Unsolicited));
        }
        Ok(())
    }

    /// Checks the `length` bytes that came last; says how many messages they answer.
    fn check(&mut self, length: usize, desk: &mut Desk) -> Result<usize, Broken> {
        let Desk {
            plan,
            ring,
            buffer,
            shared,
            harvest,
            stages,
            ..
        } = desk;
        let Requests {
            answers, dialect, ..
        } = shared;
        let expect = &plan.script.expect;
        let mut bytes = &buffer[..length];
        Ok(match expect {
            // A connection that is only held is alive, whatever comes on it.
            _ if plan.pace == Pace::Idle || *expect == Expect::Nothing => {
                answers.hear(bytes);
                0
            }
            Expect::Echo => {
                let echoed = length.min((self.sent - self.received) as usize);
                ring.check(self.number, self.received, &bytes[..echoed])
                    .map_err(Broken::Wrong)?;
                if echoed < length {
                    return Err(Broken::Because(Phase::Verify, Cause::Unsolicited));
                }
                self.received += length as u64;
                self.count_lengths(echoed, expect)
            }
            _ => {
                let mut done = 0;
                while !bytes.is_empty() {
                    let Some(front) = self.asked.get(done) else {
                        self.got_more = true;
                        break;
                    };
                    let mut progress = self.progress.unwrap_or_else(|| expect.begin(front.size));
                    let used = expect.take(&mut progress, bytes);
                    let piece = &bytes[..used.unwrap_or(bytes.len())];
                    self.sort(piece, used.is_some(), answers, dialect);
                    let Some(used) = used else {
                        self.progress = Some(progress);
                        break;
                    };
                    self.progress = None;
                    self.count_answer(answers, harvest, stages);
                    bytes = &bytes[used..];
                    done += 1;
                }
                done
            }
        })
    }

    /// Finds out which first line the answer has of which `piece` came now, `whole` if it ends there.
    fn sort(&mut self, piece: &[u8], whole: bool, answers: &mut Answers, dialect: &Dialect) {
        // An answer that comes whole in one read is copied nowhere.
        let head = if whole && self.head.is_empty() {
            piece
        } else {
            self.keep_head(piece);
            &self.head
        };
        if self.sorted.is_none() {
            self.sorted = answers.sort(head, whole, dialect);
        }
    }

    /// The answer is complete: counts it by its first line.
    fn count_answer(&mut self, answers: &mut Answers, harvest: &mut Harvest, stages: &Stages) {
        self.head.clear();
        if let Some(sorted) = self.sorted.take() {
            answers.count(sorted);
            if let Some(error) = sorted.error {
                harvest.add_error_answer(error, stages);
            }
        }
    }

    fn keep_head(&mut self, bytes: &[u8]) {
        let room = FirstLine::LONGEST - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Counts how many messages of known length `length` bytes complete; no more than were asked for.
    fn count_lengths(&mut self, mut length: usize, expect: &Expect) -> usize {
        let mut done = 0;
        while length > 0
            && let Some(front) = self.asked.get(done)
        {
            let missing = self.progress.unwrap_or_else(|| expect.begin(front.size));
            if length < missing {
                self.progress = Some(missing - length);
                break;
            }
            self.progress = None;
            length -= missing;
            done += 1;
        }
        done
    }

    /// The `done` oldest messages in flight have been answered: enters them, and asks for others, or
    /// says that there is room.
    fn complete(&mut self, done: usize, desk: &mut Desk) {
        // Read fresh: a time kept from the beginning of the round would flatter the later ones.
        let now = desk.now();
        self.answered += done as u64;
        for _ in 0..done {
            let asked = self.asked.pop_front().expect("it was counted a moment ago");
            if desk.stage == Stage::Measure {
                *desk.shared.served[self.slot as usize].get_or_insert(0) += 1;
            }
            desk.record_answer(asked.due, asked.sent, now);
            if self.left == 0 {
                continue;
            }
            if desk.asks_at_once() {
                if desk.take_one() {
                    self.ask(desk, now, now);
                }
            } else if desk.schedule.is_some() {
                // A message without an answer is done as soon as it is sent: unless the socket was
                // full, there was room all the time.
                match is_one_way(desk) && !self.blocked {
                    true => desk.shared.still_has_room(self.slot),
                    false => desk.shared.has_room(self.slot, now),
                }
            }
        }
    }

    /// The server has closed.
    fn at_the_end(&mut self, desk: &mut Desk) -> Result<Then, Broken> {
        let closes = desk.plan.script.expect == Expect::Close;
        // An answer of nothing at all is none.
        if closes && self.asked.len() == 1 && self.progress.is_some() {
            let Requests {
                answers, dialect, ..
            } = &mut desk.shared;
            self.sort(&[], true, answers, dialect);
            self.count_answer(answers, &mut desk.harvest, &desk.stages);
            self.complete(1, desk);
            return Ok(Then::Retire);
        }
        let cause = match self.asked.is_empty() {
            true if desk.asks_no_more() => return Ok(Then::Over),
            true => Cause::ClosedIdle,
            false => Cause::ClosedEarly,
        };
        Err(Broken::Because(Phase::Receive, cause))
    }

    /// Says what is to be said first. A new connection takes a few bytes at once.
    fn introduce(&mut self, desk: &mut Desk) -> Result<(), Broken> {
        let words = &desk.plan.script.introduction;
        if words.is_empty() {
            return Ok(());
        }
        let said = self.stream.write(words);
        match said.map_err(|error| Broken::Io(Phase::Send, error))? {
            length if length == words.len() => Ok(()),
            _ => Err(Broken::Because(Phase::Send, Cause::Incomplete)),
        }
    }

    /// Reads the greeting, as much of it as one visit takes; says whether it is complete.
    fn greet(&mut self, desk: &mut Desk) -> Result<bool, Broken> {
        let plan = Arc::clone(&desk.plan);
        let Some(greeting) = &plan.script.greeting else {
            return Ok(true);
        };
        for _ in 0..VISIT {
            let length = match self.read(desk)? {
                None => return Ok(false),
                Some(0) => return Err(Broken::Because(Phase::Greeting, Cause::ClosedEarly)),
                Some(length) => length,
            };
            let mut progress = self.progress.unwrap_or_else(|| greeting.begin(0));
            let bytes = &desk.buffer[..length];
            self.keep_head(bytes);
            self.received += length as u64;
            let too_long =
                self.received > LONGEST_LINE as u64 && !matches!(greeting, Expect::Bytes(_));
            match greeting.take(&mut progress, bytes) {
                None if too_long => return Err(Broken::Because(Phase::Greeting, Cause::NoEnd)),
                None => self.progress = Some(progress),
                Some(used) if used == length => {
                    // Answers are counted from here.
                    (self.progress, self.received) = (None, 0);
                    desk.shared.dialect.heed_greeting(&self.head);
                    if let Some(error) = desk.shared.dialect.error_in(&self.head) {
                        desk.harvest.tally.keep_wrong(&self.head);
                        let cause = Cause::ErrorAnswer(error);
                        return Err(Broken::Because(Phase::Greeting, cause));
                    }
                    self.head = Vec::new();
                    return Ok(true);
                }
                Some(_) => return Err(Broken::Because(Phase::Greeting, Cause::Unsolicited)),
            }
        }
        desk.again.push(self.slot);
        Ok(false)
    }

    /// What is overdue, and why: nothing came, or not all of it; or not all could be sent.
    fn overdue(&self, desk: &Desk) -> (Phase, Cause) {
        // The bytes of the messages behind the oldest one.
        let behind: usize = self.asked.iter().skip(1).map(|asked| asked.size).sum();
        let is_sent = self.sent + behind as u64 >= self.due;
        match self.progress {
            _ if is_one_way(desk) => (Phase::Send, Cause::TimedOut),
            None if !is_sent && self.blocked => (Phase::Send, Cause::TimedOut),
            None => (Phase::Receive, Cause::TimedOut),
            Some(_) => (Phase::Receive, Cause::Incomplete),
        }
    }

    /// Messages in flight that belong to what is measured.
    fn measured_in_flight(&self, desk: &Desk) -> u64 {
        let measured = self
            .asked
            .iter()
            .filter(|asked| desk.is_measured(asked.due));
        measured.count() as u64
    }

    /// Whether it pauses until `until`; if so, it is reminded then.
    fn pauses_at(&mut self, until: u64, desk: &mut Desk) -> bool {
        let now = desk.now();
        if now < until {
            self.remind(until, now, desk);
        }
        now < until
    }

    fn remind(&mut self, at: u64, now: u64, desk: &mut Desk) {
        // A reminder that comes earlier leads to this one.
        let reminded = self.pause.reminder > now && self.pause.reminder <= at;
        if !reminded {
            self.pause.reminder = at;
            desk.remind(at, self.slot, Errand::Resume);
        }
    }
}

/// Whether a message is answered when it has left.
fn is_one_way(desk: &Desk) -> bool {
    desk.plan.script.expect == Expect::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_small() {
        assert!(size_of::<Conn>() <= 192, "{}", size_of::<Conn>());
    }
}
