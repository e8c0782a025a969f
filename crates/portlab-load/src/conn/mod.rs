//! One connection: what it has sent, what it has received, and what it waits for.

mod greeting;
mod http;
mod receive;
mod steps;

use std::{
    collections::VecDeque,
    io::{self, Write},
};

use crate::{
    Cause, Expect, Framing, Judge, Payload, Phase, Plan, Ring, Script,
    answers::Sorted,
    dialogue::{Broken, Dialogue, Finished, Then, Turn},
    http::Reading,
    requests::Requests,
    stage::Stage,
    stream::Stream,
    thread_state::nanos,
    timers::TimerEvent,
};
use steps::{Steps, bytes_at};

type ThreadState = crate::thread_state::ThreadState<Requests>;

/// One connection. It owns no buffer: messages are sent straight from the ring (those of a program whose messages differ
/// are the exception), and answers pass through the thread's one buffer.
#[derive(Debug)]
pub(crate) struct Conn {
    stream: Stream,
    /// Its slot among its thread's connections.
    slot: u32,
    /// The connection's number in the run. It gives the place in the ring where the connection's stream begins.
    number: u32,
    /// Bytes handed to the system.
    sent: u64,
    /// Bytes that are to be sent by now.
    due: u64,
    /// Bytes that came back.
    received: u64,
    /// Messages sent, or due, and not answered; the oldest first.
    in_flight: VecDeque<InFlight>,
    /// The progress of the answer to the oldest message; `None` before its first byte.
    progress: Option<usize>,
    /// The same of HTTP, for an answer that came in several reads.
    http: Option<Box<Reading>>,
    /// Which first line that answer has, once that is known.
    sorted: Option<Sorted>,
    /// The beginning of an answer that came in several reads: its first line, and what is shown if the answer stays
    /// incomplete. Most often empty, and never longer than [`FirstLine::LONGEST`].
    head: Vec<u8>,
    /// What of the answer to the oldest message has been judged, if it came in several reads.
    judge: Option<Box<Judge>>,
    /// Messages answered.
    answered: u64,
    /// Whether the socket took no more bytes at the last write.
    blocked: bool,
    /// Messages that may still be sent on this connection.
    left: u64,
    /// The pauses of a client that sends or reads slowly.
    pause: Pause,
    /// Its place in the program, if the script is one.
    steps: Option<Box<Steps>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Pause {
    sending_until: u64,
    reading_until: u64,
    /// When the timer ends the pause.
    timer_at: u64,
}

/// A message in flight. Times are in nanoseconds since the run began.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    /// When it was due.
    due: u64,
    /// When it was given to the connection. In a closed loop that is when it was due.
    sent: u64,
    size: u32,
    /// The index of its exchange.
    exchange: u32,
}

/// How many reads or writes one visit makes at most, so that a connection with many bytes doesn't starve the others.
const VISIT: usize = 16;

/// How many connections send at most before the thread reads again.
const BURST: usize = 64;

impl Dialogue for Conn {
    type Shared = Requests;

    const ENTERING_AT_ONCE: usize = usize::MAX;
    const NEEDS_ALL: bool = false;
    const REPLACES_LOST: bool = true;

    fn shared(plan: &Plan, slots: usize) -> Requests {
        Requests::new(plan, slots)
    }

    fn new(
        stream: Stream,
        slot: u32,
        number: usize,
        state: &mut ThreadState,
    ) -> Result<Self, Broken> {
        let mut conn = Self {
            stream,
            slot,
            number: number as u32,
            sent: 0,
            due: 0,
            received: 0,
            in_flight: VecDeque::new(),
            progress: None,
            sorted: None,
            head: Vec::new(),
            judge: None,
            http: None,
            answered: 0,
            blocked: false,
            left: state.plan.per_connection().unwrap_or(u64::MAX),
            pause: Pause::default(),
            steps: Steps::of(state),
        };
        conn.introduce(state)?;
        Ok(conn)
    }

    fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    fn into_stream(self) -> Stream {
        self.stream
    }

