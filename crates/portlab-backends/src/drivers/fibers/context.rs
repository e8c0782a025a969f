//! What a connection that is a coroutine can do: run, and be suspended.

use std::{io, time::Instant};

use corosensei::Yielder;
use portlab_service::Work;
use portlab_sys::stop;

use super::{Fibers, find, putter};
use crate::{
    drivers::{
        readiness::{
            conn::{Conn, Scratch, Step},
            poller::{Key, Poller},
        },
        waiting::{Context, WokenBy, drive},
        work::{Done, Job},
    },
    hub::{inbox::Inbox, state::HubEvent},
    trace,
};

/// A coroutine that runs owns the loop with all its buffers. To wait, it must give the loop back: `suspend` takes the loop
/// by value. So the compiler refuses a coroutine that keeps a reference to a part of the loop while others run.
pub(super) struct OnCoroutine<'a> {
    yielder: &'a Yielder<Box<Fibers>, Box<Fibers>>,
    /// Always there while the coroutine runs.
    fibers: Option<Box<Fibers>>,
    key: Key,
}

/// The coroutine of a connection, from its first step to its end.
pub(super) fn run(
    yielder: &Yielder<Box<Fibers>, Box<Fibers>>,
    fibers: Box<Fibers>,
    key: Key,
    mut conn: Conn,
) -> Box<Fibers> {
    let mut context = OnCoroutine {
        yielder,
        fibers: Some(fibers),
        key,
    };
    drive(&mut conn, &mut context);
    let mut fibers = context.into_fibers();
    fibers.poller.forget(key, conn.into_socket());
    fibers
}

impl Context for OnCoroutine<'_> {
    /// Runs `go` on the stack of the loop, which is large: so a stack of a coroutine needs room for `drive` only, and the
    /// panic of a handler finds room to print where it came from. `go` must be `Send`, and that excludes the [`Yielder`]:
    /// on the loop's stack the coroutine can't be suspended.
    fn call(
        &mut self,
        conn: &mut Conn,
        go: impl FnOnce(&mut Conn, &mut Scratch, Option<&mut dyn Inbox>) -> Step + Send,
    ) -> Step {
        let (yielder, key) = (self.yielder, self.key);
        let Fibers {
            scratch,
            slots,
            queue,
            hub,
            ..
        } = self.fibers();
        yielder.on_parent_stack(move || {
            let slot = find(slots, key);
            let mailbox = slot.and_then(|slot| slot.mailbox.as_deref_mut());
            let step = go(
                conn,
                scratch,
                mailbox.map(|mailbox| mailbox as &mut dyn Inbox),
            );
            // A session posts only if its service has a hub.
            if let Some(hub) = hub {
                for post in scratch.outbox.posts() {
                    hub.handle(conn.id(), &HubEvent::Post(post), putter(slots, queue));
                }
            }
            step
        })
    }

    fn perform(&mut self, job: Job) -> Done {
        match job {
            Job::Work(Work::Wait(time)) => {
                trace::timer(time);
                let (key, until) = (self.key, Instant::now() + time);
                while Instant::now() < until {
                    self.fibers().wake_at(key, until);
                    self.suspend();
                }
                Done::Work
            }
            // This stalls the loop, and all other coroutines wait.
            job => self.yielder.on_parent_stack(|| job.perform()),
        }
    }

    fn give_way(&mut self, conn: &mut Conn) -> io::Result<WokenBy> {
        let key = self.key;
        self.fibers().enqueue(key);
        self.wait(conn, None)
    }

    fn wait(&mut self, conn: &mut Conn, until: Option<Instant>) -> io::Result<WokenBy> {
        let key = self.key;
        if let Some(until) = until {
            self.fibers().wake_at(key, until);
        }
        self.suspend();
        let slot = find(&mut self.fibers().slots, key);
        if let Some(fin_seen) = slot.and_then(|slot| slot.ready.take()) {
            conn.is_ready(fin_seen);
        }
        Ok(WokenBy::Event)
    }

    fn leave_hub(&mut self, conn: &Conn) {
        let yielder = self.yielder;
        let Fibers {
            slots, queue, hub, ..
        } = self.fibers();
        // At a stop all connections end, and the hub need not report each end to the other members.
        if let Some(hub) = hub
            && !stop::is_set()
        {
            let (id, gone) = (conn.id(), HubEvent::Gone(conn.close_reason()));
            yielder.on_parent_stack(move || hub.handle(id, &gone, putter(slots, queue)));
        }
    }
}

impl OnCoroutine<'_> {
    /// Gives the loop back, so that others run. Returns when the loop resumes this coroutine.
    fn suspend(&mut self) {
        if let Some(fibers) = self.fibers.take() {
            self.fibers = Some(self.yielder.suspend(fibers));
        }
    }

    fn fibers(&mut self) -> &mut Fibers {
        self.fibers
            .as_mut()
            .expect("a coroutine that runs has the loop")
    }

    fn into_fibers(self) -> Box<Fibers> {
        self.fibers.expect("a coroutine that runs has the loop")
    }
}
