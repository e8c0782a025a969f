//! How a loop reaches the hub, wherever the hub is; and the hub as a plain value of the loop.

use std::{cell::RefCell, io, rc::Rc};

use portlab_service::{ConnId, Service};

use super::{
    inbox::Inbox,
    mailbox::{Counts, Found, Mailbox, Overflow},
    state::{HubEvent, HubState},
};

/// The hub, as a loop reaches it. `K` is the key of a connection in its loop.
///
/// A loop never waits for the hub. Each call adds to `woken` the connections that have mail from now on; the loop lets
/// them go on in the same turn.
pub(crate) trait LoopHub<K> {
    /// Connects a new connection; its mail comes into the inbox.
    ///
    /// # Errors
    /// When the hub is in another process, which can't be reached now.
    fn connect(&mut self, id: ConnId, key: K) -> io::Result<Box<dyn Inbox>>;

    /// Gives the hub an event of a connection. A second [`HubEvent::Gone`] has no effect.
    fn tell(&mut self, id: ConnId, event: HubEvent, woken: &mut Vec<K>);

    /// Another thread has woken the loop: takes in what it has sent.
    fn fetch(&mut self, _woken: &mut Vec<K>) {}

    /// The line of this connection has messages, or room for more.
    ///
    /// # Errors
    /// When the line has ended.
    fn fetch_line(&mut self, _key: K, _woken: &mut Vec<K>) -> io::Result<()> {
        Ok(())
    }

    /// Whether loops of other threads still use this hub, so that its own loop goes on.
    fn is_needed(&self) -> bool {
        false
    }

    /// What became of all mail; `None` if another process counts it.
    fn counts(&self) -> Option<Counts>;
}

/// A hub that is a plain value of its loop: nothing is locked, and mail is put straight into its mailbox.
pub(crate) struct OwnHub<K> {
    state: HubState<(K, Rc<RefCell<Mailbox>>)>,
    overflow: Overflow,
}

impl<K: Copy + 'static> OwnHub<K> {
    /// The hub of `service`; `None` if the service has none.
    pub(crate) fn of(service: &dyn Service, overflow: Overflow) -> Option<Box<dyn LoopHub<K>>> {
        let state = HubState::new(service.hub()?);
        Some(Box::new(Self { state, overflow }))
    }
}

impl<K: Copy> LoopHub<K> for OwnHub<K> {
    fn connect(&mut self, id: ConnId, key: K) -> io::Result<Box<dyn Inbox>> {
        let mailbox = Rc::new(RefCell::new(Mailbox::new(self.overflow)));
        self.state.connect(id, (key, Rc::clone(&mailbox)));
        Ok(Box::new(mailbox))
    }

    fn tell(&mut self, id: ConnId, event: HubEvent, woken: &mut Vec<K>) {
        self.state.handle(id, &event, |(key, mailbox), _, mail| {
            woken.push(*key);
            mailbox.borrow_mut().put(mail)
        });
    }

    fn counts(&self) -> Option<Counts> {
        Some(self.state.counts())
    }
}

/// The loop calls a connection after mail was put into its mailbox.
impl Inbox for Rc<RefCell<Mailbox>> {
    fn take(&mut self) -> Found {
        self.borrow_mut().take()
    }

    fn is_overflowed(&mut self) -> bool {
        self.borrow().is_overflowed()
    }
}
