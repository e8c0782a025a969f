//! The record on disk.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use portlab_stats::record::Record;

/// A folder that a record is kept in, as `results.json`.
#[derive(Debug)]
pub struct Store {
    file: PathBuf,
}

/// A folder that can't be written to, or a record that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It can't be written to.
    #[error("can't write to {path}: {error}; choose another folder with --out DIR", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl Store {
    /// Opens the folder `dir`, making it if need be, and makes sure now that it can be written to.
    ///
    /// # Errors
    /// When it can't.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let store = Self {
            file: dir.join("results.json"),
        };
        let part = store.part();
        fs::create_dir_all(dir)
            .and_then(|()| fs::write(&part, ""))
            .and_then(|()| fs::remove_file(&part))
            .map_err(|error| StoreError::Write {
                path: dir.to_owned(),
                error,
            })?;
        Ok(store)
    }

    /// The file that the record is kept in.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Keeps `record` in place of the last one. Whoever reads the file at any moment finds a whole
    /// record.
    ///
    /// # Errors
    /// When the disk is full, or the folder has gone.
    ///
    /// # Panics
    /// Never: a record can always be written as JSON.
    pub fn keep(&self, record: &Record) -> Result<(), StoreError> {
        let mut text = serde_json::to_string_pretty(record).expect("a record is plain data");
        text.push('\n');
        let part = self.part();
        fs::write(&part, text)
            .and_then(|()| fs::rename(&part, &self.file))
            .map_err(|error| StoreError::Write {
                path: self.file.clone(),
                error,
            })
    }

    fn part(&self) -> PathBuf {
        self.file.with_extension("json.part")
    }
}
