//! Lessons on the page: their texts and programs, a run of one, and votes about its questions.
//!
//! | module | owns |
//! |---|---|
//! | this one | what of lessons the room keeps |
//! | `texts` | lessons as data for browsers; what students get has no answer |
//! | `votes` | who may vote, and what was voted; pure |
//! | `voting` | the routes of votes, and the topic `join` |
//! | `run` | one lesson as a process, and the topic `run` |
//! | `screen` | the lines that a run has printed; pure |

mod run;
mod screen;
mod texts;
mod votes;
mod voting;

use std::sync::Arc;

use axum::Router;

pub(crate) use self::run::start_runner as start;
use crate::room::Room;

/// What of lessons the room keeps.
#[derive(Debug, Default)]
pub(crate) struct Lessons {
    voting: voting::Voting,
    runs: run::Orders,
}

/// What every browser may do: read, join and vote.
pub(crate) fn routes() -> Router<Arc<Room>> {
    Router::new().merge(texts::routes()).merge(voting::routes())
}

/// What needs the teacher's code: questions are opened, outcomes shown, lessons run.
pub(crate) fn teacher_routes() -> Router<Arc<Room>> {
    Router::new()
        .merge(voting::teacher_routes())
        .merge(run::routes())
}
