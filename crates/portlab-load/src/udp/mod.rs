//! Datagrams: each message is one UDP datagram, and so is its answer.
//!
//! A number in each message tells which message a datagram answers, so that a lost, doubled or reordered datagram is
//! recognised: random messages begin with a sequence number, and a text may contain `{seq}`. Without a number, each
//! datagram is taken for the answer to the oldest message.

mod flight;
mod plan;
mod result;

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use portlab_sys::socket::dropped_datagrams;

use self::flight::{Came, Flight, Message, State};
use crate::{
    Answers, Cause, Conditions, Expect, Framing, Payload, Phase, Plan, Sample, Script, Tally,
    WrongAnswer,
    dialogue::{Broken, Dialogue, Finished, Then, Turn},
    ring::compare,
    stage::Stage,
    status::Dialect,
    stream::Stream,
    timers::TimerEvent,
};

type ThreadState = crate::thread_state::ThreadState<Sockets>;

/// The length of the sequence number at the beginning of a message, in bytes.
const NUMBER: usize = 8;

/// The longest message: what fits into an IPv4 packet (RFC 768).
const LONGEST: usize = 65_507;

/// How many datagrams one visit reads or sends at most, so that a socket doesn't starve the others.
const VISIT: usize = 64;

/// How many sockets send at most before the thread reads again.
const BURST: usize = 64;

/// How far apart the places in the ring are from which two messages that follow each other are cut: a prime.
const STRIDE: u64 = 61;

/// How the message is found that a datagram answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Matching {
    /// By the sequence number that random messages begin with.
    Header,
    /// By a decimal number: that of `{seq}`.
    Sequence,
    /// By the order of messages.
    Order,
}

/// What became of the datagrams of a run, the warm-up included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Datagrams {
    /// Whether messages contain a number. Without one, duplicates, reordering and late answers aren't recognised.
    pub numbered: bool,
    /// Answers that came again.
    pub duplicates: u64,
    /// Answers that came after the answer to a later message of the same socket.
    pub reordered: u64,
    /// Answers that came after their message was given up. The messages count as lost.
    pub late: u64,
    /// Datagrams that this machine dropped because the generator read them too late: the server isn't the reason.
    pub dropped_here: u64,
}

impl Datagrams {
    /// Adds those of another thread.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.numbered |= other.numbered;
        self.duplicates += other.duplicates;
        self.reordered += other.reordered;
        self.late += other.late;
        self.dropped_here += other.dropped_here;
    }
}

/// What the sockets of a thread have in common.
pub(crate) struct Sockets {
    found: Datagrams,
    matching: Matching,
    answers: Answers,
    dialect: Dialect,
    served: Vec<Option<u64>>,
    /// The slots with a socket, in the order of their turns.
    turns: Vec<u32>,
    turn: usize,
    /// Measured messages that were given up.
    lost: u64,
    /// The bytes of the message that is being sent, or compared.
    message: Vec<u8>,
}

/// One socket.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: Stream,
    slot: u32,
    /// The socket's number in the run. It gives the place in the ring where its messages begin.
    number: usize,
    flight: Flight,
    in_flight: usize,
    /// Messages queued since the socket was made.
    queued: u64,
    answered: u64,
    /// Since when the socket pauses before its next message, and until when.
    pause: Option<(u64, u64)>,
    /// When the timer comes that gives messages up; 0 for never.
    timer_at: u64,
}

impl Dialogue for Peer {
    type Shared = Sockets;

    const ENTERING_AT_ONCE: usize = usize::MAX;
    const NEEDS_ALL: bool = false;
    const REPLACES_LOST: bool = false;

    fn shared(plan: &Plan, slots: usize) -> Sockets {
        let matching = Matching::of(&plan.script);
        Sockets {
            found: Datagrams {
                numbered: matching != Matching::Order,
                ..Datagrams::default()
            },
            matching,
            answers: Answers::default(),
            dialect: Dialect::of(&plan.script),
            served: vec![None; slots],
            turns: Vec::new(),
            turn: 0,
            lost: 0,
            message: Vec::new(),
        }
    }

    fn new(
        stream: Stream,
        slot: u32,
        number: usize,
        _state: &mut ThreadState,
    ) -> Result<Self, Broken> {
        Ok(Self {
            stream,
            slot,
            number,
            flight: Flight::default(),
            in_flight: 0,
            queued: 0,
            answered: 0,
            pause: None,
            timer_at: 0,
        })
    }

    fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    fn into_stream(self) -> Stream {
        self.stream
    }

    fn enter(&mut self, state: &mut ThreadState) -> Result<bool, Broken> {
        state.shared.served[self.slot as usize].get_or_insert(0);
        Ok(true)
    }

    fn opened(&mut self, state: &mut ThreadState, now: u64) {
        state.shared.turns.push(self.slot);
        while state.schedule.is_none()
            && self.has_room(state)
            && let Some(due) = state.take_due(now)
        {
            self.queue(state, due, now);
        }
    }

    fn is_dispatched(state: &ThreadState) -> bool {
        state.schedule.is_some()
    }

    fn can_send(state: &ThreadState) -> bool {
        !state.shared.turns.is_empty()
    }

    fn burst(_state: &ThreadState) -> usize {
        BURST
    }

    /// The next socket in turn: in an open loop, a message waits for no answer.
    fn next_sender(state: &mut ThreadState, now: u64) -> Option<Turn> {
        state.next_due().filter(|due| *due <= now)?;
        let shared = &mut state.shared;
        let slot = *shared.turns.get(shared.turn % shared.turns.len().max(1))?;
        shared.turn += 1;
        Some(Turn {
            slot,
            free_since: 0,
            messages: 1,
        })
    }

    fn has_room(&self, state: &ThreadState) -> bool {
        state.schedule.is_some() || (self.in_flight < state.plan.depth && self.pause.is_none())
    }

    fn queue(&mut self, state: &mut ThreadState, due: u64, now: u64) {
        let ThreadState {
            plan,
            numbers,
            random,
            ..
        } = state;
        let (number, size, bytes) = match plan.script.exchange(0).0 {
            Payload::Template(template) => {
                let mut bytes = Vec::new();
                let number = template.render(self.number, numbers, random, &mut bytes);
                (number, bytes.len(), bytes.into())
            }
            _ => (self.queued, state.next_size(), Box::default()),
        };
        state.one_more_in_flight();
        self.flight.queue(Message {
            number,
            due,
            sent: now,
            size,
            bytes,
            state: State::Waiting,
        });
        self.queued += 1;
        self.in_flight += 1;
        self.set_timer(state);
    }

    fn send(&mut self, state: &mut ThreadState) -> Result<bool, Broken> {
        for _ in 0..VISIT {
            let Some(message) = self.flight.unsent() else {
                return Ok(false);
            };
            let bytes = self.bytes_of(message, state);
            let sent = self.stream.write(&bytes);
            state.shared.message = bytes;
            match sent {
                Ok(length) => {
                    self.flight.has_sent();
                    state.stats.bytes_sent += length as u64;
                    if state.plan.script.is_one_way()
                        && let Came::Answer { message, .. } = self.flight.answer_the_oldest()
                    {
                        self.complete(&message, state);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The error of an earlier datagram: the system reports it once, and this one is sent by the next call.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    note(Phase::Send, &error, state);
                }
                Err(error) => {
                    // The message counts as lost when its time is over, so that a socket doesn't fail without a pause.
                    self.flight.has_sent();
                    note(Phase::Send, &error, state);
                }
            }
        }
        Ok(true)
    }

    fn drive(&mut self, state: &mut ThreadState, _ended: bool) -> Result<Then, Broken> {
        let mut more = true;
        for _ in 0..VISIT {
            let length = match self.stream.read(&mut state.buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    more = false;
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    note(Phase::Receive, &error, state);
                    continue;
                }
            };
            state.stats.bytes_received += length as u64;
            self.take_in(length, state);
        }
        self.end_pause(state);
        self.give_up_the_old(state);
        more |= self.send(state)?;
        self.set_timer(state);
        Ok(match more {
            true => Then::GoOn,
            false => Then::Wait,
        })
    }

    /// Messages are given up one by one; the socket stays.
    fn deadline(&self, _state: &ThreadState) -> Option<(u64, Phase, Cause)> {
        None
    }

    fn is_done(&self, _state: &ThreadState) -> bool {
        false
    }

    fn is_waiting(&self) -> bool {
        self.in_flight > 0
    }

    fn answered(&self) -> u64 {
        self.answered
    }

    fn end_measuring(&self, state: &mut ThreadState, now: u64) {
        if let Some((since, until)) = self.pause {
            state.account_for_flight(since, until.min(now));
        }
        for message in self.flight.unanswered() {
            state.account_for_flight(message.due, now);
        }
    }

