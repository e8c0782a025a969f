//! Files that appear whole, or not at all.
//!
//! A result is written to a file without a name, in the directory of the file that was named. The complete
//! result gets a name that can't be guessed, and is renamed: rename(2) replaces a file in one step. So a
//! reader never finds half a file. If the disk is full, or the process is killed, the old file stays as it was,
//! and nothing is left beside it. A file system without files that have no name (`O_TMPFILE`, see open(2)) gets a hidden
//! file, which is removed unless the process is killed.
//!
//! A device, a pipe or a terminal (`/dev/stdout`, a FIFO) can't be replaced, and is written through. A symbolic
//! link is replaced like a file, and what it points to stays as it is: another user may have put the link
//! there. Only the links of `/dev` and `/proc` are followed.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    hash::{BuildHasher, RandomState},
    io::{self, BufWriter, Read, Seek, Write},
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use portlab_words::Text;
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, linkat, openat},
    io::Errno,
};

use crate::input::{open_at_once, set_blocking};

/// A file that is being written. It gets its name at [`WholeFile::commit`]; if it is dropped before that, nothing
/// changes on disk.
#[derive(Debug)]
pub struct WholeFile(Place);

#[derive(Debug)]
enum Place {
    /// In the directory of `target`, which it will replace.
    Beside { part: Part, target: PathBuf },
    /// In memory, because no new file can be made in the directory: at the end the old file is written over.
    Over { bytes: Vec<u8>, target: PathBuf },
    /// Written directly to a device or a pipe, which can't be replaced.
    Through {
        out: BufWriter<File>,
        /// Whether the reader of the pipe has closed it.
        gone: AtomicBool,
    },
}

/// A file that isn't complete. It is removed when this is dropped.
#[derive(Debug)]
struct Part {
    file: BufWriter<File>,
    /// `None` for a file without a name.
    name: Option<PathBuf>,
}

/// Writes `bytes` to the file `path`, whole.
///
/// # Errors
/// When it can't be written; then an old file is still there.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

impl WholeFile {
    /// Begins to write the file `path`. Errors of the path are found now.
    ///
    /// # Errors
    /// If there is no such directory, or the user may not write there.
    pub fn create(path: &Path) -> io::Result<Self> {
        let found = found(path)?;
        let mode = match &found {
            Some(found) if found.is_symlink() => None,
            // If `path` is a link, it is a link of the system, and `found` is its target.
            Some(found) if !found.is_file() || path.is_symlink() || stream(found).is_some() => {
                return Ok(Self(Place::Through {
                    out: BufWriter::new(open(path, found)?),
                    gone: AtomicBool::new(false),
                }));
            }
            Some(found) => {
                // A file that is protected against writing isn't replaced.
                over(path)?;
                Some(found.permissions())
            }
            None => None,
        };
        let target = path.to_owned();
        let part = Part::begin(path).inspect(|part| {
            if let Some(mode) = &mode {
                // If it fails, the file system has no permissions.
                let _ = part.file.get_ref().set_permissions(mode.clone());
            }
        });
        Ok(Self(match part {
            Ok(part) => Place::Beside { part, target },
            Err(error) if mode.is_some() && takes_no_new_file(&error) => Place::Over {
                bytes: Vec::new(),
                target,
            },
            Err(error) => return Err(error),
        }))
    }

    /// Gives the file its name, after its bytes are on disk.
    ///
    /// # Errors
    /// When not all of it could be written; then an old file is still there.
    pub fn commit(mut self) -> io::Result<()> {
        self.flush()?;
        match &mut self.0 {
            Place::Beside { part, target } => part.replace(target),
            Place::Over { bytes, target } => written_over(target, &mut &bytes[..]),
            Place::Through { .. } => Ok(()),
        }
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Place::Beside { part, .. } => part.file.write(bytes),
            Place::Over { bytes: kept, .. } => kept.write(bytes),
            Place::Through { out, gone } => unless_gone(gone, bytes.len(), || out.write(bytes)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Place::Beside { part, .. } => part.file.flush(),
            Place::Over { .. } => Ok(()),
            Place::Through { out, gone } => unless_gone(gone, (), || out.flush()),
        }
    }
}

