//! Encrypted connections, through rustls.

use tokio::net::TcpStream;

use crate::connection::transport::Transport;
use crate::error::{Code, Error, Failure};

/// How to encrypt connections.
#[derive(Debug, Clone, Default)]
pub struct TlsConfig {
    /// Certificates to trust, in PEM; empty for those the system trusts.
    pub ca: Vec<u8>,
    /// The client's own certificate chain, in PEM, when the cluster asks for one.
    pub certificate: Option<Vec<u8>>,
    /// The key of that certificate, in PEM.
    pub private_key: Option<PrivateKey>,
    /// The name certificates must carry when a node does not announce its own.
    pub server_name: Option<String>,
}

/// A private key in PEM. Never shown.
#[derive(Clone)]
pub struct PrivateKey(pub Vec<u8>);

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// What turns a socket into an encrypted one.
#[derive(Clone)]
pub(crate) struct Tls {
    #[cfg(feature = "tls")]
    connector: tokio_rustls::TlsConnector,
    #[cfg_attr(not(feature = "tls"), allow(dead_code))] // without TLS there is none of this type
    server_name: Option<String>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

#[cfg(feature = "tls")]
impl Tls {
    /// Reads the certificates.
    pub(crate) fn new(config: &TlsConfig) -> Result<Self, Error> {
        use std::sync::Arc;

        use tokio_rustls::rustls::crypto::ring;
        use tokio_rustls::rustls::pki_types::pem::PemObject;
        use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
        use tokio_rustls::rustls::{ClientConfig, RootCertStore};

        let refuse = |what: &str, why: &dyn std::fmt::Display| Error::new(Code::PARAM, format!("tls.{what}: {why}"));
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&config.ca) {
            let certificate = certificate.map_err(|e| refuse("ca", &e))?;
            roots.add(certificate).map_err(|e| refuse("ca", &e))?;
        }
        if config.ca.is_empty() {
            // a certificate that cannot be read is one that is not trusted
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if roots.is_empty() {
            return Err(refuse("ca", &"there is no certificate to trust"));
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| refuse("protocol", &e))?
            .with_root_certificates(roots);
        let client = match (&config.certificate, &config.private_key) {
            (Some(certificate), Some(key)) => {
                let chain = CertificateDer::pem_slice_iter(certificate)
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|e| refuse("certificate", &e))?;
                let key = PrivateKeyDer::from_pem_slice(&key.0).map_err(|e| refuse("private_key", &e))?;
                builder.with_client_auth_cert(chain, key).map_err(|e| refuse("certificate", &e))?
            }
            (None, None) => builder.with_no_client_auth(),
            _ => return Err(refuse("certificate", &"a certificate and its private_key come together")),
        };
        Ok(Self { connector: Arc::new(client).into(), server_name: config.server_name.clone() })
    }

    /// Shakes hands. `name` is what the node's certificate must carry, unless the configuration says otherwise.
    pub(crate) async fn encrypt(&self, socket: TcpStream, name: &str) -> Result<Transport, Failure> {
        use tokio_rustls::rustls::pki_types::ServerName;

        let name = self.server_name.as_deref().unwrap_or(name);
        let server = ServerName::try_from(name.to_owned())
            .map_err(|e| Failure::new(Code::TLS, format!("\"{name}\" cannot be in a certificate: {e}")))?;
        let stream = self.connector.connect(server, socket).await;
        stream
            .map(|stream| Transport::Tls(Box::new(stream)))
            .map_err(|e| Failure::new(Code::TLS, format!("no encrypted connection to \"{name}\": {e}")))
    }
}

#[cfg(not(feature = "tls"))]
impl Tls {
    pub(crate) fn new(_: &TlsConfig) -> Result<Self, Error> {
        Err(Error::new(Code::PARAM, "tls: this build has no TLS"))
    }

    pub(crate) async fn encrypt(&self, _: TcpStream, _: &str) -> Result<Transport, Failure> {
        Err(Failure::new(Code::TLS, "this build has no TLS"))
    }
}
