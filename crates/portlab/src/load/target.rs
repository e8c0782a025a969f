//! The targets on the command line.

use std::{
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    time::Duration,
};

use anyhow::bail;
use portlab_load::Target;
use portlab_sys::listening::has_listener;
use portlab_words::tr;

use crate::address::{Host, Purpose};

/// The target that `text` names: `HOST:PORT`, `udp://HOST:PORT` or `unix:/path`.
///
/// # Errors
/// When `text` names none.
pub(super) fn target(text: &str, patience: Duration) -> anyhow::Result<Target> {
    if let Some(path) = text.strip_prefix("unix:") {
        if path.is_empty() {
            bail!(tr!(
                "{text:?} names no socket; write unix: and the socket's path, such as unix:/run/app.sock",
                "{text:?} 没有写出套接字；请在 unix: 之后写套接字的路径，如 unix:/run/app.sock"
            ));
        }
        return Ok(Target::Unix(PathBuf::from(path)));
    }
    if let Some(text) = text.strip_prefix("udp://") {
        // Whether a UDP port answers can't be found out without a message.
        return Ok(Target::Udp(Purpose::LOAD.resolve(text)?[0]));
    }
    let addrs = Purpose::LOAD.resolve(text)?;
    Ok(Target::Tcp(first_that_answers(&addrs, patience)))
}

/// The host in `text`, as it was written: its name in TLS.
///
/// # Errors
/// When `text` names no target.
pub(super) fn host_of(text: &str) -> anyhow::Result<String> {
    if text.starts_with("unix:") {
        return Ok("localhost".to_owned());
    }
    let text = text.strip_prefix("udp://").unwrap_or(text);
    Ok(match Purpose::LOAD.read(text)?.host {
        Host::V6(ip, _zone) => ip.to_string(),
        host => host.to_string(),
    })
}

/// The address to load: if a name has several, the first that answers. `localhost` often stands for `::1` too,
/// although the server listens on 127.0.0.1 only, or the other way round.
pub(super) fn first_that_answers(addrs: &[SocketAddr], patience: Duration) -> SocketAddr {
    let first = addrs[0];
    if addrs.len() == 1 {
        return first;
    }
    // The system's list of sockets shows the listeners of this machine without a connection: an empty connection ends
    // some servers. If no listener is listed, a connection can't end one.
    let answers = |addr: &&SocketAddr| {
        has_listener(**addr) == Some(true) || TcpStream::connect_timeout(addr, patience).is_ok()
    };
    // If no address answers, the run reports the reason.
    addrs.iter().find(answers).copied().unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_in_the_file_system_is_named_by_its_path() {
        let read = |text| target(text, Duration::ZERO);
        assert_eq!(
            read("unix:/run/app.sock").unwrap(),
            Target::Unix("/run/app.sock".into())
        );
        let udp = Target::Udp(([127, 0, 0, 1], 53).into());
        assert_eq!(read("udp://127.0.0.1:53").unwrap(), udp);
        let error = read("unix:").unwrap_err().to_string();
        assert!(error.contains("unix:/run/app.sock"), "{error}");
    }

    #[test]
    fn a_server_of_this_machine_is_chosen_without_a_connection() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let unused = SocketAddr::from(([127, 0, 0, 2], addr.port()));
        let chosen = first_that_answers(&[unused, addr], Duration::from_secs(60));
        assert_eq!(chosen, addr);
        let error = listener.accept().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }
}