    fn enter(&mut self, state: &mut ThreadState) -> Result<bool, Broken> {
        if !self.greet(state)? {
            return Ok(false);
        }
        state.shared.served[self.slot as usize].get_or_insert(0);
        Ok(true)
    }

    fn opened(&mut self, state: &mut ThreadState, now: u64) {
        if self.begins_pause(state, now) {
            return;
        }
        if state.schedule.is_some() {
            return state.shared.has_opened(self.slot, now);
        }
        while self.has_room(state)
            && let Some(due) = state.take_due(now)
        {
            self.queue(state, due, now);
        }
    }

    fn is_dispatched(state: &ThreadState) -> bool {
        state.schedule.is_some()
    }

    fn can_send(state: &ThreadState) -> bool {
        state.shared.rooms() > 0
    }

    fn burst(state: &ThreadState) -> usize {
        state.shared.rooms().max(BURST)
    }

    /// The connection that has been free for longest. It sends one message, or several if more messages are due than
    /// connections are free.
    fn next_sender(state: &mut ThreadState, now: u64) -> Option<Turn> {
        let rooms = state.shared.rooms() as u64;
        state.next_due().filter(|due| *due <= now)?;
        let due = state.schedule.as_ref().map_or(0, |it| it.due_before(now));
        let (slot, free_since) = state.shared.next_room()?;
        Some(Turn {
            slot,
            free_since,
            messages: due.div_ceil(rooms).max(1),
        })
    }

    fn still_has_room(state: &mut ThreadState, slot: u32) {
        state.shared.still_has_room(slot);
    }

    fn has_room(&self, state: &ThreadState) -> bool {
        self.left > 0 && self.in_flight.len() < state.plan.depth && self.pausing().is_none()
    }

    fn queue(&mut self, state: &mut ThreadState, due: u64, now: u64) {
        if self.in_flight.is_empty() {
            // An echo begins here, also after an answer of another kind.
            self.received = self.due;
        }
        let (exchange, size) = match &mut self.steps {
            None => (0, state.next_size()),
            Some(steps) => steps.next(self.number as usize, state),
        };
        self.left -= 1;
        self.due += size as u64;
        state.one_more_in_flight();
        self.in_flight.push_back(InFlight {
            due,
            sent: now,
            size: size as u32,
            exchange,
        });
        state.watch(self.slot, now + state.patience());
    }

    fn drive(&mut self, state: &mut ThreadState, ended: bool) -> Result<Then, Broken> {
        self.wake(state);
        for _ in 0..VISIT {
            let read = self.read(state)?;
            match read {
                Some(0) => return self.at_the_end(state),
                Some(length) => self.take_in(length, state)?,
                None => {}
            }
            let more = self.send(state)?;
            if self.is_done(state) {
                return Ok(Then::Retire);
            }
            // A read that didn't fill the buffer has emptied the socket; only the end may still be there to read.
            let more_comes = ended || self.stream.may_hold_more();
            let emptied = read.is_none_or(|length| length < state.buffer.len() && !more_comes);
            if emptied && !more {
                return Ok(Then::Wait);
            }
        }
        Ok(Then::GoOn)
    }

