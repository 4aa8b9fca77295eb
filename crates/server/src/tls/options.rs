//! Which certificates a cluster has, and whether clients need one.

use std::str::FromStr;

use zeroize::Zeroizing;

use super::authority::Authority;

/// Whether clients show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientCertificates {
    /// They are not asked for one.
    #[default]
    None,
    /// They may. One that is shown must be valid.
    Optional,
    /// They must.
    Required,
}

impl FromStr for ClientCertificates {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(match name {
            "none" => Self::None,
            "optional" => Self::Optional,
            "required" => Self::Required,
            _ => return Err(format!("client certificates are 'none', 'optional' or 'required', not '{name}'")),
        })
    }
}

/// How nodes encrypt. All of them have the same certificate.
#[derive(Clone)]
pub struct TlsOptions {
    /// The name that nodes announce and their certificate carries.
    pub name: String,
    /// The certificate and what leads from it to an authority, in PEM.
    pub certificate: Vec<u8>,
    /// Its key, in PEM.
    pub key: Zeroizing<Vec<u8>>,
    /// Whether clients show a certificate.
    pub client_certificates: ClientCertificates,
    /// The authorities that sign those, in PEM.
    pub client_authorities: Vec<u8>,
}

impl std::fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsOptions")
            .field("name", &self.name)
            .field("client_certificates", &self.client_certificates)
            .finish_non_exhaustive()
    }
}

impl TlsOptions {
    /// Options with a certificate that an authority makes for `name`; it also vouches for clients.
    pub fn signed_by(authority: &Authority, name: &str, clients: ClientCertificates) -> Result<Self, String> {
        let identity = authority.server(name)?;
        Ok(Self {
            name: name.to_owned(),
            certificate: identity.certificate.into_bytes(),
            key: Zeroizing::new(identity.key.as_bytes().to_vec()),
            client_certificates: clients,
            client_authorities: authority.certificate().as_bytes().to_vec(),
        })
    }
}
