//! Shaking hands, and whom a client's certificate names.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::options::{ClientCertificates, TlsOptions};

/// How long a client may take to shake hands.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes encrypted connections of sockets.
#[derive(Clone)]
pub(crate) struct Acceptor(TlsAcceptor);

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor(..)")
    }
}

impl Acceptor {
    /// Reads the certificates.
    pub(crate) fn new(options: &TlsOptions) -> Result<Self, String> {
        let refuse = |what: &str, why: &dyn std::fmt::Display| format!("tls.{what}: {why}");
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| refuse("protocol", &e))?;
        let builder = if options.client_certificates == ClientCertificates::None {
            builder.with_no_client_auth()
        } else {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(&options.client_authorities) {
                let certificate = certificate.map_err(|e| refuse("client_authorities", &e))?;
                roots.add(certificate).map_err(|e| refuse("client_authorities", &e))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match options.client_certificates {
                ClientCertificates::Optional => verifier.allow_unauthenticated(),
                _ => verifier,
            };
            builder.with_client_cert_verifier(verifier.build().map_err(|e| refuse("client_authorities", &e))?)
        };
        let chain = CertificateDer::pem_slice_iter(&options.certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|e| refuse("certificate", &e))?;
        let key = PrivateKeyDer::from_pem_slice(&options.key).map_err(|e| refuse("key", &e))?;
        let config = builder.with_single_cert(chain, key).map_err(|e| refuse("certificate", &e))?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Shakes hands. Gives the stream, and the user whom the client's certificate names, if it has one.
    pub(crate) async fn accept(&self, socket: TcpStream) -> io::Result<(TlsStream<TcpStream>, Option<String>)> {
        let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, self.0.accept(socket)).await??;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let user = certificate.and_then(|certificate| common_name(certificate));
        Ok((stream, user))
    }
}

/// The common name of a certificate's subject.
fn common_name(certificate: &[u8]) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let name = certificate.tbs_certificate().subject().common_name().ok()??;
    Some(name.value().into_owned())
}
