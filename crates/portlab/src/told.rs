//! Errors of the libraries, in the language of this run.

use std::error::Error;

use portlab_lab::{BuildError, RunningError, StoreError};
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
    let text = cause.downcast_ref().map(StoreError::text);
    let text = text.or_else(|| cause.downcast_ref().map(RunningError::text));
    let text = text.or_else(|| cause.downcast_ref().map(BuildError::text));
    match (text, lang()) {
        (Some(text), lang) => text.pick(lang).to_owned(),
        (None, Lang::En) => cause.to_string(),
        // A `Text` that is the context of another error shows its Chinese so.
        (None, Lang::Zh) => format!("{cause:#}"),
    }
}
