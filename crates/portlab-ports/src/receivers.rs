//! The programs that receive UDP: like the listeners, without connections and without a queue of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
};

use portlab_sys::{holder::Holder, sockets::UdpSocket};
use portlab_words::Text;

use crate::listeners::{Program, programs};

/// The programs that receive at a port together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Receiver {
    pub(crate) port: u16,
    pub(crate) addrs: Vec<IpAddr>,
    /// By process number; none when they can't be seen.
    pub(crate) programs: Vec<Program>,
    /// Memory that holds what has come and is not read.
    pub(crate) unread_bytes: u64,
}

impl Receiver {
    /// The addresses as one writes them with the port.
    pub(crate) fn addresses(&self) -> Text {
        let addrs = self.addrs.iter().map(|&ip| SocketAddr::new(ip, self.port));
        Text::join(addrs, ", ", "、")
    }
}

/// Brings together the programs that receive. A socket that is connected belongs to a client, and is left out.
pub(crate) fn receivers(
    sockets: &[UdpSocket],
    holders: &HashMap<u64, Vec<Holder>>,
) -> Vec<Receiver> {
    let mut doors = BTreeMap::<(u16, IpAddr), (BTreeSet<(i32, String)>, u64)>::new();
    for socket in sockets.iter().filter(|it| it.remote.port() == 0) {
        let key = (socket.local.port(), socket.local.ip().to_canonical());
        let (held, unread) = doors.entry(key).or_default();
        let all = holders.get(&socket.inode).into_iter().flatten();
        held.extend(all.map(|it| (it.pid, it.name.clone())));
        *unread += u64::from(socket.unread);
    }
    let mut receivers: Vec<Receiver> = Vec::new();
    for ((port, ip), (held, unread_bytes)) in doors {
        let programs = programs(&held);
        let same = |it: &&mut Receiver| it.port == port && it.programs == programs;
        match receivers.iter_mut().find(same) {
            Some(receiver) => {
                receiver.addrs.push(ip);
                receiver.unread_bytes += unread_bytes;
            }
            None => receivers.push(Receiver {
                port,
                addrs: vec![ip],
                programs,
                unread_bytes,
            }),
        }
    }
    receivers
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
            inode,
        }
    }

    #[test]
    fn programs_that_receive_at_a_port_stand_together_and_clients_are_left_out() {
        let sockets = [
            socket("0.0.0.0:2425", "0.0.0.0:0", 1),
            socket("[::]:2425", "[::]:0", 2),
            socket("127.0.0.1:40000", "127.0.0.1:53", 3),
        ];
        let found = receivers(&sockets, &holders(&[(1, "feiq", 9), (2, "feiq", 9)]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].addresses().en, "0.0.0.0:2425, [::]:2425");
        assert_eq!(found[0].unread_bytes, 2 * 768);
        assert_eq!(found[0].programs[0].to_string(), "feiq (pid 9)");
    }
}
