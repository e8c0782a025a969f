//! The switchboard of tasks: the property of one of them.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use portlab_service::{ConnId, Hub, Mail, Parting, Post};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::{
    inbox::Inbox,
    letterbox::Letterbox,
    mailbox::{Counts, Overflow},
    switchboard::{Switchboard, Word},
};

/// The task that holds the hub of a service. Nobody locks it: others send it messages, and it puts
/// mail into their letterboxes.
pub(crate) struct HubTask {
    words: mpsc::Sender<(ConnId, Said)>,
    overflow: Overflow,
    task: JoinHandle<Counts>,
}

enum Said {
    Connect(Arc<Letterbox>),
    /// What a connection said in one turn, and where to tell it that the hub has handled all of it.
    Posts(Vec<Post>, Option<oneshot::Sender<()>>),
    Gone(Parting),
}

/// How many messages may wait for the hub. A task that sends one more waits itself, and its connection
/// is not read meanwhile. The hub waits for no task, so they can't wait for each other. Few, because what
/// one connection says waits for all that others have said before.
const WAITING: usize = 64;

impl HubTask {
    /// Begins to hold `hub`.
    pub(crate) fn hold(hub: Box<dyn Hub>, overflow: Overflow) -> Self {
        let (words, mut heard) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            let mut switchboard = Switchboard::new(hub);
            while let Some((id, said)) = heard.recv().await {
                let put = |letterbox: &Arc<Letterbox>, _: ConnId, mail: Mail| {
                    let (put, sleeper) = letterbox.put(mail);
                    sleeper.into_iter().for_each(Waker::wake);
                    put
                };
                match said {
                    Said::Connect(letterbox) => switchboard.connect(id, letterbox),
                    Said::Posts(posts, handled) => {
                        for post in posts {
                            switchboard.hear(id, &Word::Post(post), put);
                        }
                        // The connection may have ended meanwhile.
                        let _ = handled.map(|handled| handled.send(()));
                    }
                    Said::Gone(how) => switchboard.hear(id, &Word::Gone(how), put),
                }
            }
            switchboard.counts()
        });
        Self {
            words,
            overflow,
            task,
        }
    }

    /// Makes a member of connection `id`.
    pub(crate) fn member(&self, id: ConnId) -> Member {
        Member {
            id,
            letterbox: Arc::new(Letterbox::new(self.overflow)),
            words: self.words.clone(),
        }
    }

    /// Waits until the last member has gone, and says what has become of all mail.
    pub(crate) async fn end(self) -> Counts {
        drop(self.words);
        self.task.await.unwrap_or_default()
    }
}

/// How a task that drives a connection reaches the hub.
pub(crate) struct Member {
    id: ConnId,
    letterbox: Arc<Letterbox>,
    words: mpsc::Sender<(ConnId, Said)>,
}

impl Member {
    /// Has mail put into its letterbox from now on.
    pub(crate) async fn connect(&self) -> io::Result<()> {
        self.send(Said::Connect(Arc::clone(&self.letterbox))).await
    }

    /// Tells the hub that the connection has ended.
    pub(crate) async fn gone(&self, how: Parting) -> io::Result<()> {
        self.send(Said::Gone(how)).await
    }

    /// Tells the hub what the session has posted. Of a connection that has much to say, one turn at a
    /// time waits for the hub; so what others say waits for no more than that.
    pub(crate) async fn post(&self, posts: Vec<Post>) -> io::Result<()> {
        match posts.len() {
            0 => Ok(()),
            1 => self.send(Said::Posts(posts, None)).await,
            _ => {
                let (handled, wait) = oneshot::channel();
                self.send(Said::Posts(posts, Some(handled))).await?;
                wait.await.map_err(|_| lost())
            }
        }
    }

    async fn send(&self, said: Said) -> io::Result<()> {
        let sent = self.words.send((self.id, said)).await;
        sent.map_err(|_| lost())
    }

    /// Lets `look` see its mail; where there is none, the task is woken when there is.
    pub(crate) fn with_inbox<T>(
        &self,
        cx: &Context<'_>,
        look: impl FnOnce(&mut dyn Inbox) -> T,
    ) -> T {
        look(&mut (&*self.letterbox, cx.waker()))
    }

    /// Ready when too much mail has come.
    pub(crate) fn poll_overflow(&self, cx: &Context<'_>) -> Poll<()> {
        match self.letterbox.is_overflowed(cx.waker()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

fn lost() -> io::Error {
    io::Error::other("the hub has gone")
}
