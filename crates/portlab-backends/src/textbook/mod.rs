//! Textbook twins: each model once more, as an echo server written by hand, without the traits. A page to read in class.
//!
//! A twin is a program (`cargo run --example textbook-event-loop`), which a signal ends. It sends back every byte,
//! answers a client that has closed its sending half, and a client delays others no more than the model says; the
//! conformance suite checks that. A twin has nothing else of a model: no drain, no limits, no pause when no descriptor
//! is left, no timeline, no other service.
//!
//! Twins are also the controls of a comparison: the ratio of server CPU per message through the traits to that of the
//! twin says what the traits cost (`portlab compare --controls`).

use std::{io, net::TcpListener};

use crate::{Sheet, find};

/// The textbook twin of a model.
pub struct Twin {
    /// The file of the twin, and of its model, without `.rs`.
    stem: &'static str,
    /// The program's text.
    pub source: &'static str,
    /// Serves all clients until the process ends. The number is that of the workers; a model without workers ignores
    /// it. Called on the only thread of a fresh process, as a model is.
    pub serve: fn(TcpListener, usize) -> io::Result<()>,
}

/// Declares each file as a module, and lists it.
macro_rules! table {
    ($($file:ident: $serve:expr,)*) => {
        $(#[allow(dead_code, unreachable_pub, reason = "the file is also an example, with a main of its own")]
        mod $file;)*

        static TWINS: &[Twin] = &[$(Twin {
            stem: stringify!($file),
            source: include_str!(concat!(stringify!($file), ".rs")),
            serve: $serve,
        },)*];
    };
}

table! {
    iterative: |listener, _| iterative::serve(listener),
    fork: |listener, _| fork::serve(listener),
    prefork: prefork::serve,
    passing: passing::serve,
    threads: |listener, _| threads::serve(listener),
    prethreaded: prethreaded::serve,
    pool: pool::serve,
    poll: |listener, _| poll::serve(listener),
    event_loop: |listener, _| event_loop::serve(listener),
    sharded: sharded::serve,
    prefork_loop: prefork_loop::serve,
    leader_followers: leader_followers::serve,
    loop_pool: |listener, _| loop_pool::serve(listener),
    tasks_single: |listener, _| tasks_single::serve(listener),
    tasks: tasks::serve,
    coroutines: |listener, _| coroutines::serve(listener),
    uring: |listener, _| uring::serve(listener),
}

/// The suffix by which a control's name differs from its model's.
pub use portlab_stats::summary::CONTROL_SUFFIX as SUFFIX;

/// The twin of a model.
pub fn twin(sheet: &Sheet) -> Option<&'static Twin> {
    TWINS.iter().find(|twin| twin.stem == sheet.file())
}

/// Finds a control by its name, such as `threads-textbook`: its twin, and the sheet of the model.
pub fn control(name: &str) -> Option<(&'static Twin, &'static Sheet)> {
    let sheet = find(name.strip_suffix(SUFFIX)?)?.sheet();
    Some((twin(sheet)?, sheet))
}
