//! UDP: datagrams, each by itself, without a connection.

mod seller;

use std::{
    io::{self, ErrorKind, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::Duration,
};

use portlab_sys::{
    socket::uninterrupted,
    sockets::{Socket, UdpSocket as Listed, holders, udp_sockets},
};
use portlab_words::table::columns;
use socket2::SockRef;

use crate::{
    cast::{
        PATIENCE, accept, fresh_listener, hex,
        kernel::{process_of, sockets_at},
        receive,
    },
    stage::{Exit, Stage},
};

/// How many datagrams are sent to a server that doesn't read.
const FLOOD: u32 = 1000;
/// The size of each.
const SIZE: usize = 1000;
/// The receive buffer that they don't fit into.
const BUFFER: usize = 64 * 1024;
/// How long a client listens for an error that doesn't come.
const SILENCE: Duration = Duration::from_millis(200);

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    the_same_number(stage)?;
    two_clients(stage)?;
    one_send_one_receive(stage)?;
    no_program(stage)?;
    a_full_buffer(stage)?;
    seller::ordered_again(stage)
}

fn the_same_number(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let server = free_for_both()?;
    let door = server.local_addr()?;
    stage.set("port", door.port());
    let mut step = stage.step("same")?;
    let bound = UdpSocket::bind(door);
    step.seen("bound", bound.is_ok());
    let udp = patient(bound?)?;
    let again = UdpSocket::bind(door).err();
    let kind = step.set_error("refused", again.as_ref());
    step.seen("again", kind == Some(ErrorKind::AddrInUse));
    let (tcp, of_udp) = (sockets_at(door.port())?, listed(door.port())?);
    step.set("sockets", both_halves(&tcp, &of_udp));

    TcpStream::connect(door)?.write_all(b"maths")?;
    patient(postbox()?)?.send_to(b"music", door)?;
    let by_tcp = receive(&mut accept(&server)?)?;
    let (by_udp, _) = received(&udp)?;
    step.seen("apart", by_tcp == b"maths" && by_udp == b"music");
    step.set("by_tcp", String::from_utf8_lossy(&by_tcp));
    step.set("by_udp", String::from_utf8_lossy(&by_udp));
    step.end()
}

fn two_clients(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("two")?;
    let server = postbox()?;
    let door = server.local_addr()?;
    let clients = [postbox()?, postbox()?];
    for (client, word) in clients.iter().zip(WORDS) {
        client.send_to(word.as_bytes(), door)?;
    }
    let own = listed(door.port())?;
    step.set("server", shown(&own, false));
    let has_no_peer = own.iter().all(|it| it.remote.port() == 0);
    step.seen("one", own.len() == 1 && has_no_peer);
    for name in ["first", "second"] {
        let (word, sender) = received(&server)?;
        server.send_to(&word.to_ascii_uppercase(), sender)?;
        step.set(name, sender.port());
    }
    let answers = answers_of(&clients)?;
    step.seen("both", answers == UPPER);

    let student = step.student("post.py", &[])?;
    let answers = student.map(|student| {
        let door = student.door()?;
        for (client, word) in clients.iter().zip(WORDS) {
            client.send_to(word.as_bytes(), door)?;
        }
        answers_of(&clients)
    });
    let answers = answers.transpose()?.map(|it| it.join(", "));
    step.printed("python", "upper", answers, |it| it == UPPER.join(", "));
    step.end()
}

fn one_send_one_receive(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("whole")?;
    let (server, client) = (postbox()?, postbox()?);
    for text in ["你好", "再见", "", "end"] {
        client.send_to(text.as_bytes(), server.local_addr()?)?;
    }
    let receive = |size: usize| {
        let mut buffer = vec![0; size];
        let length = uninterrupted(|| server.recv(&mut buffer))?;
        buffer.truncate(length);
        Ok::<_, io::Error>(buffer)
    };
    let first = receive(1024)?;
    let rest = [receive(4)?, receive(1024)?, receive(1024)?];
    for (number, read) in (1..).zip([&first].into_iter().chain(&rest)) {
        let bytes = step.lang().pick("bytes", "个字节");
        let number: u32 = number;
        let line = format!("{} {bytes}  {}", read.len(), hex(read));
        step.set(&format!("read_{number}"), line.trim_end());
    }
    step.seen("first", first == "你好".as_bytes());
    step.seen("cut", rest[0] == "再见".as_bytes()[..4]);
    step.seen("empty", rest[1].is_empty() && rest[2] == b"end");
    step.end()
}

fn no_program(stage: &mut Stage<'_>) -> Result<(), Exit> {
    // The socket keeps the number from other programs, and receives from itself only: for any other sender, no program
    // receives at this port.
    let keeper = postbox()?;
    let closed = keeper.local_addr()?;
    keeper.connect(closed)?;
    stage.set("closed", closed.port());
    let mut step = stage.step("closed")?;
    let client = postbox()?;
    let sent = client.send_to(b"hello", closed)?;
    step.set("sent", sent);
    step.seen("sent", sent == 5);
    step.set("silence", SILENCE.as_millis());
    client.set_read_timeout(Some(SILENCE))?;
    let heard = uninterrupted(|| client.recv(&mut [0; 1024]))
        .err()
        .map(|it| it.kind());
    // Linux calls a read that took too long WouldBlock.
    step.seen("silent", heard == Some(ErrorKind::WouldBlock));

    let with_peer = postbox()?;
    with_peer.connect(closed)?;
    with_peer.send(b"hello")?;
    let refused = uninterrupted(|| with_peer.recv(&mut [0; 1024])).err();
    let kind = step.set_error("error", refused.as_ref());
    step.seen("refused", kind == Some(ErrorKind::ConnectionRefused));
    step.end()
}

