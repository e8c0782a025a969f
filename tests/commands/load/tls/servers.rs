//! Certificates, and servers of a few lines that speak TLS.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};

use super::*;

/// The server's end of an encrypted connection.
pub(super) type Encrypted<S = TcpStream> = StreamOwned<ServerConnection, S>;

/// A root that signs certificates, in a folder of its own with its file.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pub(super) file: String,
}

impl Authority {
    pub(super) fn new(folder_name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        call(&mut params, &format!("root {folder_name}"));
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let file = folder(folder_name).join("root.pem");
        fs::write(&file, issuer.pem()).unwrap();
        let file = file.to_str().unwrap().to_owned();
        Self { issuer, file }
    }

    /// A certificate for `names`, and its key; `change` changes it before it is signed.
    pub(super) fn issue(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let names: Vec<_> = names.iter().map(|&it| it.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        call(&mut params, "the server");
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            chain: vec![cert.der().clone()],
            pem: cert.pem(),
            key,
        }
    }

    /// A certificate for this machine.
    pub(super) fn local(&self) -> Identity {
        self.issue(&["localhost", "127.0.0.1"], |_| {})
    }

    fn roots(&self) -> rustls::RootCertStore {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        roots
    }
}

/// Lets the certificate have this subject.
fn call(params: &mut CertificateParams, name: &str) {
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
}

/// A certificate, and its key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) pem: String,
    pub(super) key: KeyPair,
}

impl Identity {
    /// Signed by itself, as OpenSSL does: it may sign others.
    pub(super) fn own() -> Self {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let cert = params.self_signed(&key).unwrap();
        Self {
            chain: vec![cert.der().clone()],
            pem: cert.pem(),
            key,
        }
    }

    /// One that has expired.
    pub(super) fn expired(authority: &Authority) -> Self {
        authority.issue(&["127.0.0.1"], |it| {
            it.not_before = date_time_ymd(2001, 1, 1);
            it.not_after = date_time_ymd(2002, 2, 2);
        })
    }

    fn config_with(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        clients: Arc<dyn ClientCertVerifier>,
    ) -> ServerConfig {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(self.chain.clone(), key)
            .unwrap()
    }

    pub(super) fn config(&self) -> ServerConfig {
        self.config_with(&[&TLS12, &TLS13], Arc::new(NoClientAuth))
    }

    pub(super) fn config_of(&self, version: &'static SupportedProtocolVersion) -> ServerConfig {
        self.config_with(&[version], Arc::new(NoClientAuth))
    }

    /// Asks for a client's certificate that `authority` has signed.
    pub(super) fn config_for_clients_of(&self, authority: &Authority) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let roots = Arc::new(authority.roots());
        let clients = WebPkiClientVerifier::builder_with_provider(roots, provider);
        self.config_with(&[&TLS12, &TLS13], clients.build().unwrap())
    }
}

/// Serves every connection with `serve`, encrypted as `config` says.
pub(super) fn encrypted(
    config: ServerConfig,
    serve: impl Fn(Encrypted) -> io::Result<()> + Clone + Send + 'static,
) -> SocketAddr {
    let config = Arc::new(config);
    server(move |stream| {
        stream.set_nodelay(true)?;
        let session = ServerConnection::new(Arc::clone(&config)).unwrap();
        serve(StreamOwned::new(session, stream))
    })
}

/// Sends back every byte until the client's end, and then announces the end.
pub(super) fn echo_encrypted<S: Read + Write>(mut stream: Encrypted<S>) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buffer)? {
            0 => break,
            length => stream.write_all(&buffer[..length])?,
        }
    }
    stream.conn.send_close_notify();
    stream.flush()
}
