//! The loop of the engine: waiting for sockets, commands and times, and one turn after the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError},
    },
    time::{Duration, Instant},
};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream, UdpSocket},
};
use portlab_words::{Text, tr};

use super::{
    Open, Plan,
    link::{Link, is_again},
    outbox::Outbox,
    peer::{MOST_QUEUED, Peer, Then},
};
use crate::{
    By, Command, Ended, Event, PeerId, Pieces, Recipient, Template, What, replay::Action,
    template::Moment,
};

/// The state of the engine.
pub(super) struct Turn<T> {
    poll: Poll,
    pub(super) listener: Option<TcpListener>,
    /// Whether the assistant has connected to a server, which is its only peer.
    pub(super) is_client: bool,
    /// The socket of datagrams, and whether some may have come.
    pub(super) udp: Option<Arc<UdpSocket>>,
    pub(super) udp_is_ready: bool,
    pub(super) peers: BTreeMap<PeerId, Peer>,
    /// The number of the newest peer.
    pub(super) last: u32,
    pub(super) commands: Receiver<Command>,
    pub(super) outbox: Outbox<T>,
    pub(super) plan: Plan,
    pub(super) every: Option<Every>,
    /// Whether reading from all has stopped, also from peers that come later. Over UDP: whether no datagram is read.
    pub(super) paused: bool,
    /// Peers that may have more to read or to send.
    pub(super) ready: BTreeSet<PeerId>,
    /// When clients are accepted again; now if there may be some.
    pub(super) accept_at: Option<Instant>,
    /// Whether clients wait because [`MOST_PEERS`] are online.
    is_crowded: bool,
    /// When everything ends, after a command to quit.
    pub(super) quits_at: Option<Instant>,
    buffer: Vec<u8>,
}

/// Periodic sending.
pub(super) struct Every {
    pub(super) to: Recipient,
    pub(super) text: Template,
    pub(super) every: Duration,
    pub(super) next_at: Instant,
    pub(super) sent: u64,
}

impl<T: From<Event>> Turn<T> {
    pub(super) fn new(
        poll: Poll,
        open: Open,
        plan: Plan,
        commands: Receiver<Command>,
        outbox: Outbox<T>,
    ) -> io::Result<Self> {
        let mut turn = Self {
            poll,
            listener: None,
            is_client: !matches!(open, Open::Listen(_) | Open::Udp { to: None, .. }),
            udp: None,
            udp_is_ready: false,
            peers: BTreeMap::new(),
            last: 0,
            commands,
            outbox,
            plan,
            every: None,
            paused: false,
            ready: BTreeSet::new(),
            accept_at: None,
            is_crowded: false,
            quits_at: None,
            buffer: vec![0; READ],
        };
        match open {
            Open::Listen(listener) => {
                listener.set_nonblocking(true)?;
                let mut listener = TcpListener::from_std(listener);
                let registry = turn.poll.registry();
                registry.register(&mut listener, LISTENER, Interest::READABLE)?;
                turn.outbox.post(What::Listening(listener.local_addr()?));
                turn.listener = Some(listener);
            }
            Open::Connected(stream) => {
                let addr = stream.peer_addr()?;
                stream.set_nonblocking(true)?;
                turn.meet_stream(TcpStream::from_std(stream), addr)?;
            }
            Open::Udp { socket, to } => {
                socket.set_nonblocking(true)?;
                let mut socket = UdpSocket::from_std(socket);
                let both = Interest::READABLE | Interest::WRITABLE;
                turn.poll.registry().register(&mut socket, UDP, both)?;
                let local = socket.local_addr()?;
                let socket = Arc::new(socket);
                turn.udp = Some(Arc::clone(&socket));
                match to {
                    Some(addr) => drop(turn.meet(Link::Udp(socket, addr), addr, None)),
                    None => turn.outbox.post(What::Listening(local)),
                }
            }
        }
        Ok(turn)
    }

