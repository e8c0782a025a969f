//! Work before each answer of any service: `wait:5ms`, `block:5ms`, `cpu:200us`, `panic`.

use std::{fmt, net::SocketAddr, str::FromStr, time::Duration};

use portlab_words::{Text, tr, units};

use crate::{ConnId, Cut, Cx, Flow, Found, Hub, Lookup, Mail, Service, Session, Work};

/// What the handler does for every message, that is for every read that brings bytes.
///
/// A byte stream has no boundaries of messages. A client that sends one message and waits for its answer causes one read
/// per message; a client that pipelines may cause one read for several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlerWork {
    /// Do this work, then answer.
    Work(Work),
    /// Panic: a bug in the handler. It shows what else ends with the connection.
    Panic,
}

impl HandlerWork {
    /// How long the work takes.
    pub fn time(self) -> Duration {
        match self {
            Self::Work(Work::Wait(time) | Work::Block(time) | Work::Cpu(time)) => time,
            Self::Work(Work::None) | Self::Panic => Duration::ZERO,
        }
    }
}

/// Reads the work as it is given on the command line: an hour at most.
impl FromStr for HandlerWork {
    type Err = Text;

    fn from_str(text: &str) -> Result<Self, Text> {
        let wrong = || {
            tr!(
                "unknown kind of work {text:?}: expected none, wait:5ms, block:5ms, cpu:200us or panic",
                "没有 {text:?} 这种处理方式；可以写 none、wait:5ms、block:5ms、cpu:200us 或 panic"
            )
        };
        match text {
            "none" => return Ok(Self::Work(Work::None)),
            "panic" => return Ok(Self::Panic),
            _ => {}
        }
        let (kind, time) = text.split_once(':').ok_or_else(wrong)?;
        let make: fn(Duration) -> Work = match kind {
            "wait" => Work::Wait,
            "block" => Work::Block,
            "cpu" => Work::Cpu,
            _ => return Err(wrong()),
        };
        let time = units::duration("0s", "1h")(time).map_err(|error| {
            tr!(
                "the time of wait, block or cpu: {error}",
                "wait、block 或 cpu 的时间：{error:#}"
            )
        })?;
        Ok(Self::Work(make(time)))
    }
}

/// Writes the work as it is given on the command line.
impl fmt::Display for HandlerWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, time) = match self {
            Self::Panic => return f.write_str("panic"),
            Self::Work(Work::None) => return f.write_str("none"),
            Self::Work(Work::Wait(time)) => ("wait", time),
            Self::Work(Work::Block(time)) => ("block", time),
            Self::Work(Work::Cpu(time)) => ("cpu", time),
        };
        let time = humantime::format_duration(*time).to_string();
        write!(f, "{kind}:{}", time.replace(' ', ""))
    }
}

/// A service with `work` before each answer that it gives to data.
pub(crate) struct WithWork {
    pub(crate) service: Box<dyn Service>,
    pub(crate) work: HandlerWork,
}

impl Service for WithWork {
    fn open(&self, conn: ConnId, peer: SocketAddr) -> Box<dyn Session> {
        Box::new(WorkingSession {
            session: self.service.open(conn, peer),
            work: self.work,
        })
    }

    fn hub(&self) -> Option<Box<dyn Hub>> {
        self.service.hub()
    }

    fn refusal(&self) -> Vec<u8> {
        self.service.refusal()
    }
}

struct WorkingSession {
    session: Box<dyn Session>,
    work: HandlerWork,
}

impl Session for WorkingSession {
    fn on_open(&mut self, cx: &mut Cx<'_>) -> Flow {
        self.session.on_open(cx)
    }

    fn on_data(&mut self, input: &[u8], cx: &mut Cx<'_>) -> Flow {
        let flow = self.session.on_data(input, cx);
        match self.work {
            HandlerWork::Work(work) => flow.after(work),
            HandlerWork::Panic => panic!("the handler panics, because of --work panic"),
        }
    }

    // The work is done once for each read.
    fn on_more(&mut self, cx: &mut Cx<'_>) -> Flow {
        self.session.on_more(cx)
    }

    fn unfinished(&self) -> Option<u64> {
        self.session.unfinished()
    }

    fn on_mail(&mut self, mail: &Mail, cx: &mut Cx<'_>) -> Flow {
        self.session.on_mail(mail, cx)
    }

    fn on_missed(&mut self, count: u64, cx: &mut Cx<'_>) -> Flow {
        self.session.on_missed(count, cx)
    }

    fn lookup(&self) -> &Lookup {
        self.session.lookup()
    }

    fn on_found(&mut self, found: &Found, cx: &mut Cx<'_>) -> Flow {
        self.session.on_found(found, cx)
    }

    fn on_cut(&mut self, why: Cut, now_s: u64, cx: &mut Cx<'_>) {
        self.session.on_cut(why, now_s, cx);
    }

    fn on_eof(&mut self, cx: &mut Cx<'_>) -> Flow {
        self.session.on_eof(cx)
    }
}
