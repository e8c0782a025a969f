//! An echo server with monoio: a task for every connection on one thread, and io_uring.
//!
//! The idea: the code is that of `rust_tokio.rs`, but the runtime doesn't wait until a socket is ready and then read. It
//! gives the kernel the request to read, with a buffer, and the kernel reports the completion. The requests of all
//! tasks enter the kernel together, in one system call for each turn of the loop.
//!
//! So the kernel owns the buffer while the request is open. Rust's borrows can't express that, because a task may be dropped
//! before the kernel has finished; so `read` and `write_all` take the buffer and return it with the result.
//!
//! If the kernel forbids io_uring, as in many containers, monoio falls back to epoll. `rust_monoio --driver` prints which of them runs.
//!
//! Similar portlab model: `uring`.
//!
//! What blocks: everything. Between two `await`s no other task runs.
//!
//! What a connection costs: a task of some hundred bytes and a descriptor; and a buffer of 64 KiB, of which the used
//! pages are in memory. Per message two requests, and a share of one `io_uring_enter`.
//!
//! What breaks first: the one processor on which the runtime runs; with many connections, the memory for buffers, because the
//! request of an idle connection keeps its buffer.
//!
//! Run it: docs/peers/compare.sh --install && target/peers/rust/release/rust_monoio 9090

#![forbid(unsafe_code)]

use std::{
    error::Error,
    io,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use monoio::{
    FusionDriver, RuntimeBuilder,
    io::{AsyncReadRent, AsyncWriteRentExt},
    net::{ListenerOpts, TcpListener, TcpStream},
};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag::register_conditional_shutdown,
};

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).ok_or("usage: rust_monoio PORT")?;
    if port == "--driver" {
        let uses_uring = monoio::utils::detect_uring();
        println!("{}", if uses_uring { "io_uring" } else { "epoll" });
        return Ok(());
    }
    for signal in [SIGINT, SIGTERM] {
        // The handler ends the process with status 0.
        register_conditional_shutdown(signal, 0, Arc::new(AtomicBool::new(true)))?;
    }
    let mut runtime = RuntimeBuilder::<FusionDriver>::new()
        .enable_timer()
        .build()?;
    Ok(runtime.block_on(serve(port.parse()?))?)
}

async fn serve(port: u16) -> io::Result<()> {
    // monoio would set SO_REUSEPORT, and a second server on the same port would take a part of the connections.
    let options = ListenerOpts::new().reuse_port(false).backlog(1024);
    let listener = TcpListener::bind_with_config(("127.0.0.1", port), &options)?;
    loop {
        match listener.accept().await {
            // An error, such as a reset, ends its own connection only.
            Ok((stream, _)) => drop(monoio::spawn(echo(stream))),
            // Descriptors have run out: the connection stays in the queue, and accepting again at once would fail again.
            Err(_) => monoio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}

/// One connection, in a task of its own.
async fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(64 * 1024);
    let mut result;
    loop {
        (result, buffer) = stream.read(buffer).await;
        // The client's FIN: it may still read, and by now it has been sent everything.
        if result? == 0 {
            return Ok(());
        }
        // Until the kernel has taken all bytes, this task waits, and doesn't read: that is the back-pressure.
        (result, buffer) = stream.write_all(buffer).await;
        result?;
        buffer.clear();
    }
}
