//! An event loop in each of several processes, on one listener.
//!
//! Try it: `cargo run --example textbook-prefork-loop`, `portlab connect 127.0.0.1:9090`.

use std::io::{self, ErrorKind, Read, Write};
use std::{collections::HashMap, net, num::NonZero, os::fd::AsRawFd};

use portlab_sys::{alone::Alone, children};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags as On};
use rustix::{buffer::spare_capacity, io::retry_on_intr};

/// A connection, and what is still to be sent to it.
type Conn = (net::TcpStream, Vec<u8>);

/// Forks the workers, and forks another one when one has ended. The parent serves no client.
pub fn serve(listener: net::TcpListener, workers: usize) -> io::Result<()> {
    let alone = Alone::claim().map_err(io::Error::other)?;
    let mut forked = children::Children::new()?;
    listener.set_nonblocking(true)?;
    loop {
        while forked.len() < workers {
            if let children::Forked::Child(_) = forked.fork(&alone)? {
                children::leave(work(&listener).is_ok());
            }
        }
        forked.reap_beside(None)?;
    }
}

/// What each worker does: an event loop, with the connections that it has accepted.
fn work(listener: &net::TcpListener) -> io::Result<()> {
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    // A connection wakes one worker. Without EXCLUSIVE it would wake all of them.
    let (shared, own) = (EventData::new_u64(0), EventData::new_u64);
    epoll::add(&poll, listener, shared, On::IN | On::EXCLUSIVE)?;
    let changes = On::IN | On::OUT | On::RDHUP | On::ET;
    let mut conns: HashMap<u64, Conn> = HashMap::new();
    let (mut events, mut buffer) = (Vec::with_capacity(1024), vec![0; 64 * 1024]);
    loop {
        retry_on_intr(|| epoll::wait(&poll, spare_capacity(&mut events), None))?;
        for event in events.drain(..) {
            let seen = event.flags;
            if let Some(conn) = conns.get_mut(&event.data.u64()) {
                let served = read_and_write(conn, &mut buffer, seen.contains(On::RDHUP));
                // WouldBlock: the kernel will report the next change. Other errors end the client.
                if served.is_err_and(|error| error.kind() != ErrorKind::WouldBlock) {
                    conns.remove(&event.data.u64());
                }
            // One connection in each turn: the others are for other workers.
            } else if let Ok((stream, _)) = listener.accept() {
                stream.set_nonblocking(true)?;
                let key = stream.as_raw_fd() as u64;
                epoll::add(&poll, &stream, own(key), changes)?;
                conns.insert(key, (stream, Vec::new()));
            }
        }
    }
}

/// Reads and writes as far as that goes without waiting. What isn't sent yet stays in `unsent`.
fn read_and_write((stream, unsent): &mut Conn, buffer: &mut [u8], at_end: bool) -> io::Result<()> {
    let mut is_drained = false;
    while !(is_drained && unsent.is_empty()) {
        if unsent.is_empty() {
            let length = NonZero::new(stream.read(buffer)?).ok_or(ErrorKind::UnexpectedEof)?;
            unsent.extend_from_slice(&buffer[..length.get()]);
            is_drained = unsent.len() < buffer.len() && !at_end;
        }
        drop(unsent.drain(..stream.write(unsent)?));
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let listener = net::TcpListener::bind(addr.as_deref().unwrap_or("127.0.0.1:9090"))?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener, 2)
}