impl Part {
    /// Begins a file in the directory of `target`.
    fn begin(target: &Path) -> io::Result<Self> {
        if target.file_name().is_none() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let dir = match target.parent() {
            Some(dir) if dir != Path::new("") => dir,
            _ => Path::new("."),
        };
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let (file, name) = match openat(CWD, dir, flags, Mode::from_raw_mode(0o666)) {
            Ok(file) => (file.into(), None),
            // The file system has no files without a name, or the next call fails with the true error.
            Err(_) => {
                let name = hidden_beside(target);
                (File::create_new(&name)?, Some(name))
            }
        };
        let file = BufWriter::with_capacity(BUFFER, file);
        Ok(Self { file, name })
    }

    /// Takes the name `target` from the file that has it.
    fn replace(&mut self, target: &Path) -> io::Result<()> {
        let file = self.file.get_mut();
        match file.sync_data() {
            // Some file systems can't sync.
            Err(error) if error.kind() != io::ErrorKind::InvalidInput => return Err(error),
            _ => {}
        }
        let name = match &self.name {
            Some(name) => name,
            None => {
                let name = hidden_beside(target);
                let open = format!("/proc/self/fd/{}", file.as_raw_fd());
                linkat(CWD, open, CWD, &name, AtFlags::SYMLINK_FOLLOW)?;
                self.name.insert(name)
            }
        };
        match fs::rename(name, target) {
            // A single file that is mounted (as containers do) can't be replaced.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                file.rewind()?;
                written_over(target, file)
            }
            Ok(()) => {
                self.name = None;
                Ok(())
            }
            failed => failed,
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // It fails only if its directory was removed.
            let _ = fs::remove_file(name);
        }
    }
}

/// A name beside `target` that other users can't guess.
fn hidden_beside(target: &Path) -> PathBuf {
    // The keys of the hasher are random numbers of the system.
    let number = RandomState::new().hash_one(target);
    target.with_file_name(format!(".portlab-{number:016x}.part"))
}

/// The file at `path`, if there is one. A symbolic link is followed only in `/dev` and `/proc`.
fn found(path: &Path) -> io::Result<Option<Metadata>> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let dir = path.parent().and_then(|dir| dir.canonicalize().ok());
    let of_system = dir.is_some_and(|dir| dir == Path::new("/dev") || dir.starts_with("/proc"));
    match found.is_symlink() && of_system {
        true => fs::metadata(path).map(Some),
        false => Ok(Some(found)),
    }
}

/// Opens the regular file `target` to be written over.
fn over(target: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let options = &mut OpenOptions::new();
    options.write(true).custom_flags(flags.bits().cast_signed());
    options.open(target)
}

/// Writes all of `bytes` over what `target` holds.
fn written_over(target: &Path, bytes: &mut dyn Read) -> io::Result<()> {
    let mut file = over(target)?;
    file.set_len(0)?;
    io::copy(bytes, &mut file).map(drop)
}

/// Returns the result of `write`, or `done` if the reader of the pipe has closed it (`gone`), before or now: the rest
/// of the output is dropped.
///
/// # Errors
/// When it can't be written for another reason.
pub fn unless_gone<T>(
    gone: &AtomicBool,
    done: T,
    write: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    if gone.load(Relaxed) {
        return Ok(done);
    }
    write().or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => {
            gone.store(true, Relaxed);
            Ok(done)
        }
        _ => Err(error),
    })
}

/// Large, because a trace is long.
const BUFFER: usize = 1 << 16;

/// stdout or stderr, if `found` is the same file. Then the bytes must be written through that descriptor, because two
/// descriptors would write to the same place in the file.
fn stream(found: &Metadata) -> Option<BorrowedFd<'static>> {
    let is_same = |fd: BorrowedFd<'_>| {
        rustix::fs::fstat(fd).is_ok_and(|it| (it.st_dev, it.st_ino) == (found.dev(), found.ino()))
    };
    [rustix::stdio::stdout(), rustix::stdio::stderr()]
        .into_iter()
        .find(|fd| is_same(*fd))
}

/// Opens a device, a pipe that a program reads from, or stdout or stderr.
fn open(path: &Path, found: &Metadata) -> io::Result<File> {
    if let Some(fd) = stream(found) {
        return Ok(fd.try_clone_to_owned()?.into());
    }
    let options = &mut OpenOptions::new();
    let opened = open_at_once(options.write(true).truncate(found.is_file()), path);
    let file = opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::NXIO) if found.file_type().is_fifo() => {
            let why = Text::new(
                "it is a pipe that no program reads from",
                "没有程序从这个管道读数据",
            );
            io::Error::new(error.kind(), why)
        }
        _ => error,
    })?;
    set_blocking(&file)?;
    Ok(file)
}

