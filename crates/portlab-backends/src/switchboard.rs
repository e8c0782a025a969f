//! The hub, and where each of its connections gets its mail.

use std::collections::HashMap;

use portlab_service::{ConnId, Denied, Hub, Mail, Parting, Post};
use portlab_sys::tally::{self, Count};

use crate::{
    mailbox::{Counts, Put},
    trace,
};

/// A service's hub together with the addresses of its receivers.
///
/// Every model has exactly one, and where it lives is the model's lesson: a plain value of a loop, a
/// value behind a lock, the property of a task or of a process. `A` is how that place reaches a
/// receiver.
pub(crate) struct Switchboard<A> {
    hub: Box<dyn Hub>,
    receivers: HashMap<ConnId, A>,
    counts: Counts,
}

/// What the holder of the hub is told of a connection, in this order.
#[derive(Debug)]
pub(crate) enum Word {
    Post(Post),
    Gone(Parting),
}

impl<A> Switchboard<A> {
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

    /// Hands what connection `from` has to say to the hub, and what follows from it to `put`, which
    /// puts a piece of mail into the mailbox at an address.
    pub(crate) fn hear(
        &mut self,
        from: ConnId,
        word: &Word,
        mut put: impl FnMut(&A, ConnId, Mail) -> Put,
    ) {
        let Self {
            hub,
            receivers,
            counts,
        } = self;
        if let Word::Gone(how) = word {
            // First of all, or it would be told of its own end.
            if receivers.remove(&from).is_none() {
                return;
            }
            counts.parted(*how);
        }
        let (handling, mut pieces) = (trace::start(), 0);
        let mut deliver = |to: ConnId, mail: Mail| {
            if let Some(address) = receivers.get(&to) {
                pieces += 1;
                counts.count(put(address, to, mail));
            }
        };
        match word {
            Word::Post(post) => {
                hub.handle(from, post, &mut deliver);
                match hub.denied() {
                    None => {}
                    Some(Denied::Line) => tally::add(Count::LongLine, 1),
                    Some(Denied::Room) => tally::add(Count::NoRoom, 1),
                }
            }
            Word::Gone(how) => hub.gone(from, *how, &mut deliver),
        }
        handling.hub(from, pieces);
    }

    /// What has become of all mail so far.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Who has an address that `is_meant`.
    pub(crate) fn find(&self, is_meant: impl Fn(&A) -> bool) -> Vec<ConnId> {
        let mut ids: Vec<_> = self
            .receivers
            .iter()
            .filter(|(_, address)| is_meant(address))
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        ids
    }
}
