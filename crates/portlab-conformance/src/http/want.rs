//! What must come back, and the client that compares it with what came.

use std::{collections::VecDeque, io, net::SocketAddr, thread, time::Duration};

use portlab_service::inert;
use portlab_words::{Text, tr};

use super::{
    Broken,
    ask::{Ask, Step, shown},
    conn::{Answer, Conn, Next},
    known::Known,
};
use crate::patience::patience;

/// One thing that must come back. A row lists them in their order.
#[derive(Debug)]
pub(super) enum Want {
    /// The next answer has one of these statuses; [`USUAL`] stands for that of `GET /`.
    Status(&'static [u16]),
    /// The same for the answer to HEAD, which has no body.
    Head(&'static [u16]),
    /// An answer with any status.
    Any,
    /// An answer that doesn't say that the message is malformed or too large.
    Taken,
    /// An answer with the status of an error, or the end of the connection.
    Refused,
    /// The last answer has this field.
    Has(&'static str),
    /// The last answer doesn't have it.
    Lacks(&'static str),
    /// The last answer has the field with this value; `{…}` as in what is sent.
    Is(&'static str, &'static str),
    /// The body of the last answer is the page from one byte up to another.
    Part(usize, usize),
    /// The last answer's body is this text.
    Body(&'static str),
    /// Something else holds of the answers.
    Holds(fn(&[Answer], &Known) -> bool),
    /// The next request on the connection gets the usual answer, and no other answer comes.
    Open,
    /// The server closes the connection: no other answer comes.
    Closed,
    /// The connection ends, after an answer or without one.
    Ended,
    /// The connection ends without an answer to the next request. A server that doesn't need the body may have answered
    /// before it, and may say 400 at the end.
    Dropped,
    /// Open or closed: no byte of a body was taken for a request.
    InStep,
}

/// The status of `GET /`.
pub(super) const USUAL: u16 = 0;

/// A connection on which a rule is checked.
struct Talk<'a> {
    conn: Conn,
    /// Connections before this one, whose answers come first: one of each.
    before: VecDeque<Conn>,
    known: &'a Known,
    addr: SocketAddr,
    /// What came while the request was sent.
    early: Option<Next>,
    answers: Vec<Answer>,
    /// Bytes that aren't an answer.
    rest: Vec<u8>,
    has_waited: bool,
}

/// Sends what `ask` says on a connection of its own, and compares what comes with `wants`.
pub(super) fn converse(
    addr: SocketAddr,
    ask: &Ask,
    wants: &[Want],
    known: &Known,
) -> Result<(), Box<Broken>> {
    let broken = |saw, answer, has_waited| {
        let (request, line) = (ask.shown(), ask.line());
        Box::new(Broken {
            saw,
            request,
            answer,
            line,
            has_waited,
        })
    };
    let conn = Conn::open(addr).map_err(|error| broken(unreached(error), String::new(), true))?;
    let mut talk = Talk {
        conn,
        before: VecDeque::new(),
        known,
        addr,
        early: None,
        answers: Vec::new(),
        rest: Vec::new(),
        has_waited: false,
    };
    let result = talk
        .send(ask)
        .and_then(|()| wants.iter().try_for_each(|want| talk.check(want)));
    result.map_err(|saw| broken(saw, talk.shown(), talk.has_waited))
}

fn unreached(error: io::Error) -> Text {
    let why = Text::system(&error);
    tr!("the client can't connect: {why}", "客户端连不上：{why:#}")
}

impl Talk<'_> {
    fn send(&mut self, ask: &Ask) -> Result<(), Text> {
        for step in &ask.steps {
            match step {
                Step::Send(bytes) => self.conn.send(bytes.clone()),
                Step::End => self.conn.end(),
                Step::New => {
                    let next = Conn::open(self.addr).map_err(unreached)?;
                    self.before
                        .push_back(std::mem::replace(&mut self.conn, next));
                }
                Step::Pause => thread::sleep(MOMENT),
                Step::Wait if self.conn.is_silent(MOMENT) => {}
                Step::Wait => {
                    return Err(tr!(
                        "something comes before the request is complete",
                        "请求还没有发完，就收到了东西"
                    ));
                }
                Step::Continue => match self.conn.next_of_any_status(false) {
                    Next::Answer(answer) if answer.status == 100 => {}
                    next => {
                        self.early = Some(next);
                        break;
                    }
                },
            }
        }
        Ok(())
    }

    fn next(&mut self, is_head: bool) -> Next {
        match self.before.pop_front() {
            Some(mut conn) => conn.next(is_head),
            None => self.early.take().unwrap_or_else(|| self.conn.next(is_head)),
        }
    }

    fn check(&mut self, want: &Want) -> Result<(), Text> {
        match want {
            Want::Status(statuses) => self.status(statuses, false),
            Want::Head(statuses) => self.status(statuses, true),
            Want::Any => self.answer(false).map(drop),
            Want::Taken => match self.answer(false)? {
                status @ (400 | 408 | 413 | 414 | 431 | 500 | 502..) => Err(tr!(
                    "status {status}, as if the message were malformed",
                    "状态码是 {status}，就像请求的格式有误一样"
                )),
                _ => Ok(()),
            },
            Want::Refused => match self.next(false) {
                Next::End(rest) if rest.is_empty() => Ok(()),
                next => match self.take(next)? {
                    400.. => Ok(()),
                    status => Err(tr!(
                        "status {status} instead of an error",
                        "状态码是 {status}，而不是错误"
                    )),
                },
            },
            Want::Ended => loop {
                match self.next(false) {
                    Next::End(rest) if rest.is_empty() => return Ok(()),
                    next => self.take(next)?,
                };
            },
            Want::Dropped => match self.next(false) {
                Next::End(rest) if rest.is_empty() => Ok(()),
                next => self.take(next).and_then(|_| self.more(want)),
            },
            Want::Open | Want::Closed | Want::InStep => self.more(want),
            want => self.compare(want),
        }
    }

    /// Compares the last answer.
    fn compare(&self, want: &Want) -> Result<(), Text> {
        let Some(answer) = self.answers.last() else {
            return Ok(());
        };
        match want {
            Want::Has(name) if answer.field(name).is_none() => Err(tr!(
                "the answer has no field {name}",
                "回答里没有字段 {name}"
            )),
            Want::Lacks(name) if answer.field(name).is_some() => {
                Err(tr!("the answer has a field {name}", "回答里有字段 {name}"))
            }
            Want::Is(name, value) => {
                let value = value
                    .strip_prefix('{')
                    .and_then(|it| self.known.value(it.strip_suffix('}')?));
                let Want::Is(_, text) = want else {
                    return Ok(());
                };
                let (value, came) = (
                    value.unwrap_or_else(|| (*text).to_owned()),
                    answer.field(name),
                );
                match came == Some(&*value) {
                    true => Ok(()),
                    false => {
                        let came = inert(came.unwrap_or("-"));
                        Err(tr!(
                            "{name} is {came} instead of {value}",
                            "{name} 是 {came}，而不是 {value}"
                        ))
                    }
                }
            }
            Want::Part(from, to) => {
                let page = &self.known.body;
                let part = &page[(*from).min(page.len())..(*to).min(page.len())];
                self.body(answer, part)
            }
            Want::Body(text) => self.body(answer, text.as_bytes()),
            Want::Holds(holds) if !holds(&self.answers, self.known) => Err(Text::new(
                "the answer isn't as the rule says",
                "回答与规则不符",
            )),
            _ => Ok(()),
        }
    }

    fn body(&self, answer: &Answer, expected: &[u8]) -> Result<(), Text> {
        let (came, expected_length) = (answer.body.len(), expected.len());
        match answer.body == expected {
            true => Ok(()),
            false => Err(tr!(
                "the body has {came} bytes, and isn't the {expected_length} bytes that it should be",
                "正文有 {came} 字节，不是应有的那 {expected_length} 字节"
            )),
        }
    }

    fn status(&mut self, statuses: &[u16], is_head: bool) -> Result<(), Text> {
        let status = self.answer(is_head)?;
        let all = statuses
            .iter()
            .map(|it| if *it == USUAL { self.known.usual } else { *it });
        let all: Vec<_> = all.collect();
        let wanted = all.iter().map(u16::to_string).collect::<Vec<_>>().join("/");
        match all.contains(&status) {
            true => Ok(()),
            false => Err(tr!(
                "status {status} instead of {wanted}",
                "状态码是 {status}，而不是 {wanted}"
            )),
        }
    }

    fn answer(&mut self, is_head: bool) -> Result<u16, Text> {
        let next = self.next(is_head);
        self.take(next)
    }

    /// Keeps an answer, and returns its status.
    fn take(&mut self, next: Next) -> Result<u16, Text> {
        let (rest, without) = match next {
            Next::Answer(answer) => {
                let status = answer.status;
                self.answers.push(*answer);
                return Ok(status);
            }
            Next::End(rest) => (
                rest,
                Text::new(
                    "the connection ends without an answer",
                    "没有回答，连接就结束了",
                ),
            ),
            Next::Nothing(rest) => {
                self.has_waited |= rest.is_empty();
                let seconds = patience().as_secs_f64();
                (
                    rest,
                    tr!(
                        "no answer within {seconds:.1} s",
                        "等了 {seconds:.1} 秒，没有回答"
                    ),
                )
            }
        };
        let is_empty = rest.is_empty();
        self.rest = rest;
        Err(match is_empty {
            true => without,
            false => Text::new(
                "what comes isn't a complete response of HTTP",
                "收到的不是一个完整的 HTTP 响应",
            ),
        })
    }

    /// Sends a last request, and counts the answers up to the end.
    fn more(&mut self, want: &Want) -> Result<(), Text> {
        let host = self.addr;
        self.conn
            .send(format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").into());
        let before = self.answers.len();
        let without = loop {
            match self.next(false) {
                next @ Next::Answer(_) if self.answers.len() < before + 2 => drop(self.take(next)),
                Next::Answer(_) => break None,
                Next::End(rest) if rest.is_empty() => break None,
                next => break self.take(next).err(),
            }
        };
        let more: Vec<_> = self.answers[before..].iter().map(|it| it.status).collect();
        let is_open = more[..] == [self.known.usual] && self.rest.is_empty();
        let has_closed = more.is_empty() && without.is_none();
        match (want, &more[..]) {
            (Want::Open | Want::InStep, _) if is_open => Ok(()),
            (Want::Closed | Want::Dropped | Want::InStep, _) if has_closed => Ok(()),
            (Want::Dropped, [400]) if without.is_none() => Ok(()),
            (_, []) => Err(match without {
                Some(without) => {
                    tr!(
                        "after the answer, the connection is not closed: {without}",
                        "回答之后，连接没有关闭：{without:#}"
                    )
                }
                None => Text::new("the server closes the connection", "服务端关闭了连接"),
            }),
            (Want::Closed | Want::Dropped, [_]) => Err(Text::new(
                "the connection stays open: the next request is answered",
                "连接没有关闭：后面的请求得到了回答",
            )),
            _ => {
                let count = more.len();
                let all = more
                    .iter()
                    .map(u16::to_string)
                    .collect::<Vec<_>>()
                    .join(", ");
                Err(tr!(
                    "the next request gets {count} answers, {all}: the server doesn't know where a request ends",
                    "后面的一个请求得到了 {count} 个回答（{all}）：服务端不知道一个请求到哪里结束"
                ))
            }
        }
    }

    /// The last answer, or what came in its place.
    fn shown(&self) -> String {
        match self.answers.last() {
            Some(answer) if self.rest.is_empty() => {
                shown(&[&answer.head[..], &answer.body].concat())
            }
            _ => shown(&self.rest),
        }
    }
}

/// How long a client waits where nothing may come.
const MOMENT: Duration = Duration::from_millis(20);
