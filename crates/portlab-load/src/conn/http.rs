//! Receiving answers of HTTP.

use super::{Conn, ThreadState, receive::UNSOLICITED};
use crate::{
    Answers, Cause, Conditions, Expect, Http, HttpFault, Phase, Unmet,
    dialogue::{Broken, Then},
    http::{Head, LastHead, Reading, Sink},
    requests::Requests,
    stage::Stages,
    stats::Stats,
    status::Dialect,
};

/// The answer before said that the connection ends with it.
const CLOSED_BEHIND: Broken = Broken::Because(Phase::Receive, Cause::Http(HttpFault::ClosedBehind));

/// What receives an answer that didn't begin with the same head as the last one, or comes in several reads.
struct Receiver<'a> {
    conn: &'a mut Conn,
    answers: &'a mut Answers,
    dialect: &'a Dialect,
    last_head: &'a mut LastHead,
    conditions: &'a Conditions,
    /// Whether the head was complete with this read.
    has_head: bool,
    /// What the conditions say about the body, once it is complete.
    verdict: Option<Result<(), Unmet>>,
}

impl Sink for Receiver<'_> {
    fn head(&mut self, head: Head, bytes: &[u8], location: Option<&[u8]>) {
        self.answers.keep_first_head(bytes, self.conn.number);
        let sorted = self.answers.sort(bytes, true, self.dialect);
        self.conn.sorted = sorted;
        if let Some(sorted) = sorted {
            self.last_head.keep(bytes, head, sorted);
        }
        if let Some(location) = location {
            self.answers.keep_redirect(head.status, location);
        }
        self.has_head = true;
    }

    fn body(&mut self, bytes: &[u8], is_last: bool) {
        self.answers.keep_first_body(bytes, self.conn.number);
        if self.conditions.is_empty() {
            return;
        }
        self.conn.keep_head(bytes);
        let verdict = self.conn.judge(bytes, is_last, self.conditions);
        self.verdict = is_last.then_some(verdict);
    }
}

impl Conn {
    /// Reads `bytes`, in which answers of HTTP come; returns how many requests they answer, and what is wrong behind
    /// these answers.
    pub(super) fn check_http(
        &mut self,
        mut bytes: &[u8],
        (http, conditions): (&Http, &Conditions),
        shared: &mut Requests,
        (stats, stages): (&mut Stats, &Stages),
    ) -> (usize, Result<(), Broken>) {
        let mut done = 0;
        while !bytes.is_empty() {
            if self.in_flight.get(done).is_none() {
                return (done, Err(UNSOLICITED));
            }
            let closes;
            // Most answers have the same head as the one before, and are complete in one read.
            if self.http.is_none()
                && let Some((head, sorted, body, rest)) = shared.last_head.answer(bytes)
            {
                self.sorted = Some(sorted);
                self.finish(
                    head,
                    conditions.judge(body),
                    (done, body),
                    shared,
                    (stats, stages),
                );
                (closes, bytes) = (head.closes, rest);
            } else {
                let (mut new, mut kept) = (Reading::default(), self.http.take());
                let reading = kept.as_deref_mut().unwrap_or(&mut new);
                let mut receiver = Receiver {
                    conn: self,
                    answers: &mut shared.answers,
                    dialect: &shared.dialect,
                    last_head: &mut shared.last_head,
                    conditions,
                    has_head: false,
                    verdict: None,
                };
                let taken = reading.take(bytes, http.method.is_head(), &mut receiver);
                let Receiver {
                    has_head, verdict, ..
                } = receiver;
                let (used, head) = match taken {
                    Ok(Some(taken)) => taken,
                    Ok(None) => {
                        self.http = Some(kept.unwrap_or_else(|| Box::new(new)));
                        if has_head && conditions.is_empty() {
                            self.keep_head(shared.last_head.bytes());
                        }
                        break;
                    }
                    Err(fault) => {
                        return (
                            done,
                            Err(Broken::Because(Phase::Verify, Cause::Http(fault))),
                        );
                    }
                };
                let verdict = verdict.unwrap_or_else(|| self.judge(&[], true, conditions));
                self.finish(head, verdict, (done, &[]), shared, (stats, stages));
                (closes, bytes) = (head.closes, &bytes[used..]);
            }
            done += 1;
            if closes {
                return (done, self.closes_behind(done, bytes));
            }
        }
        (done, Ok(()))
    }

    /// The connection ends with the last of `done` answers, and `rest` has come behind it.
    fn closes_behind(&mut self, done: usize, rest: &[u8]) -> Result<(), Broken> {
        self.left = 0;
        match rest.is_empty() {
            _ if self.in_flight.len() > done => Err(CLOSED_BEHIND),
            true => Ok(()),
            false => Err(UNSOLICITED),
        }
    }

    /// The answer after `done` others of this read is complete: counts it. The last part of its body is `piece`.
    fn finish(
        &mut self,
        head: Head,
        verdict: Result<(), Unmet>,
        (done, piece): (usize, &[u8]),
        shared: &mut Requests,
        (stats, stages): (&mut Stats, &Stages),
    ) {
        if let Err(unmet) = verdict {
            self.count_wrong(unmet, done, piece, stats, stages);
        }
        self.count_answer(&mut shared.answers, stats, stages);
        shared.answers.count_status(head.status);
    }

    /// The server has closed: returns what follows if an answer was under way.
    pub(super) fn end_http(&mut self, state: &mut ThreadState) -> Result<Option<Then>, Broken> {
        let Some(reading) = &self.http else {
            return Ok(None);
        };
        let end = reading.end();
        let end = end.map_err(|fault| Broken::Because(Phase::Receive, Cause::Http(fault)))?;
        let Some(head) = end else {
            return Ok(None);
        };
        self.http = None;
        let Expect { conditions, .. } = &state.plan.script.expect;
        let verdict = self.judge(&[], true, conditions);
        let counts = (&mut *state.stats, &*state.stages);
        self.finish(head, verdict, (0, &[]), &mut state.shared, counts);
        let closed = self.closes_behind(1, &[]);
        self.complete(1, state);
        closed.map(|()| Some(Then::Retire))
    }
}
