//! A reactor: one thread asks which sockets are ready (mio), and never waits for one of them.
//!
//! Try it: `cargo run --example textbook-event-loop`, `portlab connect 127.0.0.1:9090`.

use std::{
    collections::HashMap,
    io::{self, ErrorKind, Read, Write},
    net::TcpListener,
    os::fd::AsRawFd,
};

use mio::{Events, Interest, Poll, Registry, Token, event::Event, net};

/// What a thread would keep on its stack: the socket, and the answer that is still to be sent.
type Conn = (net::TcpStream, Vec<u8>);
const LISTENER: Token = Token(usize::MAX);
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// Asks, serves each socket that is ready, and asks again.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = net::TcpListener::from_std(listener);
    let mut poll = Poll::new()?;
    let registry = poll.registry().try_clone()?;
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut conns: HashMap<Token, Conn> = HashMap::new();
    let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; 64 * 1024]);
    loop {
        // The only call that waits: for all sockets at once. After a signal, `events` is empty.
        let _ = poll.poll(&mut events, None);
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    let token = Token(stream.as_raw_fd() as usize);
                    registry.register(&mut stream, token, BOTH)?;
                    conns.insert(token, (stream, Vec::new()));
                }
            } else if let Some(conn) = conns.get_mut(&event.token()) {
                let served = read_and_write(conn, event, &registry, &mut buffer);
                // WouldBlock: the kernel will report the socket again. Other errors end the client.
                if served.is_err_and(|error| error.kind() != ErrorKind::WouldBlock) {
                    conns.remove(&event.token());
                }
            }
        }
    }
}

/// Reads once and writes once. If it would have to wait, it returns WouldBlock instead.
fn read_and_write(
    (stream, unsent): &mut Conn,
    event: &Event,
    registry: &Registry,
    buffer: &mut [u8],
) -> io::Result<()> {
    let mut is_drained = false;
    // While the client doesn't take its answer, no more of its input is read.
    if unsent.is_empty() {
        let length = stream.read(buffer)?;
        if length == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        unsent.extend_from_slice(&buffer[..length]);
        is_drained = length < buffer.len() && !event.is_read_closed();
    }
    let sent = stream.write(unsent)?;
    unsent.drain(..sent);
    // The kernel reports a change once (edge-triggered). If something is left, ask again for it.
    if !is_drained || !unsent.is_empty() {
        registry.reregister(stream, event.token(), BOTH)?;
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let listener = TcpListener::bind(addr.as_deref().unwrap_or("127.0.0.1:9090"))?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener)
}
