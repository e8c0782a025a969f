//! Calling a session so that its panic stays its own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    vec::Drain,
};

use portlab_service::{Cut, Cx, Flow, Mail, Post, Session};
use portlab_sys::tally::{self, Count};

use crate::{
    READ_BUFFER,
    inbox::Inbox,
    mailbox::Found,
    trace::{self, What},
};

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
    More,
    Mail(&'a Mail),
    Missed(u64),
    Eof,
    Cut(Cut),
}

impl Event<'_> {
    /// Whether it changes what has come of the peer's messages.
    pub(crate) fn is_input(&self) -> bool {
        matches!(self, Self::Data(_) | Self::More | Self::Eof)
    }
}

/// What a session made of its mail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Collected {
    /// There was none.
    Nothing,
    /// Something to be sent, in `out`.
    Letters(Flow),
    /// There was too much, and it is to be cut.
    Overflow,
}

/// A handler that panicked. Its connection is lost, and nothing else: the panic has been printed
/// already, by the panic hook.
#[derive(Debug)]
pub(crate) struct Panicked;

impl Outbox {
    /// Hands `event` to `session`, which writes its answer to `out`, and what the hub is to hear to
    /// [`Outbox::posts`].
    ///
    /// Nobody looks at the session again after a panic, so it can't be seen in a broken state.
    pub(crate) fn call(
        &mut self,
        session: &mut dyn Session,
        event: Event<'_>,
    ) -> Result<Flow, Panicked> {
        // Should the last connection have broken while it was answered, its answer is still here,
        // and must not reach this one.
        self.out.clear();
        self.call_again(session, event)
    }

    /// Hands the mail in `inbox` to `session`, as much as is worth one write.
    pub(crate) fn collect(
        &mut self,
        session: &mut dyn Session,
        inbox: &mut dyn Inbox,
    ) -> Result<Collected, Panicked> {
        self.out.clear();
        let mut collected = Collected::Nothing;
        while self.out.len() < READ_BUFFER {
            let flow = match inbox.take() {
                Found::Mail(mail) => self.call_again(session, Event::Mail(&mail))?,
                Found::Missed(count) => self.call_again(session, Event::Missed(count))?,
                Found::Overflow => return Ok(Collected::Overflow),
                Found::Nothing => break,
            };
            collected = Collected::Letters(flow);
            if flow != Flow::CONTINUE {
                break;
            }
        }
        Ok(collected)
    }

    /// How much the session has to say to the hub.
    pub(crate) fn posted(&self) -> usize {
        self.posts.len()
    }

    /// What the session has to say to the hub; whoever serves a service with a hub takes it after
    /// each call.
    pub(crate) fn posts(&mut self) -> Drain<'_, Post> {
        self.posts.drain(..)
    }

    /// As [`Outbox::call`], leaving what stands in `out`.
    fn call_again(
        &mut self,
        session: &mut dyn Session,
        event: Event<'_>,
    ) -> Result<Flow, Panicked> {
        let Self { out, posts } = self;
        let handling = trace::start();
        let called = catch_unwind(AssertUnwindSafe(|| {
            let cx = &mut Cx { out, posts };
            match event {
                Event::Open => session.on_open(cx),
                Event::Data(input) => session.on_data(input, cx),
                Event::More => session.on_more(cx),
                Event::Mail(mail) => session.on_mail(mail, cx),
                Event::Missed(count) => session.on_missed(count, cx),
                Event::Eof => session.on_eof(cx),
                Event::Cut(why) => {
                    session.on_cut(why, cx);
                    Flow::CLOSE
                }
            }
        }));
        handling.end(What::Handle, 0);
        called.map_err(|_| {
            tally::add(Count::Panicked, 1);
            Panicked
        })
    }

    /// Gives back all but a little, for a thread that has its buffers to itself and falls asleep.
    pub(crate) fn sleep(&mut self) {
        self.out.shrink_to(USUAL);
    }

    /// Gives back memory that an unusually large answer took, so that an idle thread holds none of
    /// it.
    pub(crate) fn sent(&mut self) {
        self.out.clear();
        self.out.shrink_to(READ_BUFFER);
    }
}

/// Room for most answers.
const USUAL: usize = 4 * 1024;
