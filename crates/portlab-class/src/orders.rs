//! Orders from browsers to a thread that owns processes.
//!
//! The kernel ends a child when the *thread* ends that started it, so a route can't start a process: it gives an order to a
//! thread that lives as long as the page, and waits for the outcome.

use std::sync::{
    Mutex, PoisonError,
    mpsc::{Receiver, Sender, channel},
};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use portlab_words::Text;
use tokio::sync::oneshot;

use crate::guard::refusal;

/// An order, and where its outcome goes.
#[derive(Debug)]
pub(crate) struct Task<O> {
    pub(crate) order: O,
    pub(crate) answer: oneshot::Sender<Result<(), Text>>,
}

/// The way of orders to one thread.
#[derive(Debug)]
pub(crate) struct Orders<O> {
    sender: Sender<Task<O>>,
    receiver: Mutex<Option<Receiver<Task<O>>>>,
}

impl<O> Default for Orders<O> {
    fn default() -> Self {
        let (sender, receiver) = channel();
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
        }
    }
}

impl<O> Orders<O> {
    /// The receiver, for the one thread that carries orders out.
    pub(crate) fn receive(&self) -> Receiver<Task<O>> {
        let mut receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.take().expect("one thread receives")
    }

    /// Gives an order, waits until it is carried out, and answers the request.
    pub(crate) async fn give(&self, order: O) -> Response {
        match self.send(order).await.unwrap_or(Err(ENDS)) {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(why) => refusal(StatusCode::UNPROCESSABLE_ENTITY, &why),
        }
    }

    /// Gives an order from a thread of the page, and waits until it is carried out.
    pub(crate) fn give_and_wait(&self, order: O) -> Result<(), Text> {
        self.send(order).blocking_recv().unwrap_or(Err(ENDS))
    }

    fn send(&self, order: O) -> oneshot::Receiver<Result<(), Text>> {
        let (answer, outcome) = oneshot::channel();
        // It fails when the page ends; then the outcome fails as well.
        let _ = self.sender.send(Task { order, answer });
        outcome
    }
}

const ENDS: Text = Text::new("the page ends", "课堂正在结束");
