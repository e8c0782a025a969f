//! Small files in memory, each checked by one `stat` before it is sent.

use std::{ffi::CString, sync::Arc};

use portlab_service::{FileFacts, PathLookup};
use portlab_sys::clock::monotonic_ns;
use quick_cache::{OptionsBuilder, Weighter, sync};
use rustix::fs::Stat;

use super::opener::Root;

/// The small files that were looked up last, up to a number of bytes.
///
/// Threads share it. A lock is held for a look at a table, and never while a disk is waited for.
#[derive(Debug)]
pub(super) struct Cache(sync::Cache<PathLookup, Arc<Kept>, ByBytes>);

#[derive(Debug)]
struct Kept {
    /// The file that was read: perhaps the index of a folder, or a neighbour with a coding.
    path: CString,
    stamp: Stamp,
    found_ns: u64,
    facts: Arc<FileFacts>,
}

/// What changes if the content of a file changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    pub(super) length: u64,
    pub(super) modified_ns: i128,
    changed_ns: i128,
}

impl Cache {
    /// `None` if no byte may be kept.
    pub(super) fn of(bytes: usize) -> Option<Self> {
        let options = OptionsBuilder::new()
            .weight_capacity(bytes as u64)
            .estimated_items_capacity(bytes.div_ceil(USUAL))
            // A file must fit into its shard, a part of the cache with a lock of its own.
            .shards((bytes / SHARD).clamp(1, 16))
            .build()
            .ok()?;
        let hasher = quick_cache::DefaultHashBuilder::default();
        let cache = sync::Cache::with_options(options, ByBytes, hasher, Default::default());
        (bytes > 0).then_some(Self(cache))
    }

    /// The file at `asked`, if it is known and one `stat` finds it unchanged.
    pub(super) fn take(
        &self,
        asked: &PathLookup,
        root: &Root,
        now_ns: u64,
    ) -> Option<Arc<FileFacts>> {
        let kept = self.0.get(asked)?;
        let age_ns = now_ns.saturating_sub(kept.found_ns);
        let is_fresh = age_ns < FRESH_NS && Stamp::of(&root.stat(&kept.path).ok()?) == kept.stamp;
        is_fresh.then(|| Arc::clone(&kept.facts))
    }

    /// Keeps a file that has just been read whole.
    pub(super) fn put(
        &self,
        asked: &PathLookup,
        path: CString,
        stamp: Stamp,
        facts: &Arc<FileFacts>,
    ) {
        let kept = Kept {
            path,
            stamp,
            found_ns: monotonic_ns(),
            facts: Arc::clone(facts),
        };
        self.0.insert(asked.clone(), Arc::new(kept));
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.0.weight() as usize
    }
}

impl Stamp {
    pub(super) fn of(stat: &Stat) -> Self {
        let ns = |s: i64, ns: u64| i128::from(s) * 1_000_000_000 + i128::from(ns);
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            length: stat.st_size.max(0) as u64,
            modified_ns: ns(stat.st_mtime, stat.st_mtime_nsec),
            changed_ns: ns(stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// The text of a strong ETag.
    pub(super) fn tag(&self) -> String {
        let Self {
            device,
            inode,
            length,
            modified_ns,
            changed_ns,
        } = self;
        format!("{device:x}-{inode:x}-{length:x}-{modified_ns:x}-{changed_ns:x}")
    }
}

/// Counts the bytes that an entry takes.
#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<PathLookup, Arc<Kept>> for ByBytes {
    fn weight(&self, asked: &PathLookup, kept: &Arc<Kept>) -> u64 {
        let content = kept.facts.whole.as_ref().map_or(0, |whole| whole.len());
        (ENTRY + content + asked.path.len() + kept.path.count_bytes()) as u64
    }
}

/// An entry without its content and its paths, but with what a session keeps for a file: the head of a response.
const ENTRY: usize = 1024;
/// How large an entry is expected to be: sizes the table.
const USUAL: usize = 8 * 1024;
const SHARD: usize = 1024 * 1024;
/// After this time an entry is looked up anew: a better coding of the file may have come.
pub(super) const FRESH_NS: u64 = 2_000_000_000;
