//! The holder of a port: from "address already in use" to the process that has the port.

use std::{
    fs,
    io::{self, ErrorKind},
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use portlab_lab::Server;
use portlab_sys::{
    holder::holder,
    process::status,
    sockets::{Holder, Socket as Listed, State, holders},
};
use socket2::{Domain, Socket, Type};

use crate::{
    cast::{
        PATIENCE, fresh_listener, has_only_a_listener,
        kernel::{own_pid, shown, sockets_once, until},
    },
    stage::{Exit, Seen, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    // This server holds the port before the lesson begins; the text doesn't mention it at first.
    let mut server = server(stage)?;
    let door = server.addr();
    let port = door.port();
    stage.set("port", port);

    let mut step = stage.step("refused")?;
    let refused = bind_and_listen(Ipv4Addr::LOCALHOST, port).err();
    let kind = step.set_error("error", refused.as_ref());
    step.seen("refused", kind == Some(ErrorKind::AddrInUse));
    let student = step.student("late.py", &[&port.to_string()])?;
    let last = student.map(|it| it.error_line());
    step.printed("python", "said", last, |line| line.contains("Errno 98"));
    step.end()?;

    let own_name = status(own_pid(), "Name").unwrap_or_default();
    stage.set("own", own_pid());
    stage.set("own_name", &own_name);
    let mut step = stage.step("find")?;
    let listed = sockets_once(port, |all| all.len() == 1)?;
    // Repeated if necessary: on a busy machine, the kernel's table sometimes lacks a socket.
    let found = until(PATIENCE, || holder(door), Option::is_some);
    step.set("sockets", shown(&listed));
    let inode = listed.first().map_or(0, |it| it.inode);
    step.set("inode", inode);
    let descriptor = descriptor_of(server.pid(), inode);
    let have_it = holders().remove(&inode).unwrap_or_default();
    let alone = have_it.len() == 1 && have_it[0].pid == server.pid();
    step.seen("open", descriptor.is_some() && alone);
    step.set("fd", descriptor.unwrap_or_default());
    let is_namesake = |it: &Holder| it.name == own_name && it.pid != own_pid();
    let named = found.as_ref().filter(|it| it.pid == server.pid());
    step.seen("named", named.is_some_and(is_namesake));
    step.set("name", found.as_ref().map_or("?", |it| it.name.as_str()));
    step.set("pid", found.as_ref().map_or(0, |it| it.pid));
    step.end()?;

    let mut step = stage.step("end")?;
    let by_hand = server.wait(Duration::ZERO)?.is_some();
    // The user may have ended it by hand, as the text shows.
    let ended = by_hand || server.stop(PATIENCE)?.status.success();
    let since = Instant::now();
    let ours = bind_and_listen(Ipv4Addr::LOCALHOST, port);
    step.set("took", format!("{} µs", since.elapsed().as_micros()));
    step.seen("ended", ended);
    let note = step
        .lang()
        .pick(": you had ended it yourself", "：是你自己动手结束的");
    step.set("by_hand", if by_hand { note } else { "" });
    step.seen(
        "free",
        match &ours {
            Ok(_) => Seen::Yes,
            // The lesson's server had no connections: so a socket at this port belongs to another program.
            Err(_) if is_taken_again(port)? => Seen::NotHere,
            Err(_) => Seen::No,
        },
    );
    step.end()?;
    let ours = ours.or_else(|_| fresh_listener().map(Socket::from))?;
    let port = ours.local_addr()?.as_socket().map_or(port, |it| it.port());
    stage.set("port", port);
    other_addresses(stage, port)
}

/// The last two steps: the same port at another address, and at all addresses.
fn other_addresses(stage: &mut Stage<'_>, port: u16) -> Result<(), Exit> {
    let mut step = stage.step("addresses")?;
    let second = bind_and_listen(Ipv4Addr::new(127, 0, 0, 2), port);
    let mut both = sockets_once(port, |all| all.len() == 2)?;
    both.sort_by_key(|it| it.local);
    step.set("both", shown(&both));
    step.seen("two", second.is_ok() && are_two_listeners(&both));
    step.end()?;
    drop(second);

    let mut step = stage.step("all")?;
    // Bound without listening, so that no client can connect, even if the system allows it.
    let everywhere = bind(Ipv4Addr::UNSPECIFIED, port).err();
    let kind = step.set_error("everywhere", everywhere.as_ref());
    step.seen("refused", kind == Some(ErrorKind::AddrInUse));
    step.end()
}

/// A server at a port that no other socket uses.
fn server(stage: &Stage<'_>) -> Result<Server, Exit> {
    let mut shared = Vec::new();
    loop {
        let server = stage.server(&["--model", "threads"])?;
        if has_only_a_listener(server.addr().port())? || shared.len() == 5 {
            return Ok(server);
        }
        shared.push(server);
    }
}

/// Whether the system has given the port to another program meanwhile.
fn is_taken_again(port: u16) -> io::Result<bool> {
    Ok(!sockets_once(port, |all| !all.is_empty())?.is_empty())
}

/// Listens without `SO_REUSEADDR`, as Python does by default; Rust's `TcpListener` sets it.
fn bind_and_listen(address: Ipv4Addr, port: u16) -> io::Result<Socket> {
    let server = bind(address, port)?;
    server.listen(128)?;
    Ok(server)
}

fn bind(address: Ipv4Addr, port: u16) -> io::Result<Socket> {
    let server = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    server.bind(&SocketAddr::from((address, port)).into())?;
    Ok(server)
}

/// The descriptor of process `pid` that is the socket `inode`, as the kernel shows it.
fn descriptor_of(pid: i32, inode: u64) -> Option<String> {
    let wanted = format!("socket:[{inode}]");
    for file in fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten() {
        if fs::read_link(file.path()).is_ok_and(|it| it.as_os_str() == wanted.as_str()) {
            return Some(format!("{} -> {wanted}", file.path().display()));
        }
    }
    None
}

/// Whether these are two listening sockets at two addresses.
fn are_two_listeners(sockets: &[Listed]) -> bool {
    let listen = sockets.iter().all(|it| it.state == State::Listen);
    listen && sockets.len() == 2 && sockets[0].local.ip() != sockets[1].local.ip()
}
