//! One encrypted stream over a socket that never blocks.

#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read, Write};

use rustls::{
    CertificateError, ClientConnection, Error, HandshakeKind, HandshakeType, PeerIncompatible,
    PeerMisbehaved, ProtocolVersion,
};

use super::{Session, TlsFault};
use crate::{Tally, stream::Stream};

/// An encrypted stream. As with a socket, a call either moves bytes or returns [`WouldBlock`](ErrorKind::WouldBlock),
/// and then the poller reports when there is more to do.
#[derive(Debug)]
pub(crate) struct TlsStream {
    pub(crate) socket: Stream,
    session: ClientConnection,
    /// Bytes of the user that have been encrypted, but that the socket has not taken yet. They count as written when the
    /// socket has taken them: the user writes them again, as after any [`WouldBlock`](ErrorKind::WouldBlock). So a
    /// stream never holds more than one write.
    held: usize,
    /// Whether the last read from the socket filled the buffer, so that the socket may hold more.
    filled: bool,
    /// The fault that ends the stream; what was decrypted before is read first.
    fault: Option<TlsFault>,
    /// Whether the server has announced its end (close_notify). Its FIN may come much later, or never.
    ended: bool,
    /// Whether the server has sent anything.
    begun: bool,
    /// The beginning of what the server sent first, if that isn't TLS.
    plain_head: Vec<u8>,
    /// Whether a FIN follows when the socket has taken everything.
    ends: bool,
    /// Whether the server's FIN came without the alert that announces it (close_notify).
    cut: bool,
}

/// The types of records (RFC 8446, 5.1): ChangeCipherSpec, alert, handshake, data; and heartbeat (RFC 6520).
const RECORDS: std::ops::RangeInclusive<u8> = 20..=24;

impl TlsStream {
    pub(super) fn new(socket: Stream, session: ClientConnection) -> Self {
        Self {
            socket,
            session,
            held: 0,
            filled: false,
            fault: None,
            ended: false,
            begun: false,
            plain_head: Vec::new(),
            ends: false,
            cut: false,
        }
    }

    /// Continues the handshake; returns whether it is complete.
    pub(crate) fn shake_hands(&mut self) -> io::Result<bool> {
        loop {
            let flushed = self.flush();
            let waits = would_block(&flushed);
            if let Err(error) = flushed
                && !waits
            {
                return Err(self.reason_for(error));
            }
            if !self.session.is_handshaking() {
                return Ok(!waits);
            }
            match self.take_in() {
                Ok(0) => return Err(TlsFault::Closed.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
            if let Some(fault) = self.fault {
                return Err(fault.into());
            }
        }
    }

    /// What the handshake agreed on.
    pub(crate) fn session(&self) -> Session {
        let version = match self.session.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS 1.2",
        };
        let cipher = self.session.negotiated_cipher_suite();
        // rustls calls the suites of TLS 1.3 by names of its own.
        let cipher = cipher.and_then(|it| it.suite().as_str());
        Session {
            version: version.to_owned(),
            cipher: cipher.unwrap_or_default().replace("TLS13_", "TLS_"),
            alpn: self
                .session
                .alpn_protocol()
                .map(|it| it.escape_ascii().to_string()),
        }
    }

    /// Whether the handshake resumed the session of an earlier connection.
    pub(crate) fn is_resumed(&self) -> bool {
        self.session.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// The beginning of what the server sent first, if that isn't TLS.
    pub(crate) fn plain_head(&self) -> &[u8] {
        &self.plain_head
    }

    /// Whether a read that didn't fill its buffer has left bytes behind, or the end.
    pub(crate) fn may_hold_more(&self) -> bool {
        self.filled || self.ended || self.fault.is_some()
    }

    /// Whether the server's FIN came without close_notify.
    pub(crate) fn was_cut(&self) -> bool {
        self.cut
    }

    /// Announces the end (close_notify), and sends a FIN when the socket has taken that.
    pub(crate) fn shut_down_sending(&mut self) -> io::Result<()> {
        self.session.send_close_notify();
        self.ends = true;
        match self.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            flushed => flushed,
        }
    }

    /// Reads once from the socket, and decrypts; returns how many bytes came, 0 at the end.
    fn take_in(&mut self) -> io::Result<usize> {
        let mut source = Source {
            socket: &mut self.socket,
            filled: false,
            plain_head: (!self.begun).then_some(&mut self.plain_head),
        };
        let length = self.session.read_tls(&mut source)?;
        self.filled = source.filled;
        self.begun |= length > 0;
        if !self.plain_head.is_empty() {
            self.fault = Some(TlsFault::Plain);
        } else {
            match self.session.process_new_packets() {
                Ok(state) => self.ended = state.peer_has_closed(),
                Err(error) => self.fault = Some(fault_of(&error)),
            }
        }
        // An alert about the fault, or the answer to a change of keys. If the socket doesn't take it now, the next call
        // sends it; an error of the socket is found by the next read.
        let _ = self.flush();
        Ok(length)
    }

    /// Why a write failed: the server may have said the reason before it closed.
    fn reason_for(&mut self, error: io::Error) -> io::Error {
        while self.fault.is_none() {
            match self.take_in() {
                Ok(1..) => {}
                _ => return error,
            }
        }
        self.fault.map_or(error, Into::into)
    }
}

fn would_block<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

impl Read for TlsStream {
    /// Reads decrypted bytes. At the server's end it returns 0, with and without close_notify.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // An event of the poller may be that the socket takes bytes again.
        let _ = self.flush();
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    self.cut = true;
                    return Ok(0);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
            if let Some(fault) = self.fault {
                return Err(fault.into());
            }
            self.take_in()?;
        }
    }
}

