//! Opening a path beneath the root, never outside of it.

use std::{ffi::CStr, os::fd::OwnedFd, path::Path};

use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, Stat, openat, openat2, statat},
    io::Errno,
};

/// The root folder.
#[derive(Debug)]
pub(super) struct Root {
    folder: OwnedFd,
    way: Way,
}

/// How a path is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// One call, and the kernel checks each step: a symbolic link is followed if it stays beneath the root.
    Openat2,
    /// Folder by folder, and no symbolic link is followed. For a kernel before 5.6, and for a container whose system call
    /// filter forbids `openat2`.
    Walk,
}

impl Root {
    /// Opens the folder at `path`.
    pub(super) fn open(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut root = Self {
            folder: openat(CWD, path, flags, Mode::empty())?,
            way: Way::Openat2,
        };
        if root.openat2(b".", OFlags::PATH).is_err() {
            root.way = Way::Walk;
        }
        Ok(root)
    }

    #[cfg(test)]
    pub(super) fn set_way(&mut self, way: Way) {
        self.way = way;
    }

    /// Opens `path` for reading, without waiting for the other end of a FIFO. The root itself is the empty path.
    pub(super) fn file(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { b"." } else { path };
        match self.way {
            Way::Openat2 => self.openat2(path, READ),
            Way::Walk => self.walk(path),
        }
    }

    /// What is at `path` now: one call, which opens nothing.
    pub(super) fn stat(&self, path: &CStr) -> Result<Stat, Errno> {
        statat(&self.folder, path, AtFlags::empty())
    }

    fn openat2(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let flags = flags | OFlags::CLOEXEC;
        let open = || openat2(&self.folder, path, flags, Mode::empty(), beneath);
        // If a folder is renamed meanwhile, the kernel asks to try again: openat2(2).
        let tries = std::iter::repeat_with(open).take(TRIES);
        let mut tries = tries.skip_while(|it| matches!(it, Err(Errno::AGAIN | Errno::INTR)));
        tries.next().unwrap_or(Err(Errno::AGAIN))
    }

    fn walk(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let mut names: Vec<_> = path.split(|byte| *byte == b'/').collect();
        let leads_out = |name: &&[u8]| matches!(*name, b"" | b"..");
        if names.iter().any(leads_out) {
            return Err(Errno::XDEV);
        }
        let last = names.pop().unwrap_or(b".");
        let open = |folder: &OwnedFd, name: &[u8], flags| {
            let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            rustix::io::retry_on_intr(|| openat(folder, name, flags, Mode::empty()))
        };
        let mut inner: Option<OwnedFd> = None;
        for name in names {
            let folder = inner.as_ref().unwrap_or(&self.folder);
            inner = Some(open(folder, name, OFlags::PATH | OFlags::DIRECTORY)?);
        }
        open(inner.as_ref().unwrap_or(&self.folder), last, READ)
    }
}

const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
const TRIES: usize = 8;
