//! What a teacher may ask of the stage: `POST /do/...`, each with a body of JSON.

use std::sync::Arc;

use axum::{Json, Router, extract::State, response::Response, routing::post};
use serde::{Deserialize, Serialize};

use super::{dials::Dials, guests::Kind};
use crate::{orders, room::Room};

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

/// The way of orders to the stage.
pub(crate) type Orders = orders::Orders<Order>;
pub(super) type Task = orders::Task<Order>;

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
    room.orders.give(order).await
}
