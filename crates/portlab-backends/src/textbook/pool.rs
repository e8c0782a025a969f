//! Connections as jobs of a CPU pool (rayon): it works, and it is the wrong use of such a pool.
//!
//! Try it: `cargo run --example textbook-pool`, `portlab connect 127.0.0.1:9090`.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

/// The main thread accepts, and puts each client into the pool's queue.
pub fn serve(listener: TcpListener, workers: usize) -> io::Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(workers);
    let pool = pool.build().map_err(io::Error::other)?;
    for stream in listener.incoming().flatten() {
        // First come, first served: plain `spawn` would run the newest job first.
        pool.spawn_fifo(move || {
            let _ = echo(stream);
        });
    }
    Ok(())
}

/// Sends back what arrives, until the client has closed its side and has its last answer.
fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // While this job waits for its client, one of the pool's few threads computes nothing.
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
    // The pool is made for computing, and more threads than cores would not compute faster.
    serve(listener, thread::available_parallelism()?.get())
}
