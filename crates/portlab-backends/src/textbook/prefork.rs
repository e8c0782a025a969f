//! A pool of processes that are forked in advance, and that all accept.
//!
//! Try it: `cargo run --example textbook-prefork`, `portlab connect 127.0.0.1:9090`.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
};

use portlab_sys::{
    alone::Alone,
    children::{Children, Forked, leave},
};

/// How many clients are served at a time. The next one waits in the accept queue.
const WORKERS: usize = 16;

/// Forks the workers, and forks another one when one has ended. The parent serves no client.
pub fn serve(listener: TcpListener, workers: usize) -> io::Result<()> {
    // fork(2) copies only the thread that calls it, so a process that forks has no other.
    let alone = Alone::claim().map_err(io::Error::other)?;
    let mut children = Children::new()?;
    loop {
        while children.len() < workers {
            if let Forked::Child(_) = children.fork(&alone)? {
                work(&listener);
            }
        }
        // Waits until a worker has crashed or was killed, and reaps it.
        children.reap_beside(None)?;
    }
}

/// What each worker does: it is an iterative server, on a listener that all workers share.
fn work(listener: &TcpListener) -> ! {
    for stream in listener.incoming().flatten() {
        let _ = echo(stream);
    }
    leave(true)
}

/// Sends back what arrives, until the client has closed its side and has its last answer.
fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // A silent client occupies this process just like an active one.
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
    serve(listener, WORKERS)
}
