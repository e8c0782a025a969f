//! What a session asks of the driver of its connection.

use std::time::Duration;

/// What the driver does after a session's method has returned: first the work, then it sends the bytes
/// in `out`, then it goes on or closes.
///
/// While the work is being done, the session is not called again, so answers keep their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// What is done between the request and its answer.
    pub work: Work,
    /// What happens once the answer has been sent.
    pub next: Next,
}

impl Flow {
    /// Send the answer and read on.
    pub const CONTINUE: Self = Self {
        work: Work::None,
        next: Next::Continue,
    };

    /// Send the answer, all of it, and close the connection.
    pub const CLOSE: Self = Self {
        work: Work::None,
        next: Next::Close,
    };

    /// Send the answer, give other connections their turn, and call
    /// [`on_more`](crate::Session::on_more).
    pub const MORE: Self = Self {
        work: Work::None,
        next: Next::More,
    };

    /// Send the answer, and look up what the session asks for.
    pub const LOOKUP: Self = Self {
        work: Work::None,
        next: Next::Lookup,
    };

    /// Puts `work` before the answer.
    #[must_use]
    pub const fn after(self, work: Work) -> Self {
        Self {
            work,
            next: self.next,
        }
    }
}

/// The work before an answer. Concurrency models differ in how they do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// None: the answer may leave at once.
    None,
    /// Waiting, as for a database: a thread sleeps, a task awaits a timer, a loop arms one and serves other connections.
    Wait(Duration),
    /// A blocking call inside the handler, a common mistake: the thread that runs the handler sleeps, and all connections
    /// of that thread wait.
    Block(Duration),
    /// Computing, measured in CPU time of the thread that computes: the thread of the handler, or a thread of a pool.
    Cpu(Duration),
}

/// What happens to the connection after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Go on reading.
    Continue,
    /// The session holds input that it has not handled: call it again before reading more.
    More,
    /// Close, once everything has been sent.
    Close,
    /// Look up what [`Session::lookup`](crate::Session::lookup) returns, and call
    /// [`on_found`](crate::Session::on_found). The path is opened, so a disk may be waited for; what is cached comes at once,
    /// and is answered in the same write.
    Lookup,
    /// After `out`, send this part of the file that was found last, in pieces as the peer takes them, and call
    /// [`on_more`](crate::Session::on_more). If the file has become shorter, or can't be read, the connection ends.
    Body {
        /// The first byte.
        from: u64,
        /// The number of bytes, at least 1.
        length: u64,
    },
}
