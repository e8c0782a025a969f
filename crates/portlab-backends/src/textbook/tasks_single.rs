//! Coroutines on one thread (tokio): the blocking version, with an `await` wherever it waits.
//!
//! Try it: `cargo run --example textbook-tasks-single`, `portlab connect 127.0.0.1:9090`.

use std::{io, net};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Builder,
};

/// Runs all tasks on this thread, one at a time: each until it comes to an `await` that must wait.
pub fn serve(listener: net::TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        loop {
            // An error is that of a client that has gone before it was accepted.
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            // A task is a small value on the heap. It has no thread and no stack.
            tokio::spawn(echo(stream));
        }
    })
}

/// Sends back what arrives, until the client has closed its side and has its last answer.
async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // While this task waits, the thread runs other tasks. If it computed here, all would wait.
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
    serve(listener)
}