fn a_full_buffer(stage: &mut Stage<'_>) -> Result<(), Exit> {
    stage.set("count", FLOOD);
    let mut step = stage.step("lost")?;
    let (server, client) = (postbox()?, postbox()?);
    SockRef::from(&server).set_recv_buffer_size(BUFFER)?;
    let door = server.local_addr()?;
    let mut taken = 0;
    for number in 1..=FLOOD {
        let mut datagram = [0; SIZE];
        datagram[..4].copy_from_slice(&number.to_be_bytes());
        taken += u32::from(client.send_to(&datagram, door)? == SIZE);
    }
    step.seen("sent", taken == FLOOD);
    let full = listed(door.port())?;
    step.set("full", shown(&full, true));
    let dropped = full.iter().map(|it| it.dropped).sum::<u64>();
    step.set("dropped", dropped);
    step.seen("lost", dropped > 0);

    server.set_nonblocking(true)?;
    let numbers = std::iter::from_fn(|| {
        let mut datagram = [0; SIZE];
        server.recv(&mut datagram).ok()?;
        datagram.first_chunk().copied().map(u32::from_be_bytes)
    });
    let numbers: Vec<_> = numbers.collect();
    step.set("received", numbers.len());
    step.seen("rest", numbers.len() as u64 + dropped == u64::from(FLOOD));
    step.seen("order", (1..).zip(&numbers).all(|(at, it)| at == *it));
    let student = step.student("flood.py", &[])?;
    let printed = student.map(|it| it.rest().join("\n"));
    step.printed("python", "python", printed, |it| {
        let received = it.split(' ').next().and_then(|it| it.parse().ok());
        received.is_some_and(|it: u32| (1..FLOOD).contains(&it))
    });
    step.end()
}

/// A listening TCP socket at a port whose number is free for UDP too.
fn free_for_both() -> io::Result<TcpListener> {
    let mut taken = Vec::new();
    loop {
        let server = fresh_listener()?;
        match UdpSocket::bind(server.local_addr()?) {
            Ok(_) => return Ok(server),
            // Kept open, so that the system chooses another port.
            Err(_) if taken.len() < TRIES => taken.push(server),
            Err(error) => return Err(error),
        }
    }
}

/// A UDP socket at a port that the system chooses.
fn postbox() -> io::Result<UdpSocket> {
    patient(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?)
}

/// The same socket, with a time limit for each read: a datagram may be lost.
fn patient(socket: UdpSocket) -> io::Result<UdpSocket> {
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// The next datagram, and its sender.
fn received(socket: &UdpSocket) -> io::Result<(Vec<u8>, SocketAddr)> {
    let mut buffer = [0; 1024];
    let (length, sender) = uninterrupted(|| socket.recv_from(&mut buffer))?;
    Ok((buffer[..length].to_vec(), sender))
}

/// The next datagram of each client, as text.
fn answers_of(clients: &[UdpSocket]) -> io::Result<Vec<String>> {
    let answers = clients.iter().map(received);
    let texts = answers.map(|it| Ok(String::from_utf8_lossy(&it?.0).into_owned()));
    texts.collect()
}

/// The UDP sockets at `port`.
fn listed(port: u16) -> io::Result<Vec<Listed>> {
    let mut all = udp_sockets()?;
    all.retain(|it| it.local.port() == port);
    Ok(all)
}

/// The sockets of a number, those of TCP and those of UDP.
fn both_halves(tcp: &[Socket], udp: &[Listed]) -> String {
    let holders = holders();
    let head = ["Proto", "State", "Local", "Process"].map(str::to_owned);
    let tcp = tcp
        .iter()
        .map(|it| ("tcp", it.state_name(), it.local, it.inode));
    let udp = udp.iter().map(|it| ("udp", "-", it.local, it.inode));
    let rows = tcp.chain(udp).map(|(proto, state, local, inode)| {
        let process = process_of(inode, &holders);
        [
            proto.to_owned(),
            state.to_owned(),
            local.to_string(),
            process,
        ]
    });
    columns(&[head].into_iter().chain(rows).collect::<Vec<_>>(), 2)
}

/// UDP sockets as the kernel lists them: with their drops, or else with their peers.
fn shown(sockets: &[Listed], with_drops: bool) -> String {
    let last = if with_drops { "Drops" } else { "Peer" };
    let head = ["Proto", "Recv-Q", "Local", last].map(str::to_owned);
    let rows = sockets.iter().map(|it| {
        let peer = match it.remote.port() {
            0 => "*".to_owned(),
            _ => it.remote.to_string(),
        };
        let last = if with_drops {
            it.dropped.to_string()
        } else {
            peer
        };
        [
            "udp".to_owned(),
            it.unread.to_string(),
            it.local.to_string(),
            last,
        ]
    });
    columns(&[head].into_iter().chain(rows).collect::<Vec<_>>(), 2)
}

/// The words that two clients send.
const WORDS: [&str; 2] = ["maths", "music"];
/// The answers.
const UPPER: [&str; 2] = ["MATHS", "MUSIC"];
/// How many ports are tried.
const TRIES: usize = 50;
