//! The user's own server: this lesson is its client.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use portlab_lab::Server;
use portlab_sys::{holder::holder, socket::uninterrupted};

use crate::{
    cast::{Fault, PATIENCE, Role, Student, encoded, encoding, fault_in, hex, read_as, receive},
    stage::{Exit, LessonStep, Seen, Stage},
    users::server,
};

/// The last step. After a wrong answer the user gets a diagnosis, and may start a changed server.
pub(super) fn yours(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let port = server::port(stage)?;
    let mut step = stage.task("yours")?;
    for name in ["holder", "their_hex", "their_text"] {
        step.set(name, "-");
    }
    let last = match step.is_interactive() {
        true => asked_of_the_user(&mut step, port)?,
        false => asked_of_a_stand_in(&mut step, port)?,
    };
    let Some(outcome) = last else {
        step.seen("listens", Seen::NotHere);
        step.seen("answered", Seen::Moot);
        step.seen("closed", Seen::Moot);
        return step.end();
    };
    step.set("holder", &outcome.holder);
    step.seen("listens", true);
    show_answer(&mut step, &outcome);
    step.seen("answered", Seen::if_shown(outcome.fault.is_none()));
    step.seen("closed", Seen::if_shown(outcome.closed));
    step.end()
}

/// What the user's last server did; `None` if it never listened.
fn asked_of_the_user(stage: &mut Stage<'_>, port: u16) -> Result<Option<Outcome>, Exit> {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut last = None;
    let connect = |addr| TcpStream::connect(addr).ok();
    while let Some(client) = server::met_on_request(stage, addr, connect)? {
        let outcome = asked(stage, client, addr, false)?;
        let fault = outcome.fault.clone();
        last = Some(outcome);
        let Some(fault) = fault else { break };
        stage.diagnose(&fault, Role::Server)?;
        let lang = stage.lang();
        stage.remark(lang.pick(
            "Change server.py and start it again: the lesson connects once more.",
            "改好 server.py 再启动一次，演示程序会重新连接。",
        ))?;
    }
    Ok(last)
}

/// What a server in the user's place did; `None` if it didn't start, or if another program has taken the port.
fn asked_of_a_stand_in(stage: &mut Stage<'_>, port: u16) -> Result<Option<Outcome>, Exit> {
    let mut stand_in = StandIn::start(stage, port)?;
    let (addr, pid, closes_after_the_client) = match &stand_in {
        StandIn::Python(student) => ((Ipv4Addr::LOCALHOST, port).into(), student.pid(), false),
        StandIn::Portlab(server) => (server.addr(), server.pid(), true),
    };
    if let Some(client) = server::connected(addr) {
        let outcome = asked(stage, client, addr, closes_after_the_client)?;
        // The answer of another program would prove nothing.
        return Ok(Some(outcome).filter(|it| it.pid == Some(pid)));
    }
    if let StandIn::Python(student) = &mut stand_in
        && let Some(error) = student.error_if_ended()
    {
        stage.diagnose(&Fault::Failed(error), Role::Server)?;
    }
    Ok(None)
}

/// What a server did with a greeting.
struct Outcome {
    holder: String,
    pid: Option<i32>,
    answer: Vec<u8>,
    /// What is wrong with the answer.
    fault: Option<Fault>,
    /// Whether the server closed the connection.
    closed: bool,
}

/// Sends the greeting to the server at `addr`, and waits for its answer and its close.
fn asked(
    stage: &mut Stage<'_>,
    mut client: TcpStream,
    addr: SocketAddr,
    closes_after_the_client: bool,
) -> Result<Outcome, Exit> {
    let by = holder(addr);
    // Fails if the server has reset the connection; then the system reports the reset only once, here.
    let sent = client.write_all(&encoded("gbk", "你好，服务端！")?);
    let lang = stage.lang();
    stage.remark(lang.pick(
        "Waiting for the answer, ten seconds at most ...",
        "正在等待回答，最多十秒……",
    ))?;
    let answer = receive(&mut client);
    let fault = match &answer {
        Ok(bytes) if bytes.is_empty() && sent.is_err() => Some(Fault::Reset),
        Ok(bytes) if bytes.is_empty() => Some(Fault::ClosedAtOnce),
        Ok(bytes) => fault_in(bytes),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Some(Fault::Reset),
        Err(_) => Some(Fault::Silent(PATIENCE)),
    };
    let has_ended = matches!(fault, Some(Fault::ClosedAtOnce | Fault::Reset));
    if closes_after_the_client {
        client.shutdown(Shutdown::Write)?;
    }
    client.set_read_timeout(Some(CLOSING))?;
    Ok(Outcome {
        pid: by.as_ref().map(|by| by.pid),
        holder: by.map_or_else(|| "-".to_owned(), |by| by.to_string()),
        answer: answer.unwrap_or_default(),
        fault,
        closed: has_ended || matches!(uninterrupted(|| client.read(&mut [0; 1])), Ok(0)),
    })
}

/// Shows the answer of the user's server in `{their_text}` and `{their_hex}`.
fn show_answer(step: &mut LessonStep<'_, '_>, outcome: &Outcome) {
    let lang = step.lang();
    let said = match &outcome.fault {
        Some(fault) => fault.said(Role::Server, lang),
        None => read_as(encoding("gbk"), &outcome.answer)
            .escape_debug()
            .to_string(),
    };
    step.set("their_text", said);
    let bytes = match outcome.answer.is_empty() {
        true => lang.pick("(no bytes)", "（没有字节）").to_owned(),
        false => hex(&outcome.answer),
    };
    step.set("their_hex", bytes);
}

/// A server in the user's place.
enum StandIn {
    /// The listing.
    Python(Student),
    /// `portlab serve`, on a machine without Python.
    Portlab(Server),
}

impl StandIn {
    fn start(stage: &mut Stage<'_>, port: u16) -> Result<Self, Exit> {
        if let Some(student) = stage.student("server.py", &[&port.to_string()])? {
            return Ok(Self::Python(student));
        }
        let options = ["--model", "iterative", "--service", "reply"];
        let answer = ["--reply", "收到！", "--encoding", "gbk"];
        let server = stage.server(&[options, answer].concat())?;
        Ok(Self::Portlab(server))
    }
}

/// How long a server may take to close the connection after its answer.
const CLOSING: Duration = Duration::from_secs(3);
