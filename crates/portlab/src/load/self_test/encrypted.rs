//! TLS: a server whose handshakes take a known time, and what the generator measures of them.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use portlab_load::{Stop, Tls, TlsOptions};
use portlab_words::{Text, units};
use rcgen::generate_simple_self_signed;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::{
    ANSWERED, ERRORS,
    bench::Bench,
    known::{Behaviour, wait_until},
};

/// How long a handshake takes, and by what share the reported time may be longer.
const HANDSHAKE: (Duration, f64) = (Duration::from_millis(50), 0.05);
/// The name in the server's certificate.
const NAME: &str = "localhost";

impl Bench {
    pub(super) fn handshakes(&mut self) -> anyhow::Result<()> {
        let (time, tolerance) = HANDSHAKE;
        let options = TlsOptions {
            insecure: true,
            ..TlsOptions::default()
        };
        let tls = Tls::new(&options, &[NAME.to_owned()])?;
        let outcome = self.load_server(Behaviour::Tls(time), |plan| {
            plan.connections = 1;
            plan.life.per_connection = Some(10);
            plan.stop = Stop::messages(200);
            plan.tls = Some(tls);
        })?;
        self.count(ANSWERED, 200, outcome.messages)?;
        let known = time.as_secs_f64() * 1e9;
        let range = known..=known * (1.0 + tolerance);
        let got = outcome.handshake_latency().quantile_ns(0.5) as f64;
        let name = Text::new("p50 of the handshakes", "TLS 握手的 p50");
        self.figure(name, &range, got, units::nanos)?;
        self.count(ERRORS, 0, outcome.tally.total())
    }
}

/// A server's certificate and what else TLS needs.
///
/// # Errors
/// When the system's random numbers can't be read.
pub(super) fn config() -> anyhow::Result<ServerConfig> {
    let own = generate_simple_self_signed([NAME.to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], PrivateKeyDer::from(key))?;
    Ok(config)
}

/// Echoes on one connection after the other, and begins each handshake so long after the connection is accepted.
///
/// # Errors
/// Those of the listener.
pub(super) fn serve(
    listener: &TcpListener,
    config: &Arc<ServerConfig>,
    time: Duration,
) -> io::Result<()> {
    loop {
        let stream = listener.accept()?.0;
        wait_until(Instant::now() + time);
        // An error ends one connection only.
        let _ = echo(stream, config);
    }
}

fn echo(stream: TcpStream, config: &Arc<ServerConfig>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(session, stream);
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length])?;
    }
}
