//! An echo server with may: a coroutine with a stack of its own for every connection, on one thread.
//!
//! The idea: what gevent does in Python, in Rust. The code has no `await`: it calls `read` and `write_all` of `std`'s traits,
//! on may's sockets. When a call would block, may switches to the stack of a coroutine whose socket is ready.
//!
//! Each switch may continue the coroutine on another thread, so a coroutine must not keep a reference to a thread-local
//! value across a call that waits. The compiler can't check that: spawning is `unsafe`, and the macro `go!` hides it.
//!
//! Similar portlab model: `coroutines`.
//!
//! What blocks: everything that may can't interrupt: a long computation, `std::thread::sleep`, or a socket of `std`. It
//! stops all clients of that thread, and no `await` shows where that could happen.
//!
//! What a connection costs: a coroutine with a stack of 32 KiB (two pages or more of it in memory), and a
//! descriptor; and a buffer of 64 KiB, of which the used pages are in memory. Per message a `recv` (two, if the first finds
//! no data and the coroutine must wait), a `send`, and a share of one `epoll_wait`.
//!
//! What breaks first: the one processor on which the thread runs. A stack that is too small is an overflow, which ends
//! the program.
//!
//! Run it: docs/peers/compare.sh --install && target/peers/rust/release/rust_may 9090

use std::{
    error::Error,
    io::{self, Read, Write},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use may::{
    coroutine, go,
    net::{TcpListener, TcpStream},
};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag::register_conditional_shutdown,
};

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).ok_or("usage: rust_may PORT")?;
    for signal in [SIGINT, SIGTERM] {
        // The handler ends the process with status 0.
        register_conditional_shutdown(signal, 0, Arc::new(AtomicBool::new(true)))?;
    }
    may::config().set_workers(1);
    // may listens with a backlog of 1024 connections, and sets SO_REUSEPORT.
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?))?;
    // Accepting in a coroutine keeps it on the worker's thread, too.
    let accepting = go!(move || accept(&listener));
    accepting.join().map_err(|_| "accepting has ended".into())
}

fn accept(listener: &TcpListener) {
    loop {
        match listener.accept() {
            // An error, such as a reset, ends its own connection only.
            Ok((stream, _)) => drop(go!(move || echo(stream))),
            // Descriptors have run out: the connection stays in the queue, and accepting again at once would fail again.
            Err(_) => coroutine::sleep(Duration::from_millis(500)),
        }
    }
}

/// One connection, in a coroutine of its own.
fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        // The client's FIN: it may still read, and by now it has been sent everything.
        if length == 0 {
            return Ok(());
        }
        // While the kernel takes no more bytes, this coroutine waits, and doesn't read: that is the back-pressure.
        stream.write_all(&buffer[..length])?;
    }
}
