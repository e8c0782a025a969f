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
    "app.js" "class.css" "class.html" "class.js"
    "console.css" "console.js" "kernel.css" "kernel.js" "wall.css" "wall.js"
    "dials.js" "doings.js" "figures.js" "history.js" "lanes.css" "lanes.js" "layout.js" "picture.js" "replay.js" "steps.js"
    "race.css" "race.js"
    "join.css" "join.html" "join.js" "lessons.css" "lessons.js" "print.js" "programs.js" "run.js" "texts.css" "texts.js"
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

/// What only the teacher's page may know.
pub(crate) fn teacher_routes() -> Router<Arc<Room>> {
    Router::new().route("/teacher.json", get(for_teacher))
}

#[derive(Serialize)]
struct ForTeacher {
    /// What students open, such as `http://192.168.1.5:8000/join`.
    join: Vec<String>,
    /// What students type there.
    code: String,
}

async fn for_teacher(State(room): State<Arc<Room>>) -> Json<ForTeacher> {
    let addresses = addresses_for_students(&room);
    Json(ForTeacher {
        join: addresses
            .iter()
            .map(|it| format!("http://{it}/join"))
            .collect(),
        code: room.codes.join.clone(),
    })
}

/// Where other machines find the page; if they can't, where this machine finds it.
fn addresses_for_students(room: &Room) -> Vec<String> {
    let addresses = room.addresses().into_iter();
    let own = usize::from(room.is_wide());
    addresses.skip(own).map(|it| it.to_string()).collect()
}

pub(crate) fn file(name: &str) -> Response {
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
    /// Where other machines find the page; if they can't, where this machine finds it.
    addresses: Vec<String>,
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
        lang: room.lang.pick("en", "zh"),
        wide: room.is_wide(),
        addr: room.addr.to_string(),
        addresses: addresses_for_students(&room),
        version: env!("CARGO_PKG_VERSION"),
        models: models.collect(),
    })
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;

    #[test]
    fn every_file_of_the_page_is_part_of_the_program_and_all_are_small() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets");
        let names = fs::read_dir(folder)
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap());
        let listed: BTreeSet<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(listed, names.collect());
        let bytes: usize = FILES.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes < 300 * 1024, "{bytes} bytes");
    }

    #[test]
    fn no_file_names_another_host() {
        for (name, bytes) in FILES {
            let text = String::from_utf8_lossy(bytes).replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("://"), "{name}");
        }
    }
}
