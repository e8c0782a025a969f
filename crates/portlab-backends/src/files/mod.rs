//! The files of a server: looked up beneath one folder, the root. Small ones are read whole and cached, large ones are
//! opened, and the driver of the connection sends them.
//!
//! | module | owns |
//! |---|---|
//! | `opener` | opening a path, so that no file outside the root is opened |
//! | `cache` | small files in memory |
//! | `listing` | the entries of a folder |

mod cache;
mod listing;
mod opener;
#[cfg(test)]
mod tests;

use std::{
    ffi::CString,
    fs::File,
    io::{self, Read},
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use portlab_service::{Coding, FileFacts, Found, Lookup, PathLookup, What};
use portlab_sys::clock::{epoch_s, monotonic_ns};
use portlab_words::{Text, tr};
use rustix::{
    fs::{FileType, fstat},
    io::Errno,
};

use self::{
    cache::{Cache, Stamp},
    listing::{list, type_of},
    opener::Root,
};
use crate::log::warn;

/// What a server shows of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// The folder: no file outside of it is opened.
    pub root: PathBuf,
    /// The name of the file that stands for its folder.
    pub index: String,
    /// Whether the entries of a folder without an index are shown.
    pub listing: bool,
    /// How many bytes of small files each process keeps in memory. 0: none.
    pub cache_bytes: usize,
}

/// The files that a server shows. All threads of a process share it.
#[derive(Debug)]
pub struct Files {
    shown: Option<Shown>,
    cache: Option<Cache>,
}

#[derive(Debug)]
struct Shown {
    root: Root,
    index: String,
    listing: bool,
}

/// What a session has asked for.
#[derive(Debug)]
pub struct Opened {
    /// What is at the path.
    pub found: Found,
    /// The file that was found, if its content is not in [`FileFacts::whole`].
    pub file: Option<File>,
}

/// Why the files of a folder can't be shown.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub enum FilesError {
    /// Nothing has this path.
    Missing(PathBuf),
    /// It isn't a folder.
    NotAFolder(PathBuf),
    /// Another error of the system.
    Other(PathBuf, io::Error),
}

impl FilesError {
    /// The reason, in both languages.
    pub fn text(&self) -> Text {
        match self {
            Self::Missing(root) => {
                let root = root.display();
                tr!(
                    "{root} doesn't exist; give the folder to serve with --root DIR",
                    "{root} 不存在；请用 --root DIR 给出要提供的文件夹"
                )
            }
            Self::NotAFolder(root) => {
                let root = root.display();
                tr!(
                    "{root} isn't a folder; give the folder to serve with --root DIR",
                    "{root} 不是文件夹；请用 --root DIR 给出要提供的文件夹"
                )
            }
            Self::Other(root, error) => {
                let (root, why) = (root.display(), Text::system(error));
                tr!(
                    "can't open {root}: {why}; give the folder to serve with --root DIR",
                    "无法打开 {root}：{why:#}；请用 --root DIR 给出要提供的文件夹"
                )
            }
        }
    }
}

impl Files {
    /// No files: every path is missing.
    pub(crate) const NONE: &'static Self = &Self {
        shown: None,
        cache: None,
    };

    /// Opens the root. It stays open until the process ends, so a folder that is renamed is served on.
    ///
    /// # Errors
    /// When the root doesn't exist, isn't a folder, or the system refuses it.
    pub fn open(options: FileOptions) -> Result<&'static Self, FilesError> {
        Ok(Box::leak(Box::new(Self::of(options)?)))
    }

    fn of(options: FileOptions) -> Result<Self, FilesError> {
        // Without the right to search the root, no file in it can be opened.
        let found = Root::open(&options.root).and_then(|root| root.stat(c".").map(|_| root));
        let root = match found {
            Ok(root) => root,
            Err(Errno::NOENT) => return Err(FilesError::Missing(options.root)),
            Err(Errno::NOTDIR) => return Err(FilesError::NotAFolder(options.root)),
            Err(errno) => return Err(FilesError::Other(options.root, errno.into())),
        };
        Ok(Self {
            cache: Cache::of(options.cache_bytes),
            shown: Some(Shown {
                root,
                index: options.index,
                listing: options.listing,
            }),
        })
    }

    /// The answer that needs no disk: the time, or a small file in the cache. A file costs one `stat`.
    pub(crate) fn cached(&self, lookup: &Lookup) -> Option<Found> {
        let what = match (lookup, &self.shown) {
            (Lookup::Time, _) => What::Nothing,
            (Lookup::Path(_), None) => What::Missing,
            (Lookup::Path(asked), Some(shown)) => {
                let cache = self.cache.as_ref()?;
                What::File(cache.take(asked, &shown.root, monotonic_ns())?)
            }
        };
        let now_s = epoch_s();
        Some(Found { now_s, what })
    }

    /// Looks up what a session asks for, in the file system. The thread may wait for a disk.
    pub(crate) fn find(&self, lookup: &Lookup) -> Opened {
        let now_s = epoch_s();
        let (what, file) = match (lookup, &self.shown) {
            (Lookup::Time, _) => (What::Nothing, None),
            (Lookup::Path(_), None) => (What::Missing, None),
            (Lookup::Path(asked), Some(shown)) => {
                let read = |_| self.read(shown, asked, now_s);
                // If the file was changed while it was read, it is read once more.
                let read = (0..2)
                    .map(read)
                    .find(|read| !matches!(read, Err(Not::Read)));
                match read {
                    Some(Ok((facts, file))) => (What::File(facts), file),
                    Some(Err(Not::There(what))) => (what, None),
                    Some(Err(Not::Read)) | None => (What::Failed, None),
                }
            }
        };
        let found = Found { now_s, what };
        Opened { found, file }
    }

    /// Opens a file, and reads it if it is small.
    fn read(
        &self,
        shown: &Shown,
        asked: &PathLookup,
        now_s: u64,
    ) -> Result<(Arc<FileFacts>, Option<File>), Not> {
        let Regular {
            path,
            mut file,
            stamp,
            coding,
            has_codings,
        } = shown.locate(asked, now_s)?;
        let whole = match stamp.length <= SMALL {
            true => Some(whole(&mut file, &stamp)?),
            false => None,
        };
        let name = path.rsplit(|byte| *byte == b'/').next();
        let facts = Arc::new(FileFacts {
            name: name.unwrap_or_default().to_vec(),
            length: stamp.length,
            modified_s: seconds(stamp.modified_ns).min(now_s),
            tag: stamp.tag(),
            coding,
            has_codings,
            whole,
            kept: OnceLock::new(),
        });
        if facts.whole.is_none() {
            return Ok((facts, Some(file)));
        }
        if let Some(cache) = &self.cache
            && let Ok(path) = CString::new(with_suffix(&path, coding))
        {
            cache.put(asked, path, stamp, &facts);
        }
        Ok((facts, None))
    }
}

