//! The hub of tasks: one task owns it.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use portlab_service::{CloseReason, ConnId, Hub, Mail, Post};
use portlab_words::Text;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    inbox::Inbox,
    mailbox::{Counts, Overflow},
    shared_mailbox::SharedMailbox,
    state::{HubEvent, HubState},
};

/// The task that holds the hub of a service (an actor). Nothing is locked: other tasks send it messages, and it puts
/// mail into their mailboxes.
pub(crate) struct HubTask {
    messages: mpsc::Sender<(ConnId, Message)>,
    overflow: Overflow,
    task: JoinHandle<Counts>,
}

enum Message {
    Connect(Arc<SharedMailbox>),
    /// The posts of one turn, and where to confirm that the hub has handled all of them.
    Posts(Vec<Post>, Option<oneshot::Sender<()>>),
    Gone(CloseReason),
}

/// How many messages may wait for the hub. A task that sends one more waits, and its connection is not read
/// meanwhile. The hub waits for no task, so there is no deadlock. The number is small, because the posts of one
/// connection wait for all that others have sent before.
const WAITING: usize = 64;

impl HubTask {
    pub(crate) fn spawn(hub: Box<dyn Hub>, overflow: Overflow) -> Self {
        let (messages, mut received) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            let mut state = HubState::new(hub);
            let put = |mailbox: &Arc<SharedMailbox>, _: ConnId, mail: Mail| {
                let (put, sleeper) = mailbox.put(mail);
                sleeper.into_iter().for_each(Waker::wake);
                put
            };
            while let Some((id, message)) = received.recv().await {
                match message {
                    Message::Connect(mailbox) => state.connect(id, mailbox),
                    Message::Posts(posts, confirm) => {
                        for post in posts {
                            state.handle(id, &HubEvent::Post(post), put);
                        }
                        // The connection may have ended meanwhile.
                        let _ = confirm.map(|confirm| confirm.send(()));
                    }
                    Message::Gone(reason) => state.handle(id, &HubEvent::Gone(reason), put),
                }
            }
            state.counts()
        });
        Self {
            messages,
            overflow,
            task,
        }
    }

    pub(crate) fn client(&self, id: ConnId) -> TaskClient {
        TaskClient {
            id,
            mailbox: Arc::new(SharedMailbox::new(self.overflow)),
            messages: self.messages.clone(),
        }
    }

    /// Waits until the last client is dropped, and returns the counts of all mail.
    pub(crate) async fn end(self) -> Counts {
        drop(self.messages);
        self.task.await.unwrap_or_default()
    }
}

/// How a task that drives a connection reaches the hub.
pub(crate) struct TaskClient {
    id: ConnId,
    mailbox: Arc<SharedMailbox>,
    messages: mpsc::Sender<(ConnId, Message)>,
}

impl TaskClient {
    /// From now on the mailbox gets the connection's mail.
    pub(crate) async fn connect(&self) -> io::Result<()> {
        self.send(Message::Connect(Arc::clone(&self.mailbox))).await
    }

    pub(crate) async fn gone(&self, reason: CloseReason) -> io::Result<()> {
        self.send(Message::Gone(reason)).await
    }

    /// Sends the posts of one turn. If a turn has several, waits until the hub has handled them: so the posts of
    /// other connections wait for one turn of each connection at most.
    pub(crate) async fn post(&self, posts: Vec<Post>) -> io::Result<()> {
        match posts.len() {
            0 => Ok(()),
            1 => self.send(Message::Posts(posts, None)).await,
            _ => {
                let (confirm, confirmed) = oneshot::channel();
                self.send(Message::Posts(posts, Some(confirm))).await?;
                confirmed.await.map_err(|_| lost())
            }
        }
    }

    async fn send(&self, message: Message) -> io::Result<()> {
        let sent = self.messages.send((self.id, message)).await;
        sent.map_err(|_| lost())
    }

    /// Gives `look` the mail that has come. If there is none, the task is woken when there is some.
    pub(crate) fn with_inbox<T>(
        &self,
        cx: &Context<'_>,
        look: impl FnOnce(&mut dyn Inbox) -> T,
    ) -> T {
        look(&mut (&*self.mailbox, cx.waker()))
    }

    pub(crate) fn poll_overflow(&self, cx: &Context<'_>) -> Poll<()> {
        match self.mailbox.is_overflowed(cx.waker()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

fn lost() -> io::Error {
    io::Error::other(Text::new(
        "the hub's task has ended",
        "中枢（hub）的任务已经结束",
    ))
}
