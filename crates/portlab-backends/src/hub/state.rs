//! The hub of a service, and the address at which each connection gets its mail.

use std::collections::HashMap;

use portlab_service::{CloseReason, ConnId, Denied, Hub, Mail, Post};
use portlab_sys::tally::{self, Count};

use super::mailbox::{Counts, Put};
use crate::trace;

/// A service's hub together with the addresses of its receivers.
///
/// A server has exactly one. Models differ in its place: a plain value of a loop, a value behind a lock, or a value that a
/// task or a process owns. `A` is the address of a receiver at that place.
pub(crate) struct HubState<A> {
    hub: Box<dyn Hub>,
    receivers: HashMap<ConnId, A>,
    counts: Counts,
}

/// What a connection reports to the hub. `Gone` is its last event.
#[derive(Debug)]
pub(crate) enum HubEvent {
    Post(Post),
    Gone(CloseReason),
}

impl<A> HubState<A> {
    pub(crate) fn new(hub: Box<dyn Hub>) -> Self {
        Self {
            hub,
            receivers: HashMap::new(),
            counts: Counts::default(),
        }
    }

    /// From now on mail for `id` goes to `address`.
    pub(crate) fn connect(&mut self, id: ConnId, address: A) {
        self.receivers.insert(id, address);
    }

    /// Gives the hub an event of connection `from`, and gives the mail that follows to `put`, which puts a piece into
    /// the mailbox at an address.
    pub(crate) fn handle(
        &mut self,
        from: ConnId,
        event: &HubEvent,
        mut put: impl FnMut(&A, ConnId, Mail) -> Put,
    ) {
        let Self {
            hub,
            receivers,
            counts,
        } = self;
        if let HubEvent::Gone(reason) = event {
            // Before all else, so that the connection gets no mail about its own end.
            if receivers.remove(&from).is_none() {
                return;
            }
            counts.closed(*reason);
        }
        let (handling, mut pieces) = (trace::start(), 0);
        let mut deliver = |to: ConnId, mail: Mail| {
            if let Some(address) = receivers.get(&to) {
                pieces += 1;
                counts.count(put(address, to, mail));
            }
        };
        match event {
            HubEvent::Post(post) => {
                hub.handle(from, post, &mut deliver);
                match hub.denied() {
                    None => {}
                    Some(Denied::Line) => tally::add(Count::LongLine, 1),
                    Some(Denied::Room) => tally::add(Count::NoRoom, 1),
                }
            }
            HubEvent::Gone(reason) => hub.gone(from, *reason, &mut deliver),
        }
        handling.hub(from, pieces);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// The connections whose address is `wanted`, in the order of their numbers.
    pub(crate) fn at(&self, wanted: &A) -> Vec<ConnId>
    where
        A: PartialEq,
    {
        let here = self.receivers.iter().filter(|(_, at)| *at == wanted);
        let mut ids: Vec<_> = here.map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }
}
