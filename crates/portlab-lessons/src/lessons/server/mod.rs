//! The server's seven steps, each with what a client meets meanwhile; then the watcher's own server.

use std::{
    io::{self, ErrorKind, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd,
    thread,
    time::{Duration, Instant},
};

use portlab_service::TextEncoding;
use portlab_sys::{
    holder::holder,
    sockets::{Socket as Entry, State},
    time_wait,
};
use socket2::{Domain, SockRef, Socket, Type};

use crate::{
    cast::{
        Student, accept, courses_port, encoding, hex,
        kernel::{accepted, error_name, queued, remains_once, shown, sockets_at, sockets_once},
        read_as, receive,
    },
    lesson::{Lesson, Part},
    stage::{Exit, Seen, Stage},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "server",
    part: Part::Talk,
    en: include_str!("en.md"),
    zh: include_str!("zh.md"),
    files: &[
        ("mod.rs", include_str!("mod.rs")),
        ("server.py", include_str!("server.py")),
    ],
    examples: &[
        ("port", "41873"),
        ("fd", "4"),
        ("refusal", "ECONNREFUSED"),
        (
            "listening",
            "State       Recv-Q Send-Q Local           Peer            Process\n\
             LISTEN      1      0      127.0.0.1:41873 *               4711/portlab\n\
             ESTABLISHED 0      0      127.0.0.1:41873 127.0.0.1:51334 -\n\
             ESTABLISHED 0      0      127.0.0.1:51334 127.0.0.1:41873 4711/portlab",
        ),
        (
            "accepted",
            "State       Recv-Q Send-Q Local           Peer            Process\n\
             LISTEN      0      0      127.0.0.1:41873 *               4711/portlab\n\
             ESTABLISHED 0      0      127.0.0.1:41873 127.0.0.1:51334 4711/portlab\n\
             ESTABLISHED 0      0      127.0.0.1:51334 127.0.0.1:41873 4711/portlab",
        ),
        ("new_fd", "6"),
        ("caller", "51334"),
        ("length", "14"),
        (
            "closed",
            "State     Recv-Q Send-Q Local           Peer            Process\n\
             TIME-WAIT 0      0      127.0.0.1:41873 127.0.0.1:51334 -",
        ),
        ("yours", "8080"),
        ("taken", ""),
        ("holder", "python3 (pid 4720)"),
        ("their_hex", "ca d5 b5 bd a3 a1"),
        ("their_text", "收到！"),
    ],
    play,
};

fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let gbk = encoding("gbk");

    let mut act = stage.step("bind")?;
    let server = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    server.set_reuse_address(true)?;
    server.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let door = server.local_addr()?.as_socket();
    let door = door.ok_or_else(|| io::Error::other("an IPv4 socket has no IPv4 address"))?;
    let port = door.port();
    act.set("port", port);
    act.set("fd", server.as_raw_fd());
    let refused = TcpStream::connect(door).err();
    act.set("refusal", error_name(refused.as_ref()));
    let is_refused = refused.is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused);
    act.seen("bound", port != 0);
    act.seen("refused", is_refused && !listens(&sockets_at(port)?));
    act.end()?;

    let mut act = stage.step("listen")?;
    server.listen(128)?;
    let mut client = TcpStream::connect(door)?;
    let own = client.local_addr()?;
    let queue = sockets_once(port, |all| queued(port, all) == 1)?;
    act.set("listening", shown(&queue));
    act.seen("queued", queued(port, &queue) == 1);
    act.seen(
        "connected",
        client.peer_addr().is_ok_and(|peer| peer == door),
    );
    act.end()?;

    let mut act = stage.step("accept")?;
    let server = TcpListener::from(server);
    let mut served = accept(&server)?;
    let after = sockets_once(port, |all| accepted(port, all) == 1)?;
    act.set("accepted", shown(&after));
    act.set("new_fd", served.as_raw_fd());
    act.set("caller", own.port());
    act.seen("new", served.as_raw_fd() != server.as_raw_fd());
    act.seen("same_port", served.local_addr()? == door);
    act.seen("told", served.peer_addr()? == own);
    act.seen("listens", listens(&after) && queued(port, &after) == 0);
    act.end()?;

    let mut act = stage.step("talk")?;
    let question = gbk.encode("你好，服务端！").map_err(io::Error::other)?;
    let answer = gbk.encode("收到！").map_err(io::Error::other)?;
    client.write_all(&question)?;
    let heard = receive(&mut served)?;
    served.write_all(&answer)?;
    let back = receive(&mut client)?;
    act.set("length", heard.len());
    act.seen("heard", heard == question);
    act.seen("answered", back == answer);
    act.seen(
        "listening_heard_nothing",
        SockRef::from(&server).peer_addr().is_err(),
    );
    act.end()?;

    let mut act = stage.step("close")?;
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
    act.set("closed", shown(&left));
    act.seen("told", end.is_empty());
    act.seen("waits", seen);
    let again = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    again.set_reuse_address(true)?;
    act.seen("again", again.bind(&door.into()).is_ok());
    drop(again);
    act.end()?;

    yours(stage, gbk)
}

