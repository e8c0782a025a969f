//! Receiving: reads, and what they answer.

use std::io::{self, Read};

use super::{Conn, ThreadState, steps::bytes_at};
use crate::{
    Cause, Conditions, FirstLine, Framing, Judge, Pace, Phase, Plan, Sample, Tally, Unmet,
    WrongAnswer,
    dialogue::{Broken, Then},
    requests::Requests,
    ring::compare,
    stage::Stages,
    stats::Stats,
    tls::speaks_tls,
};

/// What answers are counted in, while the plan and the bytes that came are borrowed.
pub(super) struct Counts<'a> {
    pub(super) shared: &'a mut Requests,
    stats: &'a mut Stats,
    stages: &'a Stages,
}

impl<'a> Counts<'a> {
    fn of(state: &'a mut ThreadState) -> (&'a Plan, &'a [u8], Self) {
        let counts = Self {
            shared: &mut state.shared,
            stats: &mut state.stats,
            stages: &state.stages,
        };
        (&state.plan, &state.buffer, counts)
    }
}

/// How often a slow reader reads, per second.
const READS_PER_S: u64 = 20;

/// More bytes have come than the answers may have.
pub(super) const UNSOLICITED: Broken = Broken::Because(Phase::Verify, Cause::Unsolicited);

impl Conn {
    /// Reads once; `None` when there is nothing, and `Some(0)` at the end.
    pub(super) fn read(&mut self, state: &mut ThreadState) -> Result<Option<usize>, Broken> {
        let mut limit = state.buffer.len();
        if let Some(rate) = state.plan.script.behaviour.read_per_s {
            if self.pauses_at(self.pause.reading_until, state) {
                return Ok(None);
            }
            limit = limit.min((rate / READS_PER_S).max(1) as usize);
        }
        let length = match self.stream.read(&mut state.buffer[..limit]) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(error) => return Err(Broken::Io(Phase::Receive, error)),
        };
        state.stats.bytes_received += length as u64;
        // What a port with TLS says to plain bytes comes first on a connection.
        if self.answered == 0 && state.plan.tls.is_none() && speaks_tls(&state.buffer[..length]) {
            state.stats.tally.met_tls();
        }
        if let Some(rate) = state.plan.script.behaviour.read_per_s {
            let pause = (length as u128 * 1_000_000_000 / u128::from(rate)) as u64;
            let now = state.now();
            self.pause.reading_until = self.pause.reading_until.max(now) + pause;
            // The poller has reported these bytes, and won't report them again.
            self.set_timer(self.pause.reading_until, now, state);
        }
        Ok(Some(length))
    }

    /// Checks the `length` bytes that came last, and completes the messages that they answer.
    pub(super) fn take_in(&mut self, length: usize, state: &mut ThreadState) -> Result<(), Broken> {
        let (done, checked) = self.check(length, state);
        // The answers before the wrong one count.
        if done > 0 {
            self.complete(done, state);
        }
        checked.inspect_err(|broken| {
            if !matches!(broken, Broken::Because(Phase::Receive, _)) {
                state.stats.tally.keep_wrong(&state.buffer[..length]);
            }
        })
    }

    /// Checks the `length` bytes that came last; returns how many messages they answer, and what is wrong behind these
    /// answers.
    fn check(&mut self, length: usize, state: &mut ThreadState) -> (usize, Result<(), Broken>) {
        let (payload, expect) = self.parts(&state.plan.script);
        let (bytes, answers) = (&state.buffer[..length], &mut state.shared.answers);
        match &expect.framing {
            // A connection that is only held open may receive anything.
            _ if matches!(state.plan.pace, Pace::Idle) => answers.keep_first(bytes),
            Framing::Nothing => answers.keep_first(bytes),
            Framing::Echo => {
                let echoed = length.min((self.sent - self.received) as usize);
                let (number, offset) = (self.number as usize, self.received);
                let sent = bytes_at(self.steps.as_deref(), &state.ring, (number, offset), echoed);
                if let Err(mismatch) = compare(number, offset, sent, &bytes[..echoed]) {
                    return (0, Err(Broken::Wrong(mismatch)));
                }
                if echoed < length {
                    return (0, Err(UNSOLICITED));
                }
                self.received += length as u64;
                if let Some(front) = self.in_flight.front() {
                    let first = &bytes[..length.min(front.size as usize)];
                    answers.keep_first_echo(first, payload);
                }
                let done = self.count_lengths(echoed);
                answers.count_echoes(done);
                return (done, Ok(()));
            }
            _ => return self.check_framed(length, state),
        }
        (0, Ok(()))
    }

    /// Checks answers that end elsewhere than their messages.
    ///
    /// It isn't inlined, so that an echo needs fewer registers.
    #[inline(never)]
    fn check_framed(
        &mut self,
        length: usize,
        state: &mut ThreadState,
    ) -> (usize, Result<(), Broken>) {
        let (plan, buffer, mut counts) = Counts::of(state);
        let (counts, mut bytes) = (&mut counts, &buffer[..length]);
        let (_, expect) = self.parts(&plan.script);
        if let Framing::Http(http) = &expect.framing {
            return self.check_http(bytes, http, &expect.conditions, counts);
        }
        let mut done = 0;
        while !bytes.is_empty() {
            let Some(front) = self.in_flight.get(done) else {
                return (done, Err(UNSOLICITED));
            };
            let begin = || expect.framing.begin(front.size as usize);
            let mut progress = self.progress.take().unwrap_or_else(begin);
            let used = expect.framing.take(&mut progress, bytes);
            let piece = &bytes[..used.unwrap_or(bytes.len())];
            self.sort(piece, used.is_some(), counts.shared);
            let verdict = self.judge(piece, used.is_some(), &expect.conditions);
            let Some(used) = used else {
                self.progress = Some(progress);
                break;
            };
            self.finish(verdict, (done, piece), counts);
            bytes = &bytes[used..];
            done += 1;
        }
        (done, Ok(()))
    }

    /// Finds out which first line the answer has. `piece` is the part that was just read, and `whole` says that the
    /// answer ends with it.
    fn sort(&mut self, piece: &[u8], whole: bool, shared: &mut Requests) {
        // An answer that is complete in one read isn't copied.
        let head = if whole && self.head.is_empty() {
            piece
        } else {
            self.keep_head(piece);
            &self.head
        };
        if self.sorted.is_none() {
            self.sorted = shared.answers.sort(head, whole, &shared.dialect);
        }
    }

    /// Judges an answer by its content. `piece` is the part that was just read, and `whole` says that the answer ends
    /// with it: before that, no answer is wrong.
    pub(super) fn judge(
        &mut self,
        piece: &[u8],
        whole: bool,
        conditions: &Conditions,
    ) -> Result<(), Unmet> {
        // An answer that is complete in one read is judged where it is.
        if conditions.is_empty() || whole && self.judge.is_none() {
            return conditions.judge(piece);
        }
        let begin = || Judge::begin(conditions).map(Box::new);
        let mut judge = self.judge.take().or_else(begin);
        if let Some(judge) = &mut judge {
            judge.take(piece);
        }
        match judge {
            Some(judge) if whole => judge.end(),
            unfinished => {
                self.judge = unfinished;
                Ok(())
            }
        }
    }

    /// The answer after `done` others of this read is complete: counts it by its first line, and as an error if it is
    /// one by its own protocol or else by `verdict`. The last part of it is `piece`.
    pub(super) fn finish(
        &mut self,
        verdict: Result<(), Unmet>,
        (done, piece): (usize, &[u8]),
        counts: &mut Counts<'_>,
    ) {
        let sorted = self.sorted.take();
        let error = sorted.and_then(|it| it.error);
        if let Some(error) = error {
            counts.stats.add_error_answer(error, counts.stages);
        } else if let Err(unmet) = verdict {
            let head = if self.head.is_empty() {
                piece
            } else {
                &self.head
            };
            let wrong = WrongAnswer {
                connection: self.number as usize,
                answer: self.answered + done as u64,
                unmet,
                got: Sample::of(head, Tally::SAMPLE),
            };
            counts.stats.add_wrong_answer(wrong, counts.stages);
        }
        if error.is_some() || verdict.is_err() {
            counts.shared.exchanges.count_error(self.exchange());
        }
        self.head.clear();
        if let Some(sorted) = sorted {
            counts.shared.answers.count(sorted, 1);
        }
    }

    pub(super) fn keep_head(&mut self, bytes: &[u8]) {
        let room = FirstLine::LONGEST - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Counts how many messages are completed by `length` bytes, where the answers to messages are as long as the
    /// messages; at most as many as are in flight.
    #[inline]
    pub(super) fn count_lengths(&mut self, mut length: usize) -> usize {
        let front = self.in_flight.front();
        // Most often, a read or a write is one message.
        if self.progress.is_none() && front.is_some_and(|it| it.size as usize == length) {
            return 1;
        }
        let mut done = 0;
        while length > 0
            && let Some(front) = self.in_flight.get(done)
        {
            let missing = self.progress.take().unwrap_or(front.size as usize);
            if length < missing {
                self.progress = Some(missing - length);
                break;
            }
            length -= missing;
            done += 1;
        }
        done
    }

    /// The server has closed.
    #[cold]
    pub(super) fn at_the_end(&mut self, state: &mut ThreadState) -> Result<Then, Broken> {
        let head = match self.http.as_ref().map(|reading| reading.end()) {
            Some(Err(fault)) => return Err(Broken::Because(Phase::Receive, Cause::Http(fault))),
            Some(Ok(head)) => head,
            None => None,
        };
        let cut = self.stream.was_cut();
        let (plan, _, mut counts) = Counts::of(state);
        let (_, expect) = self.parts(&plan.script);
        let closes = matches!(expect.framing, Framing::Close) && self.in_flight.len() == 1;
        // If no byte came before the end, there was no answer.
        if head.is_some() || closes && self.progress.is_some() {
            counts.stats.handshakes.cut += u64::from(cut);
            self.sort(&[], true, counts.shared);
            let verdict = self.judge(&[], true, &expect.conditions);
            self.finish(verdict, (0, &[]), &mut counts);
            if let Some(head) = head {
                counts.shared.answers.count_status(head.status);
            }
            self.http = None;
            let closed = self.closes_behind(1, &[]);
            self.complete(1, state);
            return closed.map(|()| Then::Retire);
        }
        let cause = match self.in_flight.is_empty() {
            true if state.sends_no_more() => return Ok(Then::Over),
            true => Cause::ClosedIdle,
            false => Cause::ClosedEarly,
        };
        Err(Broken::Because(Phase::Receive, cause))
    }
}
