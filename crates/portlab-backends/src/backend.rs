//! The trait that a concurrency model implements.

use std::io;

use portlab_service::Service;

use crate::{Door, Served, Sheet};

/// A concurrency model: how a server divides its connections.
pub trait Backend: Sync {
    /// The model's facts. The same at every call.
    fn sheet(&self) -> &'static Sheet;

    /// Serves the connections of `door` until its stop signal comes, then drains and returns.
    ///
    /// # When it is called
    /// Once, on the only thread of a fresh process (the door's [`Alone`](crate::Alone) is
    /// the proof), so a model may fork, and may keep its threads for as long as the process lives.
    ///
    /// # What it must do
    /// Open one session per connection and call it as [`Session`](portlab_service::Session) says; hold
    /// the service's hub, if it has one, where [`Sheet::hub`] says, and carry posts and mail.
    /// Go on when one connection fails: by an error, a panic or a silent peer. At the stop signal: accept no
    /// connection any more, let the sessions end (the signal handler shuts their sockets for reading, if they were
    /// made [`Interruptible`](portlab_sys::stop::Interruptible)), leave no process behind. It need not watch the
    /// deadline: the handler cuts the connections that are left.
    ///
    /// # What is NOT promised
    /// That it serves all connections at once: see [`Sheet::capacity`]. In a forking model the call
    /// returns in the first process only; its children end inside.
    ///
    /// # Errors
    /// When the model can't begin, because the system refuses a thread, a process or a poller. Once it serves, the
    /// errors of connections are not its errors.
    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served>;
}
