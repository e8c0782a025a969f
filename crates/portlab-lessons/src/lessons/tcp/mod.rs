//! TCP: a connection from `connect` to the minute after `close`.

mod flow;

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

use self::flow::{read_in_order, send_until_stopped};
use crate::{
    cast::{
        Ends, accept, fresh_listener,
        kernel::{queued, remains_once, shown, sockets_at, sockets_once},
    },
    stage::{Exit, Seen, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    refused_without_a_server(stage)?;

    let server = listener_with_small_buffers()?;
    let door = server.local_addr()?;
    let port = door.port();
    stage.set("port", port);
    let mut step = stage.step("handshake")?;
    let client = TcpStream::connect(door)?;
    let ends = Ends::of(&client)?;
    let all = sockets_once(port, |all| are_joined(all) && queued(port, all) == 1)?;
    step.set("dialled", shown(&all));
    step.seen("connected", are_joined(&all));
    step.seen("queue", queued(port, &all) == 1);
    step.end()?;

    let mut step = stage.step("acknowledged")?;
    let mut served = accept(&server)?;
    (&client).write_all(b"hello")?;
    let all = sockets_once(port, |all| ends.queues(all) == (5, 0))?;
    step.set("said", shown(&all));
    let (unread, unacknowledged) = ends.queues(&all);
    step.seen("there", unread == 5);
    step.seen("acknowledged", unacknowledged == 0);
    step.end()?;

    let mut step = stage.step("full")?;
    served.read_exact(&mut [0; 5])?;
    let result = send_until_stopped(&client, ends)?;
    step.set("full", shown(&result.sockets));
    step.set("sent", result.bytes);
    let (unread, unacknowledged) = ends.queues(&result.sockets);
    let are_both_full = unread > 0 && unacknowledged > 0;
    step.seen("stopped", result.has_stopped && are_both_full);
    let received = read_in_order(&mut served, result.bytes)?;
    step.set("received", received);
    step.seen("whole", received == result.bytes);
    let all = sockets_once(port, |all| ends.queues(all) == (0, 0))?;
    step.seen("drained", ends.queues(&all) == (0, 0));
    step.end()?;

    let mut step = stage.step("hang_up")?;
    let had_room = time_wait::has_room();
    drop(served);
    // The kernel counts an end in FIN-WAIT-2 that belongs to no process among those in TIME-WAIT.
    let (all, seen) = remains_once(port, had_room, |all| ends.states(all) == HALF)?;
    step.set("first", shown(&all));
    step.seen("half", seen);
    drop(client);
    let (all, seen) = remains_once(port, had_room, |all| ends.states(all) == OVER)?;
    step.set("second", shown(&all));
    step.seen("remains", seen);
    step.end()?;

    restarted(stage, server)
}

/// The states of a connection's two ends, the server's first, when the server has closed it.
const HALF: [Option<&str>; 2] = [Some("FIN-WAIT-2"), Some("CLOSE-WAIT")];
/// The same when both ends have been closed.
const OVER: [Option<&str>; 2] = [Some("TIME-WAIT"), None];

fn refused_without_a_server(stage: &mut Stage<'_>) -> Result<(), Exit> {
    // The port is bound, so that no other program gets it, but the socket doesn't listen.
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    silent.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let closed = silent.local_addr()?.as_socket().map_or(0, |it| it.port());
    stage.set("closed", closed);
    let mut step = stage.step("refused")?;
    let since = Instant::now();
    let refused = TcpStream::connect(("127.0.0.1", closed)).err();
    // The number and its unit stay on one line.
    step.set("took", format!("{}\u{a0}µs", since.elapsed().as_micros()));
    let kind = step.set_error("error", refused.as_ref());
    step.seen("refused", kind == Some(ErrorKind::ConnectionRefused));
    step.end()
}

fn restarted(stage: &mut Stage<'_>, server: TcpListener) -> Result<(), Exit> {
    let door = server.local_addr()?;
    let mut step = stage.step("restart")?;
    // A new connection: the TIME-WAIT of the step before may have ended.
    let (ends, remains) = short_connection(&server)?;
    let is_shown = |seen: bool| match remains {
        Seen::NotHere => Seen::NotHere,
        _ => seen.into(),
    };
    drop(server);
    step.seen("no_holder", holder(door).is_none());
    let refused = step.set_error("refusal", start_at(door, false).err().as_ref());
    step.seen("refused", is_shown(refused == Some(ErrorKind::AddrInUse)));
    let restarted = start_at(door, true);
    let all = sockets_at(door.port())?;
    step.set("restarted", shown(&all));
    let still_remains = ends.states(&all) == OVER;
    step.seen("started", is_shown(restarted.is_ok() && still_remains));
    step.end()
}

/// A listening socket whose connections have small receive buffers, which are soon full.
fn listener_with_small_buffers() -> io::Result<TcpListener> {
    let server = fresh_listener()?;
    SockRef::from(&server).set_recv_buffer_size(64 * 1024)?;
    Ok(server)
}

/// Starts a server as Python does, which sets `SO_REUSEADDR` only on request.
fn start_at(door: SocketAddr, reuse: bool) -> io::Result<Socket> {
    let server = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    if reuse {
        server.set_reuse_address(true)?;
    }
    server.bind(&door.into())?;
    server.listen(128)?;
    Ok(server)
}

/// Makes a connection without data that the server closes first. Returns its ends, and whether the server's end is left.
fn short_connection(server: &TcpListener) -> io::Result<(Ends, Seen)> {
    let client = TcpStream::connect(server.local_addr()?)?;
    let (ends, port) = (Ends::of(&client)?, server.local_addr()?.port());
    let had_room = time_wait::has_room();
    drop(accept(server)?);
    remains_once(port, had_room, |all| ends.states(all) == HALF)?;
    drop(client);
    let (_, remains) = remains_once(port, had_room, |all| ends.states(all) == OVER)?;
    Ok((ends, remains))
}

/// Whether there is a listening socket, and both ends of a connection.
fn are_joined(all: &[Listed]) -> bool {
    let connected = all.iter().filter(|it| it.state == State::Established);
    all.len() == 3 && all[0].state == State::Listen && connected.count() == 2
}
