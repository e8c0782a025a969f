//! A thread per connection.
//!
//! Try it: `cargo run --example textbook-threads`, `portlab connect 127.0.0.1:9090`.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

/// The main thread accepts, and starts a thread for each client.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    for stream in listener.incoming().flatten() {
        // The thread owns the stream: when the thread ends, the connection closes. If the system
        // allows no further thread, this connection closes at once, and the others go on.
        let _ = thread::Builder::new().spawn(move || echo(stream));
    }
    Ok(())
}

/// Sends back what arrives, until the client has closed its side and has its last answer.
fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // Blocks this thread, and only this one, until something has arrived.
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
