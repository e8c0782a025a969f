//! Where the assistant listens, or what it connects to.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use anyhow::Context;
use portlab_assist::Open;
use portlab_backends::{BindError, bind};
use portlab_sys::sockets::{holders, udp_sockets};
use portlab_words::{Text, tr};

use super::Args;
use crate::{
    address::{Purpose, narrow, warn_if_wide},
    connect::dial,
    serve::remedy_with,
};

/// Listens or connects.
pub(super) fn open(args: &Args) -> anyhow::Result<Open> {
    if let Some(to) = &args.to {
        let to = narrow(to);
        return match to.strip_prefix(UDP) {
            Some(to) => udp_to(to),
            None => {
                let addrs = Purpose::ASSIST_TO.resolve(&to)?;
                Ok(Open::Connected(dial::connect(
                    &addrs,
                    args.connect_timeout,
                )?))
            }
        };
    }
    let text = narrow(args.addr.as_deref().unwrap_or(DEFAULT));
    let (text, is_udp) = match text.strip_prefix(UDP) {
        Some(text) => (text, true),
        None => (&*text, false),
    };
    let addr = match &args.bind {
        Some(own) => with_host(text, &narrow(own), args.addr.is_some())?,
        None => Purpose::ASSIST.resolve(text)?[0],
    };
    let open = match is_udp {
        true => udp_at(addr)?,
        false => {
            let listener = bind(addr, &portlab_backends::Options::default());
            Open::Listen(listener.map_err(unusable)?)
        }
    };
    warn_if_wide(addr, "--bind");
    Ok(open)
}

/// The address of `--bind`, with the port of `text`, which was given by the user or not.
fn with_host(text: &str, own: &str, is_given: bool) -> anyhow::Result<SocketAddr> {
    let addr = Purpose::ASSIST.resolve(text)?[0];
    let bare = own.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, addr.port()));
    }
    let bound = Purpose::ASSIST.resolve(own)?[0];
    if is_given && bound.port() != addr.port() {
        let (ip, port) = (bound.ip(), addr.port());
        anyhow::bail!(tr!(
            "{text} and --bind {own} name two ports; write one of them: portlab assist {port} --bind {ip}",
            "{text} 和 --bind {own} 写了两个端口；只写一个：portlab assist {port} --bind {ip}"
        ));
    }
    Ok(bound)
}

fn udp_at(addr: SocketAddr) -> anyhow::Result<Open> {
    let socket = UdpSocket::bind(addr).map_err(|error| taken(addr, &error))?;
    Ok(Open::Udp { socket, to: None })
}

fn udp_to(to: &str) -> anyhow::Result<Open> {
    let to = Purpose::ASSIST_TO.resolve(to)?[0];
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => ([0; 4], 0).into(),
        SocketAddr::V6(_) => ([0; 16], 0).into(),
    };
    let socket = UdpSocket::bind(any).and_then(|socket| {
        // Connected, the socket is told if no program has the port.
        socket.connect(to)?;
        Ok(socket)
    });
    let socket = socket.with_context(|| {
        tr!(
            "can't send to udp://{to}; check the address, and the network",
            "无法向 udp://{to} 发送；请检查地址和网络"
        )
    })?;
    Ok(Open::Udp {
        socket,
        to: Some(to),
    })
}

/// Why the TCP port can't be used, and what to do.
fn unusable(error: BindError) -> Text {
    let (addr, holder) = match &error {
        BindError::InUse(addr, holder) => (*addr, holder.as_ref().map(|it| it.pid)),
        BindError::Privileged(addr) => (SocketAddr::new(addr.ip(), 8079), None),
        BindError::Other(..) => return remedy_with(error, "--bind", 0),
    };
    let port = free_port(addr, |it| TcpListener::bind(it).is_ok());
    let why = remedy_with(error, "portlab assist", port);
    match holder {
        Some(pid) => tr!(
            "{why}, or end that program: kill {pid}",
            "{why:#}，或者结束占用者：kill {pid}"
        ),
        None => why,
    }
}

/// A port behind that of `addr` that is free, so that a client can be told a number; 0 if none of the next ports is.
fn free_port(addr: SocketAddr, is_free: impl Fn(SocketAddr) -> bool) -> u16 {
    let next = (1..=20).filter_map(|it| addr.port().checked_add(it));
    let mut free = next.filter(|it| is_free(SocketAddr::new(addr.ip(), *it)));
    free.next().unwrap_or(0)
}

/// Why the UDP port `addr` can't be used, and what to do.
fn taken(addr: SocketAddr, error: &std::io::Error) -> Text {
    let free = free_port(addr, |it| UdpSocket::bind(it).is_ok());
    let free = SocketAddr::new(addr.ip(), free);
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            let all = udp_sockets().unwrap_or_default();
            let held = all.iter().filter(|it| it.local.port() == addr.port());
            let holders = holders();
            let holder = held
                .filter_map(|it| holders.get(&it.inode)?.first())
                .map(ToString::to_string)
                .next();
            let by = holder.map_or(Text::default(), |it| tr!(" by {it}", "，占用者是 {it}"));
            tr!(
                "the UDP port {addr} is in use{by}; try portlab assist udp://{free}",
                "UDP 端口 {addr} 已被占用{by:#}；可以改用 portlab assist udp://{free}"
            )
        }
        _ => {
            let why = Text::system(error);
            tr!(
                "can't receive at udp://{addr}: {why}; the address must be one of this machine",
                "无法在 udp://{addr} 接收：{why:#}；要写本机的地址"
            )
        }
    }
}

const UDP: &str = "udp://";
const DEFAULT: &str = "8080";
