//! Requests as the kernel reads them, and the number by which a completion names its request.

use std::os::fd::{AsRawFd, BorrowedFd};

use io_uring::{
    opcode::{AcceptMulti, AsyncCancel, PollAdd, RecvMulti, Send},
    squeue::{Entry, Flags},
    types::Fd,
};

use super::buffers::GROUP;

/// The place of a socket in a ring, and the place's generation. The next socket may get the same place, and the same
/// descriptor, at once; an old key doesn't name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub(super) index: u32,
    pub(super) generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Receive,
    Send,
    Accept,
    Watch,
    Cancel,
}

/// Generations are below this: `user_data` has 64 bits, of which 32 are the place and 3 the kind.
pub(super) const GENERATIONS: u32 = 1 << 29;

const KINDS: [Kind; 5] = [
    Kind::Receive,
    Kind::Send,
    Kind::Accept,
    Kind::Watch,
    Kind::Cancel,
];

impl Kind {
    /// The number of a request of this kind: a completion has it, and a cancellation names its target by it.
    pub(super) fn number(self, key: Key) -> u64 {
        let generation = u64::from(key.generation) << 35;
        generation | (self as u64) << 32 | u64::from(key.index)
    }

    /// The kind and the key in a number.
    pub(super) fn of(number: u64) -> (Self, Key) {
        let kind = KINDS[(number >> 32) as usize & 7];
        let key = Key {
            index: number as u32,
            generation: (number >> 35) as u32,
        };
        (kind, key)
    }
}

/// For requests that belong to no socket.
pub(super) const NO_SOCKET: Key = Key {
    index: u32::MAX,
    generation: 0,
};

/// Receives again and again, each time into a buffer of the kernel's choice.
pub(super) fn receive(socket: BorrowedFd<'_>, key: Key) -> Entry {
    let request = RecvMulti::new(Fd(socket.as_raw_fd()), GROUP).build();
    request.user_data(Kind::Receive.number(key))
}

/// Sends `bytes`, which must stay as they are until the completion. If `more` will follow at once, the kernel waits for it
/// before it sends a packet that isn't full.
pub(super) fn send(socket: BorrowedFd<'_>, key: Key, bytes: &[u8], more: bool) -> Entry {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let flags = match more {
        true => libc::MSG_NOSIGNAL | libc::MSG_MORE,
        false => libc::MSG_NOSIGNAL,
    };
    let request = Send::new(Fd(socket.as_raw_fd()), bytes.as_ptr(), length).flags(flags);
    request.build().user_data(Kind::Send.number(key))
}

/// Accepts again and again.
pub(super) fn accept(listener: BorrowedFd<'_>) -> Entry {
    let request = AcceptMulti::new(Fd(listener.as_raw_fd())).flags(libc::SOCK_CLOEXEC);
    request.build().user_data(Kind::Accept.number(NO_SOCKET))
}

/// Completes once, when `fd` is readable.
pub(super) fn watch(fd: BorrowedFd<'_>) -> Entry {
    let request = PollAdd::new(Fd(fd.as_raw_fd()), libc::POLLIN as u32).build();
    request.user_data(Kind::Watch.number(NO_SOCKET))
}

/// Cancels a request. Only a failure has a completion of its own; the target always has its last one.
pub(super) fn cancel(kind: Kind, key: Key) -> Entry {
    let request = AsyncCancel::new(kind.number(key)).build();
    let request = request.flags(Flags::SKIP_SUCCESS);
    request.user_data(Kind::Cancel.number(NO_SOCKET))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_names_its_kind_and_its_key() {
        for kind in KINDS {
            for index in [0, 1, u32::MAX] {
                for generation in [0, 1, GENERATIONS - 1] {
                    let key = Key { index, generation };
                    assert_eq!(Kind::of(kind.number(key)), (kind, key));
                }
            }
        }
    }
}
