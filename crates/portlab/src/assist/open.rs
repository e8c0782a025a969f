//! Where the assistant listens, or what it connects to.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use anyhow::Context;
use portlab_assist::Open;
use portlab_backends::bind;
use portlab_sys::sockets::{holders, udp_sockets};
use portlab_words::{Text, tr};

use super::Args;
use crate::{
    address::{Purpose, narrow, warn_if_wide},
    connect::dial,
    serve::remedy,
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
            Open::Listen(listener.map_err(|it| remedy(it, "--bind"))?)
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

/// Why the UDP port `addr` can't be used, and what to do.
fn taken(addr: SocketAddr, error: &std::io::Error) -> Text {
    let free = SocketAddr::new(addr.ip(), 0);
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
                "the UDP port {addr} is in use{by}; try udp://{free}",
                "UDP 端口 {addr} 已被占用{by:#}；可以改用 udp://{free}"
            )
        }
        _ => tr!(
            "can't receive at udp://{addr}: {error}; the address must be one of this machine",
            "无法在 udp://{addr} 接收：{error}；要写本机的地址"
        ),
    }
}

const UDP: &str = "udp://";
const DEFAULT: &str = "8080";
