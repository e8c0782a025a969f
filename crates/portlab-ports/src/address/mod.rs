//! Addresses as people write them: one parser for all commands.
//!
//! | written | means |
//! |---|---|
//! | `127.0.0.1:8080`, `localhost:8080`, `[::1]:8080` | a host and a port |
//! | `8080`, `:8080` | a port of this machine: loopback, also for a server |
//! | `localhost:http` | a port by the name of its service |
//! | `[fe80::1%eth0]:8080` | an IPv6 address with its zone, by name or number |
//! | `::1:8080`, `:::8080` | loopback and "all addresses" without brackets, as `netstat` prints them |
//! | `127。0。0。1：８０８０` | as a Chinese keyboard has it |

mod fault;
mod read;
mod resolve;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use portlab_words::Text;

pub use portlab_words::narrow;
pub use read::port_of;

/// A port of a host, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

/// A host: an IP address, or a name that is still to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, with the interface that it belongs to, by name or number, if one was written.
    V6(Ipv6Addr, Option<String>),
    /// A name.
    Name(String),
}

/// What an address is used for: the command that reads it, and which ports it may have.
#[derive(Clone, Copy, Debug)]
pub struct Purpose {
    /// The part of the command line before the address, for the remedies of errors.
    command: &'static str,
    /// Whether port 0 is allowed: for a server it means "any free port".
    takes_zero: bool,
}

impl Purpose {
    /// Where `serve` listens.
    pub const SERVE: Self = Self::to_bind("portlab serve --bind");
    /// Where the classroom page of `class` is.
    pub const CLASS: Self = Self::to_bind("portlab class --bind");
    /// Where `proxy` listens.
    pub const PROXY_BIND: Self = Self::to_bind("portlab proxy --bind");
    /// The target of `proxy`.
    pub const PROXY_TO: Self = Self::to_connect("portlab proxy --to");
    /// The server that `load` loads.
    pub const LOAD: Self = Self::to_connect("portlab load");
    /// The server that `connect` connects to.
    pub const CONNECT: Self = Self::to_connect("portlab connect");
    /// Where `assist` listens.
    pub const ASSIST: Self = Self::to_bind("portlab assist");
    /// The server that `assist` connects to.
    pub const ASSIST_TO: Self = Self::to_connect("portlab assist --to");
    /// Where `load` shows its figures to Prometheus.
    pub const METRICS: Self = Self::to_bind("portlab load ADDR --openmetrics");
    /// The server that `judge` judges.
    pub const JUDGE: Self = Self::to_connect("portlab judge --at");
    /// What `doctor` examines.
    pub const DOCTOR: Self = Self::to_connect("portlab doctor");
    /// What `ports` explains: port 0 has a meaning too.
    pub const PORTS: Self = Self::to_bind("portlab ports");

    const fn to_bind(command: &'static str) -> Self {
        Self {
            command,
            takes_zero: true,
        }
    }

    const fn to_connect(command: &'static str) -> Self {
        Self {
            command,
            takes_zero: false,
        }
    }

    /// Reads `text`.
    ///
    /// # Errors
    /// If `text` isn't an address: the error says what is wrong, and what to write instead.
    pub fn read(self, text: &str) -> Result<Address, Text> {
        read::read(text, self.takes_zero).map_err(|fault| fault.tell(self))
    }
}

/// Writes the address as it can be given to any command.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            host @ Host::V6(..) => write!(f, "[{host}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

/// Writes the host without brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(ip) => write!(f, "{ip}"),
            Self::V6(ip, None) => write!(f, "{ip}"),
            Self::V6(ip, Some(zone)) => write!(f, "{ip}%{zone}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}
