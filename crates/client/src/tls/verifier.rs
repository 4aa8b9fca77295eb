//! Whom to believe to be a node. The chain, the dates and the revocation lists are webpki's to check. The name is compared
//! as the C client does (protocol 2, section 3): with all DNS names and all common names of the certificate, so that a
//! tls-name need not be the name of a host.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::{DirectoryString, GeneralName};

use super::denied::Denied;

/// Checks the certificate of a node that is expected to have a name.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) chains: Arc<WebPkiServerVerifier>,
    pub(super) denied: Arc<Denied>,
    pub(super) name: String,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if std::iter::once(certificate).chain(intermediates).any(|certificate| self.denied.has(certificate)) {
            return Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(IsDenied)))));
        }
        match self.chains.verify_server_cert(certificate, intermediates, server_name, ocsp, now) {
            // the name is what webpki looks at last: all else is right
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => {
                let presented = names_of(certificate);
                if presented.iter().any(|presented| is_name(presented, &self.name)) {
                    return Ok(ServerCertVerified::assertion());
                }
                let wrong = WrongName { expected: self.name.clone(), presented };
                Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(wrong)))))
            }
            checked => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// A certificate that somebody put on the list of those not to believe.
#[derive(Debug)]
struct IsDenied;

impl fmt::Display for IsDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a certificate of its chain is on the list of those that are not believed (tls.denylist)")
    }
}

impl std::error::Error for IsDenied {}

/// The certificate of another node, or of something else altogether.
#[derive(Debug)]
struct WrongName {
    expected: String,
    presented: Vec<String>,
}

impl fmt::Display for WrongName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let presented = self.presented.join("\", \"");
        write!(f, "the certificate is for \"{presented}\", and not for \"{}\"", self.expected)
    }
}

impl std::error::Error for WrongName {}

/// The DNS names and the common names of a certificate.
fn names_of(certificate: &[u8]) -> Vec<String> {
    let Ok(certificate) = Certificate::from_der(certificate) else { return Vec::new() };
    let certificate = certificate.tbs_certificate();
    let alternatives = certificate.get_extension::<SubjectAltName>().ok().flatten();
    let mut names: Vec<String> = alternatives
        .iter()
        .flat_map(|(_, names)| &names.0)
        .filter_map(|name| match name {
            GeneralName::DnsName(name) => Some(name.to_string()),
            _ => None,
        })
        .collect();
    let subject = certificate.subject().iter().filter(|attribute| attribute.oid == COMMON_NAME);
    let common = subject.filter_map(|attribute| attribute.value.decode_as::<DirectoryString>().ok());
    for name in common.map(|name| name.value().into_owned()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether a name of a certificate is the expected one. A star stands for the whole first label of a name with several.
fn is_name(presented: &str, expected: &str) -> bool {
    if presented.eq_ignore_ascii_case(expected) {
        return true;
    }
    let (Some(rest), Some((_, expected))) = (presented.strip_prefix("*."), expected.split_once('.')) else {
        return false;
    };
    rest.eq_ignore_ascii_case(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_as_in_the_c_client() {
        for (presented, expected, is_same) in [
            ("node.example", "NODE.example", true),
            ("*.example", "node.example", true),
            ("*.example", "a.node.example", false),
            ("*", "node", false),
            ("no*.example", "node.example", false),
            ("cluster name 1", "cluster name 1", true),
            ("node.example", "other.example", false),
        ] {
            assert_eq!(is_name(presented, expected), is_same, "{presented} {expected}");
        }
    }
}
