//! The user's own server, to which the lesson connects.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use portlab_sys::sockets::{State, holders, sockets};

use crate::{
    cast::{Fault, Role, fresh_listener, listen_at},
    stage::{Exit, Stage},
};

/// The port for the user's server: `{yours}` in the text. No socket listens there.
/// Fails if the chosen port, or every port, is taken.
pub(crate) fn port(stage: &mut Stage<'_>) -> io::Result<u16> {
    // Each listener is closed again: the port is for the user's server.
    if stage.is_interactive() {
        return Ok(stage.courses_port()?.local_addr()?.port());
    }
    let listener = match stage.run().choices.port {
        Some(port) => listen_at(port)?,
        None => fresh_listener()?,
    };
    let port = listener.local_addr()?.port();
    stage.set("yours", port);
    stage.set("taken", "");
    Ok(port)
}

/// Tries `meet` at `addr`, each time that the user presses Enter, until the user's server is met; `None` when the user skips
/// it.
pub(crate) fn met_on_request<T>(
    stage: &mut Stage<'_>,
    addr: SocketAddr,
    meet: impl Fn(SocketAddr) -> Option<T>,
) -> Result<Option<T>, Exit> {
    while stage.is_started()? {
        if let Some(met) = meet(addr) {
            return Ok(Some(met));
        }
        let fault = Fault::Refused(addr.port(), python_elsewhere(addr.port()));
        stage.diagnose(&fault, Role::Server)?;
    }
    Ok(None)
}

/// A Python program that listens at another port than `port`, if there is exactly one, and that port.
fn python_elsewhere(port: u16) -> Option<(String, u16)> {
    let holders = holders();
    let listening = sockets().unwrap_or_default().into_iter();
    let listening = listening.filter(|it| it.state == State::Listen && it.local.port() != port);
    let mut programs = listening.filter_map(|it| {
        let by = holders.get(&it.inode)?.first()?;
        let is_python = by.name.starts_with("python");
        is_python.then(|| (by.to_string(), it.local.port()))
    });
    let first = programs.next();
    first.filter(|_| programs.next().is_none())
}

/// A connection to `addr`, tried for as long as a program takes to start.
pub(crate) fn connected(addr: SocketAddr) -> Option<TcpStream> {
    let since = Instant::now();
    loop {
        match TcpStream::connect(addr) {
            // If no program listens, TCP may connect a socket to itself.
            Ok(stream) if stream.local_addr().is_ok_and(|own| own != addr) => return Some(stream),
            _ if since.elapsed() > START => return None,
            _ => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// How long a program may take until it listens.
const START: Duration = Duration::from_secs(5);
