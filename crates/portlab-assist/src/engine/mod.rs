//! The engine: one thread that owns all sockets.

mod link;
mod obey;
mod outbox;
mod peer;
mod states;
#[cfg(test)]
mod tests;
mod turn;

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        mpsc::{self, Sender, SyncSender},
    },
    thread::{self, JoinHandle},
};

use mio::{Poll, Waker};

use crate::{Command, Event, PeerId, Replay, Rules, Speech};
use outbox::Outbox;
use states::Ends;
pub use states::{End, PeerState};
use turn::Turn;

/// A running assistant. When this is dropped, the engine ends.
#[derive(Debug)]
pub struct Engine {
    /// `None` at the end.
    commands: Option<Sender<Command>>,
    waker: Arc<Waker>,
    ends: Ends,
    thread: Option<JoinHandle<()>>,
}

/// What an engine does.
#[derive(Debug)]
pub struct Plan {
    /// Where its connections come from.
    pub open: Open,
    /// How texts are sent and read.
    pub speech: Speech,
    /// The rules for answers.
    pub rules: Rules,
    /// Whether everything that is received is sent back, if no rule fits.
    pub echo: bool,
    /// What the first clients are answered instead.
    pub replay: Replay,
    /// Whether the own end stays open after the peer's FIN, in CLOSE-WAIT, until a command closes it. Otherwise it is
    /// closed as soon as everything is sent.
    pub hold: bool,
}

/// Where connections come from.
#[derive(Debug)]
pub enum Open {
    /// Clients connect to this listener.
    Listen(TcpListener),
    /// The assistant has connected to a server.
    Connected(TcpStream),
    /// Datagrams come to this socket.
    Udp {
        /// The socket.
        socket: UdpSocket,
        /// The only peer; the socket is connected to it. Otherwise each address that sends is a peer.
        to: Option<SocketAddr>,
    },
}

impl Engine {
    /// Starts the engine. Its events go to `events`, in a type of the receiver's own; while `events` is full, reads and
    /// sends are counted instead ([`What::Folded`](crate::What::Folded)), so no receiver slows a peer down and the memory
    /// is bounded. A read has at most 64 KiB, so 256 events are a good size of the channel.
    ///
    /// # Errors
    /// When the system has no descriptor or no thread left.
    pub fn start<T: From<Event> + Send + 'static>(
        plan: Plan,
        events: SyncSender<T>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), turn::WAKER)?);
        let (commands, incoming) = mpsc::channel();
        let ends = Ends::default();
        let turn = Turn::new(poll, plan, incoming, Outbox::new(events), ends.clone())?;
        let thread = thread::Builder::new().name("assist".to_owned());
        let thread = thread.spawn(move || turn.run())?;
        Ok(Self {
            commands: Some(commands),
            waker,
            ends,
            thread: Some(thread),
        })
    }

    /// Gives a command. A command to an engine that has ended does nothing.
    pub fn send(&self, command: Command) {
        if let Some(commands) = &self.commands {
            // It fails when the engine has ended.
            let _ = commands.send(command);
        }
        let _ = self.waker.wake();
    }

    /// The TCP states and queues of all connections, as the kernel sees them. On a machine with many sockets this takes
    /// milliseconds, so twice a second is enough. UDP has no states.
    ///
    /// # Errors
    /// When the kernel's table can't be read.
    pub fn states(&self) -> io::Result<BTreeMap<PeerId, PeerState>> {
        self.ends.states()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Without a sender of commands, the engine ends at once, even if its events aren't taken.
        self.commands = None;
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed.
            let _ = thread.join();
        }
    }
}
