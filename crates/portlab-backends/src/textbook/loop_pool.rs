//! A reactor and a pool: a loop (mio) keeps the sockets, a CPU pool (rayon) does what takes long.
//!
//! Try it: `cargo run --example textbook-loop-pool`, `portlab connect 127.0.0.1:9090`.

use std::io::{self, ErrorKind::WouldBlock, Read, Write};
use std::{collections::HashMap, net::TcpListener, os::fd::AsRawFd, sync::Arc, sync::mpsc};

use mio::{Events, Interest, Poll, Token, Waker, net};

/// The socket, and the bytes that it hasn't taken yet.
type Conn = (net::TcpStream, Vec<u8>);
const LISTENER: Token = Token(usize::MAX);
const DONE: Token = Token(usize::MAX - 1);
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);
const LONG: usize = 32 * 1024;

/// A job costs two wake-ups, so only what takes longer becomes one. Here, that is a long message.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = net::TcpListener::from_std(listener);
    let mut poll = Poll::new()?;
    let registry = poll.registry().try_clone()?;
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    let (waker, (done, finished)) = (Arc::new(Waker::new(&registry, DONE)?), mpsc::channel());
    let mut conns: HashMap<Token, Conn> = HashMap::new();
    let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; 64 * 1024]);
    loop {
        let _ = poll.poll(&mut events, None);
        for event in &events {
            let token = event.token();
            if token == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    let token = Token(stream.as_raw_fd() as usize);
                    registry.register(&mut stream, token, BOTH)?;
                    conns.insert(token, (stream, Vec::new()));
                }
            } else if let Some(mut conn) = conns.remove(&token) {
                match turn(&mut conn, &mut buffer) {
                    // The connection goes with its job: nothing is read until the job is done.
                    Ok(true) => {
                        let (done, waker) = (done.clone(), Arc::clone(&waker));
                        rayon::spawn_fifo(move || {
                            // Here a server would compute its answer.
                            let _ = done.send((token, conn));
                            let _ = waker.wake();
                        });
                    }
                    Err(error) if error.kind() == WouldBlock => conns.extend([(token, conn)]),
                    // The client has finished, or broken off: the connection is closed.
                    Ok(false) | Err(_) => {}
                }
            }
        }
        for (token, mut conn) in finished.try_iter() {
            registry.reregister(&mut conn.0, token, BOTH)?;
            conns.insert(token, conn);
        }
    }
}

/// Answers until the socket is empty (an error), or sends a long message (true), or ends (false).
fn turn((stream, unsent): &mut Conn, buffer: &mut [u8]) -> io::Result<bool> {
    let mut length = 1;
    while (1..LONG).contains(&length) {
        while !unsent.is_empty() {
            let sent = stream.write(unsent)?;
            unsent.drain(..sent);
        }
        length = stream.read(buffer)?;
        unsent.extend_from_slice(&buffer[..length]);
    }
    Ok(length > 0)
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let listener = TcpListener::bind(addr.as_deref().unwrap_or("127.0.0.1:9090"))?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener)
}
