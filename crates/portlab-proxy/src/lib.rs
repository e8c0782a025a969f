//! A fault proxy: it stands before a TCP port, passes bytes on, and applies the faults that are set.
//!
//! | module | owns |
//! |---|---|
//! | `fault` | the faults by name, and the grammar that sets them, for options and for lines |
//! | `line` | one direction of a connection: which bytes are sent when; pure |
//! | `connection` | the two sockets of a connection, driven by two lines |
//! | `proxy` | the listener, the connections' threads, the counters |
//!
//! Each connection has one thread, which waits in `poll(2)`, and holds at most [`Options::buffer`] bytes for each
//! direction. What breaks first: threads, at some thousand connections.
//!
//! ```
//! use std::net::TcpListener;
//! use portlab_proxy::Proxy;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = TcpListener::bind("127.0.0.1:0")?;
//! let proxy = Proxy::before(server.local_addr()?, &["latency 5ms", "slicer up:1"])?;
//! let client = std::net::TcpStream::connect(proxy.addr())?;
//! # Ok(()) }
//! ```

#![forbid(unsafe_code)]

mod connection;
mod fault;
mod line;
mod proxy;

pub use fault::{FAULTS, Fault, Faults, Settings, WORDS};
pub use proxy::{Counts, Options, Proxy};
