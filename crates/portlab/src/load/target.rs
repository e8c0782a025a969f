//! The targets on the command line.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    os::unix::fs::FileTypeExt,
    path::Path,
    time::Duration,
};

use anyhow::bail;
use portlab_load::Target;
use portlab_sys::{
    listening::{has_listener, nearness},
    sockets::udp_sockets,
};
use portlab_words::tr;

use crate::address::{Host, Purpose, narrow};

/// The longest name of a socket in the file system, in bytes (`unix(7)`).
const LONGEST_PATH: usize = 107;

/// The target that `text` names: `HOST:PORT`, `tcp://HOST:PORT`, `udp://HOST:PORT`, `unix:/path`, or `unix:@name` in the
/// abstract namespace.
///
/// # Errors
/// When `text` names none.
pub(super) fn target(text: &str, patience: Duration) -> anyhow::Result<Target> {
    if let Some(path) = without(text, "unix:") {
        return unix(without(&path, "//").as_ref().unwrap_or(&path));
    }
    if let Some(text) = without(&narrow(text), "udp://") {
        let addrs = Purpose::LOAD.resolve(&text)?;
        return Ok(Target::Udp(first_that_receives(&addrs)));
    }
    tcp(text, patience)
}

/// The TCP port that `text` names.
///
/// # Errors
/// When `text` names none.
pub(super) fn tcp(text: &str, patience: Duration) -> anyhow::Result<Target> {
    let text = narrow(text);
    let addrs = Purpose::LOAD.resolve(without(&text, "tcp://").as_ref().unwrap_or(&text))?;
    Ok(Target::Tcp(first_that_answers(&addrs, patience)))
}

/// The socket in the file system at `path`.
///
/// # Errors
/// When no socket can have this name, or something else has it.
pub(super) fn unix(path: &str) -> anyhow::Result<Target> {
    if path.trim_start_matches('@').is_empty() {
        bail!(tr!(
            "unix: needs the path of a socket, such as unix:/run/app.sock, or unix:@name in the abstract namespace",
            "unix: 之后要写套接字的路径，如 unix:/run/app.sock，或抽象命名空间中的 unix:@name"
        ));
    }
    let length = path.len();
    if length > LONGEST_PATH {
        bail!(tr!(
            "the path {path} has {length} bytes, and the name of a socket has {LONGEST_PATH} at most; change into its \
             folder and give the path from there, or make a link with a shorter path",
            "路径 {path} 有 {length} 字节，而套接字的名字最长 {LONGEST_PATH} 字节；请进入它所在的目录后写相对路径，或建一个路径较短的链接"
        ));
    }
    if fs::metadata(path).is_ok_and(|it| !it.file_type().is_socket()) {
        bail!(tr!(
            "{path} is not a socket; give the path at which the server listens (ss -xl lists them)",
            "{path} 不是套接字；请写服务端监听的路径（ss -xl 会列出）"
        ));
    }
    Ok(Target::Unix(Path::new(path).into()))
}

/// What follows `prefix` in `text`, in letters of either case; `None` if `text` begins otherwise.
fn without(text: &str, prefix: &str) -> Option<String> {
    let (start, rest) = text.trim().split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| rest.to_owned())
}

/// The host in `text`, as it was written: its name in TLS.
///
/// # Errors
/// When `text` names no target.
pub(super) fn host_of(text: &str) -> anyhow::Result<String> {
    if without(text, "unix:").is_some() {
        return Ok("localhost".to_owned());
    }
    let text = narrow(text);
    let port = without(&text, "udp://").or_else(|| without(&text, "tcp://"));
    Ok(
        match Purpose::LOAD.read(port.as_ref().unwrap_or(&text))?.host {
            Host::V6(ip, _zone) => ip.to_string(),
            host => host.to_string(),
        },
    )
}

/// The address to load: if a name has several, the first that answers. `localhost` often stands for `::1` too,
/// although the server listens on 127.0.0.1 only, or the other way round.
fn first_that_answers(addrs: &[SocketAddr], patience: Duration) -> SocketAddr {
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

/// The address of a UDP port: if a name has several addresses of loopback, the one at which a program receives. The
/// system's list of sockets shows that without a datagram, which some servers would take for a request.
fn first_that_receives(addrs: &[SocketAddr]) -> SocketAddr {
    let sockets = match addrs {
        [_] => Vec::new(),
        _ => udp_sockets().unwrap_or_default(),
    };
    let distance = |addr: &SocketAddr| {
        let at_port = sockets.iter().map(|it| it.local);
        let at_port = at_port.filter(|it| it.port() == addr.port() && addr.ip().is_loopback());
        // Whether a socket at [::] receives over IPv4 too isn't listed, so that IPv6 is tried first.
        let near = at_port.filter_map(|it| nearness(it.ip().to_canonical(), addr.ip(), false));
        near.min().unwrap_or(u8::MAX)
    };
    // If no program receives, the first address stays.
    addrs
        .iter()
        .copied()
        .min_by_key(distance)
        .unwrap_or(addrs[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_by_its_scheme_and_a_port_needs_none() {
        let read = |text: &str| target(text, Duration::ZERO);
        let (tcp, udp) = (Target::Tcp, Target::Udp);
        let addr = SocketAddr::from(([127, 0, 0, 1], 53));
        let unix = |path: &str| Target::Unix(path.into());
        for (text, expected) in [
            ("127.0.0.1:53", tcp(addr)),
            (":53", tcp(addr)),
            ("TCP://127.0.0.1:53", tcp(addr)),
            ("udp://127.0.0.1:53", udp(addr)),
            ("UDP：//53", udp(addr)),
            ("udp://[::1]:53", udp("[::1]:53".parse().unwrap())),
            ("unix:/run/app.sock", unix("/run/app.sock")),
            ("unix:///run/app.sock", unix("/run/app.sock")),
            ("unix:@app", unix("@app")),
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
        for (text, part) in [
            ("unix:", "unix:/run/app.sock"),
            ("unix:@", "unix:/run/app.sock"),
            ("unix:/", "not a socket"),
            (&format!("unix:/{}", "a".repeat(107)), "has 108 bytes"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
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

    #[test]
    fn the_address_at_which_a_program_receives_datagrams_is_chosen() {
        for own in ["127.0.0.2:0", "0.0.0.0:0"] {
            let socket = std::net::UdpSocket::bind(own).unwrap();
            let port = socket.local_addr().unwrap().port();
            let other = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port));
            let addr = SocketAddr::from(([127, 0, 0, 2], port));
            assert_eq!(first_that_receives(&[other, addr]), addr, "{own}");
            drop(socket);
            assert_eq!(first_that_receives(&[other, addr]), other, "{own}");
        }
    }
}
