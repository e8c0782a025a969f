//! TLS: encrypted connections, behind the feature `tls`.
//!
//! | module | owns |
//! |---|---|
//! | `fault` | what can go wrong in TLS, in words, with remedies |
//! | `facts` | what is counted, and what the first connection agreed on |
//! | `recognised` | bytes of a port that speaks TLS, where a plain answer was expected |
//! | `config` | from options and files to what rustls needs, once for all threads |
//! | `verifier` | which certificates of servers are accepted |
//! | `certificate` | what a certificate says |
//! | `stream` | one encrypted stream |
//! | `probe` | whether a port speaks TLS |
//!
//! The last five need the feature; `absent` stands for them in a build without it.

mod facts;
mod fault;
mod recognised;

#[cfg(feature = "tls")]
mod certificate;
#[cfg(feature = "tls")]
mod config;
#[cfg(feature = "tls")]
mod probe;
#[cfg(feature = "tls")]
mod stream;
#[cfg(feature = "tls")]
mod verifier;

#[cfg(not(feature = "tls"))]
mod absent;

#[cfg(not(feature = "tls"))]
pub use absent::Tls;
#[cfg(not(feature = "tls"))]
pub(crate) use absent::{TlsStream, answers_hello};
#[cfg(feature = "tls")]
pub use config::Tls;
#[cfg(feature = "tls")]
pub(crate) use {probe::answers_hello, stream::TlsStream};

/// What is read of a certificate is bounded, and is shown without control characters.
pub fn fuzz_certificates(bytes: &[u8]) {
    #[cfg(feature = "tls")]
    if let Ok(it) = certificate::read(bytes) {
        assert!(it.names.len() <= 16);
        for text in it.names.iter().chain([&it.subject, &it.issuer]) {
            assert!(
                text.len() <= 4 * 1024 && !text.contains(char::is_control),
                "{it:?}"
            );
        }
    }
    #[cfg(not(feature = "tls"))]
    let _ = bytes;
}

pub(crate) use facts::{Handshakes, Session};
pub use fault::TlsFault;
use portlab_stats::load::Certificate;
pub(crate) use recognised::{SPEAKS_TLS, speaks_tls};

/// What a user asks of TLS. The default: the system's root certificates, every handshake in full.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// Root certificates that are trusted instead of the system's.
    pub ca: Option<Pem>,
    /// This client's certificate, and those between it and its root.
    pub cert: Option<Pem>,
    /// The private key of `cert`; if it is `None`, it is in the file of `cert`.
    pub key: Option<Pem>,
    /// Whether every certificate of a server is accepted.
    pub insecure: bool,
    /// The protocols that are offered (ALPN, RFC 7301), the preferred one first.
    pub alpn: Vec<String>,
    /// Whether a connection resumes the session of an earlier one, where the server allows that.
    pub resumption: bool,
}

/// A file of PEM (RFC 7468).
#[derive(Clone, Debug)]
pub struct Pem {
    /// Its name, for errors.
    pub file: String,
    /// Its contents.
    pub bytes: Vec<u8>,
}
