//! The server's seven steps, each with what a client sees at that moment; then the user's own server.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd,
    thread,
    time::{Duration, Instant},
};

use portlab_lab::Server;
use portlab_service::TextEncoding;
use portlab_sys::{
    holder::holder,
    sockets::{Socket as Entry, State},
    time_wait,
};
use portlab_words::{Text, tr};
use socket2::{Domain, SockRef, Socket, Type};

use crate::{
    cast::{
        Student, accept, encoding, fresh_listener, hex,
        kernel::{accepted, queued, remains_once, shown, sockets_at, sockets_once},
        read_as, receive,
    },
    stage::{Exit, LessonStep, Seen, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let gbk = encoding("gbk");

    let mut step = stage.step("bind")?;
    let server = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), true)?;
    let door = server.local_addr()?.as_socket();
    let door = door.ok_or_else(|| io::Error::other("an IPv4 socket has no IPv4 address"))?;
    let port = door.port();
    step.set("port", port);
    step.set("fd", server.as_raw_fd());
    let kind = step.set_error("refusal", TcpStream::connect(door).err().as_ref());
    let is_refused = kind == Some(ErrorKind::ConnectionRefused);
    step.seen("bound", port != 0);
    step.seen("refused", is_refused && !listens(&sockets_at(port)?));
    step.end()?;

    let mut step = stage.step("listen")?;
    server.listen(128)?;
    let mut client = TcpStream::connect(door)?;
    let own = client.local_addr()?;
    let queue = sockets_once(port, |all| queued(port, all) == 1)?;
    step.set("listening", shown(&queue));
    step.seen("queued", queued(port, &queue) == 1);
    let is_connected = client.peer_addr().is_ok_and(|peer| peer == door);
    step.seen("connected", is_connected);
    step.end()?;

    let mut step = stage.step("accept")?;
    let server = TcpListener::from(server);
    let mut served = accept(&server)?;
    let after = sockets_once(port, |all| accepted(port, all) == 1)?;
    step.set("accepted", shown(&after));
    step.set("new_fd", served.as_raw_fd());
    step.set("client", own.port());
    step.seen("new", served.as_raw_fd() != server.as_raw_fd());
    step.seen("same_port", served.local_addr()? == door);
    step.seen("address", served.peer_addr()? == own);
    step.seen("listens", listens(&after) && queued(port, &after) == 0);
    step.end()?;

    let mut step = stage.step("talk")?;
    let question = gbk.encode("你好，服务端！").map_err(io::Error::other)?;
    let answer = gbk.encode("收到！").map_err(io::Error::other)?;
    client.write_all(&question)?;
    let received = receive(&mut served)?;
    served.write_all(&answer)?;
    let back = receive(&mut client)?;
    step.set("length", received.len());
    step.seen("received", received == question);
    step.seen("answered", back == answer);
    let has_no_peer = SockRef::from(&server).peer_addr().is_err();
    step.seen("no_peer", has_no_peer);
    step.end()?;

    closed(stage, door, server, [served, client])?;
    yours(stage, gbk)
}

/// The seventh step: what is left of the connection, and a restart.
fn closed(
    stage: &mut Stage<'_>,
    door: SocketAddr,
    server: TcpListener,
    [served, mut client]: [TcpStream; 2],
) -> Result<(), Exit> {
    let (mut step, port) = (stage.step("close")?, door.port());
    let had_room = time_wait::has_room();
    drop(served);
    let end = receive(&mut client)?;
    drop(client);
    drop(server);
    let waits = |all: &[Entry]| {
        let is_left = all.iter().any(|it| it.local == door);
        is_left && all.iter().all(|it| it.state == State::TimeWait)
    };
    let (left, seen) = remains_once(port, had_room, waits)?;
    step.set("closed", shown(&left));
    step.seen("end", end.is_empty());
    step.seen("waits", seen);
    let without = step.set_error("without", bound(door, false).err().as_ref());
    step.seen(
        "without",
        match seen {
            // Without a TIME-WAIT, nothing is refused.
            Seen::NotHere => Seen::NotHere,
            _ => (without == Some(ErrorKind::AddrInUse)).into(),
        },
    );
    step.seen("again", bound(door, true).is_ok());
    step.end()
}

/// A server's first two steps; `reuse` is the line between them.
fn bound(door: SocketAddr, reuse: bool) -> io::Result<Socket> {
    let server = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    if reuse {
        server.set_reuse_address(true)?;
    }
    server.bind(&door.into())?;
    Ok(server)
}