    /// Runs until a command ends it, or the receiver of events has gone.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(256);
        while !self.is_over() {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    self.trouble(&Text::new("can't wait for events", "无法等待事件"), &error);
                    break;
                }
                _ => {}
            }
            for event in &events {
                match event.token() {
                    WAKER => {}
                    LISTENER => self.accept_at = Some(Instant::now()),
                    UDP => {
                        self.udp_is_ready = true;
                        // The socket may have room for more datagrams.
                        self.ready.extend(self.peers.keys());
                    }
                    token => {
                        self.ready.insert(peer_of(token));
                    }
                }
            }
            if !self.obey() {
                break;
            }
            self.accept();
            self.datagrams();
            for id in std::mem::take(&mut self.ready) {
                self.turn(id);
            }
            self.tick();
            self.outbox.flush();
        }
        for id in self.recipients(Recipient::All) {
            self.end(id, Ended::ClosedHere);
        }
        self.outbox.post(What::Stopped);
        // The receiver needs the last event, and may be slow; after the handle has gone, the events aren't needed.
        let has_handle = |commands: &Receiver<_>| {
            !matches!(commands.try_recv(), Err(TryRecvError::Disconnected))
        };
        while self.outbox.is_behind() && !self.outbox.is_gone() && has_handle(&self.commands) {
            std::thread::sleep(AGAIN);
            self.outbox.flush();
        }
    }

    fn is_over(&self) -> bool {
        let quits = self
            .quits_at
            .is_some_and(|at| self.peers.is_empty() || at <= Instant::now());
        quits || self.outbox.is_gone()
    }

    /// How long to wait for the next event.
    fn timeout(&self) -> Option<Duration> {
        let reads = self.udp_is_ready && !self.paused;
        if !self.ready.is_empty() || reads {
            return Some(Duration::ZERO);
        }
        let behind = self.outbox.is_behind().then(|| Instant::now() + AGAIN);
        let every = self.every.as_ref().map(|it| it.next_at);
        let pieces = self.peers.values().filter_map(Peer::due).min();
        let all = [behind, every, pieces, self.accept_at, self.quits_at];
        let next = all.into_iter().flatten().min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    /// Accepts the clients that wait.
    fn accept(&mut self) {
        while let (Some(listener), Some(at)) = (&self.listener, self.accept_at) {
            if at > Instant::now() {
                return;
            }
            let was_crowded =
                std::mem::replace(&mut self.is_crowded, self.peers.len() >= MOST_PEERS);
            if self.is_crowded && !was_crowded {
                self.outbox.post(What::Trouble(tr!(
                    "{MOST_PEERS} clients are online; further clients wait until one goes offline",
                    "已有 {MOST_PEERS} 个客户端在线；其他客户端要等有客户端下线"
                )));
            }
            if self.outbox.is_far_behind() || self.is_crowded {
                self.accept_at = Some(Instant::now() + PAUSE);
                return;
            }
            let accepted = listener.accept();
            match accepted.and_then(|(stream, addr)| self.meet_stream(stream, addr)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.accept_at = None,
                // The client has gone again.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    self.accept_at = Some(Instant::now() + PAUSE);
                    self.trouble(
                        &Text::new(
                            "can't accept a client, and will try again in a second",
                            "无法接受新的客户端，一秒后再试",
                        ),
                        &error,
                    );
                }
            }
        }
    }

    /// Takes a new connection.
    fn meet_stream(&mut self, mut stream: TcpStream, addr: SocketAddr) -> io::Result<()> {
        // Each send leaves at once, as a segment of its own.
        let _ = stream.set_nodelay(true);
        let peer = PeerId(self.last + 1);
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut stream, token_of(peer), interest)?;
        let own = stream.local_addr()?;
        self.meet(Link::Tcp(stream), addr, Some(own));
        Ok(())
    }

    fn meet(&mut self, link: Link, addr: SocketAddr, own: Option<SocketAddr>) -> PeerId {
        self.last += 1;
        let peer = PeerId(self.last);
        let decoder = self.plan.speech.encoding.decoder();
        let mut new = Peer::new(link, decoder);
        new.paused = self.paused;
        new.replay = self.plan.replay.next_client();
        let due = new.replay.as_mut().map(|it| it.received(0));
        self.peers.insert(peer, new);
        self.outbox.post(What::Online { peer, addr, own });
        if self.paused {
            self.outbox.post(What::Paused(Some(peer)));
        }
        self.ready.insert(peer);
        self.replay(peer, due.unwrap_or_default());
        peer
    }

    /// Reads the datagrams that have come.
    fn datagrams(&mut self) {
        let Some(socket) = self.udp.clone() else {
            return;
        };
        for _ in 0..READS {
            if !self.udp_is_ready || self.paused {
                return;
            }
            match socket.recv_from(&mut self.buffer) {
                Ok((count, addr)) => {
                    let bytes = self.buffer[..count].to_vec();
                    let id = self.peer_at(&socket, addr);
                    self.take(id, bytes);
                }
                Err(error) if is_again(&error) => self.udp_is_ready = false,
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    self.outbox.post(What::Trouble(REFUSED));
                }
                Err(error) => {
                    self.udp_is_ready = false;
                    self.trouble(&Text::new("can't receive", "无法接收"), &error);
                }
            }
        }
    }

    /// The peer at `addr`, which is a new one if no datagram has come from there.
    fn peer_at(&mut self, socket: &Arc<UdpSocket>, addr: SocketAddr) -> PeerId {
        let is_there = |it: &Peer| matches!(it.link, Link::Udp(_, at) if at == addr);
        let found = self.peers.iter().find(|(_, it)| is_there(it));
        if let Some((id, _)) = found {
            return *id;
        }
        if self.peers.len() >= MOST_PEERS
            && let Some(first) = self.peers.keys().next().copied()
        {
            self.end(first, Ended::Forgotten);
        }
        self.meet(Link::Udp(Arc::clone(socket), addr), addr, None)
    }

    /// Reads once from a peer, and sends to it.
    fn turn(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if !peer.paused && !peer.fin && !peer.is_full() {
            match peer.link.read(&mut self.buffer) {
                Ok(None) => {}
                Ok(Some(0)) => self.take_fin(id),
                Ok(Some(count)) => {
                    let bytes = self.buffer[..count].to_vec();
                    self.ready.insert(id);
                    self.take(id, bytes);
                }
                Err(error) => return self.broken(id, &error),
            }
        } else if let Some(error) = peer.link.error() {
            return self.broken(id, &error);
        }
        self.send(id);
    }

    /// Answers what was received, and reports it.
    fn take(&mut self, id: PeerId, bytes: Vec<u8>) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if let Some(part) = &mut peer.replay {
            let due = part.received(bytes.len());
            let silence = part.silence().filter(|_| due.is_empty());
            self.outbox.post(What::Received(id, bytes));
            self.replay(id, due);
            return self.unanswered(id, silence);
        }
        let mut text = String::new();
        peer.decoder.decode(&bytes, false, &mut text);
        let answer = match self.plan.rules.answer(&text) {
            Some((number, template)) => {
                peer.answers += 1;
                let moment = Moment {
                    bytes: &bytes,
                    text: &text,
                    seq: peer.answers,
                    peer: id,
                };
                Some((template.render(moment, self.plan.speech), By::Rule(number)))
            }
            None => self.plan.echo.then(|| (Ok(bytes.clone()), By::Echo)),
        };
        self.outbox.post(What::Received(id, bytes));
        match answer {
            Some((bytes, by)) => self.queue_rendered(id, bytes, by),
            None => self.unanswered(id, self.plan.replay.lacks_client()),
        }
    }

    /// Reports why no automatic answer is sent, once until something is sent to the peer.
    fn unanswered(&mut self, id: PeerId, why: Option<Text>) {
        if let (Some(peer), Some(why)) = (self.peers.get_mut(&id), why)
            && !std::mem::replace(&mut peer.silence_told, true)
        {
            self.unsent(Some(id), why);
        }
    }

    /// Sends what a template has made.
    fn queue_rendered(&mut self, id: PeerId, bytes: Result<Vec<u8>, Text>, by: By) {
        match bytes {
            Ok(bytes) => self.queue(id, &bytes.into(), Pieces::WHOLE, by),
            Err(why) => self.unsent(Some(id), why),
        }
    }

    /// Does what is due in a log.
    fn replay(&mut self, id: PeerId, due: Vec<Action>) {
        for action in due {
            if !self.peers.contains_key(&id) {
                return;
            }
            match action {
                Action::Send(bytes) => self.queue(id, &bytes.into(), Pieces::WHOLE, By::Replay),
                Action::HalfClose => self.carry_out(Command::HalfClose(Recipient::One(id))),
                Action::Close => self.carry_out(Command::Close(Recipient::One(id))),
                Action::Reset => self.carry_out(Command::Reset(Recipient::One(id))),
            }
        }
    }

    fn take_fin(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        peer.fin = true;
        if !self.plan.hold || peer.half_closed {
            peer.then = Then::Close;
        }
        if !(peer.then == Then::Close && peer.has_sent_all()) {
            self.outbox.post(What::Fin(id));
        }
    }

    pub(super) fn queue(&mut self, id: PeerId, bytes: &Arc<[u8]>, pieces: Pieces, by: By) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let why = if peer.half_closed || peer.then != Then::Nothing && !peer.fin {
            Some(Text::new(
                "this end has sent its FIN, and can only receive",
                "本端已发出 FIN，只能接收",
            ))
        } else if !peer.queue(Arc::clone(bytes), pieces, by) {
            let most = MOST_QUEUED >> 20;
            Some(tr!(
                "the peer doesn't read, and {most} MiB wait already",
                "对方没有读取数据，已有 {most} MiB 在等待发送"
            ))
        } else {
            None
        };
        match why {
            None => self.send(id),
            Some(why) if matches!(by, By::Hand | By::File) => self.unsent(Some(id), why),
            // After a command to quit, no row is needed.
            Some(why) => self.unanswered(id, Some(why).filter(|_| self.quits_at.is_none())),
        }
    }

    /// Sends as much as the kernel takes in one turn; then does what follows.
    pub(super) fn send(&mut self, id: PeerId) {
        let now = Instant::now();
        for _ in 0..SENDS {
            let Some(peer) = self.peers.get_mut(&id) else {
                return;
            };
            let was_full = peer.is_full();
            match peer.send(now) {
                Ok(Some((bytes, by))) => {
                    if was_full && !peer.is_full() {
                        self.ready.insert(id);
                    }
                    self.outbox.post(What::Sent(id, bytes, by));
                }
                Ok(None) => return self.after_sending(id),
                Err(error) => return self.broken(id, &error),
            }
        }
        self.ready.insert(id);
    }

    fn after_sending(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if !peer.has_sent_all() {
            return;
        }
        match peer.then {
            Then::Nothing => {}
            Then::Close => {
                let how = match (peer.fin, peer.link.has_unread()) {
                    _ if peer.link.is_udp() => Ended::Forgotten,
                    (true, _) if !self.plan.hold || peer.half_closed => Ended::Fin,
                    (_, true) => Ended::ClosedUnread,
                    _ => Ended::ClosedHere,
                };
                self.end(id, how);
            }
            Then::HalfClose if peer.half_closed => {}
            Then::HalfClose if peer.fin => {
                // Both directions are closed then.
                self.end(id, Ended::ClosedHere);
            }
            Then::HalfClose => match peer.link.shut() {
                Ok(()) => {
                    peer.half_closed = true;
                    self.outbox.post(What::HalfClosed(id));
                }
                Err(error) => self.broken(id, &error),
            },
        }
    }

    /// Sends what is due.
    fn tick(&mut self) {
        let now = Instant::now();
        let due = |it: &&PeerId| self.peers[*it].due().is_some_and(|at| at <= now);
        let due: Vec<_> = self.peers.keys().filter(due).copied().collect();
        for id in due {
            self.send(id);
        }
        let Some(mut every) = self.every.take() else {
            return;
        };
        if every.next_at <= now {
            for id in self.recipients(every.to) {
                every.sent += 1;
                let moment = Moment {
                    seq: every.sent,
                    peer: id,
                    ..Moment::default()
                };
                let bytes = every.text.render(moment, self.plan.speech);
                self.queue_rendered(id, bytes, By::Every);
            }
            every.next_at = (every.next_at + every.every).max(now);
        }
        self.every = Some(every);
    }

    /// The peers that are online and meant.
    pub(super) fn recipients(&self, to: Recipient) -> Vec<PeerId> {
        let all = self.peers.keys().copied();
        all.filter(|it| to.has(*it)).collect()
    }

    /// Ends a connection that broke; a datagram that can't be sent is dropped.
    fn broken(&mut self, id: PeerId, error: &io::Error) {
        if let Some(peer) = self.peers.get_mut(&id)
            && peer.link.is_udp()
        {
            if error.kind() == io::ErrorKind::ConnectionRefused {
                // It is the answer to an earlier datagram; this one is sent in the next turn.
                self.ready.insert(id);
                return self.outbox.post(What::Trouble(REFUSED));
            }
            let is_too_long = peer.drop_first() > LONGEST_DATAGRAM;
            let why = match is_too_long {
                true => Text::new(
                    "a datagram has at most 65,507 bytes; /parts 2 sends two",
                    "一个数据报最多 65,507 字节；用 /parts 2 分成两个",
                ),
                false => Text::system(error),
            };
            return self.unsent(Some(id), why);
        }
        let how = match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Ended::Reset,
            _ => Ended::Failed(Text::system(error)),
        };
        self.end(id, how);
    }

    pub(super) fn end(&mut self, id: PeerId, how: Ended) {
        // Dropping the peer closes its socket.
        if let Some(peer) = self.peers.remove(&id) {
            self.ready.remove(&id);
            let rest = peer.queued();
            if rest > 0 {
                let why = tr!(
                    "{rest} bytes still waited to be sent when the connection ended",
                    "连接结束时，还有 {rest} 字节没有发出"
                );
                self.unsent(Some(id), why);
            }
            self.outbox.post(What::Offline(id, how));
        }
    }

    pub(super) fn unsent(&mut self, peer: Option<PeerId>, why: Text) {
        self.outbox.post(What::Unsent(peer, why));
    }

    fn trouble(&mut self, what: &Text, error: &io::Error) {
        let why = Text::system(error);
        self.outbox
            .post(What::Trouble(tr!("{what}: {why}", "{what:#}：{why:#}")));
    }
}

fn token_of(peer: PeerId) -> Token {
    Token(peer.0 as usize + FIRST_PEER)
}

fn peer_of(token: Token) -> PeerId {
    PeerId((token.0 - FIRST_PEER) as u32)
}

pub(super) const WAKER: Token = Token(0);
const LISTENER: Token = Token(1);
const UDP: Token = Token(2);
const FIRST_PEER: usize = 3;

/// The answer of a machine on which no program has a UDP port.
const REFUSED: Text = Text::new(
    "the peer's machine answers that no program receives at this UDP port (ICMP)",
    "对方主机报告：这个 UDP 端口上没有程序接收（ICMP）",
);
/// The most bytes of a datagram over IPv4 (RFC 768, RFC 791).
const LONGEST_DATAGRAM: usize = 65_507;
/// The most bytes of one read.
const READ: usize = 64 << 10;
/// The most datagrams that are read in one turn.
const READS: usize = 64;
/// The most sends to one peer in one turn, so that others have theirs.
const SENDS: usize = 16;
/// The most peers at a time. Further clients wait in the accept queue.
const MOST_PEERS: usize = 1000;
/// How long until a client is accepted again after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// How long until a receiver that was full is tried again.
const AGAIN: Duration = Duration::from_millis(20);
