//! The frames of the last 30 seconds, for a browser that pauses: it may have skipped some while it watched.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use super::FRAMES_PER_S;
use crate::room::Room;

/// The newest frames, as JSON.
#[derive(Debug, Default)]
pub(crate) struct Replay(Mutex<VecDeque<Arc<str>>>);

/// 30 seconds of frames.
const MOST: usize = 30 * FRAMES_PER_S;

impl Replay {
    pub(super) fn push(&self, frame: Arc<str>) {
        let mut frames = self.frames();
        frames.push_back(frame);
        while frames.len() > MOST {
            frames.pop_front();
        }
    }

    /// All frames, the oldest first, as a list in JSON.
    fn json(&self) -> String {
        let frames: Vec<_> = self.frames().iter().cloned().collect();
        format!("[{}]", frames.join(","))
    }

    fn frames(&self) -> MutexGuard<'_, VecDeque<Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The frames are some megabytes if there are many connections: so only the teacher's page gets them.
pub(crate) fn routes() -> Router<Arc<Room>> {
    Router::new().route("/replay.json", get(replay))
}

async fn replay(State(room): State<Arc<Room>>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, room.replay.json()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_frames_are_kept() {
        let replay = Replay::default();
        assert_eq!(replay.json(), "[]");
        for number in 0..MOST + 3 {
            replay.push(number.to_string().into());
        }
        let json = replay.json();
        assert!(json.starts_with("[3,4,") && json.ends_with(&format!(",{}]", MOST + 2)));
    }
}
