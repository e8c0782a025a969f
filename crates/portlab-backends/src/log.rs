//! What a server says on stderr while it serves.

use std::{
    fmt,
    io::{self, Write},
};

use portlab_sys::tally::{self, Count};

/// A connection can't be served: counts it, and says why on stderr.
pub(crate) fn not_served(what: &str, error: &io::Error) {
    tally::add(Count::NotServed, 1);
    complain(what, error);
}

/// Says on stderr what went wrong: a line a second for the whole server, however many threads and
/// processes have something to say.
pub(crate) fn complain(what: &str, error: &io::Error) {
    if tally::may_log() {
        say(format_args!("{what}: {error}"));
    }
}

/// Writes a line to stderr. If the reader of stderr has gone, the server goes on.
pub(crate) fn say(what: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "portlab: {what}");
}
