//! A pool of worker processes, and the broker that they have lines to: what each model with such a pool does in its parent.

use std::{io, os::fd::BorrowedFd, sync::atomic::AtomicU64};

use portlab_service::Service;
use portlab_sys::{
    alone::Alone,
    children::{Children, Forked},
    stop,
};

use super::worker_slots::WorkerSlots;
use crate::{
    door::{Entry, Served},
    hub::{
        broker::{Broker, Line},
        mailbox::Overflow,
    },
};

/// The workers of a pool, kept by their parent. A worker that has died is replaced.
pub(crate) struct WorkerPool {
    alone: Alone,
    children: Children,
    broker: Broker,
    slots: WorkerSlots,
}

/// What a worker begins with.
pub(crate) struct Worker {
    /// `None` if the service has no hub.
    pub(crate) line: Option<Line>,
}

impl WorkerPool {
    /// Starts the broker, if the service has a hub, and makes `workers` empty slots.
    ///
    /// # Errors
    /// When the system has no process, descriptor or memory left.
    pub(crate) fn start(
        service: &'static dyn Service,
        overflow: Overflow,
        workers: usize,
        alone: Alone,
    ) -> io::Result<Self> {
        let mut children = Children::new()?;
        Ok(Self {
            broker: Broker::start(service, overflow, &mut children, &alone)?,
            slots: WorkerSlots::new(workers)?,
            children,
            alone,
        })
    }

    /// A slot to fill with [`WorkerPool::fork`]: at first each of them, later the slots of workers that have died. `None`
    /// if there is none now, and when the server stops.
    pub(crate) fn empty(&mut self) -> Option<usize> {
        match stop::is_set() {
            true => None,
            false => self.slots.empty(),
        }
    }

    /// The number of connections that the worker of a slot has.
    pub(crate) fn held(&self, slot: usize) -> &'static AtomicU64 {
        self.slots.held(slot)
    }

    /// Forks a worker with a line, for a slot. See [`WorkerPool::fork_with`].
    ///
    /// # Errors
    /// When the first worker can't be started.
    pub(crate) fn fork<T>(
        &mut self,
        slot: usize,
        ready: io::Result<T>,
    ) -> io::Result<Option<(Worker, T)>> {
        let line = self.broker.line(self.slots.running());
        let ready = line.and_then(|line| Ok((line, ready?)));
        let forked = self.fork_with(slot, ready)?;
        Ok(forked.map(|(line, ready)| {
            self.broker.close_control();
            (Worker { line }, ready)
        }))
    }

    /// Forks a worker for a slot; it gets what was made `ready` for it. Returns `Some` in the worker. If no worker can be
    /// started now, reports that, and the next try follows after a pause.
    ///
    /// # Errors
    /// When the first worker can't be started.
    pub(crate) fn fork_with<T>(
        &mut self,
        slot: usize,
        ready: io::Result<T>,
    ) -> io::Result<Option<T>> {
        match ready.and_then(|ready| Ok((ready, self.children.fork(&self.alone)?))) {
            Ok((ready, Forked::Child(_))) => return Ok(Some(ready)),
            Ok((_, Forked::Parent(worker))) => self.slots.fill(slot, worker),
            Err(error) => self.slots.refuse(error)?,
        }
        Ok(None)
    }

    /// Returns the broker, for a worker that makes a line for each of its connections (`prefork-loop`).
    pub(crate) fn into_broker(self) -> Broker {
        self.broker
    }

    /// Waits until the server stops, a worker or the broker dies, one of `others` is readable, or a slot is to be filled.
    /// Reaps the dead. Returns whether the server stops.
    ///
    /// # Errors
    /// When the system can't poll.
    pub(crate) fn wait(&mut self, entry: &Entry, others: &[BorrowedFd<'_>]) -> io::Result<bool> {
        let patience = self.slots.patience().into_iter();
        let patience = patience.chain(self.broker.patience()).min();
        let awaited = [&[self.children.bell()], others].concat();
        if entry.wait_for(&awaited, patience)? {
            return Ok(true);
        }
        let dead = self.children.reap();
        self.slots.free(&dead);
        let (broker, children) = (&mut self.broker, &mut self.children);
        // The workers reach only the broker from before their fork, and one that waits for a connection doesn't look at its
        // line. So the workers are replaced, too.
        if broker.restart_if_dead(&dead, children, &self.alone) {
            children.kill_but(broker.pid());
        }
        Ok(false)
    }

    /// Ends all processes by the server's deadline.
    pub(crate) fn end(mut self, entry: &Entry) -> Served {
        let deadline = entry.stop.deadline();
        let (unwell, counts) = self.broker.end(&mut self.children, deadline);
        self.slots.all_have_ended();
        entry.served(unwell, counts)
    }
}

impl Worker {
    /// Calls `serve` with each connection that `next` returns, until it returns `None`.
    ///
    /// A worker without a line could not deliver mail, so it begins when the broker has taken its line, and ends when the
    /// line ends.
    pub(crate) fn work<T>(&self, mut next: impl FnMut() -> Option<T>, serve: impl Fn(T)) {
        if self.line.as_ref().is_some_and(|line| !line.is_taken()) {
            return;
        }
        while !self.line.as_ref().is_some_and(Line::is_lost)
            && let Some(connection) = next()
        {
            serve(connection);
        }
    }
}
