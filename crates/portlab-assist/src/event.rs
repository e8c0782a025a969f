//! What happens on the assistant's sockets.

use std::{fmt, net::SocketAddr, time::Duration};

use portlab_words::{Text, tr};

/// The number of a peer: 1 for the first, never used twice.
///
/// A peer is a client, or the server that the assistant has connected to. Over UDP it is an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

/// Writes the number as in `#1`.
impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("#{}", self.0))
    }
}

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, since the assistant's start.
    pub at: Duration,
    /// What has happened.
    pub what: What,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The assistant waits for clients at this address.
    Listening(SocketAddr),
    /// A connection has begun. Over UDP: the first datagram from or to this address.
    Online {
        /// The peer.
        peer: PeerId,
        /// Its address.
        addr: SocketAddr,
        /// The assistant's own address in this connection. UDP has no connections.
        own: Option<SocketAddr>,
    },
    /// One read of at most 64 KiB, or one datagram.
    Received(PeerId, Vec<u8>),
    /// One send, or one datagram: the bytes that the kernel has taken, and what made the assistant send.
    Sent(PeerId, Vec<u8>, By),
    /// Reads or sends that came faster than the receiver of events took them. They are counted, and their bytes are
    /// not shown.
    Folded {
        /// The peer.
        peer: PeerId,
        /// Reads or sends.
        way: Way,
        /// How many.
        times: u64,
        /// How many bytes they had together.
        bytes: u64,
    },
    /// Something was not sent to this peer, or to a recipient that doesn't exist: the reason, and what to do.
    Unsent(Option<PeerId>, Text),
    /// The peer's FIN: it will send nothing more. The own end stays open, in CLOSE-WAIT.
    Fin(PeerId),
    /// The own FIN was sent: nothing more will be sent.
    HalfClosed(PeerId),
    /// The assistant no longer reads from this peer, or from all peers, including those that come later. Over UDP it is
    /// all, because they share a socket.
    Paused(Option<PeerId>),
    /// The assistant reads again from this peer, or from all.
    Resumed(Option<PeerId>),
    /// A connection has ended.
    Offline(PeerId, Ended),
    /// Something failed that concerns no single peer.
    Trouble(Text),
    /// The assistant has ended; no event follows.
    Stopped,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The peer has closed it, with a FIN.
    Fin,
    /// The peer has reset it, with an RST.
    Reset,
    /// The assistant has closed it, with a FIN.
    ClosedHere,
    /// The assistant has closed it with bytes unread, and so the kernel has sent an RST.
    ClosedUnread,
    /// The assistant has reset it, with an RST.
    ResetHere,
    /// The assistant has forgotten an address: UDP has no connection that could be closed.
    Forgotten,
    /// It broke, such as by a timeout.
    Failed(Text),
}

/// What made the assistant send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A person.
    Hand,
    /// The rule of this number, counted from 1.
    Rule(usize),
    /// The automatic echo.
    Echo,
    /// Periodic sending.
    Every,
    /// A file that a person chose.
    File,
    /// A log that is replayed.
    Replay,
}

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// From the peer to the assistant.
    In,
    /// From the assistant to the peer.
    Out,
}

impl What {
    /// The peer that it concerns, if it concerns one.
    pub fn peer(&self) -> Option<PeerId> {
        match *self {
            Self::Listening(_) | Self::Trouble(_) | Self::Stopped => None,
            Self::Unsent(peer, _) | Self::Paused(peer) | Self::Resumed(peer) => peer,
            Self::Online { peer, .. }
            | Self::Received(peer, _)
            | Self::Sent(peer, _, _)
            | Self::Folded { peer, .. }
            | Self::Fin(peer)
            | Self::HalfClosed(peer)
            | Self::Offline(peer, _) => Some(peer),
        }
    }

    /// The direction and the bytes of a read or a send.
    pub fn bytes(&self) -> Option<(Way, &[u8])> {
        match self {
            Self::Received(_, bytes) => Some((Way::In, bytes)),
            Self::Sent(_, bytes, _) => Some((Way::Out, bytes)),
            _ => None,
        }
    }

