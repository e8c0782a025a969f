//! A process per connection.
//!
//! Try it: `cargo run --example textbook-fork`, `portlab connect 127.0.0.1:9090`.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::AsFd,
};

use portlab_sys::{
    alone::Alone,
    children::{Children, Forked, leave},
};

/// The parent accepts and forks; each child serves one client and exits.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    // fork(2) copies only the thread that calls it, so a process that forks has no other.
    let alone = Alone::claim().map_err(io::Error::other)?;
    let mut children = Children::new()?;
    listener.set_nonblocking(true)?;
    loop {
        // Waits for a client, or for the end of a child. A child that has ended is a zombie
        // until it is reaped (waitpid).
        children.reap_beside(Some(listener.as_fd()))?;
        // If only a child has ended, this non-blocking `accept` returns an error at once.
        let Ok((stream, _)) = listener.accept() else {
            continue;
        };
        match children.fork(&alone) {
            Ok(Forked::Child(_)) => {
                // With this copy open, the port would stay in use after the parent's end.
                drop(listener);
                leave(echo(stream).is_ok());
            }
            // Both processes hold the socket. It closes when both have closed their copies.
            Ok(Forked::Parent(_)) => drop(stream),
            Err(error) => eprintln!("can't fork for a client: {error}"),
        }
    }
}

/// Sends back what arrives, until the client has closed its side and has its last answer.
fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // Blocks this process, and only this one, until something has arrived.
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => stream.write_all(&buffer[..length])?,
            // A signal has interrupted the call: it is made again.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let listener = TcpListener::bind(addr.as_deref().unwrap_or("127.0.0.1:9090"))?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener)
}
