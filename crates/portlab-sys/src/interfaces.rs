//! The addresses of this machine, and the networks that it is in.

use std::{io, net::IpAddr};

use nix::{ifaddrs::getifaddrs, sys::socket::SockaddrStorage};

/// One address of this machine, with the network around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The interface that has the address, as in `eth0`.
    pub interface: String,
    /// The address.
    pub addr: IpAddr,
    /// The bits that all addresses of the network have in common are set.
    pub mask: IpAddr,
}

impl Network {
    /// Whether `ip` is an address of this network.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.addr, self.mask, ip) {
            (IpAddr::V4(own), IpAddr::V4(mask), IpAddr::V4(ip)) => own & mask == ip & mask,
            (IpAddr::V6(own), IpAddr::V6(mask), IpAddr::V6(ip)) => own & mask == ip & mask,
            _ => false,
        }
    }
}

/// All addresses that this machine has, its loopback ones included.
///
/// # Errors
/// When they can't be read.
///
/// Source: `getifaddrs(3)`.
pub fn networks() -> io::Result<Vec<Network>> {
    let found = getifaddrs()?.filter_map(|found| {
        Some(Network {
            addr: ip(found.address.as_ref()?)?,
            mask: ip(found.netmask.as_ref()?)?,
            interface: found.interface_name,
        })
    });
    Ok(found.collect())
}

/// The number of the interface called `name`, which stands as the zone in an address; `None` when there is no such
/// interface.
///
/// Source: `if_nametoindex(3)`.
pub fn index(name: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(name).ok()
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|it| IpAddr::V4(it.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|it| IpAddr::V6(it.ip())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_a_network_of_this_machine() {
        let networks = networks().unwrap();
        let loopback = networks.iter().find(|it| it.addr.is_loopback()).unwrap();
        assert_eq!(loopback.interface, "lo");
        let v4 = networks.iter().find(|it| it.addr.is_ipv4()).unwrap();
        assert!(v4.contains(v4.addr), "{v4:?}");
    }

    #[test]
    fn interfaces_have_numbers() {
        assert!(index("lo").is_some_and(|it| it > 0));
        assert_eq!(index("no such"), None);
    }

    #[test]
    fn a_mask_says_which_addresses_are_in_the_network() {
        let network = |addr: &str, mask: &str| Network {
            interface: "eth0".to_owned(),
            addr: addr.parse().unwrap(),
            mask: mask.parse().unwrap(),
        };
        let v4 = network("192.0.2.2", "255.255.255.0");
        let v6 = network("fd00::2", "ffff:ffff:ffff:ffff::");
        for (network, ip, inside) in [
            (&v4, "192.0.2.200", true),
            (&v4, "192.0.3.2", false),
            (&v4, "fd00::9", false),
            (&v6, "fd00::9", true),
            (&v6, "fd00:0:0:1::9", false),
        ] {
            assert_eq!(network.contains(ip.parse().unwrap()), inside, "{ip}");
        }
    }
}
