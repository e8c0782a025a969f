//! Files that appear whole, or not at all.
//!
//! A result is written to a temporary file beside the one that was named, and renamed when it is
//! complete: rename(2) replaces a file in one step. So a reader never finds half a file, and a run that
//! fails, or is interrupted, leaves the old file as it was.
//!
//! What is no regular file (`/dev/stdout`, a FIFO, a terminal) can't be replaced, and is written
//! through. Of a symbolic link, the file that it points to is replaced, and the link stays.

use std::{
    fs::{self, File, Metadata, OpenOptions, Permissions},
    io::{self, BufWriter, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::MetadataExt,
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

/// A file that is being written. It takes its name at [`WholeFile::commit`]; if it is dropped before,
/// nothing has happened.
#[derive(Debug)]
pub struct WholeFile(Place);

#[derive(Debug)]
enum Place {
    /// Beside `target`, which it will replace.
    Beside {
        /// `None` when it has been committed.
        part: Option<(PathBuf, BufWriter<File>)>,
        target: PathBuf,
    },
    /// Kept here, because the directory takes no new file: at the end the old file is written over.
    Over { bytes: Vec<u8>, target: PathBuf },
    /// Written to what can't be replaced.
    Through {
        out: BufWriter<File>,
        reader_has_gone: AtomicBool,
    },
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
    /// Begins to write the file `path`. What is wrong with the path is found out now.
    ///
    /// # Errors
    /// When there is no such directory, or one may not write there.
    pub fn create(path: &Path) -> io::Result<Self> {
        let target = pointed_to(path);
        let found = fs::metadata(path).ok();
        let permissions = match &found {
            Some(found) if !found.is_file() || stream(found).is_some() => {
                return Ok(Self(Place::Through {
                    out: BufWriter::new(open(path, found)?),
                    reader_has_gone: AtomicBool::new(false),
                }));
            }
            Some(found) => {
                // A file that is protected against writing isn't replaced either.
                OpenOptions::new().write(true).open(&target)?;
                Some(found.permissions())
            }
            None => None,
        };
        Ok(Self(match beside(&target, permissions) {
            Ok(part) => Place::Beside {
                part: Some(part),
                target,
            },
            Err(error) if found.is_some() && takes_no_new_file(&error) => Place::Over {
                bytes: Vec::new(),
                target,
            },
            Err(error) => return Err(error),
        }))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// When not all of it could be written; then an old file is still there.
    pub fn commit(mut self) -> io::Result<()> {
        self.flush()?;
        match &mut self.0 {
            Place::Beside { part, target } => {
                let Some((name, _)) = part.as_ref() else {
                    return Ok(());
                };
                match fs::rename(name, &target) {
                    // A single file that is mounted (as containers do) can't be replaced.
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                        fs::copy(name, &target)?;
                    }
                    renamed => {
                        renamed?;
                        *part = None;
                    }
                }
            }
            Place::Over { bytes, target } => fs::write(target, bytes)?,
            Place::Through { .. } => {}
        }
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Place::Beside { part, .. } => match part {
                Some((_, file)) => file.write(bytes),
                None => Ok(0),
            },
            Place::Over { bytes: kept, .. } => kept.write(bytes),
            Place::Through {
                out,
                reader_has_gone,
            } => unless_gone(reader_has_gone, bytes.len(), || out.write(bytes)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Place::Beside { part, .. } => match part {
                Some((_, file)) => file.flush(),
                None => Ok(()),
            },
            Place::Over { .. } => Ok(()),
            Place::Through {
                out,
                reader_has_gone,
            } => unless_gone(reader_has_gone, (), || out.flush()),
        }
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Place::Beside {
            part: Some((name, _)),
            ..
        } = &self.0
        {
            // If it can't be removed, its directory has gone.
            let _ = fs::remove_file(name);
        }
    }
}

/// What `write` returns; `done` if the reader has `gone`, or goes now: a reader that closes its pipe has
/// seen enough, and the rest is dropped.
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

/// Where symbolic links lead from `path`: a name that is no link, if the links end.
fn pointed_to(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(next) = fs::read_link(&path) else {
            break;
        };
        // A link is relative to the directory that it is in.
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    path
}

/// A trace is long, and written while a class waits for it.
const BUFFER: usize = 1 << 16;

/// As many as the kernel follows: see path_resolution(7).
const MOST_LINKS: usize = 40;

/// stdout or stderr, if `found` is the same file: then it must be written through the same descriptor,
/// or both would write to the same place in it.
fn stream(found: &Metadata) -> Option<BorrowedFd<'static>> {
    let is_same = |fd: BorrowedFd<'_>| {
        rustix::fs::fstat(fd).is_ok_and(|it| (it.st_dev, it.st_ino) == (found.dev(), found.ino()))
    };
    [rustix::stdio::stdout(), rustix::stdio::stderr()]
        .into_iter()
        .find(|fd| is_same(*fd))
}

