//! What is counted about TLS, and what the first connection agreed on.

use schemars::JsonSchema;
use serde::Serialize;

use super::TlsStream;
use crate::{Latency, Outcome, Plan};

/// What a thread, or a run, has counted about handshakes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handshakes {
    /// How long each took, from when the connection was made to when the first message could be sent.
    pub(crate) latency: Latency,
    /// Those that resumed the session of an earlier connection.
    pub(crate) resumed: u64,
    /// Answers that ended with their connection, without the alert that says so (close_notify): they may have been cut.
    pub(crate) cut: u64,
    /// What the first connection agreed on.
    pub(crate) first: Option<Session>,
}

/// What a connection agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) version: String,
    pub(crate) cipher: String,
    pub(crate) alpn: Option<String>,
}

impl Handshakes {
    /// The handshake of `stream` is complete, after so many nanoseconds.
    pub(crate) fn add(&mut self, stream: &TlsStream, nanos: u64) {
        self.latency.record(nanos);
        self.resumed += u64::from(stream.is_resumed());
        self.first.get_or_insert_with(|| stream.session());
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.latency.merge(&other.latency);
        self.resumed += other.resumed;
        self.cut += other.cut;
        if self.first.is_none() {
            self.first.clone_from(&other.first);
        }
    }
}

/// The certificate of a server. Times are in UTC (RFC 3339).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The owner: the common name, or the organisation; empty if it names neither.
    pub subject: String,
    /// The issuer, in the same form.
    pub issuer: String,
    /// Whether the owner and the issuer are the same.
    pub self_signed: bool,
    /// The names and IP addresses of servers that it is for, at most 16.
    pub names: Vec<String>,
    /// When it becomes valid.
    pub not_before: String,
    /// When it expires.
    pub not_after: String,
}

/// What is known about the TLS of a run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsResult {
    /// The name that was sent to the server (SNI) and checked in its certificate; an IP address isn't sent.
    pub server_name: String,
    /// Whether certificates were checked.
    pub verified: bool,
    /// The version that the first connection agreed on: `TLS 1.3` or `TLS 1.2`; `null` if no handshake was completed.
    pub version: Option<String>,
    /// The cipher suite of the first connection.
    pub cipher: Option<String>,
    /// The protocol that was agreed on (ALPN); `null` without one.
    pub alpn: Option<String>,
    /// The certificate that came first, accepted or not.
    pub certificate: Option<Certificate>,
    /// Whether connections resumed sessions where the server allowed that.
    pub resumption: bool,
    /// Handshakes that were completed.
    pub handshakes: u64,
    /// Those that resumed the session of an earlier connection; the others were made in full.
    pub handshakes_resumed: u64,
    /// Answers that ended with their connection, without the alert that says so (close_notify): they may have been cut.
    pub answers_without_close_notify: u64,
}

impl TlsResult {
    pub(crate) fn of(plan: &Plan, outcome: &Outcome) -> Option<Self> {
        let tls = plan.tls.as_ref()?;
        let made = &outcome.handshakes;
        let first = made.first.as_ref();
        Some(Self {
            server_name: tls.name(),
            verified: tls.verifies,
            version: first.map(|it| it.version.clone()),
            cipher: first.map(|it| it.cipher.clone()),
            alpn: first.and_then(|it| it.alpn.clone()),
            certificate: tls.certificate().cloned(),
            resumption: tls.resumes,
            handshakes: made.latency.count(),
            handshakes_resumed: made.resumed,
            answers_without_close_notify: made.cut,
        })
    }
}
