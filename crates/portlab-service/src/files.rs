//! What a session asks of the file system, and what it receives. The service itself opens no file: the driver of the
//! connection looks a path up beneath the root folder of the server, in the idiom of its model.

use std::sync::{Arc, OnceLock};

/// What a session asks of the driver with [`Next::Lookup`](crate::Next::Lookup).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Only the time: an answer without a file carries it, too.
    Time,
    /// The file or the folder at this path.
    Path(PathLookup),
}

/// A path to look up beneath the root.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathLookup {
    /// The names of the folders and of the file, decoded, with `/` between them. No name is empty, `.` or `..`, and none has
    /// a NUL byte. Empty: the root itself.
    pub path: Vec<u8>,
    /// The path ended with `/`, so it names a folder.
    pub is_folder: bool,
    /// The content codings that the client accepts, the best first: a file of the same name with
    /// [`Coding::suffix`] is sent instead.
    pub codings: [Option<Coding>; 2],
}

/// A content coding of a file that was compressed beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// Brotli, RFC 7932.
    Brotli,
    /// gzip, RFC 1952.
    Gzip,
}

impl Coding {
    /// All codings, the one with the smallest files first.
    pub const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// Its name in `Accept-Encoding` and `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// What is appended to the name of a file that has this coding.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }
}

/// What was found, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The time, in seconds since 1970-01-01 UTC.
    pub now_s: u64,
    /// What is at the path.
    pub what: What,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Only the time was asked for.
    Nothing,
    /// A regular file. If it is large, the driver holds it open until the answer has been sent.
    File(Arc<FileFacts>),
    /// A folder without an index file, whose entries the server may show.
    Listing(Listing),
    /// A folder, but the path did not end with `/`.
    NeedsSlash,
    /// No such file, or a folder whose entries are not shown.
    Missing,
    /// The system or the root's boundary forbids it: no permission, a link that leads out of the root, or neither a regular
    /// file nor a folder.
    Forbidden,
    /// The server lacks descriptors or memory, or the disk fails.
    Failed,
}

/// A regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// The last name of the path without the suffix of a coding: the type of the content follows from it.
    pub name: Vec<u8>,
    /// The length in bytes.
    pub length: u64,
    /// When it was modified, in seconds since 1970-01-01 UTC.
    pub modified_s: u64,
    /// Changes whenever the content changes, and differs between files: the text of a strong ETag, without its quotes.
    pub tag: String,
    /// The coding of the content.
    pub coding: Option<Coding>,
    /// Other codings of this file exist, so another client may receive other bytes.
    pub has_codings: bool,
    /// The whole content, if the file is small. Then the driver holds no file open, and the session sends the content.
    pub whole: Option<Box<[u8]>>,
    /// What a session keeps for later responses with this file: empty when the file is found.
    pub kept: OnceLock<Box<[u8]>>,
}

/// The entries of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Sorted: folders first, then by name.
    pub entries: Vec<Entry>,
    /// Further entries were left out, because there are too many.
    pub is_cut: bool,
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name: any bytes except NUL and `/`.
    pub name: Vec<u8>,
    /// The length in bytes; `None` for a folder.
    pub length: Option<u64>,
    /// When it was modified, in seconds since 1970-01-01 UTC.
    pub modified_s: u64,
}
