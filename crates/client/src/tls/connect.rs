//! Reading certificates, shaking hands, and why that failed.

use std::fmt::Display;
use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime,
};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    CertificateError, CipherSuite, ClientConfig, Error as TlsError, RootCertStore, SupportedProtocolVersion,
};

use super::config::{TlsConfig, TlsVersion};
use super::denied::Denied;
use super::verifier::Verifier;
use crate::error::{Code, Error, Failure};
use crate::socket::transport::{Transport, refusal};

/// What turns a socket into an encrypted one. What it goes by can be replaced while connections are being made.
#[derive(Debug)]
pub(crate) struct Tls(ArcSwap<Terms>);

/// What connections are made by.
struct Terms {
    client: ClientConfig,
    chains: Arc<WebPkiServerVerifier>,
    denied: Arc<Denied>,
    server_name: Option<String>,
}

impl std::fmt::Debug for Terms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terms").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the certificates.
    pub(crate) fn new(config: &TlsConfig) -> Result<Self, Error> {
        Terms::read(config).map(|terms| Self(ArcSwap::from_pointee(terms)))
    }

    /// Reads certificates anew. Connections that are open stay as they are.
    pub(crate) fn reload(&self, config: &TlsConfig) -> Result<(), Error> {
        self.0.store(Arc::new(Terms::read(config)?));
        Ok(())
    }

    /// Shakes hands. `name` is what the node's certificate must carry, unless the configuration says otherwise.
    pub(crate) async fn encrypt(&self, socket: TcpStream, name: &str) -> Result<Transport, Failure> {
        let terms = self.0.load_full();
        let name = terms.server_name.as_deref().unwrap_or(name);
        let mut client = terms.client.clone();
        let (chains, denied) = (Arc::clone(&terms.chains), Arc::clone(&terms.denied));
        let verifier = Verifier { chains, denied, name: name.to_owned() };
        client.dangerous().set_certificate_verifier(Arc::new(verifier));
        let server = ServerName::try_from(name.to_owned()).unwrap_or_else(|_| {
            // a tls-name that is no host's is not told to the server, who would not understand it
            client.enable_sni = false;
            stand_in(name)
        });
        let stream = TlsConnector::from(Arc::new(client)).connect(server, socket).await;
        stream
            .map(|stream| Transport::Tls(Box::new(stream)))
            .map_err(|error| Failure::new(Code::TLS, format!("no encrypted connection to \"{name}\": {}", why(&error))))
    }
}

impl Terms {
    fn read(config: &TlsConfig) -> Result<Self, Error> {
        let provider = Arc::new(CryptoProvider { cipher_suites: suites(&config.ciphers)?, ..ring::default_provider() });
        let chains = verifier(config, &provider)?;
        let versions: &[&SupportedProtocolVersion] = match config.min_version {
            TlsVersion::Tls12 => &[&TLS13, &TLS12],
            TlsVersion::Tls13 => &[&TLS13],
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(|e| refuse("ciphers", e))?
            .with_webpki_verifier(Arc::clone(&chains));
        let client = match (&config.certificate, &config.private_key) {
            (Some(certificate), Some(key)) => {
                let chain = certificates("cert", certificate)?;
                if chain.is_empty() {
                    return Err(refuse("cert", "there is no certificate in it"));
                }
                let key = PrivateKeyDer::from_pem_slice(&key.0)
                    .map_err(|_| refuse("key", "not a private key in PEM, or one with a passphrase"))?;
                if provider.key_provider.load_private_key(key.clone_key()).is_err() {
                    return Err(refuse("key", "not a private key of a kind that is known: RSA, ECDSA or Ed25519"));
                }
                builder.with_client_auth_cert(chain, key).map_err(|e| refuse("cert", e))?
            }
            (None, None) => builder.with_no_client_auth(),
            _ => return Err(refuse("cert", "a certificate and its key come together")),
        };
        let denied = Arc::new(Denied::read(&config.denylist).map_err(|e| refuse("denylist", e))?);
        Ok(Self { client, chains, denied, server_name: config.server_name.clone() })
    }
}

/// `what`: the option, by the name that callers gave it.
fn refuse(what: &str, why: impl Display) -> Error {
    Error::new(Code::PARAM, format!("tls.{what}: {why}"))
}

fn certificates(what: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|e| refuse(what, e))
}

