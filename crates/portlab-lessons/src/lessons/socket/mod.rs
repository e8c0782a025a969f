//! What a socket is: the outlet between a program and the network.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    mem::MaybeUninit,
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::{AsRawFd, RawFd},
};

use portlab_sys::sockets::{Socket as Listed, sockets};
use socket2::{Domain, SockRef, Socket, Type};

use crate::{
    cast::{
        accept, fresh_listener,
        kernel::{shown, sockets_once},
        receive,
    },
    stage::{Exit, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("outlet")?;
    let plug = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let number = plug.as_raw_fd();
    step.set("plug", number);
    step.set("open", open_files(number)?);
    step.seen("number", target(number)?.starts_with("socket:["));
    let student = step.student("plug.py", &[])?;
    // Read to its end, so that its pipes are closed: a later step depends on which descriptors are free.
    let said = student.map(|it| it.rest().pop().unwrap_or_default());
    step.printed("python", "said", said, |line| {
        line.parse().is_ok_and(|it: RawFd| it > 2)
    });
    step.end()?;

    let mut step = stage.step("empty")?;
    let own = plug.local_addr()?.as_socket();
    step.seen("unbound", own.is_some_and(is_unspecified));
    step.set("own", own.map_or("?".to_owned(), |it| it.to_string()));
    let kind = step.set_error("peer", plug.peer_addr().err().as_ref());
    step.seen("unconnected", kind == Some(ErrorKind::NotConnected));
    step.seen("unlisted", !is_listed(&target(number)?)?);
    step.end()?;
    drop(plug);

    let server = fresh_listener()?;
    let door = server.local_addr()?;
    stage.set("port", door.port());
    stage.set("server", server.as_raw_fd());
    let mut step = stage.step("three")?;
    let mut clients = [TcpStream::connect(door)?, TcpStream::connect(door)?];
    let mut served = [accept(&server)?, accept(&server)?];
    step.set("first", served[0].as_raw_fd());
    step.set("second", served[1].as_raw_fd());
    let mut all = sockets_once(door.port(), |all| at(all, door) == 3)?;
    all.retain(|it| it.local == door);
    step.set("sockets", shown(&all));
    step.seen("three", all.len() == 3);
    step.seen("new", are_different(&server, &served));
    step.seen("four", differ_in_peer_only(&served)?);
    step.end()?;

    let mut step = stage.step("listening")?;
    clients[0].write_all(b"hello")?;
    let kind = step.set_error("error", recv_from_listener(&server).err().as_ref());
    step.seen("refused", kind == Some(ErrorKind::NotConnected));
    let received = receive(&mut served[0])?;
    step.seen("received", received == b"hello");
    step.set("received", String::from_utf8_lossy(&received));
    step.end()?;

    stage.set("closed", served[0].as_raw_fd());
    let mut step = stage.step("number")?;
    let [first, _second] = served;
    let (number, old) = (first.as_raw_fd(), target(first.as_raw_fd())?);
    drop(first);
    let next = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let (given, new) = (next.as_raw_fd(), target(next.as_raw_fd())?);
    step.set("old", format!("{number} -> {old}"));
    step.set("new", format!("{given} -> {new}"));
    step.set("given", given);
    step.seen("same", given == number);
    step.seen("other", new != old);
    step.end()
}

/// The open files of this process, by descriptor: the first three, and `plug`.
fn open_files(plug: RawFd) -> io::Result<String> {
    let mut lines = Vec::new();
    for number in [0, 1, 2, plug] {
        // The parent process may have closed one of the first three.
        if let Ok(target) = target(number) {
            lines.push(format!("{number} -> {target}"));
        }
    }
    Ok(lines.join("\n"))
}

/// The target of a descriptor of this process, as /proc shows it.
fn target(number: RawFd) -> io::Result<String> {
    let target = fs::read_link(format!("/proc/self/fd/{number}"))?;
    Ok(target.display().to_string())
}

/// Whether the kernel's table of TCP sockets contains `target`, which is `socket:[INODE]`.
fn is_listed(target: &str) -> io::Result<bool> {
    let is_it = |it: &Listed| target == format!("socket:[{}]", it.inode);
    Ok(sockets()?.iter().any(is_it))
}

fn is_unspecified(own: SocketAddr) -> bool {
    own.ip().is_unspecified() && own.port() == 0
}

/// The number of sockets with the server's own address.
fn at(all: &[Listed], door: SocketAddr) -> usize {
    all.iter().filter(|it| it.local == door).count()
}

/// Whether the server's three sockets have three descriptors.
fn are_different(server: &TcpListener, served: &[TcpStream; 2]) -> bool {
    let [first, second] = served.each_ref().map(AsRawFd::as_raw_fd);
    let server = server.as_raw_fd();
    first != second && first != server && second != server
}

fn differ_in_peer_only(served: &[TcpStream; 2]) -> io::Result<bool> {
    let [first, second] = served;
    let same = first.local_addr()? == second.local_addr()?;
    Ok(same && first.peer_addr()? != second.peer_addr()?)
}

/// Tries to read from a listening socket.
fn recv_from_listener(server: &TcpListener) -> io::Result<usize> {
    // As a plain socket: unlike Python's listening socket, Rust's `TcpListener` has no `recv`.
    let server = SockRef::from(server);
    server.recv(&mut [MaybeUninit::uninit(); 1024])
}
