//! A reactor for each core, each with its own listener (SO_REUSEPORT): the shards share nothing.
//!
//! Try it: `cargo run --example textbook-sharded`, `portlab connect 127.0.0.1:9090`.

use std::{
    collections::HashMap,
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use mio::{Events, Interest, Poll, Token, net};
use socket2::{Domain, Socket, Type};

/// Binds one more listener to the same port. All of them need the option, the first one too.
fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_port(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&addr.into())?;
    socket.listen(1024).map(|()| socket.into())
}

/// Runs the first shard here, and each other one in a thread.
pub fn serve(first: TcpListener, shards: usize) -> io::Result<()> {
    let poll = Poll::new()?;
    let others = (1..shards).map(|_| Ok((bind(first.local_addr()?)?, Poll::new()?)));
    for (listener, poll) in others.collect::<io::Result<Vec<_>>>()? {
        thread::spawn(|| run(listener, poll));
    }
    run(first, poll)
}

/// The loop of a shard. The connections are its own: the kernel has chosen its listener for them.
fn run(listener: TcpListener, mut poll: Poll) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = net::TcpListener::from_std(listener);
    let (mut buffer, both) = (vec![0; 65_536], Interest::READABLE | Interest::WRITABLE);
    poll.registry().register(&mut listener, Token(0), both)?;
    let (mut conns, mut count, mut events) = (HashMap::new(), 0, Events::with_capacity(1024));
    loop {
        let _ = poll.poll(&mut events, None);
        for event in &events {
            let Some((stream, unsent)) = conns.get_mut(&event.token()) else {
                while let Ok((mut stream, _)) = listener.accept() {
                    count += 1;
                    poll.registry().register(&mut stream, Token(count), both)?;
                    conns.insert(Token(count), (stream, Vec::new()));
                }
                continue;
            };
            // Reads once, writes once. If more is to be done, asks again (edge-triggered).
            let mut turn = || {
                let mut is_drained = false;
                if unsent.is_empty() {
                    let length = stream.read(&mut buffer)?;
                    unsent.extend_from_slice(&buffer[..length]);
                    is_drained = length < buffer.len() && !event.is_read_closed();
                }
                let sent = stream.write(unsent)?;
                unsent.drain(..sent);
                match (sent, is_drained && unsent.is_empty()) {
                    (0, _) => Err(ErrorKind::UnexpectedEof.into()),
                    (_, true) => io::Result::Ok(()),
                    (_, false) => poll.registry().reregister(stream, event.token(), both),
                }
            };
            if turn().is_err_and(|error| error.kind() != ErrorKind::WouldBlock) {
                conns.remove(&event.token());
            }
        }
    }
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1).unwrap_or("127.0.0.1:9090".into());
    let listener = bind(addr.parse().map_err(io::Error::other)?)?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener, thread::available_parallelism()?.get())
}
