//! Receiving answers of HTTP.

use super::{
    Conn,
    receive::{Counts, UNSOLICITED},
};
use crate::{
    Cause, Conditions, Http, HttpFault, Phase,
    dialogue::Broken,
    http::{Head, Sink},
    requests::Requests,
};

/// The previous answer said that the connection ends with it.
const CLOSED_BEHIND: Broken = Broken::Because(Phase::Receive, Cause::Http(HttpFault::ClosedBehind));

/// What receives an answer that doesn't begin with the same head as the last one, or comes in several reads.
struct Receiver<'a> {
    conn: &'a mut Conn,
    shared: &'a mut Requests,
    conditions: &'a Conditions,
}

impl Sink for Receiver<'_> {
    fn head(&mut self, head: Head, bytes: &[u8], location: Option<&[u8]>) {
        let answers = &mut self.shared.answers;
        answers.keep_first_head(bytes, self.conn.number);
        self.conn.sorted = answers.sort(bytes, true, &self.shared.dialect);
        if let Some(location) = location {
            answers.keep_redirect(head.status, location);
        }
        if let Some(sorted) = self.conn.sorted {
            self.shared.last_head.keep(bytes, head, sorted);
        }
        if self.conditions.is_empty() {
            self.conn.keep_head(bytes);
        }
    }

    fn body(&mut self, bytes: &[u8]) {
        let answers = &mut self.shared.answers;
        answers.keep_first_body(bytes, self.conn.number);
        if !self.conditions.is_empty() {
            self.conn.keep_head(bytes);
            // Before the end of the answer, no condition fails.
            let _ = self.conn.judge(bytes, false, self.conditions);
        }
    }
}

impl Conn {
    /// Reads `bytes`, in which answers of HTTP come; returns how many requests they answer, and what is wrong behind
    /// these answers.
    pub(super) fn check_http(
        &mut self,
        mut bytes: &[u8],
        http: &Http,
        conditions: &Conditions,
        counts: &mut Counts<'_>,
    ) -> (usize, Result<(), Broken>) {
        let mut done = 0;
        while !bytes.is_empty() {
            if self.in_flight.get(done).is_none() {
                return (done, Err(UNSOLICITED));
            }
            let known = counts.shared.last_head.answer(bytes);
            // Most answers have the same head as the one before, and are complete in one read.
            let (head, verdict, body, rest) = if self.http.is_none()
                && let Some((head, sorted, body, rest)) = known
            {
                self.sorted = Some(sorted);
                (head, conditions.judge(body), body, rest)
            } else {
                let mut reading = self.http.take().unwrap_or_default();
                let mut receiver = Receiver {
                    conn: self,
                    shared: counts.shared,
                    conditions,
                };
                match reading.take(bytes, http.method.is_head(), &mut receiver) {
                    Ok(Some((used, head))) => {
                        let verdict = self.judge(&[], true, conditions);
                        (head, verdict, &[][..], &bytes[used..])
                    }
                    Ok(None) => {
                        self.http = Some(reading);
                        break;
                    }
                    Err(fault) => {
                        let broken = Broken::Because(Phase::Verify, Cause::Http(fault));
                        return (done, Err(broken));
                    }
                }
            };
            self.finish(verdict, (done, body), counts);
            counts.shared.answers.count_status(head.status);
            (bytes, done) = (rest, done + 1);
            if head.closes {
                return (done, self.closes_behind(done, bytes));
            }
        }
        (done, Ok(()))
    }

    /// The connection ends with the last of `done` answers, and `rest` has come behind it.
    pub(super) fn closes_behind(&mut self, done: usize, rest: &[u8]) -> Result<(), Broken> {
        self.left = 0;
        match rest.is_empty() {
            _ if self.in_flight.len() > done => Err(CLOSED_BEHIND),
            true => Ok(()),
            false => Err(UNSOLICITED),
        }
    }
}
