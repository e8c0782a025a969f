//! Receiving: reads, and what they answer.

use std::io::{self, Read};

use super::{Conn, ThreadState};
use crate::{
    Answers, Cause, Conditions, Expect, FirstLine, Framing, Judge, Pace, Phase, Sample, Tally,
    Unmet, WrongAnswer,
    dialogue::{Broken, Then},
    requests::Requests,
    stage::Stages,
    stats::Stats,
    status::Dialect,
    tls::speaks_tls,
};

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
        let exchange = self.exchange();
        let ThreadState {
            plan,
            ring,
            buffer,
            shared,
            stats,
            stages,
            ..
        } = state;
        let (payload, expect) = plan.script.exchange(exchange);
        let Expect {
            framing,
            conditions,
            ..
        } = expect;
        let bytes = &buffer[..length];
        match framing {
            // A connection that is only held open may receive anything.
            _ if plan.pace == Pace::Idle || *framing == Framing::Nothing => {
                shared.answers.keep_first(bytes);
                (0, Ok(()))
            }
            Framing::Http(http) => {
                self.check_http(bytes, (http, conditions), shared, (stats, stages))
            }
            Framing::Echo => {
                let echoed = length.min((self.sent - self.received) as usize);
                let (number, offset, got) = (self.number as usize, self.received, &bytes[..echoed]);
                let own = self
                    .steps
                    .as_ref()
                    .and_then(|it| it.check(number, offset, got));
                let checked = own.unwrap_or_else(|| ring.check(number, offset, got));
                if let Err(mismatch) = checked {
                    return (0, Err(Broken::Wrong(mismatch)));
                }
                if echoed < length {
                    return (0, Err(UNSOLICITED));
                }
                self.received += length as u64;
                if let Some(front) = self.in_flight.front() {
                    let first = &bytes[..length.min(front.size as usize)];
                    shared.answers.keep_first_echo(first, payload);
                }
                let done = self.count_lengths(echoed, framing);
                shared.answers.count_echoes(done);
                (done, Ok(()))
            }
            _ => self.check_framed(bytes, expect, exchange, shared, (stats, stages)),
        }
    }

    /// Checks answers that end as `expect` says.
    fn check_framed(
        &mut self,
        mut bytes: &[u8],
        expect: &Expect,
        exchange: u32,
        shared: &mut Requests,
        (stats, stages): (&mut Stats, &Stages),
    ) -> (usize, Result<(), Broken>) {
        let Expect {
            framing,
            conditions,
            ..
        } = expect;
        let Requests {
            answers,
            dialect,
            exchanges,
            ..
        } = shared;
        let mut done = 0;
        while !bytes.is_empty() {
            let Some(front) = self.in_flight.get(done) else {
                return (done, Err(UNSOLICITED));
            };
            let mut progress = self
                .progress
                .unwrap_or_else(|| framing.begin(front.size as usize));
            let used = framing.take(&mut progress, bytes);
            let piece = &bytes[..used.unwrap_or(bytes.len())];
            self.sort(piece, used.is_some(), answers, dialect);
            let verdict = self.judge(piece, used.is_some(), conditions);
            let Some(used) = used else {
                self.progress = Some(progress);
                break;
            };
            self.progress = None;
            if verdict.is_err() || self.sorted.is_some_and(|it| it.error.is_some()) {
                exchanges.count_error(exchange);
            }
            if let Err(unmet) = verdict {
                self.count_wrong(unmet, done, piece, stats, stages);
            }
            self.count_answer(answers, stats, stages);
            bytes = &bytes[used..];
            done += 1;
        }
        (done, Ok(()))
    }

    /// Finds out which first line the answer has. `piece` is the part that was just read, and `whole` says that the
    /// answer ends with it.
    fn sort(&mut self, piece: &[u8], whole: bool, answers: &mut Answers, dialect: &Dialect) {
        // An answer that is complete in one read isn't copied.
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

    /// Judges an answer by its content. `piece` is the part that was just read, and `whole` says that the answer ends
    /// with it: before that, no answer is wrong.
    pub(super) fn judge(
        &mut self,
        piece: &[u8],
        whole: bool,
        conditions: &Conditions,
    ) -> Result<(), Unmet> {
        if conditions.is_empty() {
            return Ok(());
        }
        // An answer that is complete in one read is judged where it is.
        if whole && self.judge.is_none() {
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

    /// The answer after `done` others of this read is complete, and a condition isn't met: counts it, unless the answer
    /// is an error by its own protocol, which is counted as such. The last part of it is `piece`.
    pub(super) fn count_wrong(
        &self,
        unmet: Unmet,
        done: usize,
        piece: &[u8],
        stats: &mut Stats,
        stages: &Stages,
    ) {
        if self.sorted.is_some_and(|it| it.error.is_some()) {
            return;
        }
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
        stats.add_wrong_answer(wrong, stages);
    }

    /// The answer is complete: counts it by its first line.
    pub(super) fn count_answer(
        &mut self,
        answers: &mut Answers,
        stats: &mut Stats,
        stages: &Stages,
    ) {
        self.head.clear();
        if let Some(sorted) = self.sorted.take() {
            answers.count(sorted);
            if let Some(error) = sorted.error {
                stats.add_error_answer(error, stages);
            }
        }
    }

    pub(super) fn keep_head(&mut self, bytes: &[u8]) {
        let room = FirstLine::LONGEST - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Counts how many messages of known length are completed by `length` bytes; at most as many as are in flight.
    pub(super) fn count_lengths(&mut self, mut length: usize, framing: &Framing) -> usize {
        let mut done = 0;
        while length > 0
            && let Some(front) = self.in_flight.get(done)
        {
            let missing = self
                .progress
                .unwrap_or_else(|| framing.begin(front.size as usize));
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

    /// The server has closed.
    pub(super) fn at_the_end(&mut self, state: &mut ThreadState) -> Result<Then, Broken> {
        if let Some(then) = self.end_http(state)? {
            return Ok(then);
        }
        let Expect {
            framing,
            conditions,
            ..
        } = state.plan.script.exchange(self.exchange()).1;
        // If no byte came before the end, there was no answer.
        if *framing == Framing::Close && self.in_flight.len() == 1 && self.progress.is_some() {
            let Requests {
                answers, dialect, ..
            } = &mut state.shared;
            state.stats.handshakes.cut += u64::from(self.stream.was_cut());
            self.sort(&[], true, answers, dialect);
            if let Err(unmet) = self.judge(&[], true, conditions) {
                self.count_wrong(unmet, 0, &[], &mut state.stats, &state.stages);
            }
            self.count_answer(answers, &mut state.stats, &state.stages);
            self.complete(1, state);
            return Ok(Then::Retire);
        }
        let cause = match self.in_flight.is_empty() {
            true if state.sends_no_more() => return Ok(Then::Over),
            true => Cause::ClosedIdle,
            false => Cause::ClosedEarly,
        };
        Err(Broken::Because(Phase::Receive, cause))
    }
}