/// Opens what is no regular file, or is stdout or stderr.
fn open(path: &Path, found: &Metadata) -> io::Result<File> {
    match stream(found) {
        Some(fd) => Ok(fd.as_fd().try_clone_to_owned()?.into()),
        None => OpenOptions::new().write(true).open(path),
    }
}

/// Creates a file beside `target`, with the permissions that the old one had.
fn beside(
    target: &Path,
    permissions: Option<Permissions>,
) -> io::Result<(PathBuf, BufWriter<File>)> {
    let Some(name) = target.file_name() else {
        return Err(io::ErrorKind::IsADirectory.into());
    };
    let pid = std::process::id();
    let mut number = 0;
    loop {
        let mut part = std::ffi::OsString::from(".");
        part.push(name);
        part.push(format!(".{pid}-{number}.part"));
        let part = target.with_file_name(part);
        match File::create_new(&part) {
            Ok(file) => {
                if let Some(permissions) = permissions {
                    // Where a file system knows none, none are lost.
                    let _ = file.set_permissions(permissions);
                }
                return Ok((part, BufWriter::with_capacity(BUFFER, file)));
            }
            // Another process of this number, here or in another container, left it behind.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Whether an error says that a directory may not be written to, which a file in it may all the same.
fn takes_no_new_file(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// An empty directory of this test's own.
    fn folder(name: &str) -> PathBuf {
        let name = format!("portlab-whole-{name}-{}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

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
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_link_stays_and_the_file_that_it_points_to_is_replaced() {
        let dir = folder("link");
        fs::create_dir(dir.join("sub")).unwrap();
        symlink("sub/f", dir.join("link")).unwrap();
        symlink("link", dir.join("second")).unwrap();
        for text in ["new", "newer"] {
            write_whole(&dir.join("second"), text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(dir.join("sub/f")).unwrap(), text);
        }
        assert_eq!(names(&dir), ["link", "second", "sub"]);
        assert!(dir.join("link").is_symlink() && dir.join("second").is_symlink());
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn what_cannot_be_replaced_is_written_through() {
        let dir = folder("through");
        let fifo = dir.join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        let path = fifo.clone();
        let reader = std::thread::spawn(move || fs::read(path).unwrap());
        write_whole(&fifo, b"bytes").unwrap();
        assert_eq!(reader.join().unwrap(), b"bytes");

        // Its reader goes before all is written.
        let path = fifo.clone();
        let reader = std::thread::spawn(move || drop(File::open(path).unwrap()));
        let mut file = WholeFile::create(&fifo).unwrap();
        reader.join().unwrap();
        file.write_all(&[b'x'; 100_000]).unwrap();
        file.commit().unwrap();
        assert_eq!(names(&dir), ["fifo"]);
        fs::remove_dir_all(&dir).unwrap();

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
        fs::remove_dir_all(&dir).unwrap();
    }
}
