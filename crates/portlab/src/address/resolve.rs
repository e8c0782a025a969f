//! From an address to the socket addresses that it stands for.

use std::{
    io,
    net::{SocketAddr, SocketAddrV6, ToSocketAddrs},
};

use anyhow::{Context, anyhow, bail};
use portlab_sys::interfaces;
use portlab_words::{Lang, tr};

use super::{Address, Host, Purpose};

impl Address {
    /// The one that an IP address stands for, without asking anybody; `None` of a name.
    ///
    /// # Errors
    /// In words of `lang`, when there is no such interface as its zone.
    pub(crate) fn literal(&self, lang: Lang) -> Result<Option<SocketAddr>, String> {
        Ok(Some(match &self.host {
            Host::V4(ip) => SocketAddr::from((*ip, self.port)),
            Host::V6(ip, zone) => {
                let zone = zone.as_deref().map_or(Ok(0), |it| zone_of(it, lang))?;
                SocketAddrV6::new(*ip, self.port, 0, zone).into()
            }
            Host::Name(_) => return Ok(None),
        }))
    }

    /// All that it stands for: at least one, IPv4 first, because an IPv6 name is often known where no IPv6
    /// server listens. A name is looked up.
    pub(crate) fn look_up(&self) -> io::Result<Vec<SocketAddr>> {
        let host = self.host.to_string();
        let mut addrs: Vec<_> = (host.as_str(), self.port).to_socket_addrs()?.collect();
        addrs.sort_by_key(SocketAddr::is_ipv6);
        Ok(addrs)
    }
}

impl Purpose {
    /// Reads `text`, and finds what it stands for: at least one.
    pub(crate) fn resolve(self, text: &str) -> anyhow::Result<Vec<SocketAddr>> {
        let lang = Lang::En;
        let address = self.read(text, lang).map_err(|it| anyhow!(it))?;
        if let Some(addr) = address.literal(lang).map_err(|it| anyhow!(it))? {
            return Ok(vec![addr]);
        }
        let host = &address.host;
        let addrs = address.look_up().with_context(|| {
            format!("can't resolve the host \"{host}\"; check its spelling, or give its IP address")
        })?;
        if addrs.is_empty() {
            bail!("\"{host}\" has no address");
        }
        Ok(addrs)
    }
}

/// The number of an interface that is written by its name or number.
fn zone_of(zone: &str, lang: Lang) -> Result<u32, String> {
    let number = zone.parse().ok();
    interfaces::index(zone).or(number).ok_or_else(|| {
        tr!(
            lang,
            "no interface of this machine is called {zone:?}; ip link lists them",
            "本机没有叫 {zone:?} 的网卡；ip link 会列出所有网卡"
        )
    })
}
