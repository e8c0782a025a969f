//! The record on disk.

use std::{
    cell::Cell,
    error::Error,
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use portlab_stats::{
    read::{ReadError, Stored, read_any_bytes, read_bytes},
    record::Record,
};
use portlab_sys::{
    input,
    whole::{WholeFile, write_whole},
};
use portlab_words::{Text, tr};

/// A folder that a record is kept in, as `results.json`.
#[derive(Debug)]
pub struct Store {
    file: PathBuf,
    /// The record isn't written again before this time.
    next: Cell<Option<Instant>>,
}

/// The largest record that is read. A study of an hour (`--suite full`) has about a seventh of this size.
const MOST_BYTES: u64 = 128 << 20;
/// Writing the record takes at most one part in this many of the time.
const RARELY: u32 = 20;

/// A folder that can't be written to, or a record that can't be read.
#[derive(Debug)]
pub enum StoreError {
    /// This file can't be written to.
    Write(PathBuf, io::Error),
    /// This file can't be read.
    Read(PathBuf, io::Error),
    /// This file isn't a record.
    Unusable(PathBuf, ReadError),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = match self {
            Self::Write(path, error) => unwritten(path, error),
            Self::Read(path, error) => {
                let (path, why) = (path.display(), Text::system(error));
                tr!("can't read {path}: {why}", "无法读取 {path}：{why:#}")
            }
            Self::Unusable(path, error) => {
                let path = path.display();
                tr!("can't use {path}: {error}", "无法使用 {path}：{error:#}")
            }
        };
        told.fmt(f)
    }
}

impl Error for StoreError {}

/// The error of a file that can't be written, with the remedy.
pub(crate) fn unwritten(path: &Path, error: &io::Error) -> Text {
    let (path, why) = (path.display(), Text::system(error));
    tr!(
        "can't write to {path}: {why}; choose another folder with --out DIR",
        "无法写入 {path}：{why:#}；请用 --out 换一个文件夹"
    )
}

/// The record in `file`, of a comparison or of a load.
///
/// # Errors
/// If the file can't be read, is larger than 128 MiB, isn't a record, or is damaged.
pub fn load(file: &Path) -> Result<Stored, StoreError> {
    read_with(file, read_any_bytes)
}

fn read_with<R>(file: &Path, read: fn(&[u8]) -> Result<R, ReadError>) -> Result<R, StoreError> {
    let path = file.to_owned();
    match input::read(file, MOST_BYTES) {
        Ok(bytes) => read(&bytes).map_err(|error| StoreError::Unusable(path, error)),
        Err(error) => Err(StoreError::Read(path, error)),
    }
}

impl Store {
    /// Opens the folder `dir`, which is made if it doesn't exist, and checks that it can be written to.
    ///
    /// # Errors
    /// If the folder can't be made or written to.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let store = Self {
            file: dir.join("results.json"),
            next: Cell::new(None),
        };
        fs::create_dir_all(dir)
            .and_then(|()| WholeFile::create(&store.file).map(drop))
            .map_err(|error| StoreError::Write(dir.to_owned(), error))?;
        Ok(store)
    }

    /// The file that holds the record.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The stored record, if there is one.
    ///
    /// # Errors
    /// If the file isn't a record, or is damaged.
    pub fn kept(&self) -> Result<Option<Record>, StoreError> {
        read_with(&self.file, read_bytes)
            .map(Some)
            .or_else(|error| match error {
                StoreError::Read(_, error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                error => Err(error),
            })
    }

    /// Replaces the stored record by `record`. The file is a whole record at any moment.
    ///
    /// # Errors
    /// If the disk is full, or the folder was removed.
    pub fn keep(&self, record: &Record) -> Result<(), StoreError> {
        let mut text = serde_json::to_string_pretty(record).expect("a record is plain data");
        text.push('\n');
        write_whole(&self.file, text.as_bytes())
            .map_err(|error| StoreError::Write(self.file.clone(), error))
    }

    /// Stores `record`, unless it was stored shortly before: writing a long record after each measurement
    /// would take much of the time.
    ///
    /// # Errors
    /// As [`Store::keep`].
    pub(crate) fn keep_if_due(&self, record: &Record) -> Result<(), StoreError> {
        let now = Instant::now();
        if self.next.get().is_some_and(|next| now < next) {
            return Ok(());
        }
        self.keep(record)?;
        self.next.set(Some(now + now.elapsed() * RARELY));
        Ok(())
    }
}
