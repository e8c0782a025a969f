//! What a teacher may ask of the stage: `POST /do/...`, each with a body of JSON.

use std::sync::{
    Arc, Mutex, PoisonError,
    mpsc::{Receiver, Sender, channel},
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use portlab_words::Text;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::{dials::Dials, guests::Kind};
use crate::{guard::refusal, room::Room};

/// An order to the stage.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// Starts a server in a slot, in place of the one there; without a model the slot stays empty.
    Serve { slot: usize, model: Option<String> },
    /// Turns the dials.
    Dials(Dials),
    /// Turns them so that each step can be followed.
    SlowMotion,
    /// Which servers get the load.
    Load { on: Option<Aim> },
    /// A guest connects to the server in a slot.
    Guest { slot: usize, kind: Kind },
    /// All guests close their connections.
    GuestsLeave,
}

/// The servers that get the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Aim {
    First,
    Second,
    Both,
}

impl Aim {
    pub(super) fn has(self, slot: usize) -> bool {
        matches!(
            (self, slot),
            (Self::Both, _) | (Self::First, 0) | (Self::Second, 1)
        )
    }
}

/// An order, and where its outcome goes.
#[derive(Debug)]
pub(crate) struct Task {
    pub(super) order: Order,
    pub(super) answer: oneshot::Sender<Result<(), Text>>,
}

/// The way of orders to the stage.
#[derive(Debug)]
pub(crate) struct Orders {
    sender: Sender<Task>,
    receiver: Mutex<Option<Receiver<Task>>>,
}

impl Default for Orders {
    fn default() -> Self {
        let (sender, receiver) = channel();
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
        }
    }
}

impl Orders {
    /// The receiver, for the one thread of the stage.
    pub(super) fn receive(&self) -> Receiver<Task> {
        let mut receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.take().expect("one stage receives")
    }

    /// Gives an order, and waits until it is carried out.
    pub(crate) async fn give(&self, order: Order) -> Result<(), Text> {
        let (answer, outcome) = oneshot::channel();
        // Both fail when the page ends.
        let _ = self.sender.send(Task { order, answer });
        outcome
            .await
            .unwrap_or_else(|_| Err(Text::new("the page ends", "课堂正在结束")))
    }
}

pub(crate) fn routes() -> Router<Arc<Room>> {
    Router::new()
        .route("/do/serve", post(serve))
        .route("/do/dials", post(dials))
        .route(
            "/do/slow-motion",
            post(async |State(room): State<Arc<Room>>| give(&room, Order::SlowMotion).await),
        )
        .route("/do/load", post(load))
        .route("/do/guest", post(guest))
        .route(
            "/do/guests-leave",
            post(async |State(room): State<Arc<Room>>| give(&room, Order::GuestsLeave).await),
        )
}

#[derive(Deserialize)]
struct Serve {
    slot: usize,
    model: Option<String>,
}

async fn serve(
    State(room): State<Arc<Room>>,
    Json(Serve { slot, model }): Json<Serve>,
) -> Response {
    give(&room, Order::Serve { slot, model }).await
}

async fn dials(State(room): State<Arc<Room>>, Json(dials): Json<Dials>) -> Response {
    give(&room, Order::Dials(dials)).await
}

#[derive(Deserialize)]
struct Loaded {
    on: Option<Aim>,
}

async fn load(State(room): State<Arc<Room>>, Json(Loaded { on }): Json<Loaded>) -> Response {
    give(&room, Order::Load { on }).await
}

#[derive(Deserialize)]
struct Invited {
    slot: usize,
    kind: Kind,
}

async fn guest(
    State(room): State<Arc<Room>>,
    Json(Invited { slot, kind }): Json<Invited>,
) -> Response {
    give(&room, Order::Guest { slot, kind }).await
}

async fn give(room: &Room, order: Order) -> Response {
    match room.orders.give(order).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why) => refusal(StatusCode::UNPROCESSABLE_ENTITY, &why),
    }
}
