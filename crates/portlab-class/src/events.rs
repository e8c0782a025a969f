//! The topics as a stream of server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use portlab_words::Text;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::{Stream, StreamExt, StreamMap, wrappers::WatchStream};

use crate::{guard::refusal, room::Room};

pub(crate) fn routes() -> Router<Arc<Room>> {
    Router::new().route("/events", get(events))
}

/// How many streams may be open: each student has one, and a teacher some.
pub(crate) const STREAMS: usize = 300;

#[derive(Deserialize)]
struct Wanted {
    topics: String,
}

/// Streams the topics of `?topics=a,b`: each event has its topic's name, and the newest value as JSON.
async fn events(State(room): State<Arc<Room>>, Query(wanted): Query<Wanted>) -> Response {
    let Ok(permit) = Semaphore::try_acquire_owned(Arc::clone(&room.streams)) else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, &FULL);
    };
    let mut topics = StreamMap::new();
    for name in wanted.topics.split(',') {
        let Some((name, topic)) = room.topic(name) else {
            return refusal(StatusCode::NOT_FOUND, &UNKNOWN);
        };
        topics.insert(name, WatchStream::new(topic.subscribe()));
    }
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    let events = named(topics, room.ending(), permit);
    Sse::new(events).keep_alive(keep_alive).into_response()
}

/// The values of all topics as events, until the page ends.
fn named(
    topics: StreamMap<&'static str, WatchStream<Arc<str>>>,
    ending: tokio::sync::watch::Receiver<bool>,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let values = topics.map(|(name, json)| Some(Event::default().event(name).data(&*json)));
    let ends = WatchStream::new(ending).filter_map(|has_ended| has_ended.then_some(None));
    values.merge(ends).map_while(move |event| {
        // The permit is held as long as the stream.
        let _ = &permit;
        event.map(Ok)
    })
}

const FULL: Text = Text::new(
    "too many pages are open: close some, or start the page anew",
    "打开的页面太多：请关掉一些，或者重新启动课堂",
);
const UNKNOWN: Text = Text::new("no such topic", "没有这个主题");
