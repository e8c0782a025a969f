//! The functions that read what a program sends and writes, for the fuzz targets in `tests/fuzz/`. Each panics if an
//! assertion fails.

use std::path::Path;

pub use portlab_conformance::experiments::fuzz::responses;

use crate::Traceback;
pub use crate::client::fuzz_questions as questions;

/// The last error of a traceback is inert, and its line is one of the student's own file. The input is what a program has
/// written to stderr.
pub fn tracebacks(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    portlab_conformance::experiments::fuzz::complaints(input);
    let own = Path::new("server.py");
    for own in [None, Some(own)] {
        let Some(found) = Traceback::of(&text, own) else {
            continue;
        };
        assert!(!found.error.chars().any(char::is_control));
        if let (Some((file, _)), Some(own)) = (&found.place, own) {
            assert_eq!(Path::new(file).file_name(), own.file_name());
        }
    }
}
