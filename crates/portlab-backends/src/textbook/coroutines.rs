//! Coroutines with a stack each, on one thread: the code of a thread, suspended where that blocks.
//!
//! Try it: `cargo run --example textbook-coroutines`, `portlab connect 127.0.0.1:9090`.

use std::io::{self, ErrorKind::WouldBlock, Read, Write};
use std::{collections::HashMap, net::TcpListener, os::fd::AsRawFd};

use corosensei::{Coroutine, Yielder, stack::DefaultStack};
use mio::{Events, Interest, Poll, Token, net};

/// The way back to the loop, which then tells whether the client has closed its side.
type Loop = Yielder<bool, ()>;
const LISTENER: Token = Token(usize::MAX);
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// Asks which sockets are ready, and resumes their coroutines: each runs until it must wait.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = net::TcpListener::from_std(listener);
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    let registry = poll.registry().try_clone()?;
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut coroutines: HashMap<Token, Coroutine<bool, (), ()>> = HashMap::new();
    loop {
        // The only call that waits: for all sockets at once. After a signal, `events` is empty.
        let _ = poll.poll(&mut events, None);
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    let token = Token(stream.as_raw_fd() as usize);
                    registry.register(&mut stream, token, BOTH)?;
                    // The kernel gives memory only to the pages of a stack that are touched.
                    let stack = DefaultStack::new(64 * 1024)?;
                    let code = |back: &Loop, closed| drop(echo(stream, back, closed));
                    coroutines.insert(token, Coroutine::with_stack(stack, code));
                }
            } else if let Some(coroutine) = coroutines.get_mut(&event.token()) {
                let ended = coroutine.resume(event.is_read_closed()).as_return();
                ended.and_then(|()| coroutines.remove(&event.token()));
            }
        }
    }
}

/// Sends back what arrives, until the client has closed its side and has its last answer.
fn echo(mut stream: net::TcpStream, back: &Loop, mut closed: bool) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = match stream.read(&mut buffer) {
            // Here a thread blocks. The coroutine is suspended, and the thread runs others.
            Err(error) if error.kind() == WouldBlock => {
                closed |= back.suspend(());
                continue;
            }
            Ok(0) => return Ok(()),
            read => read?,
        };
        let (mut sent, mut is_empty) = (0, length < buffer.len());
        while sent < length {
            match stream.write(&buffer[sent..length]) {
                Err(error) if error.kind() == WouldBlock => {
                    (closed, is_empty) = (closed | back.suspend(()), false);
                }
                written => sent += written?,
            }
        }
        // A short read has emptied the socket, and the kernel reports new input (edge-triggered).
        if is_empty && !closed {
            closed = back.suspend(());
        }
    }
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let listener = TcpListener::bind(addr.as_deref().unwrap_or("127.0.0.1:9090"))?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener)
}
