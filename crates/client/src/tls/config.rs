//! What a user says of encrypted connections.

use zeroize::Zeroizing;

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum TlsVersion {
    /// 1.2, which all servers speak.
    #[default]
    Tls12,
    /// 1.3.
    Tls13,
}

/// How to encrypt connections.
#[derive(Debug, Clone, Default)]
pub struct TlsConfig {
    /// Certificates to trust, in PEM; empty for those the system trusts.
    pub ca: Vec<u8>,
    /// The client's own certificate chain, in PEM, when the cluster asks for one.
    pub certificate: Option<Vec<u8>>,
    /// The key of that certificate, in PEM.
    pub private_key: Option<PrivateKey>,
    /// The name certificates must carry, whatever nodes announce.
    pub server_name: Option<String>,
    /// The least version to speak.
    pub min_version: TlsVersion,
    /// The cipher suites to offer, by their names in OpenSSL or in the standards; all that rustls has when empty.
    pub ciphers: Vec<String>,
    /// Lists of revoked certificates, in PEM. Where there are any, the node's certificate must be covered by one.
    pub crl: Vec<u8>,
    /// All certificates of the node's chain must be covered by one, not just its own.
    pub crl_chain: bool,
    /// Serial numbers of certificates that are not believed, a line each.
    pub denylist: Vec<u8>,
    /// Log in over encrypted connections, and do all else over plain ones.
    pub login_only: bool,
}

/// A private key in PEM. Wiped when it is dropped, and never shown.
#[derive(Clone)]
pub struct PrivateKey(pub Zeroizing<Vec<u8>>);

impl From<Vec<u8>> for PrivateKey {
    fn from(pem: Vec<u8>) -> Self {
        Self(Zeroizing::new(pem))
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}
