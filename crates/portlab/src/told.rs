//! Errors of the libraries, in the language of this run.

use std::error::Error;

use portlab_service::inert;
use portlab_words::Lang;

use crate::args::{BAD, lang};

/// An error as a line, or lines, for stderr. It may quote anything: a file, an option, a server.
pub(crate) fn error(error: &anyhow::Error) -> String {
    let causes: Vec<_> = error.chain().map(in_words).collect();
    let lines: Vec<_> = causes.join(": ").lines().map(inert).collect();
    let head = lang().pick("error: ", "错误：");
    format!("{BAD}{head}{BAD:#}{}", lines.join("\n"))
}

/// What one cause of an error says: in the language of this run if it has one, and else as it is, such as an error of
/// the operating system.
fn in_words(cause: &(dyn Error + 'static)) -> String {
    match lang() {
        Lang::En => cause.to_string(),
        // The alternate form of our errors is their Chinese.
        Lang::Zh => format!("{cause:#}"),
    }
}
