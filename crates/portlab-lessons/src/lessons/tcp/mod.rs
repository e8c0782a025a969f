//! TCP: a telephone call, from dialling a number to the minute after hanging up.

mod call;

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    time::Instant,
};

use portlab_sys::{
    holder::holder,
    sockets::{Socket as Listed, State},
    time_wait,
};
use socket2::{Domain, SockRef, Socket, Type};

use self::call::{Call, listen_to_all, talk_until_stopped};
use crate::{
    cast::{
        accept,
        kernel::{error_name, remains_once, shown, sockets_at, sockets_once},
        quiet_door,
    },
    lesson::{Lesson, Part},
    stage::{Exit, Seen, Stage},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "tcp",
    part: Part::Ports,
    en: include_str!("en.md"),
    zh: include_str!("zh.md"),
    files: &[("mod.rs", include_str!("mod.rs"))],
    examples: &[
        ("closed", "38513"),
        ("error", "ECONNREFUSED"),
        ("took", "64 µs"),
        ("port", "40231"),
        (
            "dialled",
            "State       Recv-Q Send-Q Local           Peer            Process\n\
             LISTEN      1      128    127.0.0.1:40231 *               4711/portlab\n\
             ESTABLISHED 0      0      127.0.0.1:40231 127.0.0.1:51334 -\n\
             ESTABLISHED 0      0      127.0.0.1:51334 127.0.0.1:40231 4711/portlab",
        ),
        (
            "said",
            "State       Recv-Q Send-Q Local           Peer            Process\n\
             LISTEN      0      128    127.0.0.1:40231 *               4711/portlab\n\
             ESTABLISHED 5      0      127.0.0.1:40231 127.0.0.1:51334 4711/portlab\n\
             ESTABLISHED 0      0      127.0.0.1:51334 127.0.0.1:40231 4711/portlab",
        ),
        (
            "full",
            "State       Recv-Q Send-Q Local           Peer            Process\n\
             LISTEN      0      128    127.0.0.1:40231 *               4711/portlab\n\
             ESTABLISHED 66560  0      127.0.0.1:40231 127.0.0.1:51334 4711/portlab\n\
             ESTABLISHED 0      88064  127.0.0.1:51334 127.0.0.1:40231 4711/portlab",
        ),
        ("sent", "154624"),
        ("received", "154624"),
        (
            "first",
            "State      Recv-Q Send-Q Local           Peer            Process\n\
             LISTEN     0      128    127.0.0.1:40231 *               4711/portlab\n\
             FIN-WAIT-2 0      0      127.0.0.1:40231 127.0.0.1:51334 -\n\
             CLOSE-WAIT 1      0      127.0.0.1:51334 127.0.0.1:40231 4711/portlab",
        ),
        (
            "second",
            "State     Recv-Q Send-Q Local           Peer            Process\n\
             LISTEN    0      128    127.0.0.1:40231 *               4711/portlab\n\
             TIME-WAIT 0      0      127.0.0.1:40231 127.0.0.1:51334 -",
        ),
        ("refusal", "EADDRINUSE"),
        (
            "restarted",
            "State     Recv-Q Send-Q Local           Peer            Process\n\
             LISTEN    0      128    127.0.0.1:40231 *               4711/portlab\n\
             TIME-WAIT 0      0      127.0.0.1:40231 127.0.0.1:51334 -\n\
             TIME-WAIT 0      0      127.0.0.1:40231 127.0.0.1:51350 -",
        ),
    ],
    examples_zh: &[],
    play,
};

fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    // A number that is given out, so that nobody else gets it, and at which nobody listens.
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    silent.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let closed = silent.local_addr()?.as_socket().map_or(0, |it| it.port());
    stage.set("closed", closed);
    let mut act = stage.step("nobody")?;
    let since = Instant::now();
    let refused = TcpStream::connect(("127.0.0.1", closed)).err();
    // The number and its unit stay on one line.
    act.set("took", format!("{}\u{a0}µs", since.elapsed().as_micros()));
    act.seen(
        "refused",
        is(refused.as_ref(), ErrorKind::ConnectionRefused),
    );
    act.set("error", error_name(refused.as_ref()));
    act.end()?;

    let server = open_for_calls()?;
    let door = server.local_addr()?;
    let port = door.port();
    stage.set("port", port);
    let mut act = stage.step("handshake")?;
    let client = TcpStream::connect(door)?;
    let call = Call::of(&client)?;
    let all = sockets_once(port, |all| are_joined(all) && waiting(all) == 1)?;
    act.set("dialled", shown(&all));
    act.seen("connected", are_joined(&all));
    act.seen("queue", waiting(&all) == 1);
    act.end()?;

    let mut act = stage.step("acknowledged")?;
    let mut served = accept(&server)?;
    (&client).write_all(b"hello")?;
    let all = sockets_once(port, |all| call.queues(all) == (5, 0))?;
    act.set("said", shown(&all));
    let (unread, unacknowledged) = call.queues(&all);
    act.seen("there", unread == 5);
    act.seen("acknowledged", unacknowledged == 0);
    act.end()?;

    let mut act = stage.step("full")?;
    served.read_exact(&mut [0; 5])?;
    let talk = talk_until_stopped(&client, call)?;
    act.set("full", shown(&talk.sockets));
    act.set("sent", talk.sent);
    let (unread, unacknowledged) = call.queues(&talk.sockets);
    act.seen(
        "stopped",
        talk.has_stopped && unread > 0 && unacknowledged > 0,
    );
    let received = listen_to_all(&mut served, talk.sent)?;
    act.set("received", received);
    act.seen("whole", received == talk.sent);
    let all = sockets_once(port, |all| call.queues(all) == (0, 0))?;
    act.seen("drained", call.queues(&all) == (0, 0));
    act.end()?;

    let mut act = stage.step("hang_up")?;
    let had_room = time_wait::has_room();
    drop(served);
    // The kernel counts an end in FIN-WAIT-2 that belongs to no process among those in TIME-WAIT.
    let (all, seen) = remains_once(port, had_room, |all| call.states(all) == HALF)?;
    act.set("first", shown(&all));
    act.seen("half", seen);
    drop(client);
    let (all, seen) = remains_once(port, had_room, |all| call.states(all) == OVER)?;
    act.set("second", shown(&all));
    act.seen("remains", seen);
    act.end()?;

    let mut act = stage.step("restart")?;
    // A call of its own: that of the step before may be more than a minute ago by now.
    let (call, remains) = short_call(&server)?;
    let is_shown = |seen: bool| match remains {
        Seen::NotHere => Seen::NotHere,
        _ => seen.into(),
    };
    drop(server);
    act.seen("nobody", holder(door).is_none());
    let refused = start_at(door, false).err();
    act.set("refusal", error_name(refused.as_ref()));
    let is_refused = is(refused.as_ref(), ErrorKind::AddrInUse);
    act.seen("refused", is_shown(is_refused));
    let restarted = start_at(door, true);
    let all = sockets_at(port)?;
    act.set("restarted", shown(&all));
    let still_remains = call.states(&all) == OVER;
    act.seen("started", is_shown(restarted.is_ok() && still_remains));
    act.end()
}

/// The states of a call's two ends, the server's first, when the server has hung up.
const HALF: [Option<&str>; 2] = [Some("FIN-WAIT-2"), Some("CLOSE-WAIT")];
/// The same when both have.
const OVER: [Option<&str>; 2] = [Some("TIME-WAIT"), None];

/// A server whose calls have little room, so that it is soon full.
fn open_for_calls() -> io::Result<TcpListener> {
    let server = quiet_door()?;
    SockRef::from(&server).set_recv_buffer_size(64 * 1024)?;
    Ok(server)
}

/// Starts a server as Python does, which asks for `SO_REUSEADDR` only when told to.
fn start_at(door: SocketAddr, reuse: bool) -> io::Result<Socket> {
    let server = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    if reuse {
        server.set_reuse_address(true)?;
    }
    server.bind(&door.into())?;
    server.listen(128)?;
    Ok(server)
}

/// A call in which nothing is said, and the server hangs up first; and whether its end remains.
fn short_call(server: &TcpListener) -> io::Result<(Call, Seen)> {
    let client = TcpStream::connect(server.local_addr()?)?;
    let (call, port) = (Call::of(&client)?, server.local_addr()?.port());
    let had_room = time_wait::has_room();
    drop(accept(server)?);
    remains_once(port, had_room, |all| call.states(all) == HALF)?;
    drop(client);
    let (_, remains) = remains_once(port, had_room, |all| call.states(all) == OVER)?;
    Ok((call, remains))
}

/// Whether there is a listening socket, and both ends of a connection.
fn are_joined(all: &[Listed]) -> bool {
    let states: Vec<_> = all.iter().map(Listed::state_name).collect();
    states == ["LISTEN", "ESTABLISHED", "ESTABLISHED"]
}

/// The calls that wait at the listening socket.
fn waiting(all: &[Listed]) -> u32 {
    let listening = all.iter().find(|it| it.state == State::Listen);
    listening.map_or(0, |it| it.unread)
}

fn is(error: Option<&io::Error>, kind: ErrorKind) -> bool {
    error.is_some_and(|it| it.kind() == kind)
}
