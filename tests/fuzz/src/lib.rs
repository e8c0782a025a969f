//! Fuzz targets: everything in portlab that reads untrusted bytes.
//!
//! A target is a function of bytes that panics if an assertion fails. [`TARGETS`] lists all of them. Three
//! programs call these functions: libFuzzer (`target.rs`, `tests/fuzz.sh`), cargo-fuzz, and the bounded
//! property test (`property.rs`), which is a part of `cargo test`. This file is the root of a crate of its
//! own and of that test.

#![forbid(unsafe_code)]
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "parts of the command line are used here without the rest"
)]

mod chat;
mod files;
mod options;
#[cfg(test)]
mod property;
mod text;
mod web;

#[path = "../../../crates/portlab/src/connect/visible.rs"]
mod visible;

/// Makes the table, and a test for each of its lines.
macro_rules! targets {
    ($($name:ident: $function:path,)*) => {
        /// The targets: name and function.
        pub const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $function)),*];

        #[cfg(test)]
        mod bounded {
            use super::*;

            $(#[test]
            fn $name() {
                crate::property::check(stringify!($name), $function);
            })*
        }
    };
}

targets! {
    chat: chat::chat,
    rooms: chat::rooms,
    broker: portlab_backends::fuzz::broker,
    encodings: text::encodings,
    screen: text::screen,
    values: options::values,
    options: options::options,
    limits: options::limits,
    addresses: options::addresses,
    faults: options::faults,
    records: files::records,
    reports: files::reports,
    loads: files::loads,
    traces: files::traces,
    lessons: files::lessons,
    answers: portlab_load::fuzz::answers,
    first_lines: portlab_load::fuzz::first_lines,
    chat_lines: portlab_load::fuzz::chat_lines,
    templates: portlab_load::fuzz::templates,
    dialogues: portlab_load::fuzz::dialogues,
    http_answers: portlab_load::fuzz::http_answers,
    http_requests: portlab_load::fuzz::http_requests,
    scrapes: portlab_load::fuzz::scrapes,
    certificates: portlab_load::fuzz::certificates,
    typed: portlab_assist::fuzz::typed,
    rules: portlab_assist::fuzz::rules,
    logs: portlab_assist::fuzz::logs,
    responses: portlab_judge::fuzz::responses,
    questions: portlab_judge::fuzz::questions,
    tracebacks: portlab_judge::fuzz::tracebacks,
    web: web::web,
    paths: web::paths,
}

/// `input` in pieces as long as `length` says, at least one byte each.
fn pieces(input: &[u8], length: u8) -> impl Iterator<Item = &[u8]> {
    input.chunks(usize::from(length).max(1))
}
