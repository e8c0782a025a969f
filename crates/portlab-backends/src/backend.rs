//! The trait that a concurrency model implements.

use std::io;

use portlab_service::Service;
use portlab_words::Text;

use crate::{Door, Served, Sheet};

/// A concurrency model: how a server divides its connections.
pub trait Backend: Sync {
    /// The model's facts. The same at every call.
    fn sheet(&self) -> &'static Sheet;

    /// Why the model can't serve on this machine, and what can be done about it; `None` if it can. It asks the system each
    /// time.
    fn obstacle(&self) -> Option<Text> {
        None
    }

    /// How many connections it can have at a time because of a limit of the kernel that other models don't meet; `None` if
    /// it meets none.
    fn most_connections(&self) -> Option<usize> {
        None
    }

    /// Serves the connections of `door` until its stop signal comes, then drains and returns.
    ///
    /// # When it is called
    /// Once, on the only thread of a fresh process (the door's [`Alone`](crate::Alone) is
    /// the proof), so a model may fork, and may keep its threads until the process ends.
    ///
    /// # What it must do
    /// It opens one session per connection and calls it as [`Session`](portlab_service::Session) says; it holds the
    /// service's hub, if there is one, at the place that [`Sheet::hub`] names, and carries posts and mail. It goes on when
    /// one connection fails, by an error, a panic or a silent peer. At the stop signal it accepts no further connection,
    /// lets the sessions end (the signal handler shuts their sockets for reading, if they were made
    /// [`Interruptible`](portlab_sys::stop::Interruptible)), and leaves no process behind. It need not check the
    /// deadline: the handler cuts the connections that are left.
    ///
    /// # What is NOT promised
    /// That it serves all connections at once: see [`Sheet::capacity`]. In a forking model the call
    /// returns in the first process only; its children end inside.
    ///
    /// # Errors
    /// When the model can't begin, because the system refuses a thread, a process or a poller. Later errors of single
    /// connections are not returned.
    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served>;
}
