//! The client's five steps, each with the kernel's tables after it; then the user's own client.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    os::fd::{AsFd, AsRawFd},
    time::Duration,
};

use portlab_sys::{
    socket::uninterrupted,
    sockets::{Socket as Entry, State},
    time_wait,
};
use portlab_words::tr;
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use socket2::{Domain, Socket, Type};

use crate::{
    cast::{
        Fault, Role, Student, accept, be_patient, encoded, encoding, fault_in, fresh_listener,
        has_only_a_listener, hex,
        kernel::{remains_once, shown, sockets_once},
        read_as, receive,
    },
    stage::{Exit, Seen, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    // The server of this lesson, on any free port.
    let door = fresh_listener()?;
    let port = door.local_addr()?.port();
    stage.set("port", port);

    let mut step = stage.step("create")?;
    let client = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    step.set("fd", client.as_raw_fd());
    let link = std::fs::read_link(format!("/proc/self/fd/{}", client.as_raw_fd()))?;
    let link = link.to_string_lossy().into_owned();
    step.set("inode", link.trim_matches(|it: char| !it.is_ascii_digit()));
    step.seen("number", link.starts_with("socket:["));
    step.seen(
        "unconnected",
        client.peer_addr().is_err() && has_only_a_listener(port)?,
    );
    step.end()?;

    let mut step = stage.step("connect")?;
    client.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    let mut client = TcpStream::from(client);
    let own = client.local_addr()?;
    step.set("own", own.port());
    let both = |all: &[Entry]| {
        let ends = all.iter().filter(|it| it.state == State::Established);
        ends.count() == 2
    };
    let made = sockets_once(port, both)?;
    step.set("connected", shown(&made));
    step.seen("both", both(&made));
    let is_given = own.port() != port && own.ip() == Ipv4Addr::LOCALHOST;
    step.seen("given", is_given);
    step.end()?;

    let text = "你好，服务端！";
    let bytes = encoded("gbk", text)?;
    stage.set("characters", text.chars().count());
    stage.set("bytes", bytes.len());
    let mut step = stage.step("send")?;
    client.write_all(&bytes)?;
    step.set("hex", hex(&bytes));
    // Not accepted yet: the kernel keeps the bytes until the server reads them.
    let with = |it: &Entry| it.local.port() == port && it.unread as usize == bytes.len();
    let waiting = sockets_once(port, |all| all.iter().any(with))?;
    step.seen("there", waiting.iter().any(with));
    step.end()?;

    let mut step = stage.step("receive")?;
    let mut server = accept(&door)?;
    let received = receive(&mut server)?;
    server.write_all(&encoded("gbk", "收到！")?)?;
    let answer = receive(&mut client)?;
    step.set("answer_hex", hex(&answer));
    let read = read_as(encoding("gbk"), &answer);
    step.seen("request", received == bytes);
    step.seen("answer", read == "收到！");
    step.set("answer", read);
    step.end()?;

    let mut step = stage.step("close")?;
    let had_room = time_wait::has_room();
    drop(client);
    step.seen("nothing", receive(&mut server)?.is_empty());
    drop(server);
    let waits = |all: &[Entry]| {
        all.iter()
            .any(|it| it.local == own && it.state == State::TimeWait)
    };
    let (left, seen) = remains_once(port, had_room, waits)?;
    step.set("closed", shown(&left));
    step.seen("left", seen);
    step.end()?;
    drop(door);

    yours(stage)
}

/// The course's task: this lesson acts as the network debugging assistant, and the user writes the client.
fn yours(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let door = stage.courses_port()?;
    let port = door.local_addr()?.port();
    for name in ["their_own", "their_hex", "their_text"] {
        stage.set(name, "-");
    }

    let mut step = stage.task("yours")?;
    // The user starts a program; without a user, the lesson starts one.
    let on = &mut step;
    let needs_stand_in = !on.is_interactive();
    let stand_in = needs_stand_in.then(|| stand_in(on, &port.to_string()));
    let mut stand_in = stand_in.transpose()?;
    let Some(came) = right_client(on, &door)? else {
        let error = stand_in.as_mut().and_then(Student::error_if_ended);
        if let Some(error) = error {
            on.diagnose(&Fault::Failed(error), Role::Client)?;
        }
        step.seen("came", Seen::NotHere);
        step.seen("gbk", Seen::Moot);
        step.end()?;
        return stage.skip("by_hand");
    };
    step.set("their_own", came.from);
    step.set("their_hex", hex(&came.bytes));
    let said = match &came.fault {
        Some(fault) => fault.said(Role::Client, step.lang()),
        None => read_as(encoding("gbk"), &came.bytes)
            .escape_debug()
            .to_string(),
    };
    step.set("their_text", said);
    step.seen("came", true);
    step.seen("gbk", Seen::if_shown(came.fault.is_none()));
    step.end()?;

    if came.fault.is_some() {
        return stage.skip("by_hand");
    }
    by_hand(stage, came.client)?;
    drop(stand_in);
    Ok(())
}

/// A client that has sent something.
struct Came {
    client: TcpStream,
    /// Its port.
    from: u16,
    bytes: Vec<u8>,
    /// What is wrong with the bytes.
    fault: Option<Fault>,
}

/// The first client that sends a text in GBK. Each other client gets a diagnosis, and then the lesson waits for the next:
/// the user changes the program and runs it again. When the user gives up, the last client that has sent anything; `None`
/// if there was none.
fn right_client(stage: &mut Stage<'_>, door: &TcpListener) -> Result<Option<Came>, Exit> {
    let mut last = None;
    while stage.wait_for(door.as_fd())? {
        // The address is taken from `accept`: after a reset, `peer_addr` would fail.
        let (client, from) = door.accept()?;
        be_patient(&client)?;
        let port = from.port();
        stage.remark(&tr!(
            stage.lang(),
            "A client has connected from port {port}, and has sent nothing yet.",
            "有客户端从 {port} 号端口连接成功，还没有发送数据。",
        ))?;
        let fault = match sent(stage, client)? {
            None => break,
            Some(Err(fault)) => Some(fault),
            Some(Ok((client, bytes))) => {
                let fault = fault_in(&bytes);
                last = Some(Came {
                    client,
                    from: port,
                    bytes,
                    fault: fault.clone(),
                });
                fault
            }
        };
        let Some(fault) = fault else { break };
        stage.diagnose(&fault, Role::Client)?;
        if !stage.is_interactive() {
            break;
        }
        let lang = stage.lang();
        stage.remark(lang.pick(
            "Change the program and run it again: the lesson waits.",
            "改好程序再运行一次，演示程序会等着。",
        ))?;
        // A client that waits for an answer ends, and the user gets the terminal back.
        if let Some(last) = &last {
            let _ = last.client.shutdown(Shutdown::Both);
        }
    }
    Ok(last)
}

/// A client with the bytes that it sent, or why it sent none.
type Sent = Result<(TcpStream, Vec<u8>), Fault>;

/// What `client` sends first, or why it sent nothing; `None` when the user gives up.
fn sent(stage: &mut Stage<'_>, mut client: TcpStream) -> Result<Option<Sent>, Exit> {
    loop {
        match stage.wait_within(client.as_fd(), SILENCE)? {
            Some(false) => return Ok(None),
            Some(true) => break,
            None if !stage.is_interactive() => return Ok(None),
            // It may still send.
            None => stage.diagnose(&Fault::Silent(SILENCE), Role::Client)?,
        }
    }
    Ok(Some(match receive(&mut client) {
        Ok(bytes) if bytes.is_empty() => Err(Fault::ClosedAtOnce),
        Ok(bytes) => Ok((client, bytes)),
        Err(_) => Err(Fault::Reset),
    }))
}

/// How long a client may be silent before the lesson says what is missing.
const SILENCE: Duration = Duration::from_secs(10);

fn by_hand(stage: &mut Stage<'_>, mut client: TcpStream) -> Result<(), Exit> {
    let mut step = stage.task("by_hand")?;
    let answer = step.answer_by_hand("hello")?;
    let gbk = encoding("gbk");
    let mut bytes = Vec::new();
    gbk.encode_with_marks(&answer, &mut bytes);
    let sent = read_as(gbk, &bytes);
    let marks = step.lang().pick(
        " (Characters that GBK lacks were replaced by `?`.)",
        "（GBK 里没有的字用问号代替了。）",
    );
    step.set("marks", if sent == answer { "" } else { marks });
    step.set("by_hand", sent);
    // If the client has closed the connection meanwhile, no answer is sent, though the system would take the bytes.
    let looked = recv(&client, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
    let is_there = matches!(looked, Ok((1.., _)) | Err(Errno::AGAIN));
    let is_sent = is_there && client.write_all(&bytes).is_ok();
    step.seen("sent", Seen::if_shown(is_sent));
    let waiting = step.lang().pick(
        "Waiting for the client to close the connection, three seconds at most ...",
        "正在等客户端关闭连接，最多三秒……",
    );
    step.remark(waiting)?;
    client.set_read_timeout(Some(CLOSING))?;
    let closed = is_sent && matches!(uninterrupted(|| client.read(&mut [0; 1])), Ok(0));
    step.seen(
        "closed",
        match is_sent {
            false => Seen::Moot,
            true => Seen::if_shown(closed),
        },
    );
    step.end()
}

/// How long a client may take to close the connection after the answer.
const CLOSING: Duration = Duration::from_secs(3);

/// A client in the student's place: the listing in Python, or `portlab connect` on a machine without Python.
fn stand_in(stage: &mut Stage<'_>, port: &str) -> io::Result<Student> {
    if let Some(student) = stage.student("client.py", &[port])? {
        return Ok(student);
    }
    let addr = format!("127.0.0.1:{port}");
    stage.portlab(&[
        "connect",
        &addr,
        "--encoding",
        "gbk",
        "--send",
        "你好，服务端！",
    ])
}
