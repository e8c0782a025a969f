//! The entries of a folder.

use std::os::fd::OwnedFd;

use portlab_service::{Entry, Listing};
use rustix::{
    fs::{AtFlags, Dir, FileType, Stat, fstat, statat},
    io::Errno,
};

use super::{cache::Stamp, join, opener::Root, seconds};

/// How many entries of a folder are shown.
const MOST: usize = 10_000;

/// Lists what can be found in `folder`, which is at `path`: files, folders, and links to these beneath the root.
pub(super) fn list(
    root: &Root,
    path: &[u8],
    folder: OwnedFd,
    now_s: u64,
) -> Result<Listing, Errno> {
    let mut listing = Listing::default();
    let mut entries = Dir::new(folder)?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if listing.entries.len() == MOST {
            listing.is_cut = true;
            break;
        }
        // An entry may have been removed meanwhile.
        let Ok(mut stat) = statat(entries.fd()?, name, AtFlags::SYMLINK_NOFOLLOW) else {
            continue;
        };
        if type_of(&stat) == FileType::Symlink {
            let Ok(target) = root.file(&join(path, name.to_bytes())).and_then(fstat) else {
                continue;
            };
            stat = target;
        }
        let Stamp {
            length,
            modified_ns,
            ..
        } = Stamp::of(&stat);
        listing.entries.push(Entry {
            name: name.to_bytes().to_vec(),
            length: match type_of(&stat) {
                FileType::Directory => None,
                FileType::RegularFile => Some(length),
                _ => continue,
            },
            modified_s: seconds(modified_ns).min(now_s),
        });
    }
    let order = |entry: &Entry| (entry.length.is_some(), entry.name.clone());
    listing.entries.sort_by_cached_key(order);
    Ok(listing)
}

pub(super) fn type_of(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}
