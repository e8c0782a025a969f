//! An iterative server: it serves one client to its end, and then accepts the next.
//!
//! Try it: `cargo run --example textbook-iterative`, `portlab connect 127.0.0.1:9090`.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
};

/// Serves one client after the other.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    // While one client is served, the others wait in the accept queue: connected, and not answered.
    // `flatten` skips errors, such as that of a client that has gone before it was accepted.
    for stream in listener.incoming().flatten() {
        // An error, such as a reset, ends this connection only.
        let _ = echo(stream);
    }
    Ok(())
}

/// Sends back what arrives, until the client has closed its side and has its last answer.
fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // Blocks until bytes have arrived. They may be a part of a message, or several messages:
        // TCP keeps no boundaries.
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
