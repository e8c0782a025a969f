//! One connection of a web server.

use std::{mem, sync::Arc, vec};

use super::{
    HttpOptions, accept,
    answer::{ALLOWED, Answer, Piece},
    body::Body,
    conditions::{Conditions, http_date},
    page,
    request::{Method, Request},
    status::Status,
    target::Target,
};
use crate::{Cut, Cx, Flow, Found, Lookup, Next, PathLookup, Session, What, Work};

/// Requests in, responses out, in order: while a request is answered, later ones wait in `buffer`.
pub(super) struct HttpSession {
    options: Arc<HttpOptions>,
    /// The bytes that were not handled; no memory if there are none.
    buffer: Vec<u8>,
    /// So many bytes of `buffer` were searched for the end of a head.
    searched: usize,
    /// Counts heads, bodies and answers, so that each has a time limit of its own.
    number: u64,
    state: State,
    /// The time of the last response, and its date: responses within a second have the same one.
    date: (u64, Box<str>),
}

enum State {
    /// A head is read, and nothing of it is kept.
    Head,
    /// The body of this request is discarded.
    Body(Body, Box<Asked>),
    /// What this request needs is looked up.
    Answering(Box<Asked>),
    /// The body of the response is sent.
    Sending(vec::IntoIter<Piece>, Closes),
}

type Closes = bool;

/// A request that waits for its answer.
struct Asked {
    lookup: Lookup,
    answer: Kind,
    conditions: Conditions,
    is_head: bool,
    closes: Closes,
}

enum Kind {
    /// The file or the folder that was looked up; its query, for a redirection.
    File(String),
    /// An error.
    Error(Status),
    /// The methods that are allowed.
    Methods,
}

impl HttpSession {
    pub(super) fn new(options: Arc<HttpOptions>) -> Self {
        Self {
            options,
            buffer: Vec::new(),
            searched: 0,
            number: 0,
            state: State::Head,
            date: (0, Box::default()),
        }
    }

    /// Makes the response of an answer.
    fn answer<'a>(&'a mut self, now_s: u64, out: &'a mut Vec<u8>) -> Answer<'a> {
        if self.date.0 != now_s || self.date.1.is_empty() {
            self.date = (now_s, http_date(now_s).to_string().into());
        }
        Answer {
            out,
            options: &self.options,
            now_s,
            date: &self.date.1,
            closes: true,
            is_head: false,
        }
    }

    /// Handles requests from the beginning of `input`, until one needs an answer or more input. Returns how many bytes were
    /// taken.
    fn advance(&mut self, input: &[u8], cx: &mut Cx<'_>) -> (usize, Flow) {
        let mut at = 0;
        loop {
            match mem::replace(&mut self.state, State::Head) {
                State::Head => match Request::read(&input[at..], self.searched, &self.options) {
                    Err(status) => return (input.len(), self.refuse(status)),
                    Ok(None) => {
                        self.searched = input.len() - at;
                        return (at, Flow::CONTINUE);
                    }
                    Ok(Some((request, length))) => {
                        at += length;
                        self.searched = 0;
                        self.number += 1;
                        self.begin(request, cx);
                    }
                },
                State::Body(mut body, asked) => match body.discard(&input[at..]) {
                    Err(status) => return (input.len(), self.refuse(status)),
                    Ok((used, is_complete)) => {
                        at += used;
                        self.state = match is_complete {
                            true => State::Answering(asked),
                            false => State::Body(body, asked),
                        };
                        if !is_complete {
                            return (at, Flow::CONTINUE);
                        }
                    }
                },
                state => {
                    self.state = state;
                    return (at, Flow::LOOKUP);
                }
            }
        }
    }

    /// Answers with an error, after which the connection ends.
    fn refuse(&mut self, status: Status) -> Flow {
        self.state = State::Answering(Box::new(Asked {
            lookup: Lookup::Time,
            answer: Kind::Error(status),
            conditions: Conditions::default(),
            is_head: false,
            closes: true,
        }));
        Flow::LOOKUP
    }

    fn begin(&mut self, request: Request, cx: &mut Cx<'_>) {
        let (body, awaits_continue) = (request.body, request.awaits_continue);
        let mut asked = Asked::new(request);
        self.state = match body {
            None => State::Answering(Box::new(asked)),
            // The client that waits gets its answer at once, and may or may not send the body: the connection ends.
            Some(_) if awaits_continue && matches!(asked.answer, Kind::Error(_)) => {
                asked.closes = true;
                State::Answering(Box::new(asked))
            }
            Some(body) => {
                if awaits_continue {
                    cx.out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
                }
                State::Body(body, Box::new(asked))
            }
        };
    }

    /// Sends the next pieces of the answer.
    fn send(&mut self, mut pieces: vec::IntoIter<Piece>, closes: Closes, cx: &mut Cx<'_>) -> Flow {
        for piece in pieces.by_ref() {
            match piece {
                Piece::Text(text) => cx.out.extend_from_slice(&text),
                Piece::OfFile(range) => {
                    self.state = State::Sending(pieces, closes);
                    return Flow {
                        work: Work::None,
                        next: Next::Body {
                            from: range.from,
                            length: range.length,
                        },
                    };
                }
            }
        }
        self.number += 1;
        match (closes, self.buffer.is_empty()) {
            (true, _) => Flow::CLOSE,
            (false, true) => Flow::CONTINUE,
            (false, false) => Flow::MORE,
        }
    }
}

