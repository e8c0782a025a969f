//! What connections send and receive: the part of a load that is behind a trait, because it differs between requests
//! and a chat.

use std::io;

use crate::{
    Cause, Datagrams, Exchanges, Mismatch, Phase, Plan, Tally, chat::Rooms, endings,
    stream::Stream, thread_state::ThreadState,
};

/// One connection of a load, and by [`Shared`](Self::Shared) what all connections of a thread have in common.
///
/// A worker makes connections, waits for events, runs timers, follows the stages and sends statistics. The dialogue
/// decides what is due, on which connection a message is sent, what has been received, and when a
/// connection is done. There are two dialogues: requests and answers ([`Conn`](crate::conn::Conn)), and a chat
/// ([`Member`](crate::chat::Member)). A worker is compiled for each, so that no message costs a virtual call.
///
/// One thread makes all calls for its connections. The calls for one connection: [`new`](Self::new), `enter`
/// until it has entered, `opened`, then `queue`, `send` and `drive` in any order, and at last `leave`,
/// unless the run ends first.
pub(crate) trait Dialogue: Sized {
    /// What all connections of a thread share.
    type Shared;

    /// How many connections of a thread may be in `enter` at a time.
    const ENTERING_AT_ONCE: usize;
    /// Whether a connection that fails before the load begins ends the run.
    const NEEDS_ALL: bool;
    /// Whether a connection that was lost is replaced where connections are replaced at all.
    const REPLACES_LOST: bool;

    /// What the connections at `slots` slots share.
    fn shared(plan: &Plan, slots: usize) -> Self::Shared;

    /// The connection at `slot`, the run's number `number`, has been made.
    fn new(
        stream: Stream,
        slot: u32,
        number: usize,
        state: &mut ThreadState<Self::Shared>,
    ) -> Result<Self, Broken>;

    fn stream(&mut self) -> &mut Stream;

    fn into_stream(self) -> Stream;

    /// Continues what comes before the first message, such as a greeting; returns whether that is complete.
    fn enter(&mut self, state: &mut ThreadState<Self::Shared>) -> Result<bool, Broken>;

    /// The load has begun, and this connection is open: it may send from `now` on. In a closed loop, the first
    /// requests are queued.
    fn opened(&mut self, state: &mut ThreadState<Self::Shared>, now: u64);

    /// Whether the worker chooses the connections that send, by [`next_sender`](Self::next_sender). Otherwise
    /// a connection sends when it has received.
    fn is_dispatched(state: &ThreadState<Self::Shared>) -> bool;

    /// When the next message is due, as far as it may still be sent.
    fn next_due(state: &ThreadState<Self::Shared>) -> Option<u64> {
        state.next_due()
    }

    /// Whether a message that is due could be sent now.
    fn can_send(state: &ThreadState<Self::Shared>) -> bool;

    /// How many connections send at most before the worker reads again.
    fn burst(state: &ThreadState<Self::Shared>) -> usize;

    /// Takes the connection that sends what is due `now` off the list. If it can send more, the worker calls
    /// `still_has_room`.
    fn next_sender(state: &mut ThreadState<Self::Shared>, now: u64) -> Option<Turn>;

    /// Whether the connection may send another message.
    fn has_room(&self, state: &ThreadState<Self::Shared>) -> bool;

    /// The connection at `slot` was chosen, and still has room.
    fn still_has_room(_state: &mut ThreadState<Self::Shared>, _slot: u32) {}

    /// Queues a message that was due at `due`, as of `now`; `send` sends it.
    fn queue(&mut self, state: &mut ThreadState<Self::Shared>, due: u64, now: u64);

    /// Sends as much as the socket takes in one visit; returns whether there is more.
    fn send(&mut self, state: &mut ThreadState<Self::Shared>) -> Result<bool, Broken>;

    /// Receives and sends as much as one visit allows. `ended`: the poller has reported that the server closed the
    /// connection.
    fn drive(&mut self, state: &mut ThreadState<Self::Shared>, ended: bool)
    -> Result<Then, Broken>;