/// Who checks the chains of nodes' certificates.
fn verifier(config: &TlsConfig, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca", &config.ca)? {
        roots.add(certificate).map_err(|e| refuse("ca", e))?;
    }
    if config.ca.is_empty() {
        // a certificate that cannot be read is one that is not trusted
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err(refuse("ca", "there is no certificate to trust"));
    }
    let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    if !config.crl.is_empty() {
        let lists = CertificateRevocationListDer::pem_slice_iter(&config.crl).collect::<Result<Vec<_>, _>>();
        let lists = lists.map_err(|e| refuse("crl", e))?;
        if lists.is_empty() {
            return Err(refuse("crl", "there is no list of revoked certificates in it"));
        }
        builder = builder.with_crls(lists);
        if !config.crl_chain {
            builder = builder.only_check_end_entity_revocation();
        }
    }
    builder.build().map_err(|e| refuse("crl", e))
}

/// The suites of names, of those that rustls has.
fn suites(names: &[String]) -> Result<Vec<tokio_rustls::rustls::SupportedCipherSuite>, Error> {
    let all = ring::default_provider().cipher_suites;
    if names.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| {
        let code = SUITES.iter().find(|(openssl, standard, _)| openssl == name || standard == name);
        let found = code.and_then(|(.., code)| all.iter().find(|suite| suite.suite() == *code));
        found.copied().ok_or_else(|| refuse("ciphers", format!("there is no suite \"{name}\"")))
    };
    names.iter().map(find).collect()
}

/// The suites by their names in OpenSSL and in the standards.
const SUITES: &[(&str, &str, CipherSuite)] = &[
    ("TLS_AES_256_GCM_SHA384", "TLS13_AES_256_GCM_SHA384", CipherSuite::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", "TLS13_AES_128_GCM_SHA256", CipherSuite::TLS13_AES_128_GCM_SHA256),
    ("TLS_CHACHA20_POLY1305_SHA256", "TLS13_CHACHA20_POLY1305_SHA256", CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// A name of a host to remember sessions by, in place of one that no host can have: an address that is no host's
/// (RFC 6666), made of the name.
fn stand_in(name: &str) -> ServerName<'static> {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let address = std::net::Ipv6Addr::from((0x0100_u128 << 112) | u128::from(hash));
    ServerName::IpAddress(std::net::IpAddr::V6(address).into())
}

/// Why a handshake failed, for the person who has to mend it.
fn why(error: &io::Error) -> String {
    if let Some(said) = refusal(error) {
        return said;
    }
    let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                "the node closed the connection instead of encrypting it; is this its port for plain ones?".to_owned()
            }
            _ => error.to_string(),
        };
    };
    match inner {
        TlsError::InvalidCertificate(certificate) => of_certificate(certificate),
        TlsError::PeerIncompatible(_) => format!("no version or cipher suite in common ({inner})"),
        TlsError::InvalidMessage(_) => format!("the node does not speak TLS at this port ({inner})"),
        other => other.to_string(),
    }
}

fn of_certificate(error: &CertificateError) -> String {
    let days = |time: &UnixTime, since: &UnixTime| time.as_secs().abs_diff(since.as_secs()) / (24 * 3600);
    match error {
        CertificateError::Expired => "the certificate has expired".to_owned(),
        CertificateError::ExpiredContext { time, not_after } => {
            format!("the certificate expired {} days ago", days(time, not_after))
        }
        CertificateError::NotValidYet => "the certificate is not valid yet".to_owned(),
        CertificateError::NotValidYetContext { time, not_before } => {
            format!("the certificate is valid in {} days", days(time, not_before))
        }
        CertificateError::Revoked => "the certificate was revoked".to_owned(),
        CertificateError::UnknownRevocationStatus => {
            "no list of revoked certificates (tls.crl) covers the certificate".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "the certificate was signed by an unknown authority (tls.ca has those to trust)".to_owned()
        }
        CertificateError::BadSignature => {
            "the certificate was signed by another authority than the one of that name in tls.ca".to_owned()
        }
        CertificateError::Other(other) => other.to_string(),
        other => other.to_string(),
    }
}