impl Asked {
    fn new(request: Request) -> Self {
        let mut lookup = Lookup::Time;
        let answer = match (request.method, request.target) {
            (Method::Unknown, _) => Kind::Error(Status::NOT_IMPLEMENTED),
            (Method::Other, _) => Kind::Error(Status::METHOD_NOT_ALLOWED),
            (Method::Options, _) => Kind::Methods,
            // Only OPTIONS may ask about the server itself.
            (_, Target::Server) => Kind::Error(Status::BAD_REQUEST),
            (_, Target::Path(target)) => {
                lookup = Lookup::Path(PathLookup {
                    path: target.path,
                    is_folder: target.is_folder,
                    codings: accept::codings(request.conditions.accept_encoding.as_deref()),
                });
                Kind::File(target.query)
            }
        };
        Self {
            lookup,
            answer,
            conditions: request.conditions,
            is_head: request.method == Method::Head,
            closes: request.closes,
        }
    }

    /// Writes the response, and returns what follows it.
    fn answer(&self, found: &Found, mut answer: Answer<'_>) -> Vec<Piece> {
        answer.closes = self.closes;
        answer.is_head = self.is_head;
        let path = match &self.lookup {
            Lookup::Path(lookup) => &lookup.path[..],
            Lookup::Time => b"",
        };
        match (&self.answer, &found.what) {
            (Kind::Error(status @ Status::METHOD_NOT_ALLOWED), _) => {
                answer.error(*status, &[("Allow", ALLOWED)]);
            }
            (Kind::Error(status), _) => answer.error(*status, &[]),
            (Kind::Methods, _) => {
                answer.begin(Status::NO_CONTENT);
                answer.field("Allow", ALLOWED);
                answer.end();
            }
            (Kind::File(_), What::File(facts)) => return answer.file(facts, &self.conditions),
            (Kind::File(query), What::NeedsSlash) => {
                let place = format!("/{}/{query}", page::link(path));
                answer.error(Status::MOVED_PERMANENTLY, &[("Location", &place)]);
            }
            (Kind::File(_), What::Listing(listing)) => {
                let page = page::listing(path, listing, answer.options);
                answer.page(Status::OK, &page, &[]);
            }
            (Kind::File(_), What::Missing) => answer.error(Status::NOT_FOUND, &[]),
            (Kind::File(_), What::Forbidden) => answer.error(Status::FORBIDDEN, &[]),
            (Kind::File(_), What::Failed | What::Nothing) => {
                answer.error(Status::INTERNAL_SERVER_ERROR, &[]);
            }
        }
        Vec::new()
    }
}

impl Session for HttpSession {
    fn on_data(&mut self, input: &[u8], cx: &mut Cx<'_>) -> Flow {
        // Usually a read is a whole request, and nothing is copied.
        if self.buffer.is_empty() {
            let (used, flow) = self.advance(input, cx);
            self.buffer.extend_from_slice(&input[used..]);
            return flow;
        }
        self.buffer.extend_from_slice(input);
        self.on_more(cx)
    }

    fn on_more(&mut self, cx: &mut Cx<'_>) -> Flow {
        match mem::replace(&mut self.state, State::Head) {
            State::Sending(pieces, closes) => self.send(pieces, closes, cx),
            state => {
                self.state = state;
                let mut buffer = mem::take(&mut self.buffer);
                let (used, flow) = self.advance(&buffer, cx);
                if used < buffer.len() {
                    buffer.drain(..used);
                    self.buffer = buffer;
                }
                flow
            }
        }
    }

    fn lookup(&self) -> &Lookup {
        match &self.state {
            State::Answering(asked) => &asked.lookup,
            _ => &Lookup::Time,
        }
    }

    fn on_found(&mut self, found: &Found, cx: &mut Cx<'_>) -> Flow {
        let State::Answering(asked) = mem::replace(&mut self.state, State::Head) else {
            return Flow::CLOSE;
        };
        let pieces = asked.answer(found, self.answer(found.now_s, cx.out));
        self.send(pieces.into_iter(), asked.closes, cx)
    }

    fn unfinished(&self) -> Option<u64> {
        let is_reading = match self.state {
            State::Head => !self.buffer.is_empty(),
            State::Body(..) => true,
            State::Answering(_) | State::Sending(..) => false,
        };
        is_reading.then_some(self.number)
    }

    fn on_cut(&mut self, why: Cut, now_s: u64, cx: &mut Cx<'_>) {
        // A client that sent nothing of a request expects no answer.
        if matches!(why, Cut::Idle | Cut::Unfinished) && self.unfinished().is_some() {
            let mut answer = self.answer(now_s, cx.out);
            answer.error(Status::REQUEST_TIMEOUT, &[]);
        }
    }
}
