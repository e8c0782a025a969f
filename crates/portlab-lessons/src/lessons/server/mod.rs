//! The server's seven steps, each with what a client sees at that moment; then the user's own server.

mod yours;

use std::{
    io::{self, ErrorKind, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd,
};

use portlab_sys::{
    sockets::{Socket as Entry, State},
    time_wait,
};
use socket2::{Domain, SockRef, Socket, Type};

use crate::{
    cast::{
        accept, encoded,
        kernel::{accepted, queued, remains_once, shown, sockets_at, sockets_once},
        receive,
    },
    stage::{Exit, Seen, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
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
    let question = encoded("gbk", "你好，服务端！")?;
    let answer = encoded("gbk", "收到！")?;
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
    yours::yours(stage)
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

/// Whether one of these sockets listens.
fn listens(sockets: &[Entry]) -> bool {
    sockets.iter().any(|it| it.state == State::Listen)
}
