//! Threads that take turns: the leader waits for one event, lets the next wait, and handles it.
//!
//! Try it: `cargo run --example textbook-leader-followers`, `portlab connect 127.0.0.1:9090`.

use std::io::{self, ErrorKind::WouldBlock, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use std::{collections::HashMap, net::TcpListener, os::fd::AsRawFd, thread};

use mio::{Events, Interest, Poll, Token, event::Event, net};

/// The socket, and the answer that is still to be sent.
type Conn = (net::TcpStream, Vec<u8>);
const LISTENER: Token = Token(usize::MAX);
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// Starts the threads, which are all alike.
pub fn serve(listener: TcpListener, threads: usize) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = net::TcpListener::from_std(listener);
    let poll = Poll::new()?;
    let registry = poll.registry().try_clone()?;
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    // The leader holds this lock while it waits. The followers wait for the lock.
    let turn = Mutex::new((poll, Events::with_capacity(1)));
    let conns = Mutex::new(HashMap::<Token, Arc<Mutex<Conn>>>::new());
    let take_turns = || -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let mut leader = lock(&turn);
            let (poll, events) = &mut *leader;
            let _ = poll.poll(events, None);
            let token = events.iter().next().map_or(LISTENER, Event::token);
            drop(leader); // From here on another thread leads, and waits for the next event.
            while token == LISTENER
                && let Ok((mut stream, _)) = listener.accept()
            {
                let token = Token(stream.as_raw_fd() as usize);
                let mut conns = lock(&conns); // The thread of its first event waits for this lock.
                registry.register(&mut stream, token, BOTH)?;
                conns.insert(token, Arc::new(Mutex::new((stream, Vec::new()))));
            }
            let Some(conn) = lock(&conns).get(&token).cloned() else {
                continue;
            };
            // Two threads may have events of one client. The second one waits for the first.
            match answer(&mut lock(&conn), &mut buffer) {
                Err(error) if error.kind() == WouldBlock => {}
                // The client has finished or is lost: this closes it.
                _ => drop(lock(&conns).remove(&token)),
            }
        }
    };
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(take_turns))));
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics")
}

/// Answers all input that has come (then `WouldBlock`), or goes on until the client has finished.
fn answer((stream, unsent): &mut Conn, buffer: &mut [u8]) -> io::Result<()> {
    loop {
        if unsent.is_empty() {
            match stream.read(buffer)? {
                0 => return Ok(()),
                length => unsent.extend_from_slice(&buffer[..length]),
            }
        }
        let sent = stream.write(unsent)?;
        unsent.drain(..sent);
    }
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let listener = TcpListener::bind(addr.as_deref().unwrap_or("127.0.0.1:9090"))?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener, 16)
}
