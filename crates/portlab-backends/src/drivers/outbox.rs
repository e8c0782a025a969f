//! Calls of a session, and the buffers that it writes to. If a session panics, only its connection ends.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    vec::Drain,
};

use portlab_service::{Cut, Cx, Flow, Found, Lookup, Mail, Post, Session};
use portlab_sys::{
    clock::epoch_s,
    tally::{self, Count},
};

use crate::{
    READ_BUFFER,
    files::Files,
    hub::{inbox::Inbox, mailbox::Found as FoundMail},
    trace::{self, What},
};

/// The buffers that a session writes to. One per thread is enough: they are empty between calls.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) out: Vec<u8>,
    posts: Vec<Post>,
}

pub(crate) enum SessionEvent<'a> {
    Open,
    Data(&'a [u8]),
    More,
    Found(&'a Found),
    Mail(&'a Mail),
    Missed(u64),
    Eof,
    Cut(Cut),
}

impl SessionEvent<'_> {
    /// Whether the session handles input of the peer, so that time limits of messages change.
    pub(crate) fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Data(_) | Self::More | Self::Found(_) | Self::Eof
        )
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Collected {
    Nothing,
    /// The session has handled mail, and its bytes are in `out`.
    Mail(Flow),
    /// Too much mail has come, and the connection is to be closed.
    Overflow,
}

/// The handler panicked, and only its connection ends. The panic hook has printed the panic.
#[derive(Debug)]
pub(crate) struct Panicked;

impl Outbox {
    /// Calls `session`, which writes its answer to `out` and its messages for the hub to [`Outbox::posts`]. What the
    /// session looks up is given to it at once, if it needs no disk; so several answers may leave in one write.
    ///
    /// After a panic the driver drops the session without a further call, so its broken state has no effect.
    pub(crate) fn call(
        &mut self,
        session: &mut dyn Session,
        event: SessionEvent<'_>,
        files: &Files,
    ) -> Result<Flow, Panicked> {
        // If the last connection broke while its answer was sent, the answer is still here.
        self.out.clear();
        let mut flow = self.call_again(session, event)?;
        for _ in 0..AT_ONCE {
            if flow != Flow::LOOKUP || self.out.len() >= READ_BUFFER {
                break;
            }
            let Some(found) = files.cached(lookup(session)?) else {
                break;
            };
            flow = self.call_again(session, SessionEvent::Found(&found))?;
        }
        Ok(flow)
    }

    /// Gives `session` the mail in `inbox`, until there are enough bytes for one write.
    pub(crate) fn collect(
        &mut self,
        session: &mut dyn Session,
        inbox: &mut dyn Inbox,
    ) -> Result<Collected, Panicked> {
        self.out.clear();
        let mut collected = Collected::Nothing;
        while self.out.len() < READ_BUFFER {
            let flow = match inbox.take() {
                FoundMail::Mail(mail) => self.call_again(session, SessionEvent::Mail(&mail))?,
                FoundMail::Missed(count) => {
                    self.call_again(session, SessionEvent::Missed(count))?
                }
                FoundMail::Overflow => return Ok(Collected::Overflow),
                FoundMail::Nothing => break,
            };
            collected = Collected::Mail(flow);
            if flow != Flow::CONTINUE {
                break;
            }
        }
        Ok(collected)
    }

    pub(crate) fn posted(&self) -> usize {
        self.posts.len()
    }

    /// Takes the messages for the hub. If the service has a hub, the driver takes them after each call.
    pub(crate) fn posts(&mut self) -> Drain<'_, Post> {
        self.posts.drain(..)
    }

    /// As [`Outbox::posts`], but returns a `Vec`. Without a post, the call costs one comparison.
    pub(crate) fn take_posts(&mut self) -> Vec<Post> {
        match self.posts.is_empty() {
            true => Vec::new(),
            false => self.posts.drain(..).collect(),
        }
    }

    /// As [`Outbox::call`], but keeps what is in `out`.
    fn call_again(
        &mut self,
        session: &mut dyn Session,
        event: SessionEvent<'_>,
    ) -> Result<Flow, Panicked> {
        let Self { out, posts } = self;
        let handling = trace::start();
        let called = catch_unwind(AssertUnwindSafe(|| {
            let cx = &mut Cx { out, posts };
            match event {
                SessionEvent::Open => session.on_open(cx),
                SessionEvent::Data(input) => session.on_data(input, cx),
                SessionEvent::More => session.on_more(cx),
                SessionEvent::Found(found) => session.on_found(found, cx),
                SessionEvent::Mail(mail) => session.on_mail(mail, cx),
                SessionEvent::Missed(count) => session.on_missed(count, cx),
                SessionEvent::Eof => session.on_eof(cx),
                SessionEvent::Cut(why) => {
                    session.on_cut(why, epoch_s(), cx);
                    Flow::CLOSE
                }
            }
        }));
        handling.end(What::Handle, 0);
        called.map_err(panicked)
    }

    /// Frees all but a little memory, before a thread that has these buffers to itself waits.
    pub(crate) fn shrink(&mut self) {
        self.out.shrink_to(USUAL);
    }

    /// The answer has been sent: frees the memory that an unusually large one took.
    pub(crate) fn sent(&mut self) {
        self.out.clear();
        self.out.shrink_to(READ_BUFFER);
    }
}

/// What `session` asks for.
pub(crate) fn lookup(session: &dyn Session) -> Result<&Lookup, Panicked> {
    catch_unwind(AssertUnwindSafe(|| session.lookup())).map_err(panicked)
}

fn panicked<T>(_: T) -> Panicked {
    tally::add(Count::Panicked, 1);
    Panicked
}

const USUAL: usize = 4 * 1024;
/// How many answers a session writes in one call, if its input holds several requests.
const AT_ONCE: usize = 16;