    fn leave(&self, state: &mut ThreadState, now: u64) -> u64 {
        self.end_measuring(state, now);
        state.in_flight -= self.in_flight as u64;
        self.measured_in_flight(state)
    }

    fn unanswered(&self, state: &ThreadState) -> u64 {
        self.measured_in_flight(state)
    }

    fn given_up(state: &ThreadState) -> u64 {
        state.shared.lost
    }

    fn finish(shared: Sockets) -> Finished {
        let mut answers = shared.answers;
        answers.conclude(&shared.dialect);
        Finished {
            served: shared.served,
            answers,
            datagrams: Some(shared.found),
            ..Finished::default()
        }
    }

    fn closing(&self, state: &mut ThreadState) {
        // Older kernels don't count.
        let dropped = match &self.stream {
            Stream::Udp(socket) => dropped_datagrams(socket).unwrap_or(0),
            _ => 0,
        };
        state.shared.found.dropped_here += u64::from(dropped);
    }
}

impl Peer {
    /// The bytes of `message`, in the buffer of the thread, which the caller gives back.
    fn bytes_of(&self, message: &Message, state: &mut ThreadState) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut state.shared.message);
        bytes.clear();
        if !message.bytes.is_empty() {
            bytes.extend_from_slice(&message.bytes);
            return bytes;
        }
        // Messages that are all alike begin where the ring does.
        let mut from = 0;
        if state.shared.matching == Matching::Header {
            bytes.extend_from_slice(&message.number.to_be_bytes());
            from = message.number * STRIDE;
        }
        let rest = message.size - bytes.len();
        bytes.extend_from_slice(state.ring.at(self.number, from, rest));
        bytes
    }

    /// Takes the datagram of `length` bytes that has come.
    fn take_in(&mut self, length: usize, state: &mut ThreadState) {
        let plan = Arc::clone(&state.plan);
        let (_, expect) = plan.script.exchange(0);
        let got = &state.buffer[..length];
        let came = match state.shared.matching {
            _ if expect.framing == Framing::Nothing => {
                return state.shared.answers.keep_first(got);
            }
            Matching::Order => self.flight.answer_the_oldest(),
            Matching::Header => match got.first_chunk() {
                Some(number) => self.flight.answer(u64::from_be_bytes(*number)),
                None => Came::Unknown,
            },
            Matching::Sequence => {
                let fits = |it: &Message| expect.framing != Framing::Echo || *it.bytes == *got;
                self.flight.answer_one_of(numbers(got), fits)
            }
        };
        match came {
            Came::Unknown => self.wrong(Cause::Unsolicited, length, state),
            Came::Duplicate => state.shared.found.duplicates += 1,
            Came::Late => state.shared.found.late += 1,
            Came::Answer { message, reordered } => {
                state.shared.found.reordered += u64::from(reordered);
                self.judge(&message, length, expect, state);
                self.complete(&message, state);
            }
        }
    }

    /// Judges the answer of `length` bytes to `message`.
    fn judge(&self, message: &Message, length: usize, expect: &Expect, state: &mut ThreadState) {
        match expect.framing {
            Framing::Echo => self.compare(message, length, state),
            Framing::Bytes(count) if count != length => self.wrong(Cause::Length, length, state),
            _ => self.look_at(length, &expect.conditions, state),
        }
    }

    /// Compares the echo of `length` bytes with its message.
    fn compare(&self, message: &Message, length: usize, state: &mut ThreadState) {
        let sent = self.bytes_of(message, state);
        let got = &state.buffer[..length];
        let alike = length.min(sent.len());
        let compared = compare(self.number, 0, &sent[..alike], &got[..alike]);
        let is_whole = length == sent.len();
        state.shared.message = sent;
        match compared {
            Ok(()) if is_whole => {
                let answers = &mut state.shared.answers;
                answers.keep_first_echo(got, state.plan.script.exchange(0).0);
                answers.count_echoes(1);
            }
            Ok(()) => self.wrong(Cause::Length, length, state),
            Err(mismatch) => {
                state.stats.tally.keep_wrong(got);
                state.stats.tally.add_mismatch(mismatch);
                state.stages.count_error();
            }
        }
    }

    /// Judges an answer by its content and its protocol.
    fn look_at(&self, length: usize, conditions: &Conditions, state: &mut ThreadState) {
        let got = &state.buffer[..length];
        let Sockets {
            answers, dialect, ..
        } = &mut state.shared;
        let sorted = answers.sort(got, true, dialect);
        if let Some(sorted) = sorted {
            answers.count(sorted, 1);
        }
        match (sorted.and_then(|it| it.error), conditions.judge(got)) {
            (Some(error), _) => state.stats.add_error_answer(error, &state.stages),
            (None, Err(unmet)) => {
                let wrong = WrongAnswer {
                    connection: self.number,
                    answer: self.answered,
                    unmet,
                    got: Sample::of(got, Tally::SAMPLE),
                };
                state.stats.add_wrong_answer(wrong, &state.stages);
            }
            (None, Ok(())) => {}
        }
    }

    /// `message` has been answered: in a closed loop, another is sent.
    fn complete(&mut self, message: &Message, state: &mut ThreadState) {
        let now = state.now();
        self.answered += 1;
        self.in_flight -= 1;
        if state.stage == Stage::Measure {
            *state.shared.served[self.slot as usize].get_or_insert(0) += 1;
        }
        state.record_answer(self.number, message.due, message.sent, now);
        self.send_another(state, now);
    }

    /// The socket may send another message, in a closed loop: after the pause, if there is one.
    fn send_another(&mut self, state: &mut ThreadState, now: u64) {
        if let Some(think) = state.plan.script.think() {
            let until = now + think.draw(&mut state.random);
            self.pause = Some((now, until));
            state.timers.push(until, self.slot, TimerEvent::Resume);
        } else {
            self.queue_another(state, now);
        }
    }

    fn queue_another(&mut self, state: &mut ThreadState, now: u64) {
        if state.sends_at_once() && state.take_one() {
            self.queue(state, now, now);
        }
    }

    /// Ends the pause before the next message when its time has come.
    fn end_pause(&mut self, state: &mut ThreadState) {
        let now = state.now();
        if let Some((since, until)) = self.pause.take_if(|(_, until)| *until <= now) {
            state.account_for_flight(since, until);
            self.queue_another(state, now);
        }
    }

    /// Gives up the messages that have waited too long for an answer.
    fn give_up_the_old(&mut self, state: &mut ThreadState) {
        let now = state.now();
        let Some(moment) = now.checked_sub(state.patience()) else {
            return;
        };
        while let Some(message) = self.flight.give_up(moment) {
            self.in_flight -= 1;
            state.in_flight -= 1;
            state.account_for_flight(message.due, now);
            if state.is_measured(message.due) {
                state.shared.lost += 1;
                if let Some(figures) = state.by_target.of(self.number) {
                    figures.unanswered += 1;
                }
            }
            self.send_another(state, now);
        }
    }

    /// Sets the timer for the moment when the oldest message is given up.
    fn set_timer(&mut self, state: &mut ThreadState) {
        let now = state.now();
        if self.in_flight > 0
            && self.timer_at <= now
            && let Some(sent) = self.flight.oldest()
        {
            self.timer_at = sent + state.patience() + 1;
            state
                .timers
                .push(self.timer_at, self.slot, TimerEvent::Resume);
        }
    }

    fn wrong(&self, cause: Cause, length: usize, state: &mut ThreadState) {
        state.stats.tally.keep_wrong(&state.buffer[..length]);
        state.stats.tally.add(Phase::Verify, cause);
        state.stages.count_error();
    }

    /// Messages in flight that belong to what is measured.
    fn measured_in_flight(&self, state: &ThreadState) -> u64 {
        let measured = |it: &&Message| state.is_measured(it.due);
        self.flight.unanswered().filter(measured).count() as u64
    }
}

impl Matching {
    fn of(script: &Script) -> Self {
        match script.exchange(0) {
            (Payload::Random(_), expect) if expect.framing == Framing::Echo => Self::Header,
            (Payload::Template(template), _) if template.has_sequence() => Self::Sequence,
            _ => Self::Order,
        }
    }
}

/// The decimal numbers in `text`.
fn numbers(text: &[u8]) -> impl Iterator<Item = u64> + Clone {
    let words = text.split(|byte| !byte.is_ascii_digit());
    words.filter_map(|digits| str::from_utf8(digits).ok()?.parse().ok())
}

/// Counts an error of the system that leaves the socket as it is.
fn note(phase: Phase, error: &io::Error, state: &mut ThreadState) {
    state.stats.tally.add_io(phase, error);
    state.stages.count_error();
}
