//! A reactor and a pool: a loop (mio) keeps the sockets, a CPU pool (rayon) does what takes long.
//!
//! Try it: `cargo run --example textbook-loop-pool`, `portlab connect 127.0.0.1:9090`.

use std::io::{self, ErrorKind::WouldBlock, Read, Write};
use std::{collections::HashMap, net::TcpListener, os::fd::AsRawFd, sync::Arc, sync::mpsc};

use mio::{Events, Interest, Poll, Token, Waker, net};

/// The socket, and the answer that is still to be sent.
type Conn = (net::TcpStream, Vec<u8>);
const LISTENER: Token = Token(usize::MAX);
const DONE: Token = Token(usize::MAX - 1);
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);
const LONG: usize = 32 * 1024;

/// A job costs two wake-ups, so only long work becomes a job: here, the answer to a long message.
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
                match answer_short(&mut conn, &mut buffer) {
                    Err(error) if error.kind() == WouldBlock => conns.extend([(token, conn)]),
                    Ok(0) | Err(_) => {} // The client has finished or is lost: this closes it.
                    // The connection goes with its job: nothing is read until the job is done.
                    Ok(_) => {
                        let (done, waker) = (done.clone(), Arc::clone(&waker));
                        rayon::spawn_fifo(move || {
                            // Here a server would compute the answer.
                            let _ = done.send((token, conn));
                            let _ = waker.wake();
                        });
                    }
                }
            }
        }
        for (token, mut conn) in finished.try_iter() {
            registry.reregister(&mut conn.0, token, BOTH)?; // Reports what has come meanwhile.
            conns.insert(token, conn);
        }
    }
}

/// Answers short messages. Returns the length of a long one, or 0 if the client has finished.
fn answer_short((stream, unsent): &mut Conn, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        while !unsent.is_empty() {
            let sent = stream.write(unsent)?;
            unsent.drain(..sent);
        }
        let length = stream.read(buffer)?;
        unsent.extend_from_slice(&buffer[..length]);
        if !(1..LONG).contains(&length) {
            return Ok(length);
        }
    }
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let listener = TcpListener::bind(addr.as_deref().unwrap_or("127.0.0.1:9090"))?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener)
}
