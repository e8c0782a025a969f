//! What each kind of completion means for a ring.

use std::{
    io,
    net::TcpStream,
    os::fd::{AsFd, FromRawFd},
};

use rustix::io::Errno;

use super::{Completion, Ring, held};
use crate::{
    limits,
    uring::requests::{Key, Kind, NO_SOCKET},
};

impl<T: AsFd> Ring<T> {
    pub(super) fn received(
        &mut self,
        key: Key,
        result: i32,
        buffer: Option<u16>,
        is_last: bool,
    ) -> Option<Completion> {
        let length = u32::try_from(result).unwrap_or(0);
        let buffer = buffer.map(|id| self.buffers.lend(id, length));
        let Some(slot) = held(&mut self.slots, key) else {
            // A socket is kept until its last completion, so this does not happen.
            buffer.into_iter().for_each(|it| self.give_back(it));
            return None;
        };
        slot.is_receiving &= !is_last;
        let outcome = match errno(result) {
            Err(Errno::NOBUFS | Errno::CANCELED | Errno::INTR | Errno::AGAIN) => None,
            Err(error) => Some(Err(error.into())),
            Ok(0) => Some(Ok(None)),
            Ok(_) => None,
        };
        slot.has_ended |= outcome.is_some();
        slot.wants_input &= !slot.has_ended;
        if is_last && slot.wants_input {
            self.starved.push_back(key);
        }
        let is_reported = !slot.is_closing;
        match buffer {
            Some(buffer) if length > 0 && is_reported => {
                return Some(Completion::Received(key, Ok(Some(buffer))));
            }
            Some(buffer) => self.give_back(buffer),
            None => {}
        }
        if is_last {
            self.drop_if_ended(key);
        }
        let outcome = outcome.filter(|_| is_reported)?;
        Some(Completion::Received(key, outcome))
    }

    pub(super) fn sent(&mut self, key: Key, result: i32) -> Option<Completion> {
        let slot = held(&mut self.slots, key)?;
        let sending = slot.sending.as_mut()?;
        let outcome = match errno(result) {
            Ok(length) => {
                sending.sent += length as usize;
                match sending.sent == sending.bytes.len() {
                    true => Ok(()),
                    false if length > 0 => return self.push_send(key),
                    false => Err(io::ErrorKind::WriteZero.into()),
                }
            }
            Err(Errno::INTR | Errno::AGAIN) => return self.push_send(key),
            Err(error) => Err(io::Error::from(error)),
        };
        let bytes = slot.sending.take()?.bytes;
        if slot.is_closing {
            self.drop_if_ended(key);
            return None;
        }
        Some(Completion::Sent(key, outcome.map(|()| bytes)))
    }

    pub(super) fn accepted(&mut self, result: i32, is_last: bool) -> Option<Completion> {
        self.is_accepting &= !is_last;
        let accepted = match errno(result) {
            Ok(fd) => {
                self.check_limit(fd);
                // SAFETY: the kernel has made this descriptor for this completion, and no other code has it.
                Ok(unsafe { TcpStream::from_raw_fd(fd) })
            }
            Err(Errno::CANCELED) => {
                // Only if the listener is still there, which isn't so after `close_listener`.
                self.accept();
                return None;
            }
            Err(error) => Err(error.into()),
        };
        if accepted.is_ok() {
            self.accept();
        }
        Some(Completion::Accepted(accepted))
    }

    /// Makes the request to accept anew if `fd` is above the limit of open files.
    fn check_limit(&mut self, fd: i32) {
        if u64::from(fd.cast_unsigned()) >= limits::open_files() && self.is_accepting {
            self.cancel(Kind::Accept, NO_SOCKET);
        }
    }
}

/// The result of a completion: a negative one is an error.
fn errno(result: i32) -> Result<i32, Errno> {
    match result {
        0.. => Ok(result),
        _ => Err(Errno::from_raw_os_error(-result)),
    }
}