    /// The event in words; empty for a read and a send, which are shown as text and hex.
    pub fn text(&self) -> Text {
        match self {
            Self::Received(..) | Self::Sent(..) => Text::default(),
            Self::Listening(addr) => tr!("listening at {addr}", "正在监听 {addr}"),
            Self::Online { .. } => Text::new("online", "上线"),
            Self::Folded {
                way, times, bytes, ..
            } => match way {
                Way::In => tr!(
                    "{times} more reads, {bytes} bytes: too fast to be shown",
                    "另收 {times} 次，共 {bytes} 字节：太快，没有逐行显示"
                ),
                Way::Out => tr!(
                    "{times} more sends, {bytes} bytes: too fast to be shown",
                    "另发 {times} 次，共 {bytes} 字节：太快，没有逐行显示"
                ),
            },
            Self::Unsent(_, why) => tr!("not sent: {why}", "没有发送：{why:#}"),
            Self::Fin(_) => Text::new(
                "the peer has closed its sending half (FIN); this end is in CLOSE-WAIT: /close closes it",
                "对方不再发送（FIN）；本端处于 CLOSE-WAIT，输入 /close 关闭",
            ),
            Self::HalfClosed(_) => Text::new(
                "half-closed here (FIN sent); the peer can still send",
                "本端已半关闭（发出 FIN）；对方还可以发送",
            ),
            Self::Paused(None) => Text::new(
                "reading stopped for all, also for clients that come later: what they send now waits in the kernel (UDP: until \
                 its buffer is full); /resume goes on",
                "停止读取所有客户端，包括以后上线的：发来的数据留在内核缓冲区里（UDP：满了就丢弃）；输入 /resume 继续读",
            ),
            Self::Paused(Some(_)) => Text::new(
                "reading stopped: what the peer sends now waits in the kernel; /resume goes on",
                "停止读取：对方发来的数据留在内核缓冲区里；输入 /resume 继续读",
            ),
            Self::Resumed(_) => Text::new("reading again", "继续读取"),
            Self::Offline(_, how) => how.text(),
            Self::Trouble(why) => why.clone(),
            Self::Stopped => Text::new("ended", "已结束"),
        }
    }
}

impl Ended {
    /// The end in words.
    pub fn text(&self) -> Text {
        match self {
            Self::Fin => Text::new(
                "offline: the peer closed (FIN)",
                "下线：对方关闭了连接（FIN）",
            ),
            Self::Reset => Text::new(
                "offline: the peer reset the connection (RST)",
                "下线：对方复位了连接（RST）",
            ),
            Self::ClosedHere => Text::new("offline: closed here (FIN)", "下线：本端关闭（FIN）"),
            Self::ClosedUnread => Text::new(
                "offline: closed here with bytes unread, so the kernel sent a reset (RST)",
                "下线：本端关闭时还有没读的数据，内核因此发出复位（RST）",
            ),
            Self::ResetHere => Text::new("offline: reset here (RST)", "下线：本端复位（RST）"),
            Self::Forgotten => Text::new(
                "forgotten (UDP has no connection)",
                "已移除（UDP 没有连接）",
            ),
            Self::Failed(why) => tr!("offline: {why}", "下线：{why:#}"),
        }
    }

    /// The end's name in records.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Reset => "reset",
            Self::ClosedHere => "closed_here",
            Self::ClosedUnread => "closed_unread",
            Self::ResetHere => "reset_here",
            Self::Forgotten => "forgotten",
            Self::Failed(_) => "failed",
        }
    }
}

/// Writes the name in records, such as `rule 1`.
impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hand => f.pad("hand"),
            Self::Rule(number) => f.pad(&format!("rule {number}")),
            Self::Echo => f.pad("echo"),
            Self::Every => f.pad("every"),
            Self::File => f.pad("file"),
            Self::Replay => f.pad("replay"),
        }
    }
}
