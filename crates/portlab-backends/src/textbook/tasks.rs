//! Coroutines on every core (tokio): a thread per core runs the tasks that are ready.
//!
//! Try it: `cargo run --example textbook-tasks`, `portlab connect 127.0.0.1:9090`.

use std::{io, net, thread};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Builder,
};

/// Runs the accepting task, and with it all others, on `threads` threads.
pub fn serve(listener: net::TcpListener, threads: usize) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut runtime = Builder::new_multi_thread();
    let runtime = runtime.worker_threads(threads).enable_io().build()?;
    // Accepting is a task too: a new connection begins on the thread that has accepted it. A thread
    // without work steals tasks from the others.
    let accepting = runtime.spawn(accept(listener));
    runtime.block_on(accepting)?
}

async fn accept(listener: net::TcpListener) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        // An error is that of a client that has gone before it was accepted.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // After an `await`, a task may go on in another thread, so its variables must be `Send`.
        tokio::spawn(echo(stream));
    }
}

/// Sends back what arrives, until the client has closed its side and has its last answer.
async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // While this task waits here, its thread runs other tasks.
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            length => stream.write_all(&buffer[..length]).await?,
        }
    }
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let listener = net::TcpListener::bind(addr.as_deref().unwrap_or("127.0.0.1:9090"))?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener, thread::available_parallelism()?.get())
}
