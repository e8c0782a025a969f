//! What is wrong with an address, and what to write instead. The remedy works when it is typed.

use portlab_words::{Text, tr};

use super::Purpose;
use crate::services::named;

/// Why a text isn't an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A URL; `addr` is the address of its server.
    Url { addr: String, text: String },
    /// A host without a port; an IPv6 address has its brackets.
    NoPort { host: String },
    /// The part after the host isn't a port. `example` is the host with a valid port, `near` the name of a service that
    /// is spelled like `port`.
    BadPort {
        port: String,
        near: Option<&'static str>,
        example: String,
    },
    /// Port 0, where a client needs a port to connect to.
    Zero { text: String },
    /// An IPv6 address whose last part may be a port.
    Ambiguous { text: String, with_port: String },
    /// The part before the port isn't a host.
    BadHost { host: String, text: String },
}

impl Fault {
    /// Says what is wrong and what to write, as an error of the command that has read the text.
    pub(super) fn tell(&self, purpose: Purpose) -> Text {
        let command = purpose.command;
        let least = u16::from(!purpose.takes_zero);
        match self {
            Self::Url { addr, text } => tr!(
                "{text:?} is a URL, not an address; write HOST:PORT: {command} {addr}",
                "{text:?} 是网址（URL），不是地址；请写成“主机:端口”：{command} {addr}"
            ),
            Self::NoPort { host } if named(host).is_some() => tr!(
                "{host:?} has no port; if you mean the service of this name, write a colon before it: \
                 {command} :{host}",
                "{host:?} 没有写端口；如果指的是这个服务，请在前面加上冒号：{command} :{host}"
            ),
            Self::NoPort { host } if host.is_empty() => tr!(
                "\"\" is not an address; write HOST:PORT: {command} 127.0.0.1:8080",
                "\"\" 不是地址；请写成“主机:端口”：{command} 127.0.0.1:8080"
            ),
            Self::NoPort { host } => tr!(
                "{host:?} has no port, and a machine has 65536 ports, 0 to 65535; write HOST:PORT: \
                 {command} {host}:8080 (portlab ports lists the ports of this machine)",
                "{host:?} 没有写端口，一台机器有 65536 个端口（0 到 65535）；请写成“主机:端口”：{command} {host}:8080\
                 （portlab ports 会列出本机的端口）"
            ),
            Self::BadPort {
                port,
                near: Some(near),
                example,
            } => tr!(
                "{port:?} is neither a port nor a service that portlab lists; did you mean {near}? Write a \
                 number from {least} to 65535, or a name, as in {example}",
                "{port:?} 不是端口号，也不是 portlab 知道的服务名；你是想写 {near} 吗？请写 {least} 到 65535 \
                 的整数，或者服务名，比如 {example}"
            ),
            Self::BadPort { port, example, .. } => tr!(
                "{port:?} is not a port; write a number from {least} to 65535, as in {example}",
                "{port:?} 不是端口号；请写 {least} 到 65535 的整数，比如 {example}"
            ),
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
                "{host:?} in {text:?} is not a host; write HOST:PORT, such as 127.0.0.1:8080, or \
                 [::1]:8080 for IPv6",
                "{text:?} 里的 {host:?} 不是主机；请写成“主机:端口”，比如 127.0.0.1:8080，IPv6 写作 \
                 [::1]:8080"
            ),
        }
    }
}
