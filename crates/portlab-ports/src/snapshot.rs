//! The sockets of this machine at one moment, and the programs that hold them.

use std::{collections::HashMap, io, net::SocketAddr};

use portlab_sys::{
    listening::listening,
    sockets::{Holder, Socket, holders, sees_all_users, sockets, udp_sockets},
};
use portlab_words::{Text, tr};

use crate::{
    listeners::{Listener, Program, listeners},
    receivers::{Receiver, receivers},
};

/// The sockets of this machine at one moment, and the programs that hold them.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The TCP sockets.
    pub(crate) sockets: Vec<Socket>,
    /// By port, and then by address.
    pub(crate) listeners: Vec<Listener>,
    /// The programs that receive UDP, by port, and then by address.
    pub(crate) receivers: Vec<Receiver>,
    /// The processes that hold each socket, by the socket's inode.
    pub(crate) holders: HashMap<u64, Vec<Holder>>,
    /// Whether the programs of other users could be seen.
    pub(crate) sees_all_users: bool,
}

impl Snapshot {
    /// Looks at the machine.
    ///
    /// # Errors
    /// If the system doesn't list its sockets.
    pub fn take() -> io::Result<Self> {
        let sockets = sockets()?;
        let holders = holders();
        Ok(Self {
            listeners: listeners(&sockets, &holders, &listening()),
            // A sandbox may have no table of UDP sockets.
            receivers: receivers(&udp_sockets().unwrap_or_default(), &holders),
            sockets,
            holders,
            sees_all_users: sees_all_users(),
        })
    }

    /// The listeners on `port`, at any address.
    pub(crate) fn at(&self, port: u16) -> impl Iterator<Item = &Listener> {
        self.listeners.iter().filter(move |it| it.port == port)
    }

    /// The programs that receive UDP at `port`, at any address.
    pub(crate) fn receiving_at(&self, port: u16) -> impl Iterator<Item = &Receiver> {
        self.receivers.iter().filter(move |it| it.port == port)
    }

    /// The names of `programs`, or words for programs that can't be seen.
    pub(crate) fn names(&self, programs: &[Program]) -> Text {
        match (programs, self.sees_all_users) {
            ([], false) => Text::new("another user's program", "其他用户的程序"),
            // Root sees all programs of its own container.
            ([], true) => Text::new("an unseen program", "看不到的程序"),
            _ => Text::join(programs, ", ", "、"),
        }
    }

    /// The names as the subject of a sentence: in Chinese, a space follows a name.
    pub(crate) fn subject(&self, programs: &[Program]) -> Text {
        let names = self.names(programs);
        match programs {
            [] => names,
            _ => tr!("{names}", "{names:#} "),
        }
    }

    /// The listener that a connection to `addr` reaches.
    pub(crate) fn listener_for(&self, addr: SocketAddr) -> Option<&Listener> {
        let of_port = self.at(addr.port());
        let matching = of_port.filter_map(|it| Some((it.nearness(addr.ip())?, it)));
        let nearest = matching.min_by_key(|(nearness, _)| *nearness);
        nearest.map(|(_, listener)| listener)
    }
}

#[cfg(test)]
mod tests {
    use portlab_sys::sockets::State;

    use super::*;
    use crate::listeners::tests::{found, socket};

    #[test]
    fn a_connection_to_a_mapped_address_reaches_the_ipv4_listener() {
        let mut waiting = socket("127.0.0.1:80", "", State::Listen, 1);
        waiting.unread = 3;
        let snapshot = Snapshot {
            listeners: found(&[waiting], &[], &[(1, 2, false)]),
            ..Snapshot::default()
        };
        let listener_for = |addr: &str| snapshot.listener_for(addr.parse().unwrap());
        let listener = listener_for("[::ffff:127.0.0.1]:80").unwrap();
        assert_eq!((listener.figures.waiting, listener.is_full()), (3, true));
        assert_eq!(listener_for("[::ffff:127.0.0.2]:80"), None);
    }
}