/// The user's own server: this lesson is its client.
fn yours(stage: &mut Stage<'_>, gbk: TextEncoding) -> Result<(), Exit> {
    // The listener is closed again: the port is for the user's server.
    let port = if stage.is_interactive() {
        stage.courses_port()?.local_addr()?.port()
    } else {
        let port = fresh_listener()?.local_addr()?.port();
        stage.set("yours", port);
        stage.set("taken", "");
        port
    };
    let mut step = stage.task("yours")?;
    for name in ["holder", "their_hex", "their_text"] {
        step.set(name, "-");
    }
    let on = &mut step;
    let stand_in = if on.is_interactive() {
        None
    } else {
        Some(StandIn::start(on, port)?)
    };
    let theirs = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let addr = stand_in.as_ref().map_or(theirs, |it| it.addr);
    let client = match stand_in {
        None => connected_on_request(on, addr)?,
        Some(_) => connected(addr),
    };
    let Some(mut client) = client else {
        step.seen("listens", Seen::NotHere);
        step.seen("answered", Seen::Moot);
        step.seen("closed", Seen::Moot);
        return step.end();
    };
    let by = holder(addr);
    // Another program may have taken the stand-in's port by now: its answer would prove nothing.
    let is_theirs = |it: &StandIn| by.as_ref().is_some_and(|by| by.pid == it.pid());
    let is_theirs = stand_in.as_ref().is_none_or(is_theirs);
    let by = by.map_or_else(|| "-".to_owned(), |by| by.to_string());
    step.set("holder", by);
    step.seen("listens", Seen::if_shown(is_theirs));
    // Fails if the server has closed the connection, which the next read shows as well.
    let _ = client.write_all(&gbk.encode("你好，服务端！").map_err(io::Error::other)?);
    let lang = step.lang();
    step.remark(lang.pick(
        "Waiting for the answer, ten seconds at most ...",
        "正在等待回答，最多十秒……",
    ))?;
    // A reset counts as the end, without an answer.
    let answer = receive(&mut client);
    let was_reset = answer
        .as_ref()
        .is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
    let has_ended = was_reset || matches!(&answer, Ok(end) if end.is_empty());
    let is_gbk = show_answer(&mut step, gbk, &answer.unwrap_or_default(), has_ended);
    step.seen("answered", Seen::if_shown(is_gbk));
    // Portlab's server, if it is the stand-in, closes only after its client has closed.
    if stand_in.as_ref().is_some_and(|it| it.server.is_err()) {
        client.shutdown(Shutdown::Write)?;
    }
    client.set_read_timeout(Some(CLOSING))?;
    let closed = has_ended || matches!(client.read(&mut [0; 1]), Ok(0));
    step.seen("closed", Seen::if_shown(closed));
    step.end()
}

/// Shows the answer of the user's server in `{their_text}` and `{their_hex}`; returns whether it is GBK.
fn show_answer(
    step: &mut LessonStep<'_, '_>,
    gbk: TextEncoding,
    answer: &[u8],
    has_ended: bool,
) -> bool {
    let lang = step.lang();
    let as_utf8 = str::from_utf8(answer).ok().filter(|text| !text.is_ascii());
    let text = read_as(gbk, answer);
    let nothing = match has_ended {
        true => &CLOSED_WITHOUT_AN_ANSWER,
        false => &NO_ANSWER,
    };
    let shown = match as_utf8 {
        Some(text) => format!("UTF-8: {}", text.escape_debug()),
        None if answer.is_empty() => nothing.pick(lang).to_owned(),
        None => text.escape_debug().to_string(),
    };
    step.set("their_text", shown);
    let bytes = match answer.is_empty() {
        true => lang.pick("(no bytes)", "（没有字节）").to_owned(),
        false => hex(answer),
    };
    step.set("their_hex", bytes);
    !answer.is_empty() && as_utf8.is_none() && !text.contains('\u{fffd}')
}

/// Connects to the user's server, each time that the user presses Enter, until this succeeds; `None` when the user skips it.
fn connected_on_request(
    stage: &mut Stage<'_>,
    addr: SocketAddr,
) -> Result<Option<TcpStream>, Exit> {
    while stage.is_started()? {
        if let Ok(stream) = TcpStream::connect(addr) {
            return Ok(Some(stream));
        }
        let port = addr.port();
        stage.remark(&tr!(
            stage.lang(),
            "No program listens at port {port} yet.",
            "还没有程序在监听 {port} 号端口。",
        ))?;
    }
    Ok(None)
}

/// Whether one of these sockets listens.
fn listens(sockets: &[Entry]) -> bool {
    sockets.iter().any(|it| it.state == State::Listen)
}

/// A server in the student's place: the listing in Python, or `portlab serve` on a machine without Python.
struct StandIn {
    addr: SocketAddr,
    server: Result<Student, Server>,
}

impl StandIn {
    fn start(stage: &mut Stage<'_>, port: u16) -> Result<Self, Exit> {
        if let Some(student) = stage.student("server.py", &[&port.to_string()])? {
            return Ok(Self {
                addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
                server: Ok(student),
            });
        }
        let options = ["--model", "iterative", "--service", "reply"];
        let answer = ["--reply", "收到！", "--encoding", "gbk"];
        let server = stage.server(&[options, answer].concat())?;
        Ok(Self {
            addr: server.addr(),
            server: Err(server),
        })
    }

    fn pid(&self) -> i32 {
        match &self.server {
            Ok(student) => student.pid(),
            Err(server) => server.pid(),
        }
    }
}

/// A connection to `addr`, tried for as long as a program takes to start.
fn connected(addr: SocketAddr) -> Option<TcpStream> {
    let since = Instant::now();
    loop {
        match TcpStream::connect(addr) {
            // If no program listens, TCP may connect a socket to itself.
            Ok(stream) if stream.local_addr().is_ok_and(|own| own != addr) => return Some(stream),
            _ if since.elapsed() > START => return None,
            _ => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// What is shown if the server closes the connection before it has sent anything.
static CLOSED_WITHOUT_AN_ANSWER: Text = Text::new(
    "the connection was closed before a byte came. Look at the terminal in which server.py runs: the last line is the \
     reason",
    "连接已断开，一个字节也没收到。请看运行 server.py 的终端：最后一行就是原因",
);

/// What is shown if the server sends nothing, and keeps the connection open.
static NO_ANSWER: Text = Text::new("no byte came within ten seconds", "十秒内一个字节也没收到");

/// How long a server may take to close the connection after its answer.
const CLOSING: Duration = Duration::from_secs(3);

/// How long a program may take until it listens.
const START: Duration = Duration::from_secs(5);
