//! A minimal echo server with tokio: a task for every connection, all on one thread.
//!
//! The idea: as in asyncio, a task runs until it has to wait at an `await`; then the runtime runs another task whose
//! socket is ready. The compiler turns each task into a state machine, so a task needs no stack of its own.
//! tokio's other runtime has several threads that take tasks from each other; here one thread runs all, so that its CPU time is
//! comparable with that of the other peers.
//!
//! Similar portlab model: `tasks-single`.
//!
//! What blocks: everything. Between two `await`s no other task runs: `std::thread::sleep` or a long computation in
//! one task stops all clients for that time.
//!
//! What a connection costs: a task of some hundred bytes and a descriptor; and a buffer of 64 KiB, of which the used
//! pages are in memory. Per message a `recv`, a `send`, and a share of one `epoll_wait`.
//!
//! What breaks first: the one processor on which the runtime runs; with many connections, the memory for buffers.
//!
//! Run it: docs/peers/compare.sh --install && target/peers/rust/release/rust_tokio 9090

#![forbid(unsafe_code)]

use std::{
    error::Error,
    io,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag::register_conditional_shutdown,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    runtime,
};

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).ok_or("usage: rust_tokio PORT")?;
    for signal in [SIGINT, SIGTERM] {
        // The handler ends the process with status 0.
        register_conditional_shutdown(signal, 0, Arc::new(AtomicBool::new(true)))?;
    }
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(serve(port.parse()?))?)
}

async fn serve(port: u16) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    let listener = socket.listen(1024)?;
    loop {
        match listener.accept().await {
            // An error, such as a reset, ends its own connection only.
            Ok((stream, _)) => drop(tokio::spawn(echo(stream))),
            // Descriptors have run out: the connection stays in the queue, and accepting again at once would fail again.
            Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}

/// One connection, in a task of its own.
async fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = stream.read(&mut buffer).await?;
        // The client's FIN: it may still read, and by now it has been sent everything.
        if length == 0 {
            return Ok(());
        }
        // While the kernel takes no more bytes, this task waits, and doesn't read: that is the back-pressure.
        stream.write_all(&buffer[..length]).await?;
    }
}
