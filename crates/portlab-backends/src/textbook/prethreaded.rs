//! A pool of threads that are started in advance, and that all accept.
//!
//! Try it: `cargo run --example textbook-prethreaded`, `portlab connect 127.0.0.1:9090`.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

/// How many clients are served at a time. The next one waits in the accept queue.
const WORKERS: usize = 16;

/// Starts the threads, each an iterative server on the same listener.
pub fn serve(listener: TcpListener, workers: usize) -> io::Result<()> {
    // All of them block in `accept`, and the kernel wakes one for each client. A scope lets the
    // threads borrow the listener.
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                for stream in listener.incoming().flatten() {
                    let _ = echo(stream);
                }
            });
        }
    });
    Ok(())
}

/// Sends back what arrives, until the client has closed its side and has its last answer.
fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // A silent client occupies this thread just like an active one.
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
