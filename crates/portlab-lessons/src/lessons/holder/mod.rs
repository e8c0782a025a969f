//! Who holds a port: from "address already in use" to the process behind the door.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use portlab_lab::Server;
use portlab_sys::{
    holder::{Holder, holder},
    process::status,
    sockets::{Socket as Listed, State, holders},
};
use portlab_words::Lang;
use socket2::{Domain, Socket, Type};

use crate::{
    cast::{
        PATIENCE, is_quiet,
        kernel::{error_name, own_pid, shown, sockets_once, until},
        quiet_door,
    },
    lesson::{Lesson, Part},
    stage::{Exit, Seen, Stage},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "holder",
    part: Part::Ports,
    en: include_str!("en.md"),
    zh: include_str!("zh.md"),
    files: &[
        ("mod.rs", include_str!("mod.rs")),
        ("late.py", include_str!("late.py")),
    ],
    examples: &[
        ("port", "40231"),
        ("error", "EADDRINUSE"),
        ("said", "OSError: [Errno 98] Address already in use"),
        (
            "sockets",
            "State  Recv-Q Send-Q Local           Peer Process\n\
             LISTEN 0      1024   127.0.0.1:40231 *    4712/portlab",
        ),
        ("name", "portlab"),
        ("pid", "4712"),
        ("own", "4711"),
        ("own_name", "portlab"),
        ("fd", "/proc/4712/fd/3 -> socket:[183407]"),
        ("inode", "183407"),
        ("by_hand", ""),
        ("took", "31 µs"),
        (
            "both",
            "State  Recv-Q Send-Q Local           Peer Process\n\
             LISTEN 0      128    127.0.0.1:40231 *    4711/portlab\n\
             LISTEN 0      128    127.0.0.2:40231 *    4711/portlab",
        ),
        ("everywhere", "EADDRINUSE"),
    ],
    examples_zh: &[],
    play,
};

fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    // One that is there already, and that the lesson acts as if it knew nothing of.
    let mut server = server(stage)?;
    let door = server.addr();
    let port = door.port();
    stage.set("port", port);

    let mut act = stage.step("refused")?;
    let refused = open_a_door(Ipv4Addr::LOCALHOST, port).err();
    act.set("error", error_name(refused.as_ref()));
    act.seen("refused", is_in_use(refused.as_ref()));
    let student = act.stage().student("late.py", &[&port.to_string()])?;
    let last = student.map(|it| it.complaint());
    let is_told = last.as_ref().map(|line| line.contains("Errno 98"));
    act.seen("python", is_told);
    act.set("said", last.unwrap_or_default());
    act.end()?;

    let own_name = status(own_pid(), "Name").unwrap_or_default();
    stage.set("own", own_pid());
    stage.set("own_name", &own_name);
    let mut act = stage.step("find")?;
    let listed = sockets_once(port, |all| all.len() == 1)?;
    // Looked for again if need be: now and then a busy kernel leaves a socket out.
    let found = until(PATIENCE, || holder(door), Option::is_some);
    act.set("sockets", shown(&listed));
    let inode = listed.first().map_or(0, |it| it.inode);
    act.set("inode", inode);
    let descriptor = descriptor_of(server.pid(), inode);
    let have_it = holders().remove(&inode).unwrap_or_default();
    let alone = have_it.len() == 1 && have_it[0].pid == server.pid();
    act.seen("open", descriptor.is_some() && alone);
    act.set("fd", descriptor.unwrap_or_default());
    let is_namesake = |it: &Holder| it.name == own_name && it.pid != own_pid();
    let named = found.as_ref().filter(|it| it.pid == server.pid());
    act.seen("named", named.is_some_and(is_namesake));
    act.set("name", found.as_ref().map_or("?", |it| it.name.as_str()));
    act.set("pid", found.as_ref().map_or(0, |it| it.pid));
    act.end()?;

    let mut act = stage.step("end")?;
    let by_hand = server.wait(Duration::ZERO)?.is_some();
    // However it was done by hand: that is what the text shows how to do.
    let ended = by_hand || server.stop(PATIENCE)?.status.success();
    let since = Instant::now();
    let ours = open_a_door(Ipv4Addr::LOCALHOST, port);
    act.set("took", format!("{} µs", since.elapsed().as_micros()));
    act.seen("ended", ended);
    let words = match act.stage().lang() {
        _ if !by_hand => "",
        Lang::En => ": you had ended it yourself",
        Lang::Zh => "：是你自己动手结束的",
    };
    act.set("by_hand", words);
    act.seen(
        "free",
        match &ours {
            Ok(_) => Seen::Yes,
            // Our server had no calls: whatever stands there now has come since.
            Err(_) if is_given_away(port)? => Seen::NotHere,
            Err(_) => Seen::No,
        },
    );
    act.end()?;
    let ours = ours.or_else(|_| quiet_door().map(Socket::from))?;
    let port = ours.local_addr()?.as_socket().map_or(port, |it| it.port());
    stage.set("port", port);

    let mut act = stage.step("addresses")?;
    let second = open_a_door(Ipv4Addr::new(127, 0, 0, 2), port);
    let mut both = sockets_once(port, |all| all.len() == 2)?;
    both.sort_by_key(|it| it.local);
    act.set("both", shown(&both));
    act.seen("two", second.is_ok() && are_two_doors(&both));
    act.end()?;
    drop(second);

    let mut act = stage.step("all")?;
    // Not opened even if the system should allow it: a door that is only bound lets nobody in.
    let everywhere = bound_to(Ipv4Addr::UNSPECIFIED, port).err();
    act.seen("refused", is_in_use(everywhere.as_ref()));
    act.set("everywhere", error_name(everywhere.as_ref()));
    act.end()
}

/// A server at a number that nobody else's socket has.
fn server(stage: &Stage<'_>) -> Result<Server, Exit> {
    let mut noisy = Vec::new();
    loop {
        let server = stage.server(&["--model", "threads"])?;
        if is_quiet(server.addr().port())? || noisy.len() == 5 {
            return Ok(server);
        }
        noisy.push(server);
    }
}

/// Whether the system has given the number to another program in the meantime.
fn is_given_away(port: u16) -> io::Result<bool> {
    Ok(!sockets_once(port, |all| !all.is_empty())?.is_empty())
}

/// Opens a door as Python's `bind` and `listen` do: Rust's own `TcpListener` asks for more.
fn open_a_door(address: Ipv4Addr, port: u16) -> io::Result<Socket> {
    let server = bound_to(address, port)?;
    server.listen(128)?;
    Ok(server)
}

fn bound_to(address: Ipv4Addr, port: u16) -> io::Result<Socket> {
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
fn are_two_doors(sockets: &[Listed]) -> bool {
    let listen = sockets.iter().all(|it| it.state == State::Listen);
    listen && sockets.len() == 2 && sockets[0].local.ip() != sockets[1].local.ip()
}

fn is_in_use(error: Option<&io::Error>) -> bool {
    error.is_some_and(|it| it.kind() == io::ErrorKind::AddrInUse)
}
