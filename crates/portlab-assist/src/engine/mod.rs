//! The engine: one thread that owns all sockets.

mod link;
mod obey;
mod outbox;
mod peer;
#[cfg(test)]
mod tests;
mod turn;

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        mpsc::{self, Sender, SyncSender},
    },
    thread::{self, JoinHandle},
};

use mio::{Poll, Waker};

use crate::{Command, Event, Replay, Rules, Speech};
use outbox::Outbox;
use turn::Turn;

/// A running assistant. When this is dropped, the engine ends.
#[derive(Debug)]
pub struct Engine {
    /// `None` at the end.
    commands: Option<Sender<Command>>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

/// What an engine does.
#[derive(Debug, Default)]
pub struct Plan {
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
    /// Starts the engine on the sockets of `open`. Its events go to `events`, in a type of the receiver's own. While
    /// `events` is full, reads and sends are counted instead ([`What::Folded`](crate::What::Folded)), so that no receiver
    /// slows a peer down and the memory is bounded. A read has at most 64 KiB, so 256 events are a good size of the channel.
    ///
    /// # Errors
    /// When the system has no descriptor or no thread left.
    pub fn start<T: From<Event> + Send + 'static>(
        open: Open,
        plan: Plan,
        events: SyncSender<T>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), turn::WAKER)?);
        let (commands, incoming) = mpsc::channel();
        let turn = Turn::new(poll, open, plan, incoming, Outbox::new(events))?;
        let thread = thread::Builder::new().name("assist".to_owned());
        let thread = thread.spawn(move || turn.run())?;
        Ok(Self {
            commands: Some(commands),
            waker,
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
