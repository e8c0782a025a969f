//! What a socket is: the outlet between a program and the network.

use std::{
    fs,
    io::{self, Write},
    mem::MaybeUninit,
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::{AsRawFd, RawFd},
};

use portlab_sys::sockets::{Socket as Listed, sockets};
use socket2::{Domain, SockRef, Socket, Type};

use crate::{
    cast::{
        accept,
        kernel::{error_name, shown, sockets_once},
        quiet_door, receive,
    },
    lesson::{Lesson, Part},
    stage::{Exit, Stage},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "socket",
    part: Part::Ports,
    en: include_str!("en.md"),
    zh: include_str!("zh.md"),
    files: &[
        ("mod.rs", include_str!("mod.rs")),
        ("plug.py", include_str!("plug.py")),
    ],
    examples: &[
        (
            "open",
            "0 -> /dev/pts/0\n1 -> /dev/pts/0\n2 -> /dev/pts/0\n3 -> socket:[183407]",
        ),
        ("plug", "3"),
        ("said", "3"),
        ("own", "0.0.0.0:0"),
        ("peer", "ENOTCONN"),
        ("port", "40231"),
        (
            "sockets",
            "State       Recv-Q Send-Q Local           Peer            Process\n\
             LISTEN      0      128    127.0.0.1:40231 *               4711/portlab\n\
             ESTABLISHED 0      0      127.0.0.1:40231 127.0.0.1:51334 4711/portlab\n\
             ESTABLISHED 0      0      127.0.0.1:40231 127.0.0.1:51336 4711/portlab",
        ),
        ("server", "3"),
        ("first", "5"),
        ("second", "7"),
        ("error", "ENOTCONN"),
        ("heard", "hello"),
        ("closed", "5"),
        ("old", "5 -> socket:[183431]"),
        ("new", "5 -> socket:[183502]"),
        ("given", "5"),
    ],
    examples_zh: &[],
    play,
};

fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut act = stage.step("outlet")?;
    let plug = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let number = plug.as_raw_fd();
    act.set("plug", number);
    act.set("open", open_files(number)?);
    act.seen("number", target(number)?.starts_with("socket:["));
    let student = act.stage().student("plug.py", &[])?;
    // To its end, so that the pipes to it are closed: a later step looks at which numbers are free.
    let said = student.map(|it| it.rest().pop().unwrap_or_default());
    let is_number = |line: &String| line.parse().is_ok_and(|it: RawFd| it > 2);
    act.seen("python", said.as_ref().map(is_number));
    act.set("said", said.unwrap_or_default());
    act.end()?;

    let mut act = stage.step("empty")?;
    let own = plug.local_addr()?.as_socket();
    act.seen("unbound", own.is_some_and(is_nowhere));
    act.set("own", own.map_or("?".to_owned(), |it| it.to_string()));
    let peer = plug.peer_addr().err();
    act.seen("unconnected", is_not_connected(peer.as_ref()));
    act.set("peer", error_name(peer.as_ref()));
    act.seen("unlisted", !is_listed(&target(number)?)?);
    act.end()?;
    drop(plug);

    let server = quiet_door()?;
    let door = server.local_addr()?;
    stage.set("port", door.port());
    stage.set("server", server.as_raw_fd());
    let mut act = stage.step("three")?;
    let mut clients = [TcpStream::connect(door)?, TcpStream::connect(door)?];
    let mut served = [accept(&server)?, accept(&server)?];
    act.set("first", served[0].as_raw_fd());
    act.set("second", served[1].as_raw_fd());
    let mut all = sockets_once(door.port(), |all| at(all, door) == 3)?;
    all.retain(|it| it.local == door);
    act.set("sockets", shown(&all));
    act.seen("three", all.len() == 3);
    act.seen("new", are_different(&server, &served));
    act.seen("four", differ_in_peer_only(&served)?);
    act.end()?;

    let mut act = stage.step("listening")?;
    clients[0].write_all(b"hello")?;
    let refused = read_at_the_door(&server).err();
    act.seen("refused", is_not_connected(refused.as_ref()));
    act.set("error", error_name(refused.as_ref()));
    let heard = receive(&mut served[0])?;
    act.seen("heard", heard == b"hello");
    act.set("heard", String::from_utf8_lossy(&heard));
    act.end()?;

    stage.set("closed", served[0].as_raw_fd());
    let mut act = stage.step("number")?;
    let [first, _second] = served;
    let (number, old) = (first.as_raw_fd(), target(first.as_raw_fd())?);
    drop(first);
    let next = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let (given, new) = (next.as_raw_fd(), target(next.as_raw_fd())?);
    act.set("old", format!("{number} -> {old}"));
    act.set("new", format!("{given} -> {new}"));
    act.set("given", given);
    act.seen("same", given == number);
    act.seen("other", new != old);
    act.end()
}

/// What this process has open, by number: the first three, and the number `plug`.
fn open_files(plug: RawFd) -> io::Result<String> {
    let mut lines = Vec::new();
    for number in [0, 1, 2, plug] {
        // One of the first three may have been closed by whoever has started this.
        if let Ok(target) = target(number) {
            lines.push(format!("{number} -> {target}"));
        }
    }
    Ok(lines.join("\n"))
}

/// What stands behind a descriptor of this process.
fn target(number: RawFd) -> io::Result<String> {
    let target = fs::read_link(format!("/proc/self/fd/{number}"))?;
    Ok(target.display().to_string())
}

/// Whether the kernel's table of TCP sockets has this one, `socket:[INODE]`.
fn is_listed(target: &str) -> io::Result<bool> {
    let is_it = |it: &Listed| target == format!("socket:[{}]", it.inode);
    Ok(sockets()?.iter().any(is_it))
}

fn is_nowhere(own: SocketAddr) -> bool {
    own.ip().is_unspecified() && own.port() == 0
}

/// How many stand at the server's own address.
fn at(all: &[Listed], door: SocketAddr) -> usize {
    all.iter().filter(|it| it.local == door).count()
}

/// Whether the server's three sockets have three numbers.
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
fn read_at_the_door(server: &TcpListener) -> io::Result<usize> {
    // As a plain socket: Rust's listener, unlike Python's, has no such method.
    let server = SockRef::from(server);
    server.recv(&mut [MaybeUninit::uninit(); 1024])
}

fn is_not_connected(error: Option<&io::Error>) -> bool {
    error.is_some_and(|it| it.kind() == io::ErrorKind::NotConnected)
}