/// Whether an error means that a directory can't be written to. A file in the directory may still be writable.
fn takes_no_new_file(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

#[cfg(test)]
mod tests {
    use std::{
        fs::Permissions,
        os::unix::fs::{PermissionsExt, symlink},
    };

    use portlab_testkit::{folder, names};

    use super::*;

    #[test]
    fn the_old_file_stays_until_there_is_a_new_one() {
        let dir = folder("old");
        let path = dir.join("f");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();

        let mut given_up = WholeFile::create(&path).unwrap();
        given_up.write_all(b"half").unwrap();
        given_up.flush().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(given_up);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(&dir), ["f"]);

        let mut first = WholeFile::create(&path).unwrap();
        let mut second = WholeFile::create(&path).unwrap();
        first.write_all(b"first").unwrap();
        second.write_all(b"2nd").unwrap();
        first.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        second.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"2nd");
        assert_eq!(names(&dir), ["f"]);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "the permissions stay");
    }

    #[test]
    fn a_link_is_replaced_and_what_it_points_to_stays() {
        let dir = folder("link");
        fs::write(dir.join("another"), "another's").unwrap();
        for (link, to) in [
            ("link", "another"),
            ("nowhere", "no/such/file"),
            ("null", "/dev/null"),
        ] {
            let link = dir.join(link);
            symlink(to, &link).unwrap();
            write_whole(&link, b"new").unwrap();
            assert!(!link.is_symlink(), "{to}");
            assert_eq!(fs::read(&link).unwrap(), b"new");
        }
        assert_eq!(fs::read(dir.join("another")).unwrap(), b"another's");
        assert_eq!(names(&dir), ["another", "link", "nowhere", "null"]);
    }

    #[test]
    fn a_file_that_is_being_written_has_no_name_that_could_be_left_behind() {
        let dir = folder("nameless");
        let mut file = WholeFile::create(&dir.join("f")).unwrap();
        file.write_all(b"half").unwrap();
        file.flush().unwrap();
        let Place::Beside { part, .. } = &file.0 else {
            panic!("{file:?}");
        };
        let left = match &part.name {
            None => Vec::new(),
            // The file system has no files without a name.
            Some(name) => vec![name.file_name().unwrap().to_str().unwrap().to_owned()],
        };
        assert_eq!(names(&dir), left);
        assert_ne!(hidden_beside(&dir.join("f")), hidden_beside(&dir.join("f")));
        drop(file);
        assert_eq!(names(&dir), [""; 0]);
    }

    #[test]
    fn in_a_directory_that_takes_no_new_file_the_old_file_is_written_over() {
        let dir = folder("over");
        fs::write(dir.join("f"), "a long old text").unwrap();
        let (bytes, target) = (b"new".to_vec(), dir.join("f"));
        WholeFile(Place::Over { bytes, target }).commit().unwrap();
        assert_eq!(fs::read(dir.join("f")).unwrap(), b"new");
        symlink("f", dir.join("link")).unwrap();
        assert!(over(&dir.join("link")).is_err());
    }

    #[test]
    fn devices_and_pipes_are_written_directly() {
        let dir = folder("through");
        let fifo = dir.join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        let error = write_whole(&fifo, b"bytes").unwrap_err();
        assert!(error.to_string().contains("no program reads"), "{error}");

        let mut open = open_at_once(OpenOptions::new().read(true), &fifo).unwrap();
        write_whole(&fifo, b"bytes").unwrap();
        // The end isn't waited for: a program that another test starts holds a copy of the writer for a moment.
        let mut bytes = [0; 5];
        open.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"bytes");

        // The reader closes the pipe before all bytes are written.
        let mut file = WholeFile::create(&fifo).unwrap();
        drop(open);
        file.write_all(&[b'x'; 100_000]).unwrap();
        file.commit().unwrap();
        assert_eq!(names(&dir), ["fifo"]);

        let full = write_whole(Path::new("/dev/full"), b"x").unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_path_that_cannot_be_written_is_refused_at_once() {
        let dir = folder("refused");
        for (path, kind) in [
            (dir.clone(), io::ErrorKind::IsADirectory),
            (dir.join("no/f"), io::ErrorKind::NotFound),
        ] {
            assert_eq!(WholeFile::create(&path).unwrap_err().kind(), kind);
        }
    }
}
