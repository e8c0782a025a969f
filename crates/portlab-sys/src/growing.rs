//! Files that grow while a program runs, such as a log that is read with `tail -f`.
//!
//! Every other file appears whole (`whole`). A log is worth most when the program that writes it is killed, or its machine
//! is switched off at the end of a lesson: so each line is appended at once, and an old log is continued, never replaced.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

use crate::input::{open_at_once, set_blocking};

/// Opens the file `path`, which is made if it doesn't exist, so that everything is appended to it.
///
/// # Errors
/// When the file can't be opened, or is a directory or a FIFO that no program reads.
pub fn append_to(path: &Path) -> io::Result<File> {
    let file = open_at_once(OpenOptions::new().append(true).create(true), path)?;
    set_blocking(&file)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use portlab_testkit::folder;

    #[test]
    fn a_log_is_continued_and_a_directory_is_refused() {
        let folder = folder("growing");
        let path = folder.join("log");
        for line in ["one\n", "two\n"] {
            append_to(&path)
                .unwrap()
                .write_all(line.as_bytes())
                .unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert!(append_to(&folder).is_err());
    }
}
