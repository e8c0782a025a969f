//! The text of an error, in the language of this run.

use std::{error::Error, io};

use portlab_service::inert;
use portlab_words::Text;

use crate::args::{BAD, lang};

/// An error and its causes, as lines for stderr. They may quote a file, an option or a server, so they are made inert.
pub(crate) fn of(error: &anyhow::Error) -> String {
    let head = lang().pick("error: ", "错误：");
    format!("{BAD}{head}{BAD:#}{}", plain(error))
}

/// The same without its head and its colour.
pub(crate) fn plain(error: &anyhow::Error) -> String {
    let causes: Vec<_> = error.chain().map(in_words).collect();
    let lines: Vec<_> = causes
        .join(lang().pick(": ", "："))
        .lines()
        .map(inert)
        .collect();
    lines.join("\n")
}

/// The text of one cause, in the language of this run.
fn in_words(cause: &(dyn Error + 'static)) -> String {
    let text = match cause.downcast_ref::<io::Error>() {
        Some(error) => Text::system(error),
        // The alternate form of our errors is their Chinese.
        None => Text::of(cause),
    };
    text.pick(lang()).to_owned()
}
