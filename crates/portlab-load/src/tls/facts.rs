//! What is counted about TLS, and what the first connection agreed on.

use portlab_stats::load::TlsResult;

use super::TlsStream;
use crate::{Latency, Plan};

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

    /// What is known about the TLS of `plan`; `None` without TLS.
    pub(crate) fn result(&self, plan: &Plan) -> Option<TlsResult> {
        let tls = plan.tls.as_ref()?;
        let first = self.first.as_ref();
        Some(TlsResult {
            server_name: tls.name(),
            verified: tls.verifies,
            version: first.map(|it| it.version.clone()),
            cipher: first.map(|it| it.cipher.clone()),
            alpn: first.and_then(|it| it.alpn.clone()),
            certificate: tls.certificate().cloned(),
            resumption: tls.resumes,
            handshakes: self.latency.count(),
            handshakes_resumed: self.resumed,
            answers_without_close_notify: self.cut,
        })
    }
}
