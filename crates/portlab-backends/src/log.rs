//! What a server writes to stderr while it serves.

use std::{
    io::{self, Write},
    sync::OnceLock,
};

use portlab_sys::tally::{self, Count};
use portlab_words::{Lang, Text};

static LANG: OnceLock<Lang> = OnceLock::new();

/// Chooses the language of the lines, once for the process and its children. Before, lines are English.
pub fn set_lang(lang: Lang) {
    LANG.get_or_init(|| lang);
}

/// A connection can't be served: counts it, and writes why to stderr.
pub(crate) fn not_served(en: &str, zh: &str, error: &io::Error) {
    tally::add(Count::NotServed, 1);
    warn(en, zh, error);
}

/// A connection can't be served for this reason, which says what to do: counts it, and writes the reason to stderr.
pub(crate) fn refused(why: &Text) {
    tally::add(Count::NotServed, 1);
    if tally::may_log() {
        print(why);
    }
}

/// Writes an error to stderr: at most one line per second for the whole server, with all its threads and processes.
pub(crate) fn warn(en: &str, zh: &str, error: &io::Error) {
    if tally::may_log() {
        let why = Text::system(error);
        print(&portlab_words::tr!("{en}: {why}", "{zh}：{why:#}"));
    }
}

/// Writes a line to stderr. If the reader of stderr has closed it, the server goes on.
pub(crate) fn print(what: &Text) {
    let lang = LANG.get().copied().unwrap_or_default();
    let _ = writeln!(io::stderr(), "portlab: {}", what.pick(lang));
}
