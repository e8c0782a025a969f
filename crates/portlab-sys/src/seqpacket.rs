//! Sending whole messages and descriptors between processes: `SOCK_SEQPACKET`.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    time::{Duration, Instant},
};

use rustix::{
    io::{Errno, retry_on_intr},
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType, recv, recvmsg, sendmsg,
        shutdown, socketpair,
    },
};

use crate::stop;

/// One end of a pair of sockets that carry messages in order, each whole or not at all.
///
/// A stream has no message boundaries, and datagrams don't show that the other end is closed. Here, a read returns the
/// end of the stream if the other end was closed or its process has ended.
///
/// Source: `unix(7)`.
#[derive(Debug)]
pub struct Seqpacket(OwnedFd);

impl Seqpacket {
    /// Two ends, not inherited by other programs.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Self(one), Self(other)))
    }

    /// Sends the parts as one message, if there is room for it. The call doesn't wait: otherwise a stopped process at
    /// the other end would block this process.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when there is no room; others when the other end has gone.
    pub fn try_send(&self, parts: &[&[u8]]) -> io::Result<()> {
        let slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut nothing = SendAncillaryBuffer::default();
        retry_on_intr(|| sendmsg(&self.0, &slices, &mut nothing, AT_ONCE))?;
        Ok(())
    }

    /// Receives the next message into `buffer`, if there is one. Returns its length, or 0 if the other end is
    /// closed. A message that is longer than the buffer is cut off.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when there is none.
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut receive = || retry_on_intr(|| recv(&self.0, &mut *buffer, RecvFlags::DONTWAIT));
        let received = match receive() {
            // The other end was closed with unread messages. The system reports this once, before the messages
            // that the other end has sent.
            Err(Errno::CONNRESET) => receive(),
            received => received,
        };
        Ok(received?.0)
    }

    /// Sends `message`, which may not be empty, and a descriptor with it, if there is room.
    ///
    /// The kernel makes a new descriptor in the receiving process, of the same open file. The message holds the file
    /// open meanwhile: if the other end closes before it has received the message, the kernel drops both.
    ///
    /// # Errors
    /// As [`Seqpacket::try_send`]; also when too many descriptors of this user are on their way.
    ///
    /// Source: `SCM_RIGHTS` in `unix(7)`.
    pub fn try_send_with(&self, message: &[u8], fd: &impl AsFd) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let fds = [fd.as_fd()];
        ancillary.push(SendAncillaryMessage::ScmRights(&fds));
        let parts = [IoSlice::new(message)];
        retry_on_intr(|| sendmsg(&self.0, &parts, &mut ancillary, AT_ONCE))?;
        Ok(())
    }

    pub(crate) fn try_send_fd(&self, fd: &impl AsFd) -> io::Result<()> {
        // An empty message would look like the end.
        self.try_send_with(b"!", fd)
    }

    /// Passes a descriptor to the other process, as soon as there is room for the message. A signal that stops the
    /// server ends the wait.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if there was no room within `limit`; others if the other end is closed.
    pub fn send_fd_within(&self, fd: &impl AsFd, limit: Duration) -> io::Result<()> {
        let until = Instant::now() + limit;
        loop {
            let sent = self.try_send_fd(fd);
            let is_full = sent
                .as_ref()
                .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
            let left = until.saturating_duration_since(Instant::now());
            if !is_full || left.is_zero() || stop::is_set() {
                return sent;
            }
            stop::wait_writable(self.as_fd(), left);
        }
    }

    /// Receives a descriptor that was passed, if there is one; `None` if the other end is closed.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if there is none; another error if this process has no room for the descriptor,
    /// which is lost then.
    pub fn try_recv_fd(&self) -> io::Result<Option<Self>> {
        let received = self.receive_with(&mut [0], RecvFlags::DONTWAIT)?;
        Ok(received.map(|(_, fd)| Self(fd)))
    }

    /// Waits for a message with a descriptor, and receives both. Returns the message's length and the descriptor;
    /// `None` if the other end is closed.
    ///
    /// # Errors
    /// When this process has no room for the descriptor, which is lost then.
    pub fn recv_with(&self, buffer: &mut [u8]) -> io::Result<Option<(usize, OwnedFd)>> {
        self.receive_with(buffer, RecvFlags::empty())
    }

    fn receive_with(
        &self,
        buffer: &mut [u8],
        flags: RecvFlags,
    ) -> io::Result<Option<(usize, OwnedFd)>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = flags | RecvFlags::CMSG_CLOEXEC;
        let mut receive = || {
            retry_on_intr(|| {
                let parts = &mut [IoSliceMut::new(buffer)];
                recvmsg(&self.0, parts, &mut ancillary, flags)
            })
        };
        let received = match receive() {
            // As in `try_recv`: the other end was closed with unread messages.
            Err(Errno::CONNRESET) => receive(),
            received => received,
        }?;
        if received.bytes == 0 {
            return Ok(None);
        }
        let passed = ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        });
        let refused = || io::Error::from(Errno::MFILE);
        passed
            .map(|fd| Some((received.bytes, fd)))
            .ok_or_else(refused)
    }

    /// Closes the sending direction. This end may still receive.
    ///
    /// # Errors
    /// When the other end has gone.
    pub fn finish(&self) -> io::Result<()> {
        Ok(shutdown(&self.0, Shutdown::Write)?)
    }
}

