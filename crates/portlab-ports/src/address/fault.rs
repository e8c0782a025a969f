//! What is wrong with an address, and what to write instead. The remedy works when it is typed.

use portlab_words::{Text, tr};

use super::{
    Purpose,
    read::{is_number, read},
};
use crate::services::{named, near};

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A URL, whose scheme is no part of an address.
    Url {
        scheme: String,
        rest: String,
        text: String,
    },
    /// A host without a port; in brackets, if it needs them.
    NoPort { host: String },
    /// Something that is no port, behind a host that is one; `host` with a port.
    BadPort { port: String, host: String },
    /// Port 0, which can't be connected to.
    Zero { text: String },
    /// An IPv6 address whose last part may be a port.
    Ambiguous { text: String, with_port: String },
    /// Something that is no host.
    BadHost { host: String, text: String },
}

impl Fault {
    /// In words.
    pub(super) fn tell(&self, purpose: Purpose) -> Text {
        let command = purpose.command;
        match self {
            Self::Url { scheme, rest, text } => {
                let addr = of_url(scheme, rest);
                tr!(
                    "{text:?} is a URL, and no address; write HOST:PORT: {command} {addr}",
                    "{text:?} 是网址（URL），不是地址；请写 主机:端口：{command} {addr}"
                )
            }
            Self::NoPort { host } if named(host).is_some() => tr!(
                "{host:?} has no port; if it is the service that is meant, write a colon before it: \
                 {command} :{host}",
                "{host:?} 没有写端口；如果指的是这个服务，请在前面加上冒号：{command} :{host}"
            ),
            Self::NoPort { host } if host.is_empty() => tr!(
                "\"\" is no address; write HOST:PORT: {command} 127.0.0.1:8080",
                "\"\" 不是地址；请写 主机:端口：{command} 127.0.0.1:8080"
            ),
            Self::NoPort { host } => tr!(
                "{host:?} has no port, and a machine has 65535 of them; write HOST:PORT: \
                 {command} {host}:8080 (portlab ports lists those of this machine)",
                "{host:?} 没有写端口，一台机器有 65535 个端口；请写 主机:端口：{command} {host}:8080\
                 （portlab ports 会列出本机的端口）"
            ),
            Self::BadPort { port, host } => bad_port(port, host, purpose),
            Self::Zero { text } => tr!(
                "no client can connect to port 0, as in {text:?}; write a number from 1 to 65535, as in \
                 127.0.0.1:8080",
                "{text:?} 里的端口是 0，没有程序能连接到端口 0；请写 1 到 65535 的整数，比如 127.0.0.1:8080"
            ),
            Self::Ambiguous { text, with_port } => tr!(
                "{text:?} can be read in two ways; write {with_port} if its last part is the port, or \
                 [{text}]:8080 if all of it is the IPv6 address",
                "{text:?} 有两种读法；如果最后一段是端口，请写 {with_port}；如果整个都是 IPv6 地址，请写 \
                 [{text}]:8080"
            ),
            Self::BadHost { host, text } => tr!(
                "{host:?} in {text:?} is no host; write HOST:PORT, such as 127.0.0.1:8080, or \
                 [::1]:8080 for IPv6",
                "{text:?} 里的 {host:?} 不是主机；请写 主机:端口，比如 127.0.0.1:8080，IPv6 写作 \
                 [::1]:8080"
            ),
        }
    }
}

fn bad_port(port: &str, host: &str, purpose: Purpose) -> Text {
    let least = u16::from(!purpose.takes_zero);
    match near(port).filter(|_| !is_number(port)) {
        Some(near) => tr!(
            "{port:?} is no port, and no service that portlab knows; did you mean {near}? Write a \
             number from {least} to 65535, or a name, as in {host}",
            "{port:?} 不是端口号，也不是 portlab 知道的服务名；你是想写 {near} 吗？请写 {least} 到 65535 \
             的整数，或者服务名，比如 {host}"
        ),
        None => tr!(
            "{port:?} is no port; write a number from {least} to 65535, as in {host}",
            "{port:?} 不是端口号；请写 {least} 到 65535 的整数，比如 {host}"
        ),
    }
}

/// The address that a URL means.
fn of_url(scheme: &str, rest: &str) -> String {
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    // What stands before it is a name and a password.
    let host = host.rsplit('@').next().unwrap_or(host);
    let port = named(scheme).map_or(8080, |service| service.port);
    let written = [host.to_owned(), format!("{host}:{port}")];
    let read = written.iter().find_map(|it| read(it, false).ok());
    read.map_or_else(|| "127.0.0.1:8080".to_owned(), |it| it.to_string())
}