    /// When the connection is closed if nothing happens, and the error that is counted then.
    fn deadline(&self, state: &ThreadState<Self::Shared>) -> Option<(u64, Phase, Cause)>;

    /// The run ends: sends what a connection sends at last, such as a command that ends a session.
    fn begin_last_steps(&mut self, _state: &mut ThreadState<Self::Shared>, _now: u64) {}

    /// Whether it has sent all that it was to send and nothing is on its way.
    fn is_done(&self, state: &ThreadState<Self::Shared>) -> bool;

    /// Whether it still waits for an answer.
    fn is_waiting(&self) -> bool;

    /// Messages answered.
    fn answered(&self) -> u64 {
        0
    }

    /// Keeps the beginning of an answer that won't be complete, so that it can be shown.
    fn keep_partial(&self, _state: &mut ThreadState<Self::Shared>) {}

    /// Measuring ends at `now`.
    fn end_measuring(&self, _state: &mut ThreadState<Self::Shared>, _now: u64) {}

    /// The connection is done, or lost, as of `now`; returns how many of its measured messages are given up.
    fn leave(&self, state: &mut ThreadState<Self::Shared>, now: u64) -> u64;

    /// Whether some connection may still send or receive.
    fn goes_on(state: &ThreadState<Self::Shared>) -> bool {
        state.open() > 0
    }

    /// Whether nothing has been received for so long that nothing more will be.
    fn is_silent(_state: &ThreadState<Self::Shared>) -> bool {
        false
    }

    /// How many measured messages are still on their way on this connection.
    fn unanswered(&self, state: &ThreadState<Self::Shared>) -> u64;

    /// How many other measured messages were given up, or are still on their way.
    fn given_up(_state: &ThreadState<Self::Shared>) -> u64 {
        0
    }

    /// The run is over, and the connection is about to be closed.
    fn closing(&self, _state: &mut ThreadState<Self::Shared>) {}

    /// The run is over: returns the results of all connections together.
    fn finish(shared: Self::Shared) -> Finished;
}

/// What the worker does next with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The poller will report when there is more.
    Wait,
    /// There is more to read or to send; other connections have their turn first.
    GoOn,
    /// It has had all its answers: close it.
    Retire,
    /// The server has closed it, and no request waited for its answer.
    Over,
}

/// The error that ends a connection.
#[derive(Debug)]
pub(crate) enum Broken {
    Io(Phase, io::Error),
    Because(Phase, Cause),
    Wrong(Mismatch),
}

impl Broken {
    /// Whether the server closed or reset a connection that was made.
    pub(crate) fn is_closed_by_server(&self) -> bool {
        match self {
            Self::Io(Phase::Send | Phase::Receive, error) => endings::is_closed_by_server(error),
            Self::Because(_, Cause::Http(fault)) => fault.is_closed_by_server(),
            Self::Because(_, cause) => matches!(cause, Cause::ClosedEarly | Cause::ClosedIdle),
            Self::Io(..) | Self::Wrong(_) => false,
        }
    }

    pub(crate) fn count_in(self, tally: &mut Tally) {
        match self {
            Self::Io(phase, error) => tally.add_io(phase, &error),
            Self::Because(phase, cause) => tally.add(phase, cause),
            Self::Wrong(mismatch) => tally.add_mismatch(mismatch),
        }
    }
}

/// Which connection sends, since when it could have, and how many messages at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    pub(crate) slot: u32,
    pub(crate) free_since: u64,
    pub(crate) messages: u64,
}

/// The results of a thread's connections.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    /// Messages answered while measuring, by slot; `None` where there never was a connection.
    pub(crate) served: Vec<Option<u64>>,
    /// What answers began with.
    pub(crate) answers: crate::Answers,
    /// What became of datagrams.
    pub(crate) datagrams: Option<Datagrams>,
    /// What was measured of each exchange of a dialogue file.
    pub(crate) exchanges: Exchanges,
    /// What members of a chat have received.
    pub(crate) chat: Option<Box<Rooms>>,
}
