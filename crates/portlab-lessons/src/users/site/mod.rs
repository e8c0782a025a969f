//! The user's own web server: the lesson requests pages from it, and says what is wrong with the responses.

mod flaw;

use std::{
    io::{
        self,
        ErrorKind::{TimedOut, WouldBlock},
        Read, Write,
    },
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use portlab_sys::{holder::holder, listening::has_listener, socket::uninterrupted};

use super::server;
use crate::{
    cast::{Answer, Fault, Role, Site, Student, connect},
    stage::{Exit, LessonStep, Seen, Stage},
};

pub(crate) use flaw::{Flaw, flaw_in};

/// A visit to the user's server, which decides a claim.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The claim. In the text, `{CLAIM_flaw}` says what is wrong.
    pub(crate) claim: &'static str,
    /// Visits the server at this address, and returns what is wrong with it.
    pub(crate) visit: fn(SocketAddr) -> Option<Flaw>,
}

/// Starts a student's program at a port; `None` without Python.
pub(crate) type Start<'a> = &'a dyn Fn(&mut Stage<'_>, &str) -> io::Result<Option<Student>>;

/// The step `yours`: visits the user's server, which may be changed and started again as long as it has a flaw. Without a
/// user, the program that `start` starts is visited, or, without Python, a site with this `answer`.
pub(crate) fn yours(
    stage: &mut Stage<'_>,
    probes: &[Probe],
    start: Start<'_>,
    answer: Answer,
) -> Result<(), Exit> {
    let port = server::port(stage)?;
    let mut step = stage.task("yours")?;
    let found = match step.is_interactive() {
        true => found_with_the_user(&mut step, port, probes)?,
        false => found_without_a_user(&mut step, port, probes, start, answer)?,
    };
    let is_there = found.is_some();
    let (holder, flaws) = found.unwrap_or_else(|| ("-".to_owned(), Vec::new()));
    step.set("holder", holder);
    step.seen("listens", Seen::if_shown(is_there));
    for (at, probe) in probes.iter().enumerate() {
        let flaw = flaws.get(at).and_then(Option::as_ref);
        let lang = step.lang();
        let said = flaw.map_or_else(|| "-".to_owned(), |flaw| flaw.said(lang));
        step.set(&format!("{}_flaw", probe.claim), said);
        let seen = match is_there {
            true => Seen::if_shown(flaw.is_none()),
            false => Seen::Moot,
        };
        step.seen(probe.claim, seen);
    }
    step.end()
}

/// The process that serves the site, and the flaw that each probe found.
type Found = (String, Vec<Option<Flaw>>);

/// What was found at the user's last server; `None` if it never listened.
fn found_with_the_user(
    step: &mut LessonStep<'_, '_>,
    port: u16,
    probes: &[Probe],
) -> Result<Option<Found>, Exit> {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // A connection without a request would end some servers.
    let meet = |addr| has_listener(addr).unwrap_or(true).then_some(());
    let mut last = None;
    while server::met_on_request(step, addr, meet)?.is_some() {
        let lang = step.lang();
        step.remark(lang.pick("Requesting pages ...", "正在请求网页……"))?;
        let found = found(addr, probes);
        let flaw = found.1.iter().flatten().next();
        let said = flaw.map(|flaw| flaw.said(lang));
        last = Some(found);
        let Some(said) = said else { break };
        step.warn(&said)?;
        step.remark(lang.pick(
            "Change your server and start it again: the lesson visits it once more.",
            "改好服务端再启动一次，演示程序会重新请求。",
        ))?;
    }
    Ok(last)
}

/// What was found at a server in the user's place; `None` if it didn't start.
fn found_without_a_user(
    step: &mut LessonStep<'_, '_>,
    port: u16,
    probes: &[Probe],
    start: Start<'_>,
    answer: Answer,
) -> Result<Option<Found>, Exit> {
    let Some(mut student) = start(step, &port.to_string())? else {
        return Ok(Some(found(Site::open(answer)?.addr, probes)));
    };
    let door = student.door();
    if let Ok(addr) = door {
        return Ok(Some(found(addr, probes)));
    }
    if let Some(error) = student.error_if_ended() {
        step.diagnose(&Fault::Failed(error), Role::Server)?;
    }
    Ok(None)
}

fn found(addr: SocketAddr, probes: &[Probe]) -> Found {
    let by = holder(addr).map_or_else(|| "-".to_owned(), |by| by.to_string());
    let flaws = probes.iter().map(|probe| (probe.visit)(addr));
    (by, flaws.collect())
}

/// The bytes that came as a response.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Vec<u8>,
    /// Whether the server closed the connection.
    pub(crate) ended: bool,
}

/// Requests `path`, and receives until the connection ends, or the response is complete and nothing more comes for a second.
/// Whatever goes wrong, the bytes that came are returned.
pub(crate) fn requested(addr: SocketAddr, path: &str) -> Received {
    let mut received = Received {
        bytes: Vec::new(),
        ended: true,
    };
    let Ok(mut stream) = connect(addr) else {
        return received;
    };
    // A server may close before it has read everything; then only the response counts.
    let _ = stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n\r\n").as_bytes());
    let mut buffer = [0; 4096];
    loop {
        match uninterrupted(|| stream.read(&mut buffer)) {
            Ok(0) => return received,
            Ok(length) => received.bytes.extend_from_slice(&buffer[..length]),
            Err(error) => {
                received.ended = !matches!(error.kind(), WouldBlock | TimedOut);
                return received;
            }
        }
        if received.is_complete() {
            // Fails only for a time of zero.
            let _ = stream.set_read_timeout(Some(MORE));
        }
    }
}

/// How long to wait for bytes behind a complete response.
const MORE: Duration = Duration::from_secs(1);
