//! How many sockets the kernel keeps in TIME-WAIT.

use std::fs;

use crate::limits::setting;

/// Whether the kernel would keep one more socket in TIME-WAIT: at its limit, the kernel closes connections without
/// TIME-WAIT. True if the limit can't be read.
///
/// Source: `tcp_max_tw_buckets` in `tcp(7)`; `TCP: ... tw` in `/proc/net/sockstat`, see `proc(5)`.
pub fn has_room() -> bool {
    let most: Option<u64> = setting("net/ipv4/tcp_max_tw_buckets");
    let kept = fs::read_to_string("/proc/net/sockstat");
    let kept = kept.ok().and_then(|text| kept_in(&text));
    most.zip(kept).is_none_or(|(most, kept)| kept < most)
}

/// Reads `TCP: inuse 5 orphan 0 tw 3 alloc 8 mem 1`, one of the lines.
fn kept_in(sockstat: &str) -> Option<u64> {
    let tcp = sockstat
        .lines()
        .find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = tcp.split_whitespace();
    words.find(|word| *word == "tw")?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sockets_in_time_wait_are_counted() {
        let sockstat = "sockets: used 9\nTCP: inuse 5 orphan 0 tw 3 alloc 8 mem 1\nUDP: inuse 1\n";
        assert_eq!(kept_in(sockstat), Some(3));
        assert_eq!(kept_in("TCP: inuse 5\n"), None);
        // The file of this machine.
        assert!(fs::read_to_string("/proc/net/sockstat").is_ok_and(|it| kept_in(&it).is_some()));
    }
}
