//! The first two steps: create a socket, connect it.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    os::fd::AsRawFd,
    time::Duration,
};

use anyhow::Context;
use portlab_words::{Text, tr, units};
use socket2::{Domain, Protocol, Socket, Type};

use super::trace::Trace;

/// Connects without a narration.
///
/// # Errors
/// As [`dial`].
pub(crate) fn connect(addrs: &[SocketAddr], patience: Duration) -> anyhow::Result<TcpStream> {
    Ok(dial(addrs, patience, None)?.0)
}

/// Connects to the first of `addrs` that answers within `patience`. Returns the connection and its local address.
///
/// # Errors
/// When none answers: the reason for each, with a remedy.
pub(super) fn dial(
    addrs: &[SocketAddr],
    patience: Duration,
    mut trace: Option<&mut Trace>,
) -> anyhow::Result<(TcpStream, SocketAddr)> {
    let mut reasons = Vec::new();
    for addr in addrs {
        let domain = Domain::for_address(*addr);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP));
        let socket = socket.context(tr!("can't create a socket", "无法创建套接字"))?;
        if let Some(trace) = &mut trace {
            crate::tell!("{}", trace.created(*addr, socket.as_raw_fd()));
        }
        match socket.connect_timeout(&(*addr).into(), patience) {
            Ok(()) => {
                let stream = TcpStream::from(socket);
                // Every send must leave at once, as a segment of its own.
                stream.set_nodelay(true)?;
                let local = stream.local_addr()?;
                if let Some(trace) = &mut trace {
                    crate::tell!("{}", trace.connected(local, *addr));
                }
                return Ok((stream, local));
            }
            Err(error) => {
                if let Some(trace) = &mut trace {
                    crate::tell!("{}", trace.unconnected(*addr, &error));
                }
                reasons.push(why(*addr, &error, patience));
            }
        }
    }
    Err(Text::join(reasons, "; ", "；").into())
}

/// Why `addr` can't be reached, and what to do about it.
fn why(addr: SocketAddr, error: &io::Error, patience: Duration) -> Text {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => tr!(
            "no program listens at {addr}; is the server up? (portlab serve)",
            "没有程序监听 {addr}；服务端启动了吗？（portlab serve）"
        ),
        io::ErrorKind::TimedOut => {
            let patience = units::time(patience);
            tr!(
                "{addr} has not answered within {patience}: a firewall, a full accept queue, or no such host; \
                 try --connect-timeout 30s",
                "{addr} 在 {patience} 内没有响应：可能是防火墙、accept 队列满了，或者没有这台主机；可以加 \
                 --connect-timeout 30s 再试"
            )
        }
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => tr!(
            "there is no route to {addr}; check the address, and the network",
            "没有到 {addr} 的路由；请检查地址和网络"
        ),
        io::ErrorKind::AddrNotAvailable => tr!(
            "no local port is left for a connection to {addr}, or {addr} can't be connected to; \
             wait a minute, or check the address",
            "本机没有可用的端口来连接 {addr}，或者它不是能连接的地址；等一分钟，或者检查地址"
        ),
        _ => {
            let why = Text::system(error);
            tr!("can't connect to {addr}: {why}", "连不上 {addr}：{why:#}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_names_the_address_and_a_remedy() {
        let addr = "127.0.0.1:9".parse().unwrap();
        for (kind, remedy) in [
            (io::ErrorKind::ConnectionRefused, "portlab serve"),
            (io::ErrorKind::TimedOut, "--connect-timeout"),
            (io::ErrorKind::HostUnreachable, "check"),
            (io::ErrorKind::AddrNotAvailable, "wait"),
        ] {
            let Text { en, zh } = why(addr, &kind.into(), Duration::from_secs(5));
            assert!(en.contains("127.0.0.1:9") && en.contains(remedy), "{en}");
            assert!(zh.contains("127.0.0.1:9") && !zh.contains("check"), "{zh}");
        }
    }
}
