//! Errors of the libraries, in the language of this run.

use std::error::Error;

use portlab_words::Text;

use crate::args;

/// What one cause of an error says: in the language of this run if it has one, and else as it is, such as an error of
/// the operating system.
pub(crate) fn in_words(cause: &(dyn Error + 'static)) -> String {
    match cause.downcast_ref::<Text>() {
        Some(text) => text.pick(args::lang()).to_owned(),
        None => cause.to_string(),
    }
}
