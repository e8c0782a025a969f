//! Which certificates of servers are accepted.

use std::sync::{Arc, OnceLock};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use super::{Certificate, TlsFault, certificate::read};

/// Checks certificates against roots, and keeps what the first one says.
#[derive(Debug)]
pub(super) struct Verifier {
    /// The roots that are trusted; `None` if every certificate is accepted.
    pub(super) roots: Option<RootCertStore>,
    /// The certificates of `--ca`: a server may also use one of them itself.
    pub(super) pinned: Vec<CertificateDer<'static>>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    pub(super) first: Arc<OnceLock<Option<Certificate>>>,
}

impl Verifier {
    fn verify(
        &self,
        roots: &RootCertStore,
        end_entity: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let signed = verify_server_cert_signed_by_trust_anchor(
            &parsed,
            roots,
            between,
            now,
            self.algorithms.all,
        );
        match signed {
            Ok(()) => {}
            Err(Error::InvalidCertificate(error)) if is_about_time(&error) => {
                return Err(error.into());
            }
            // OpenSSL makes self-signed certificates that may sign others, which no server's certificate may by the
            // rules (webpki's CaUsedAsEndEntity). The user trusts this certificate itself.
            Err(_) if self.pinned.iter().any(|it| it == end_entity) => {}
            Err(error) => {
                let own = read(end_entity).is_ok_and(|it| it.self_signed);
                return Err(if own {
                    other(TlsFault::SelfSigned)
                } else {
                    error
                });
            }
        }
        verify_server_name(&parsed, name)
    }
}

fn is_about_time(error: &CertificateError) -> bool {
    matches!(
        error,
        CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
    )
}

fn other(fault: TlsFault) -> Error {
    CertificateError::Other(OtherError(Arc::new(fault))).into()
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.first.get_or_init(|| read(end_entity).ok());
        if let Some(roots) = &self.roots {
            self.verify(roots, end_entity, intermediates, server_name, now)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
