//! From options and files to what rustls needs, once for all threads.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use portlab_words::{Text, tr};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore,
    client::Resumption,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName,
        pem::{self, PemObject},
    },
};

use super::{Certificate, Pem, TlsOptions, TlsStream, stream::fault_of, verifier::Verifier};
use crate::stream::Stream;

/// How connections are encrypted. A clone shares everything.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    /// The names of the servers, one for each target, in turn.
    names: Arc<[ServerName<'static>]>,
    /// What the first certificate says; nothing if it can't be read.
    first: Arc<OnceLock<Option<Certificate>>>,
    pub(crate) verifies: bool,
    pub(crate) resumes: bool,
}

/// How many servers' sessions are kept for resumption, eight tickets each.
const SESSIONS: usize = 256;

impl Tls {
    /// Reads the files of `options`. `names` are those of the servers, one for each target: a name or an IP address.
    ///
    /// # Errors
    /// When a file lacks a certificate or a key, a name is invalid, or the system has no root certificates.
    pub fn new(options: &TlsOptions, names: &[String]) -> Result<Self, Text> {
        let names = names.iter().map(|name| server_name(name));
        let names = names.collect::<Result<_, _>>()?;
        let provider = Arc::new(ring::default_provider());
        let pinned = options.ca.as_ref().map_or(Ok(Vec::new()), certificates)?;
        let roots = match (&options.ca, options.insecure) {
            (_, true) => None,
            (Some(ca), false) => Some(roots_of(&pinned, ca)?),
            (None, false) => Some(system_roots()?),
        };
        let first = Arc::new(OnceLock::new());
        let verifier = Verifier {
            roots,
            pinned,
            algorithms: provider.signature_verification_algorithms,
            first: Arc::clone(&first),
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has ciphers for both versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &options.cert {
            None => builder.with_no_client_auth(),
            Some(cert) => {
                let (chain, key) = (
                    certificates(cert)?,
                    private_key(cert, options.key.as_ref())?,
                );
                let made = builder.with_client_auth_cert(chain, key);
                made.map_err(|error| {
                    let file = &cert.file;
                    tr!(
                        "the certificate of {file} can't be used with its key: {error}; give the key of this \
                         certificate with --key FILE",
                        "{file} 中的证书与密钥不能一起使用：{error}；请用 --key FILE 给出这个证书的密钥"
                    )
                })?
            }
        };
        config.resumption = match options.resumption {
            true => Resumption::in_memory_sessions(SESSIONS),
            false => Resumption::disabled(),
        };
        config.alpn_protocols = options.alpn.iter().map(|it| it.as_bytes().into()).collect();
        Ok(Self {
            config: Arc::new(config),
            names,
            first,
            verifies: !options.insecure,
            resumes: options.resumption,
        })
    }

    /// Begins a handshake with the target of this index over `socket`.
    pub(crate) fn begin(&self, socket: Stream, target: usize) -> io::Result<TlsStream> {
        let name = self.names[target % self.names.len()].clone();
        let session = ClientConnection::new(Arc::clone(&self.config), name);
        session
            .map(|session| TlsStream::new(socket, session))
            .map_err(|error| fault_of(&error).into())
    }

    /// What a handshake with the first server needs.
    pub(super) fn into_parts(self) -> (Arc<ClientConfig>, ServerName<'static>) {
        (self.config, self.names[0].clone())
    }

    /// The certificate that came first.
    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        self.first.get()?.as_ref()
    }

    /// The name of the first server.
    pub(crate) fn name(&self) -> String {
        self.names[0].to_str().into_owned()
    }
}

fn server_name(name: &str) -> Result<ServerName<'static>, Text> {
    ServerName::try_from(name.to_owned()).map_err(|_| {
        tr!(
            "{name:?} can't be a server's name in TLS; give the name with --sni, such as --sni localhost",
            "{name:?} 不能用作 TLS 中服务器的名字；请用 --sni 给出名字，如 --sni localhost"
        )
    })
}

fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, Text> {
    let file = &pem.file;
    let read: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&pem.bytes).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(tr!(
            "{file} has no certificate in PEM; such a file has a line -----BEGIN CERTIFICATE-----",
            "{file} 中没有 PEM 格式的证书；这种文件有一行 -----BEGIN CERTIFICATE-----"
        )),
    }
}

fn private_key(cert: &Pem, key: Option<&Pem>) -> Result<PrivateKeyDer<'static>, Text> {
    let (pem, file) = (key.unwrap_or(cert), &key.unwrap_or(cert).file);
    PrivateKeyDer::from_pem_slice(&pem.bytes).map_err(|_| {
        tr!(
            "{file} has no private key in PEM without a password; such a file has a line -----BEGIN PRIVATE \
             KEY-----; give it with --key FILE",
            "{file} 中没有不加密码的 PEM 格式私钥；这种文件有一行 -----BEGIN PRIVATE KEY-----；请用 --key FILE 给出"
        )
    })
}

fn roots_of(certificates: &[CertificateDer<'static>], ca: &Pem) -> Result<RootCertStore, Text> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.iter().cloned());
    if roots.is_empty() {
        let file = &ca.file;
        return Err(tr!(
            "no certificate of {file} can be used as a root; is it damaged?",
            "{file} 中没有可用的根证书；文件损坏了吗？"
        ));
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, Text> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Text::new(
            "this system has no root certificates; install them (apt install ca-certificates), give one with --ca \
             FILE, or accept every certificate with --insecure",
            "这个系统没有根证书；请安装（apt install ca-certificates），用 --ca FILE 给出，或用 --insecure 接受任何证书",
        ));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(bytes: &str) -> Option<Pem> {
        let (file, bytes) = ("f.pem".to_owned(), bytes.as_bytes().to_vec());
        Some(Pem { file, bytes })
    }

    #[test]
    fn files_without_a_certificate_or_key_are_refused_by_name() {
        let own = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let (cert, key) = (own.cert.pem(), own.signing_key.serialize_pem());
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let refused = |options: TlsOptions, name: &str| {
            Tls::new(&options, &[name.to_owned()])
                .unwrap_err()
                .to_string()
        };
        let none = TlsOptions::default;
        let with_cert = |cert: &str, key: &str| TlsOptions {
            cert: pem(cert),
            key: pem(key),
            insecure: true,
            ..none()
        };
        let with_ca = |ca: &str| TlsOptions {
            ca: pem(ca),
            ..none()
        };
        for (said, part) in [
            (refused(with_ca("x"), "a"), "f.pem has no certificate"),
            (
                refused(with_ca(damaged), "a"),
                "f.pem can be used as a root",
            ),
            (
                refused(with_ca(&cert), "a b"),
                "\"a b\" can't be a server's name",
            ),
            (
                refused(with_cert(&key, &key), "a"),
                "f.pem has no certificate",
            ),
            (
                refused(with_cert(&cert, &cert), "a"),
                "f.pem has no private key",
            ),
            (
                refused(with_cert(&cert, &other.signing_key.serialize_pem()), "a"),
                "give the key of this certificate",
            ),
        ] {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
        assert!(Tls::new(&with_cert(&cert, &key), &["a".to_owned()]).is_ok());
    }
}
