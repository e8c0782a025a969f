//! The files of the page. They are part of the program, so the page needs no folder and no other host.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use portlab_backends::models::MODELS;
use portlab_words::Text;
use serde::Serialize;

use crate::room::Room;

macro_rules! files {
    ($($name:literal)+) => {
        &[$(($name, include_bytes!(concat!("../assets/", $name)))),+]
    };
}

/// Every file in `assets/`; a test finds a file that is missing here.
const FILES: &[(&str, &[u8])] = files! {
    "app.js" "class.css" "class.html" "class.js" "lanes.js"
};

pub(crate) fn routes() -> Router<Arc<Room>> {
    Router::new()
        .route("/", get(async || file("class.html")))
        .route(
            "/assets/{name}",
            get(async |Path(name): Path<String>| file(&name)),
        )
        .route("/about.json", get(about))
}

fn file(name: &str) -> Response {
    let found = FILES.iter().find(|(file, _)| *file == name);
    let Some((_, bytes)) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    };
    // A newer program may have newer files at the same address.
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, *bytes).into_response()
}

/// What doesn't change while the page runs.
#[derive(Serialize)]
struct About {
    lang: &'static str,
    wide: bool,
    addr: String,
    version: &'static str,
    models: Vec<Model>,
}

#[derive(Serialize)]
struct Model {
    name: &'static str,
    family: &'static Text,
    term: &'static Text,
    idea: &'static Text,
    blocks: &'static Text,
    /// Why the model can't serve on this machine.
    obstacle: Option<Text>,
    has_workers: bool,
}

async fn about(State(room): State<Arc<Room>>) -> Json<About> {
    let models = MODELS.iter().map(|model| {
        let sheet = model.sheet();
        Model {
            name: sheet.name,
            family: &sheet.family,
            term: &sheet.term,
            idea: &sheet.idea,
            blocks: &sheet.blocks,
            obstacle: sheet.obstacle(),
            has_workers: !matches!(
                sheet.workers,
                portlab_backends::Workers::None | portlab_backends::Workers::Runtime
            ),
        }
    });
    Json(About {
        lang: room.lang.tag(),
        wide: room.is_wide(),
        addr: room.addr.to_string(),
        version: env!("CARGO_PKG_VERSION"),
        models: models.collect(),
    })
}