    fn send(&mut self, state: &mut ThreadState) -> Result<bool, Broken> {
        for _ in 0..VISIT {
            if self.sent == self.due {
                self.blocked = false;
                return Ok(false);
            }
            let mut length = (self.due - self.sent).min(Ring::REACH as u64) as usize;
            if state.plan.script.behaviour.trickle.is_some() {
                if self.pauses_at(self.pause.sending_until, state) {
                    return Ok(false);
                }
                length = 1;
            }
            let place = (self.number as usize, self.sent);
            let bytes = bytes_at(self.steps.as_deref(), &state.ring, place, length);
            match self.stream.write(bytes) {
                Ok(written) => self.has_sent(written, state),
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

    fn deadline(&self, state: &ThreadState) -> Option<(u64, Phase, Cause)> {
        let oldest = self.in_flight.front()?;
        let (phase, cause) = self.overdue(state);
        Some((oldest.sent + state.patience(), phase, cause))
    }

    fn begin_last_steps(&mut self, state: &mut ThreadState, now: u64) {
        // If an answer is missing, the server would take the last message for another one.
        let Some(steps) = self.steps.as_mut().filter(|_| self.in_flight.is_empty()) else {
            return;
        };
        if let Some(messages) = steps.jump_to_last(state) {
            self.left = messages;
            self.go_on(state, now);
        }
    }

    fn is_done(&self, _state: &ThreadState) -> bool {
        self.left == 0 && self.in_flight.is_empty() && self.pausing().is_none()
    }

    fn is_waiting(&self) -> bool {
        !self.in_flight.is_empty()
    }

    fn answered(&self) -> u64 {
        self.answered
    }

    fn keep_partial(&self, state: &mut ThreadState) {
        let came = match self.http.as_deref() {
            Some(Reading::Head(bytes)) => bytes,
            _ => &self.head,
        };
        if !came.is_empty() {
            state.stats.tally.keep_wrong(came);
        }
        if self.answered > 0 || !self.in_flight.is_empty() {
            state.shared.exchanges.count_error(self.exchange());
        }
    }

    fn end_measuring(&self, state: &mut ThreadState, now: u64) {
        if let Some((since, until)) = self.pausing() {
            state.account_for_flight(since, until.min(now));
        }
        for message in &self.in_flight {
            state.account_for_flight(message.due, now);
        }
    }

    fn leave(&self, state: &mut ThreadState, now: u64) -> u64 {
        self.end_measuring(state, now);
        state.in_flight -= self.in_flight.len() as u64;
        self.measured_in_flight(state)
    }

    fn unanswered(&self, state: &ThreadState) -> u64 {
        self.measured_in_flight(state)
    }

    fn finish(shared: Requests) -> Finished {
        let mut answers = shared.answers;
        answers.conclude(&shared.dialect);
        Finished {
            served: shared.served,
            answers,
            exchanges: shared.exchanges,
            ..Finished::default()
        }
    }
}

impl Conn {
    fn has_sent(&mut self, written: usize, state: &mut ThreadState) {
        self.sent += written as u64;
        state.stats.bytes_sent += written as u64;
        if let Some(gap) = state.plan.script.behaviour.trickle {
            self.pause.sending_until = state.now() + nanos(gap);
        }
        if self.is_one_way(state) {
            let done = self.count_lengths(written);
            if done > 0 {
                self.complete(done, state);
            }
        }
    }

    /// The `done` oldest messages in flight have been answered: records them, and sends others in a closed loop, or
    /// lists the connection as free in an open one.
    fn complete(&mut self, done: usize, state: &mut ThreadState) {
        // The clock is read for each read: an older time would make later answers look fast.
        let now = state.now();
        self.answered += done as u64;
        for _ in 0..done {
            let message = self
                .in_flight
                .pop_front()
                .expect("it was counted a moment ago");
            if state.stage == Stage::Measure
                && let Some(served) = &mut state.shared.served[self.slot as usize]
            {
                *served += 1;
            }
            state.record_answer(self.number as usize, message.due, message.sent, now);
            if let Some(steps) = &mut self.steps {
                steps.release(message.size as usize, self.sent);
                if state.is_measured(message.due) {
                    state
                        .shared
                        .exchanges
                        .record(message.exchange, now - message.due);
                }
                if self.begins_pause(state, now) {
                    continue;
                }
            }
            self.go_on(state, now);
        }
    }

    /// The connection may send its next message as of `now`: sends it in a closed loop, or is listed as free in an open
    /// one.
    #[inline(always)]
    fn go_on(&mut self, state: &mut ThreadState, now: u64) {
        if self.left == 0 {
            return;
        }
        if state.sends_at_once() {
            if state.take_one() {
                self.queue(state, now, now);
            }
        } else if state.stage == Stage::LastSteps {
            // The last steps don't count as messages of the run.
            self.queue(state, now, now);
        } else if state.schedule.is_some() {
            // A message without an answer is done as soon as it is sent: unless the socket was full, the
            // connection was free all the time.
            match self.is_one_way(state) && !self.blocked {
                true => state.shared.still_has_room(self.slot),
                false => state.shared.has_room(self.slot, now),
            }
        }
    }

    /// Since when the connection pauses before its next message, and until when.
    fn pausing(&self) -> Option<(u64, u64)> {
        self.steps.as_ref()?.pause
    }

    /// Begins the pause before the next message, if the program has one there.
    fn begins_pause(&mut self, state: &mut ThreadState, now: u64) -> bool {
        let steps = self.steps.as_mut();
        let until = steps.and_then(|steps| steps.begin_pause(state, now));
        if let Some(until) = until {
            self.set_timer(until, now, state);
        }
        until.is_some()
    }

    /// Ends the pause before the next message when its time has come.
    fn wake(&mut self, state: &mut ThreadState) {
        let Some((since, until)) = self.pausing() else {
            return;
        };
        if self.pauses_at(until, state) {
            return;
        }
        if let Some(steps) = &mut self.steps {
            steps.pause = None;
        }
        // A pause that lasts longer than it should is the generator's fault, and misses Little's law.
        state.account_for_flight(since, until);
        let now = state.now();
        self.go_on(state, now);
    }

    /// The message, and what counts as its answer, that what comes now belongs to.
    #[inline]
    fn parts<'a>(&self, script: &'a Script) -> (&'a Payload, &'a Expect) {
        match self.steps {
            None => (&script.payload, &script.expect),
            Some(_) => script.exchange(self.exchange()),
        }
    }

    /// The exchange that what comes now belongs to: that of the oldest message in flight, or else the last one.
    fn exchange(&self) -> u32 {
        let Some(steps) = &self.steps else {
            return 0;
        };
        let oldest = self.in_flight.front().map(|message| message.exchange);
        oldest.unwrap_or(steps.last)
    }

    /// Whether the message has no answer, so that it is done when the system has taken it.
    fn is_one_way(&self, state: &ThreadState) -> bool {
        let (_, expect) = self.parts(&state.plan.script);
        matches!(expect.framing, Framing::Nothing)
    }

    /// The error of a timeout: not all bytes could be sent, no byte of the answer came, or not all of it.
    fn overdue(&self, state: &ThreadState) -> (Phase, Cause) {
        // The bytes of the messages behind the oldest one.
        let behind: usize = self
            .in_flight
            .iter()
            .skip(1)
            .map(|message| message.size as usize)
            .sum();
        let is_sent = self.sent + behind as u64 >= self.due;
        if let Some(reading) = &self.http {
            let fault = reading.overdue().map(Cause::Http);
            return (Phase::Receive, fault.unwrap_or(Cause::Incomplete));
        }
        match self.progress {
            _ if self.is_one_way(state) => (Phase::Send, Cause::TimedOut),
            None if !is_sent && self.blocked => (Phase::Send, Cause::TimedOut),
            None => (Phase::Receive, Cause::TimedOut),
            Some(_) => (Phase::Receive, Cause::Incomplete),
        }
    }

    /// Messages in flight that belong to what is measured.
    fn measured_in_flight(&self, state: &ThreadState) -> u64 {
        let measured = self
            .in_flight
            .iter()
            .filter(|message| state.is_measured(message.due));
        measured.count() as u64
    }

    /// Whether the connection pauses until `until`; if so, sets a timer.
    fn pauses_at(&mut self, until: u64, state: &mut ThreadState) -> bool {
        let now = state.now();
        if now < until {
            self.set_timer(until, now, state);
        }
        now < until
    }

    fn set_timer(&mut self, at: u64, now: u64, state: &mut ThreadState) {
        // If an earlier timer is set, its event sets this one.
        let is_set = self.pause.timer_at > now && self.pause.timer_at <= at;
        if !is_set {
            self.pause.timer_at = at;
            state.timers.push(at, self.slot, TimerEvent::Resume);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_small() {
        assert!(size_of::<Conn>() <= 208, "{}", size_of::<Conn>());
    }
}