/// The watcher's own server: this lesson is its client.
fn yours(stage: &mut Stage<'_>, gbk: TextEncoding) -> Result<(), Exit> {
    // Closed again: it is theirs.
    let port = courses_port(stage)?.local_addr()?.port();
    let mut act = stage.step("yours")?;
    let (addr, _stand_in) = if act.stage().is_manned() {
        (SocketAddr::from((Ipv4Addr::LOCALHOST, port)), None)
    } else {
        let (addr, stand_in) = stand_in(act.stage(), port)?;
        (addr, Some(stand_in))
    };
    let mut caller = connected(addr);
    let by = holder(addr).map_or_else(|| "-".to_owned(), |by| by.to_string());
    act.set("holder", by);
    let mut answer = Vec::new();
    let mut closed = false;
    if let Some(client) = &mut caller {
        client.write_all(&gbk.encode("你好，服务端！").map_err(io::Error::other)?)?;
        // One that doesn't answer, or resets, has not answered.
        answer = receive(client).unwrap_or_default();
        closed = !answer.is_empty() && matches!(receive(client), Ok(end) if end.is_empty());
    }
    let text = read_as(gbk, &answer);
    act.set("their_hex", hex(&answer));
    act.set("their_text", text.escape_debug());
    act.seen("listens", Seen::if_shown(caller.is_some()));
    act.seen(
        "answered",
        Seen::if_shown(!answer.is_empty() && !text.contains('\u{fffd}')),
    );
    act.seen("closed", Seen::if_shown(closed));
    act.end()
}

/// Whether one of these sockets listens.
fn listens(sockets: &[Entry]) -> bool {
    sockets.iter().any(|it| it.state == State::Listen)
}

/// A server in the student's place, and where it listens.
enum StandIn {
    Python(#[expect(dead_code, reason = "it is kept until the step has ended")] Student),
    Ours(#[expect(dead_code, reason = "it is kept until the step has ended")] portlab_lab::Server),
}

fn stand_in(stage: &mut Stage<'_>, port: u16) -> Result<(SocketAddr, StandIn), Exit> {
    if let Some(student) = stage.student("server.py", &[&port.to_string()])? {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        return Ok((addr, StandIn::Python(student)));
    }
    let options = ["--model", "iterative", "--service", "reply"];
    let answer = ["--reply", "收到！", "--encoding", "gbk"];
    let server = stage.server(&[options, answer].concat())?;
    Ok((server.addr(), StandIn::Ours(server)))
}

/// A connection to `addr`, tried for as long as a program takes to start.
fn connected(addr: SocketAddr) -> Option<TcpStream> {
    let since = Instant::now();
    loop {
        match TcpStream::connect(addr) {
            Ok(stream) => return Some(stream),
            Err(_) if since.elapsed() > START => return None,
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// How long a program may take to listen.
const START: Duration = Duration::from_secs(5);
