//! The list that `poll(2)` gets: all descriptors, at every call.

use std::{io, os::fd::AsRawFd, ptr, time::Duration};

/// A list of descriptors, each at a place that its owner chooses.
///
/// The kernel reads the whole list at each call, and so does [`PollSet::ready`]: the cost grows with the number of
/// descriptors, whether they are active or not.
///
/// Source: `poll(2)`.
#[derive(Default)]
pub struct PollSet {
    /// A place without a descriptor has a negative one, which the kernel skips.
    fds: Vec<libc::pollfd>,
}

/// What is to be watched at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Nothing, errors included.
    None,
    /// Input, and the peer's end.
    Read,
    /// Room to write.
    Write,
}

const VACANT: libc::pollfd = libc::pollfd {
    fd: -1,
    events: 0,
    revents: 0,
};

impl PollSet {
    /// Watches `fd` at `place`, instead of what was there. If the descriptor closes without [`PollSet::clear`], the place
    /// is reported as ready at each call.
    pub fn set(&mut self, place: usize, fd: &impl AsRawFd, interest: Interest) {
        if place >= self.fds.len() {
            self.fds.resize(place + 1, VACANT);
        }
        let events = match interest {
            Interest::None => 0,
            Interest::Read => libc::POLLIN | libc::POLLRDHUP,
            Interest::Write => libc::POLLOUT,
        };
        self.fds[place] = libc::pollfd {
            fd: match interest {
                Interest::None => -1,
                Interest::Read | Interest::Write => fd.as_raw_fd(),
            },
            events,
            revents: 0,
        };
    }

    /// Watches nothing at `place` any more.
    pub fn clear(&mut self, place: usize) {
        if let Some(fd) = self.fds.get_mut(place) {
            *fd = VACANT;
        }
        let used = self.fds.iter().rposition(|fd| fd.fd >= 0);
        self.fds.truncate(used.map_or(0, |last| last + 1));
    }

    /// Waits until something is ready, for at most `patience`. A signal ends the wait.
    ///
    /// # Errors
    /// When the list is longer than the limit of open files, or the kernel has no memory for it.
    pub fn wait(&mut self, patience: Option<Duration>) -> io::Result<()> {
        let time = patience.map(|patience| libc::timespec {
            tv_sec: libc::time_t::try_from(patience.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: libc::c_long::from(patience.subsec_nanos() as i32),
        });
        let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
        let length = self.fds.len() as libc::nfds_t;
        // SAFETY: `fds` has `length` entries, which the kernel may write to until the call returns; `time` is null or
        // outlives the call, and no signal mask is given.
        let polled = unsafe { libc::ppoll(self.fds.as_mut_ptr(), length, time, ptr::null()) };
        match polled {
            -1 => {
                self.fds.iter_mut().for_each(|fd| fd.revents = 0);
                let error = io::Error::last_os_error();
                match error.kind() {
                    io::ErrorKind::Interrupted => Ok(()),
                    _ => Err(error),
                }
            }
            _ => Ok(()),
        }
    }

    /// The places that are ready; `true` if the peer may have ended, or the socket has an error.
    pub fn ready(&self) -> impl Iterator<Item = (usize, bool)> {
        const ENDED: i16 = libc::POLLRDHUP | libc::POLLHUP | libc::POLLERR;
        let seen = self.fds.iter().enumerate();
        seen.filter(|(_, fd)| fd.revents != 0)
            .map(|(place, fd)| (place, fd.revents & ENDED != 0))
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::net::UnixStream};

    use super::*;

    fn ready(set: &mut PollSet) -> Vec<(usize, bool)> {
        set.wait(Some(Duration::ZERO)).unwrap();
        set.ready().collect()
    }

    #[test]
    fn what_is_watched_is_reported_as_long_as_it_is_ready() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut set = PollSet::default();
        set.set(3, &near, Interest::Read);
        assert_eq!(ready(&mut set), []);
        far.write_all(b"!").unwrap();
        assert_eq!([ready(&mut set), ready(&mut set)], [[(3, false)]; 2]);
        set.set(3, &near, Interest::None);
        assert_eq!(ready(&mut set), []);
        set.set(3, &near, Interest::Write);
        assert_eq!(ready(&mut set), [(3, false)]);
        drop(far);
        set.set(3, &near, Interest::Read);
        assert_eq!(ready(&mut set), [(3, true)]);
        set.set(1, &near, Interest::Read);
        set.clear(3);
        assert_eq!((ready(&mut set), set.fds.len()), (vec![(1, true)], 2));
    }
}
