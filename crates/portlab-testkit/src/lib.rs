//! What tests and benches need around portlab: the program and its runs, servers of a few lines, folders, waiting.
//! Crates may depend on this one under `[dev-dependencies]` only.
//!
//! Every function here panics if the machine refuses what it needs: a test that can't be set up has failed.
//!
//! ```
//! use std::io::{Read, Write};
//!
//! let addr = portlab_testkit::server(portlab_testkit::echo);
//! let mut client = std::net::TcpStream::connect(addr)?;
//! client.write_all(b"hello")?;
//! client.read_exact(&mut [0; 5])?;
//! # Ok::<(), std::io::Error>(())
//! ```

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod folder;
mod foreign;
mod program;
mod running;
mod server;
mod sizing;
mod socket;
mod trials;
mod wait;

pub use folder::{folder, names, path, read, root};
pub use foreign::Foreign;
pub use program::{
    binary, command, commands, is_bench, json, on_a_terminal, portlab, printed, refused, says,
    shell, stderr, words,
};
pub use running::Running;
pub use server::{echo, echo_changed, serve_once, server, server_at};
pub use sizing::sized;
pub use socket::{
    client_ports, clients_of, free_addr, free_addr_of, listener, listener_with_backlog,
    wait_until_closed, wait_until_read,
};
pub use trials::{arguments, run, trial};
pub use wait::{PATIENCE, once, wait_until};
