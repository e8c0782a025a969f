//! Completions: one thread tells the kernel what to do (io_uring), and is told what has been done.
//!
//! Try it: `cargo run --example textbook-uring`, `portlab connect 127.0.0.1:9090`.

use std::{
    collections::HashMap,
    io, mem,
    net::{TcpListener, TcpStream},
};

use portlab_sys::uring::{Completion, Key, Options, Ring};

/// The answer that a client is still to get, and whether the client has sent its end.
type Conn = (Vec<u8>, bool);
/// While more than this waits for a client, no more of its input is received.
const MOST: usize = 64 * 1024;

/// Submits requests, waits for completions, and makes new requests of them.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    let mut ring: Ring<TcpStream> = Ring::new(Options::default())?;
    ring.listen(listener);
    let mut conns: HashMap<Key, Conn> = HashMap::new();
    loop {
        // The only call that waits. It submits all requests too: many messages, one system call.
        ring.wait(None)?;
        while let Some(completion) = ring.next() {
            let (Completion::Received(key, _) | Completion::Sent(key, _)) = completion else {
                match completion {
                    Completion::Accepted(Ok(stream)) => {
                        let key = ring.insert(stream);
                        conns.insert(key, Conn::default());
                        ring.receive(key);
                    }
                    _ => ring.accept(),
                }
                continue;
            };
            let Some((unsent, at_end)) = conns.get_mut(&key) else {
                continue;
            };
            match completion {
                // The bytes are here, in a buffer of the kernel's choice, which goes back at once.
                Completion::Received(_, Ok(Some(buffer))) => {
                    unsent.extend_from_slice(ring.bytes(&buffer));
                    ring.give_back(buffer);
                }
                Completion::Received(_, Ok(None)) => *at_end = true,
                // The kernel has read the bytes, so their memory is free again.
                Completion::Sent(_, Ok(mut bytes)) if unsent.is_empty() => {
                    bytes.clear();
                    *unsent = bytes;
                }
                Completion::Sent(_, Ok(_)) => {}
                _ => (*at_end, *unsent) = (true, Vec::new()),
            }
            if !ring.is_sending(key) && !unsent.is_empty() {
                // The kernel reads them while this thread goes on, so the ring owns them now.
                let _ = ring.send(key, mem::take(unsent), false);
            }
            match unsent.len() {
                0 if *at_end && !ring.is_sending(key) => {
                    conns.remove(&key);
                    ring.close(key);
                }
                MOST.. => ring.pause(key),
                _ => ring.receive(key),
            }
        }
    }
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let listener = TcpListener::bind(addr.as_deref().unwrap_or("127.0.0.1:9090"))?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener)
}
