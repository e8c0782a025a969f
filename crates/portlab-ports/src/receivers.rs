//! The programs that receive UDP: grouped like the listeners, but without connections and accept queues.

use std::collections::HashMap;

use portlab_sys::sockets::{Holder, UdpSocket};

use crate::listeners::{Group, grouped};

/// The UDP sockets of a port; the figure is the memory in bytes that holds unread datagrams.
pub(crate) type Receiver = Group<u64>;

/// Groups the sockets that receive. Connected sockets belong to clients, and are left out.
pub(crate) fn receivers(
    sockets: &[UdpSocket],
    holders: &HashMap<u64, Vec<Holder>>,
) -> Vec<Receiver> {
    let receiving = sockets.iter().filter(|it| it.remote.port() == 0);
    let receiving = receiving.map(|it| (it.local, it.inode, u64::from(it.unread)));
    grouped(receiving, holders, |all, unread| *all += unread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listeners::tests::holders;

    fn socket(local: &str, remote: &str, inode: u64) -> UdpSocket {
        UdpSocket {
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
            unread: 768,
            dropped: 0,
            inode,
        }
    }

    #[test]
    fn programs_that_receive_at_a_port_are_one_entry_and_clients_are_left_out() {
        let sockets = [
            socket("0.0.0.0:2425", "0.0.0.0:0", 1),
            socket("[::]:2425", "[::]:0", 2),
            socket("127.0.0.1:40000", "127.0.0.1:53", 3),
        ];
        let found = receivers(&sockets, &holders(&[(1, "feiq", 9), (2, "feiq", 9)]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].addresses().en, "0.0.0.0:2425, [::]:2425");
        assert_eq!(found[0].figures, 2 * 768);
        assert_eq!(found[0].programs[0].to_string(), "feiq (pid 9)");
    }
}