impl Write for TlsStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        if self.held == 0 {
            if let Err(error) = self.flush() {
                return Err(match error.kind() {
                    ErrorKind::WouldBlock => error,
                    _ => self.reason_for(error),
                });
            }
            self.held = self.session.writer().write(bytes)?;
        }
        match self.flush() {
            Ok(()) => Ok(std::mem::take(&mut self.held)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(error),
            Err(error) => Err(self.reason_for(error)),
        }
    }

    /// Lets the socket take what has been encrypted.
    fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        if std::mem::take(&mut self.ends) {
            self.socket.shut_down_sending()?;
        }
        Ok(())
    }
}

/// The socket, as rustls reads it.
struct Source<'a> {
    socket: &'a mut Stream,
    /// Whether the last read filled the buffer.
    filled: bool,
    /// Keeps the first bytes that come if they aren't TLS.
    plain_head: Option<&'a mut Vec<u8>>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.socket.read(buffer)?;
        self.filled = length == buffer.len();
        if let Some(head) = &mut self.plain_head
            && length > 0
            && !RECORDS.contains(&buffer[0])
        {
            head.extend_from_slice(&buffer[..length.min(Tally::SAMPLE)]);
        }
        Ok(length)
    }
}

/// What an error of rustls means.
pub(super) fn fault_of(error: &Error) -> TlsFault {
    match error {
        Error::AlertReceived(alert) => {
            TlsFault::Alert(u8::from(*alert), alert.as_str().unwrap_or("unknown"))
        }
        Error::InvalidCertificate(error) => certificate_fault(error),
        Error::InappropriateHandshakeMessage {
            got_type: HandshakeType::ClientHello,
            ..
        } => TlsFault::Echoed,
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => TlsFault::OldVersion,
        Error::PeerIncompatible(_) => TlsFault::NothingInCommon,
        Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => {
            TlsFault::OtherProtocol
        }
        Error::DecryptError | Error::InvalidMessage(_) | Error::PeerSentOversizedRecord => {
            TlsFault::Damaged
        }
        _ => TlsFault::Misbehaved,
    }
}

fn certificate_fault(error: &CertificateError) -> TlsFault {
    use CertificateError as Of;
    match error {
        Of::Expired | Of::ExpiredContext { .. } => TlsFault::Expired,
        Of::NotValidYet | Of::NotValidYetContext { .. } => TlsFault::NotYetValid,
        Of::NotValidForName | Of::NotValidForNameContext { .. } => TlsFault::OtherName,
        // A root of the same name hasn't signed it.
        Of::UnknownIssuer | Of::BadSignature => TlsFault::UnknownIssuer,
        // The verifier's own.
        Of::Other(other) => match other.0.downcast_ref::<TlsFault>() {
            Some(fault) => *fault,
            None => TlsFault::Certificate,
        },
        _ => TlsFault::Certificate,
    }
}
