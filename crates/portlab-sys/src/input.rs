//! Reading files up to a limit, without waiting for a file that can't be read.
//!
//! Paths come from users. A path may lead to a directory, to a device that never ends, to a FIFO that no program
//! writes to, or to a file that is larger than the memory.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::Path,
};

use portlab_words::{Text, tr};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// A file that is being read.
#[derive(Debug)]
pub struct Input {
    file: File,
    /// The byte that was read to find out whether a program writes to a FIFO.
    begun: Option<u8>,
    /// How much more may be read.
    left: u64,
    most: u64,
}

/// Reads all of the file `path`, at most `most` bytes.
///
/// # Errors
/// As [`Input::open`], and [`io::ErrorKind::FileTooLarge`] when there are more than `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Input::open(path, most)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Input {
    /// Opens the file `path`, a regular file or a pipe, to read at most `most` bytes of it.
    ///
    /// # Errors
    /// When the file can't be opened, is neither a regular file nor a pipe, is a FIFO that no program
    /// writes to, or is known to be larger than `most`.
    pub fn open(path: &Path, most: u64) -> io::Result<Self> {
        let mut file = open_at_once(OpenOptions::new().read(true), path)?;
        let found = file.metadata()?;
        let kind = found.file_type();
        let begun = if kind.is_fifo() {
            let begun = first_byte(&mut file)?;
            set_blocking(&file)?;
            begun
        } else if kind.is_file() {
            None
        } else {
            return Err(refused(match kind.is_dir() {
                true => Text::new(
                    "it is a directory; only a regular file or a pipe can be read",
                    "这是一个文件夹；只能读普通文件或管道",
                ),
                false => Text::new(
                    "it is a device; only a regular file or a pipe can be read",
                    "这是一个设备；只能读普通文件或管道",
                ),
            }));
        };
        if found.len() > most {
            return Err(too_large(most));
        }
        Ok(Self {
            file,
            begun,
            left: most,
            most,
        })
    }
}

impl Read for Input {
    /// Reads the next bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::FileTooLarge`] beyond the limit.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match (self.begun.take(), into.first_mut()) {
            (Some(byte), Some(first)) => {
                *first = byte;
                1
            }
            (begun, _) => {
                self.begun = begun;
                // One byte more than the limit shows whether the file ends there.
                let room = self.left.saturating_add(1).min(into.len() as u64) as usize;
                self.file.read(&mut into[..room])?
            }
        };
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| too_large(self.most))?;
        Ok(read)
    }
}

/// Opens the file `path` without waiting, although opening a FIFO usually waits for a program at the other end.
/// [`set_blocking`] makes later reads and writes wait.
pub(crate) fn open_at_once(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    options.custom_flags(flags.bits().cast_signed()).open(path)
}

pub(crate) fn set_blocking(file: &File) -> io::Result<()> {
    Ok(fcntl_setfl(file, fcntl_getfl(file)? - OFlags::NONBLOCK)?)
}

/// Reads the first byte of a FIFO that is open without blocking; `None` if a program has it open and has
/// not written yet.
fn first_byte(file: &mut File) -> io::Result<Option<u8>> {
    let mut byte = [0];
    match file.read(&mut byte) {
        Ok(0) => Err(refused(Text::new(
            "it is a pipe that no program writes to",
            "没有程序向这个管道写数据",
        ))),
        Ok(_) => Ok(Some(byte[0])),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

fn refused(why: Text) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

fn too_large(most: u64) -> io::Error {
    let (most, unit) = match most >> 20 {
        0 => (most, "bytes"),
        mebibytes => (mebibytes, "MiB"),
    };
    let why = tr!(
        "it is larger than {most} {unit}, which is the most that is read",
        "它大于 {most} {unit}，这是最多能读的长度"
    );
    io::Error::new(io::ErrorKind::FileTooLarge, why)
}

#[cfg(test)]
mod tests {
    use std::{io::Write, process::Command};

    use super::*;
    use portlab_testkit::{folder, wait_until};

    #[test]
    fn a_file_is_read_up_to_the_limit_and_no_further() {
        let path = folder("input").join("file");
        std::fs::write(&path, "abcd").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"abcd");
        let error = read(&path, 3).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert!(error.to_string().contains("3 bytes"), "{error}");
        // A file that grows after it was opened.
        let mut growing = Input::open(&path, 4).unwrap();
        std::fs::write(&path, "abcde").unwrap();
        let error = growing.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn only_files_and_pipes_with_a_writer_are_read() {
        let path = folder("fifo").join("fifo");
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        for (path, part) in [
            (Path::new("/tmp"), "directory"),
            (Path::new("/dev/zero"), "device"),
            (&path, "no program writes"),
        ] {
            let error = read(path, 9).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(error.to_string().contains(part), "{error}");
        }
        let error = read(Path::new("/no/such/file"), 9).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn an_anonymous_pipe_is_read_up_to_the_limit() {
        // A shell makes such a pipe for <(command).
        let read_pipe = |text: &str| {
            let (reader, mut writer) = io::pipe().unwrap();
            let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
            writer.write_all(text.as_bytes()).unwrap();
            drop(writer);
            read(Path::new(&path), 4).ok()
        };
        assert_eq!(read_pipe("abcd").unwrap(), b"abcd");
        assert_eq!(read_pipe("abcde"), None);
        // A child of another test may have a copy of the writer for a moment.
        wait_until("the pipe has no writer", || read_pipe("").is_none());
    }
}