/// A regular file that was opened.
struct Regular {
    /// Without the suffix of `coding`.
    path: Vec<u8>,
    file: File,
    stamp: Stamp,
    coding: Option<Coding>,
    has_codings: bool,
}

/// Why a lookup ends without a file.
enum Not {
    There(What),
    /// It was changed while it was read.
    Read,
}

impl From<Errno> for Not {
    fn from(errno: Errno) -> Self {
        Self::There(match errno {
            // INVAL: a name with a NUL byte.
            Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::INVAL => What::Missing,
            // NXIO: a socket.
            Errno::XDEV | Errno::LOOP | Errno::ACCESS | Errno::PERM | Errno::NXIO => {
                What::Forbidden
            }
            errno => {
                warn("can't open a file", "无法打开文件", &errno.into());
                What::Failed
            }
        })
    }
}

impl Shown {
    fn locate(&self, asked: &PathLookup, now_s: u64) -> Result<Regular, Not> {
        if !asked.is_folder && !asked.path.is_empty() {
            return self.regular(asked.path.clone(), &asked.codings);
        }
        let index = join(&asked.path, self.index.as_bytes());
        match self.regular(index, &asked.codings) {
            // An index that is a folder is none.
            Err(Not::There(What::Missing | What::NeedsSlash)) => {}
            found => return found,
        }
        let folder = self.root.file(&asked.path)?;
        let what = match type_of(&fstat(&folder)?) {
            FileType::Directory if self.listing => {
                What::Listing(list(&self.root, &asked.path, folder, now_s)?)
            }
            _ => What::Missing,
        };
        Err(Not::There(what))
    }

    /// The regular file at `path`, or the neighbour with the coding that the client likes best.
    fn regular(&self, path: Vec<u8>, accepted: &[Option<Coding>; 2]) -> Result<Regular, Not> {
        let (file, stamp) = self.open(&path)?;
        let neighbours = Coding::ALL.map(|coding| {
            let neighbour = self.open(&with_suffix(&path, Some(coding)));
            neighbour.ok().map(|opened| (coding, opened))
        });
        let has_codings = neighbours.iter().any(Option::is_some);
        let mut neighbours: Vec<_> = neighbours.into_iter().flatten().collect();
        let best = accepted.iter().flatten().find_map(|coding| {
            let place = neighbours.iter().position(|(known, _)| known == coding);
            place.map(|place| neighbours.swap_remove(place))
        });
        let (coding, (file, stamp)) = match best {
            Some((coding, opened)) => (Some(coding), opened),
            None => (None, (file, stamp)),
        };
        Ok(Regular {
            path,
            file,
            stamp,
            coding,
            has_codings,
        })
    }

    fn open(&self, path: &[u8]) -> Result<(File, Stamp), Not> {
        let file = self.root.file(path)?;
        let stat = fstat(&file)?;
        match type_of(&stat) {
            FileType::RegularFile => Ok((file.into(), Stamp::of(&stat))),
            FileType::Directory => Err(Not::There(What::NeedsSlash)),
            _ => Err(Not::There(What::Forbidden)),
        }
    }
}

/// Reads a file that has this stamp before and after.
fn whole(file: &mut File, stamp: &Stamp) -> Result<Box<[u8]>, Not> {
    let mut bytes = Vec::with_capacity(stamp.length as usize + 1);
    let read = file.take(stamp.length + 1).read_to_end(&mut bytes);
    match read {
        Ok(length) if length as u64 == stamp.length && Stamp::of(&fstat(file)?) == *stamp => {
            Ok(bytes.into())
        }
        Ok(_) => Err(Not::Read),
        Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::IO).into()),
    }
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    match folder {
        [] => name.to_vec(),
        _ => [folder, b"/", name].concat(),
    }
}

fn with_suffix(path: &[u8], coding: Option<Coding>) -> Vec<u8> {
    let suffix = coding.map_or("", Coding::suffix);
    [path, suffix.as_bytes()].concat()
}

/// Whole seconds since 1970.
fn seconds(ns: i128) -> u64 {
    (ns.max(0) / 1_000_000_000) as u64
}

/// A larger file is not read whole.
const SMALL: u64 = 64 * 1024;
