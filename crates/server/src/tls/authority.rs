//! Certificates for a test, signed by an authority of their own.

use std::fmt::Display;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use zeroize::Zeroizing;

/// Who signs the certificates of a cluster and of its clients.
///
/// ```
/// use aerospike_server::Authority;
/// let authority = Authority::new()?;
/// assert!(authority.client("ann")?.certificate.starts_with("-----BEGIN CERTIFICATE-----"));
/// # Ok::<_, String>(())
/// ```
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: Zeroizing<String>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

fn failed(error: impl Display) -> String {
    format!("a certificate could not be made: {error}")
}

impl Authority {
    /// A new authority.
    pub fn new() -> Result<Self, String> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "aerospike-local authority");
        let key = KeyPair::generate().map_err(failed)?;
        CertifiedIssuer::self_signed(params, key).map(Self).map_err(failed)
    }

    /// The authority's own certificate, in PEM.
    pub fn certificate(&self) -> String {
        self.0.as_ref().pem()
    }

    /// A certificate for servers of a name. A name that no host can have is carried as the subject's alone.
    pub fn server(&self, name: &str) -> Result<Identity, String> {
        let params = CertificateParams::new([name.to_owned()]).or_else(|_| CertificateParams::new([]));
        self.sign(params.map_err(failed)?, name, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client whose user has a name.
    pub fn client(&self, user: &str) -> Result<Identity, String> {
        self.sign(CertificateParams::default(), user, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        name: &str,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Identity, String> {
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.0).map_err(failed)?;
        Ok(Identity { certificate: certificate.pem(), key: Zeroizing::new(key.serialize_pem()) })
    }
}
