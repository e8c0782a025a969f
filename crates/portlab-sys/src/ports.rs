//! Which port numbers the system assigns by itself, and which a normal user may listen on.

use std::{fs, ops::RangeInclusive};

use crate::limits::setting;

/// The numbers from which the system chooses one for an outgoing connection, and for a socket that is bound to
/// port 0. `None` if they can't be read.
///
/// Source: `ip_local_port_range` in `ip(7)`.
pub fn handed_out() -> Option<RangeInclusive<u16>> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = text.split_whitespace().flat_map(str::parse);
    Some(ends.next()?..=ends.next()?)
}

/// The numbers of [`handed_out`] that the system doesn't choose: they are reserved for programs that need them.
///
/// Source: `ip_local_reserved_ports` in the kernel's `networking/ip-sysctl`.
pub fn reserved() -> Vec<RangeInclusive<u16>> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_reserved_ports");
    ranges(&text.unwrap_or_default())
}

/// The first number that a normal user may listen on. Numbers below it need a privilege.
///
/// Source: `ip_unprivileged_port_start` in the kernel's `networking/ip-sysctl`; a kernel without it
/// uses 1024.
pub fn unprivileged_from() -> u16 {
    setting("net/ipv4/ip_unprivileged_port_start").unwrap_or(1024)
}

/// Reads `8080,9000-9010`.
fn ranges(text: &str) -> Vec<RangeInclusive<u16>> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    text.trim().split(',').filter_map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_is_bound_to_port_0_gets_a_number_of_the_range() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // Not every container has /proc/sys.
        let is_told = fs::exists("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
        let is_in = handed_out().map(|range| range.contains(&port));
        assert_eq!(is_in, is_told.then_some(true), "{port}");
        assert!(!reserved().iter().any(|range| range.contains(&port)));
    }

    #[test]
    fn lists_of_ranges_are_read() {
        assert_eq!(ranges("\n"), []);
        assert_eq!(ranges("8080,9000-9010\n"), [8080..=8080, 9000..=9010]);
    }
}
