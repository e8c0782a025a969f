//! From an address to its socket addresses.

use std::{
    io,
    net::{SocketAddr, SocketAddrV6, ToSocketAddrs},
};

use portlab_sys::interfaces;
use portlab_words::{Text, tr};

use super::{Address, Host, Purpose};

impl Address {
    /// The socket address of a host that is an IP address; `None` for a name, which must be looked up.
    ///
    /// # Errors
    /// If no interface of this machine has the name or number that is written as the zone.
    pub(crate) fn literal(&self) -> Result<Option<SocketAddr>, Text> {
        Ok(Some(match &self.host {
            Host::V4(ip) => SocketAddr::from((*ip, self.port)),
            Host::V6(ip, zone) => {
                let zone = zone.as_deref().map_or(Ok(0), zone_of)?;
                SocketAddrV6::new(*ip, self.port, 0, zone).into()
            }
            Host::Name(_) => return Ok(None),
        }))
    }

    /// Looks up all socket addresses of the host. IPv4 comes first: many hosts have an IPv6 address at which their
    /// server doesn't listen.
    pub(crate) fn look_up(&self) -> io::Result<Vec<SocketAddr>> {
        let host = self.host.to_string();
        let mut addrs: Vec<_> = (host.as_str(), self.port).to_socket_addrs()?.collect();
        addrs.sort_by_key(SocketAddr::is_ipv6);
        Ok(addrs)
    }
}

impl Purpose {
    /// Reads `text`, and looks up its socket addresses: at least one.
    ///
    /// # Errors
    /// If `text` isn't an address, or its host can't be found.
    pub fn resolve(self, text: &str) -> Result<Vec<SocketAddr>, Text> {
        let address = self.read(text)?;
        if let Some(addr) = address.literal()? {
            return Ok(vec![addr]);
        }
        let host = &address.host;
        match address.look_up() {
            Ok(addrs) if addrs.is_empty() => Err(tr!(
                "the host \"{host}\" has no address; check its spelling, or give its IP address",
                "主机 \"{host}\" 没有地址；请检查有没有写错，或者直接写 IP 地址"
            )),
            Ok(addrs) => Ok(addrs),
            Err(error) => {
                let why = Text::system(&error);
                Err(tr!(
                    "can't resolve the host \"{host}\"; check its spelling, or give its IP address: {why}",
                    "查不到主机 \"{host}\" 的地址；请检查有没有写错，或者直接写 IP 地址：{why:#}"
                ))
            }
        }
    }
}

/// The number of the interface with the name or number `zone`.
fn zone_of(zone: &str) -> Result<u32, Text> {
    let number = zone.parse().ok();
    interfaces::index(zone).or(number).ok_or_else(|| {
        tr!(
            "no interface of this machine is called {zone:?}; ip link lists them",
            "本机没有叫 {zone:?} 的网卡；ip link 会列出所有网卡"
        )
    })
}
