//! A stream and a server in one thread, so that a test decides what has arrived.

use std::sync::Arc;

use mio::net::UnixStream;
use rustls::{
    ServerConfig, ServerConnection,
    crypto::ring,
    pki_types::{PrivateKeyDer, ServerName},
};

use super::*;
use crate::{Tls, TlsOptions};

/// The server's end.
struct Server {
    socket: UnixStream,
    session: ServerConnection,
}

impl Server {
    fn new(socket: UnixStream) -> Self {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let session = ServerConnection::new(Arc::new(config)).unwrap();
        Self { socket, session }
    }

    /// Sends all that the client's socket takes.
    fn send(&mut self) {
        while self.session.wants_write() && self.session.write_tls(&mut self.socket).is_ok() {}
    }

    /// Reads all that has come; returns the bytes that were decrypted.
    fn receive(&mut self) -> Vec<u8> {
        let (mut all, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        loop {
            while let Ok(length @ 1..) = self.session.reader().read(&mut buffer) {
                all.extend_from_slice(&buffer[..length]);
            }
            match self.session.read_tls(&mut self.socket) {
                Ok(1..) => drop(self.session.process_new_packets().unwrap()),
                _ => return all,
            }
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.session.set_buffer_limit(None);
        self.session.writer().write_all(bytes).unwrap();
        self.send();
    }
}

/// A stream whose handshake is complete, and its server.
fn connected() -> (TlsStream, Server) {
    let (client, server) = UnixStream::pair().unwrap();
    let options = TlsOptions {
        insecure: true,
        ..TlsOptions::default()
    };
    let tls = Tls::new(&options, &["localhost".to_owned()]).unwrap();
    let (config, _) = tls.into_parts();
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(config, name).unwrap();
    let mut client = TlsStream::new(Stream::Unix(client), session);
    let mut server = Server::new(server);
    while !client.shake_hands().unwrap() {
        server.receive();
        server.send();
    }
    server.receive();
    server.send();
    (client, server)
}

fn blocks<T: std::fmt::Debug>(result: io::Result<T>) -> bool {
    result.unwrap_err().kind() == ErrorKind::WouldBlock
}

/// Writes until the socket takes no more; returns how many bytes count as written.
fn fill(client: &mut TlsStream, message: &[u8]) -> usize {
    let mut written = 0;
    loop {
        match client.write(message) {
            Ok(length) => written += length,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return written;
            }
        }
    }
}

#[test]
fn a_message_counts_as_written_when_the_socket_has_taken_all_of_it() {
    let (mut client, mut server) = connected();
    let message = vec![7; 50_000];
    let mut written = fill(&mut client, &message);
    let mut came = server.receive().len();
    // Some records of the last message have gone, but the message isn't written.
    assert!(written > 0 && came >= written, "{came} of {written}");
    for _ in 0..20 {
        written += fill(&mut client, &message);
        came += server.receive().len();
        assert!(came >= written && came < written + message.len());
    }
    written += client.write(&message).unwrap();
    came += server.receive().len();
    assert_eq!(came, written);
}

#[test]
fn a_change_of_keys_is_answered_even_while_the_socket_is_full() {
    let (mut client, mut server) = connected();
    let mut buffer = [0; 100];
    server.session.refresh_traffic_keys().unwrap();
    server.say(b"with new keys");
    assert_eq!(client.read(&mut buffer).unwrap(), 13);
    assert!(!client.session.wants_write());
    let message = vec![7; 50_000];
    let mut written = fill(&mut client, &message);
    server.session.refresh_traffic_keys().unwrap();
    server.say(b"and newer");
    assert_eq!(client.read(&mut buffer).unwrap(), 9);
    assert!(client.session.wants_write());
    let mut came = server.receive().len();
    // The poller reports that the socket takes bytes again, and there is nothing to read.
    while client.session.wants_write() {
        assert!(blocks(client.read(&mut buffer)));
        came += server.receive().len();
    }
    written += client.write(&message).unwrap();
    assert_eq!(came + server.receive().len(), written);
}

#[test]
fn a_stream_says_that_it_may_hold_more_until_it_is_empty() {
    let (mut client, mut server) = connected();
    // The tickets.
    let mut buffer = vec![0; 1 << 16];
    assert!(blocks(client.read(&mut buffer)));
    for size in [1, 4_000, 4_074, 4_096, 16_384, 16_385, 40_000, 100_000] {
        server.say(&vec![3; size]);
        let mut came = 0;
        while came < size {
            let length = client.read(&mut buffer).unwrap();
            came += length;
            let more = length == buffer.len() || client.may_hold_more();
            assert!(more || came == size, "{came} of {size}");
        }
        assert!(blocks(client.read(&mut buffer)), "{size}");
    }
}

#[test]
fn what_came_before_an_alert_is_read_before_it_is_reported() {
    let (mut client, mut server) = connected();
    server.say(b"the answer");
    // What isn't TLS makes the server send an alert.
    let garbage = [22, 3, 3, 0, 2, 1, 1];
    server.session.read_tls(&mut &garbage[..]).unwrap();
    assert!(server.session.process_new_packets().is_err());
    server.send();
    let mut buffer = [0; 100];
    assert_eq!(client.read(&mut buffer).unwrap(), 10);
    assert!(client.may_hold_more());
    let error = client.read(&mut buffer).unwrap_err();
    let fault = TlsFault::in_error(&error);
    assert!(matches!(fault, Some(TlsFault::Alert(..))), "{error}");
    // A write reports the same reason once the server has gone.
    drop(server);
    let error = client.write(b"x").unwrap_err();
    assert_eq!(TlsFault::in_error(&error), fault);
}

#[test]
fn both_ends_are_announced_and_a_cut_is_noticed() {
    let (mut client, mut server) = connected();
    client.shut_down_sending().unwrap();
    assert_eq!(server.receive(), b"");
    assert_eq!(server.session.reader().read(&mut [0; 1]).unwrap(), 0);
    server.session.send_close_notify();
    server.send();
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    assert!(!client.was_cut());
    let (mut client, server) = connected();
    drop(server);
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    assert!(client.was_cut());
    // The end may be behind the last bytes, and the connection may stay open.
    let (mut client, mut server) = connected();
    server.say(b"bye");
    server.session.send_close_notify();
    server.send();
    assert_eq!(client.read(&mut [0; 9]).unwrap(), 3);
    assert!(client.may_hold_more());
    assert_eq!(client.read(&mut [0; 9]).unwrap(), 0);
}
