//! What a server writes to stderr while it serves.

use std::{
    fmt,
    io::{self, Write},
};

use portlab_sys::tally::{self, Count};

/// A connection can't be served: counts it, and writes why to stderr.
pub(crate) fn not_served(what: &str, error: &io::Error) {
    tally::add(Count::NotServed, 1);
    complain(what, error);
}

/// Writes an error to stderr: at most one line per second for the whole server, with all its threads and processes.
pub(crate) fn complain(what: &str, error: &io::Error) {
    if tally::may_log() {
        say(format_args!("{what}: {error}"));
    }
}

/// Writes a line to stderr. If the reader of stderr has closed it, the server goes on.
pub(crate) fn say(what: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "portlab: {what}");
}