const AT_ONCE: SendFlags = SendFlags::NOSIGNAL.union(SendFlags::DONTWAIT);

impl From<Seqpacket> for OwnedFd {
    fn from(end: Seqpacket) -> Self {
        end.0
    }
}

impl AsFd for Seqpacket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Seqpacket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::Seqpacket;
    use portlab_testkit::wait_until;

    #[test]
    fn messages_are_received_although_their_sender_was_closed_with_unread_messages() {
        let (near, far) = Seqpacket::pair().unwrap();
        near.try_send(&[b"last words"]).unwrap();
        far.try_send(&[b"never read"]).unwrap();
        drop(near);
        let mut buffer = [0; 16];
        assert_eq!(far.try_recv(&mut buffer).unwrap(), 10);
        assert_eq!(&buffer[..10], b"last words");
        wait_until("the end is read", || {
            far.try_recv(&mut buffer).is_ok_and(|length| length == 0)
        });
    }

    #[test]
    fn a_wait_for_a_descriptor_ends_although_the_other_end_was_closed_with_unread_messages() {
        let (near, far) = Seqpacket::pair().unwrap();
        far.try_send(&[b"never read"]).unwrap();
        drop(near);
        assert!(far.recv_with(&mut [0; 8]).unwrap().is_none());
    }

    /// The result of `receive` as soon as there is a message.
    fn received<T>(mut receive: impl FnMut() -> io::Result<T>) -> T {
        let mut got = None;
        wait_until("something is received", || {
            got = match receive() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
                other => Some(other.unwrap()),
            };
            got.is_some()
        });
        got.unwrap()
    }

    #[test]
    fn messages_come_whole_and_the_end_is_seen() {
        let (one, other) = Seqpacket::pair().unwrap();
        one.try_send(&[b"ab", b"c"]).unwrap();
        one.try_send(&[b"d"]).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(
            (other.try_recv(&mut buffer).unwrap(), &buffer[..3]),
            (3, &b"abc"[..])
        );
        assert_eq!(other.try_recv(&mut buffer).unwrap(), 1);
        let none = other.try_recv(&mut buffer).unwrap_err();
        assert_eq!(none.kind(), std::io::ErrorKind::WouldBlock);
        drop(one);
        assert_eq!(received(|| other.try_recv(&mut buffer)), 0);
        assert!(other.try_send(&[b"x"]).is_err());
    }

    #[test]
    fn an_end_can_be_passed_on() {
        let (control, other) = Seqpacket::pair().unwrap();
        let (near, far) = Seqpacket::pair().unwrap();
        control.try_send_fd(&far).unwrap();
        drop(far);
        let passed = other.try_recv_fd().unwrap().unwrap();
        near.try_send(&[b"hello"]).unwrap();
        assert_eq!(passed.try_recv(&mut [0; 8]).unwrap(), 5);
        drop(control);
        assert!(received(|| other.try_recv_fd()).is_none());
    }

    #[test]
    fn a_descriptor_comes_with_its_message_and_is_dropped_with_an_end_that_took_none() {
        let (one, other) = Seqpacket::pair().unwrap();
        let (near, far) = Seqpacket::pair().unwrap();
        one.try_send_with(b"with it", &far).unwrap();
        let mut buffer = [0; 16];
        let (length, passed) = other.recv_with(&mut buffer).unwrap().unwrap();
        assert_eq!(&buffer[..length], b"with it");
        near.try_send(&[b"hello"]).unwrap();
        assert_eq!(Seqpacket(passed).try_recv(&mut buffer).unwrap(), 5);
        one.try_send_with(b"not taken", &far).unwrap();
        drop(far);
        drop(other);
        assert_eq!(received(|| near.try_recv(&mut buffer)), 0);
    }

    #[test]
    fn a_sender_sees_that_the_receiver_does_not_read() {
        let (one, _other) = Seqpacket::pair().unwrap();
        let full = (0..100_000)
            .find_map(|_| one.try_send(&[&[0; 1000]]).err())
            .unwrap();
        assert_eq!(full.kind(), std::io::ErrorKind::WouldBlock);
    }
}
