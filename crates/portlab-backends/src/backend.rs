//! The trait that a concurrency model implements.

use std::io;

use portlab_service::Service;

use crate::{Counts, Door, Sheet};

/// A concurrency model: how a server divides its connections.
pub trait Backend: Sync {
    /// The model's facts. The same at every call.
    fn sheet(&self) -> &'static Sheet;

    /// Serves whoever comes through `door` until its stop signal comes, then drains and returns.
    ///
    /// # Who calls
    /// Called once, on the only thread of a fresh process (the door's [`Alone`](crate::Alone) is
    /// the proof), so a model may fork, and may keep its threads for as long as the process lives.
    ///
    /// # What it must do
    /// Open one session per connection and call it as [`Session`](portlab_service::Session) says; hold
    /// the service's hub, if it has one, where [`Sheet::hub`] says, and carry posts and mail.
    /// Survive whatever one peer does: its error, its panic, its silence. At the stop signal:
    /// accept nobody any more, let the sessions end (their sockets are shut for reading by the
    /// signal handler, if they were made [`Interruptible`](portlab_sys::stop::Interruptible)),
    /// leave no process behind. It need not watch the deadline: the handler cuts what is left.
    ///
    /// # What is NOT promised
    /// That it serves everybody at once: see [`Sheet::capacity`]. In a forking model the call
    /// returns in the first process only; its children end inside.
    ///
    /// # Errors
    /// When the model can't begin (a thread, a process or a poller is refused). Once it serves, the
    /// errors of connections are not its errors.
    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served>;
}

/// How serving ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// How many had not finished at the deadline and were cut: connections, or in forking models
    /// the processes that held them.
    pub cut: u64,
    /// What became of the mail between connections; `None` when the service has no hub.
    pub mail: Option<Counts>,
}
