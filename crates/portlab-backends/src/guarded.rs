//! Calling a session so that its panic stays its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use portlab_service::{Cx, Flow, Post, Session};

/// The buffers that a session writes to. One per thread is enough: they are empty between calls.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) out: Vec<u8>,
    posts: Vec<Post>,
}

/// What happened on a connection.
pub(crate) enum Event<'a> {
    Open,
    Data(&'a [u8]),
    Eof,
}

/// A handler that panicked. Its connection is lost, and nothing else: the panic has been printed
/// already, by the panic hook.
#[derive(Debug)]
pub(crate) struct Panicked;

impl Outbox {
    /// Hands `event` to `session`, which appends its answer to `out`.
    ///
    /// Nobody looks at the session again after a panic, so it can't be seen in a broken state.
    pub(crate) fn call(
        &mut self,
        session: &mut dyn Session,
        event: Event<'_>,
    ) -> Result<Flow, Panicked> {
        let Self { out, posts } = self;
        // Should the last connection have broken while it was answered, its answer is still here,
        // and must not reach this one.
        out.clear();
        let called = catch_unwind(AssertUnwindSafe(|| {
            let cx = &mut Cx { out, posts };
            match event {
                Event::Open => session.on_open(cx),
                Event::Data(input) => session.on_data(input, cx),
                Event::Eof => session.on_eof(cx),
            }
        }));
        // No service of today has a hub, so no post has a receiver.
        self.posts.clear();
        called.map_err(|_| Panicked)
    }

    /// Gives back memory that an unusually large answer took, so that an idle thread holds none of
    /// it.
    pub(crate) fn sent(&mut self) {
        self.out.clear();
        self.out.shrink_to(crate::READ_BUFFER);
    }
}
