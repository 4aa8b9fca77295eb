//! Certificates that are not believed, by their numbers: what operators keep where there are no lists of revoked ones.

use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::oid::db::rfc4519;
use x509_cert::ext::pkix::name::DirectoryString;
use x509_cert::name::Name;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// The serial number, without leading zeros.
    serial: Vec<u8>,
    /// The authority whose number it is; any when absent.
    issuer: Option<String>,
}

/// The list.
#[derive(Debug, Clone, Default)]
pub(super) struct Denied(Vec<Entry>);

impl Denied {
    /// Reads the list: a line for each, the serial number in hexadecimal digits and, after a space, the issuer as
    /// `/C=US/O=Acme/CN=authority` if only that one is meant. What follows a `#` at the beginning of a line is a comment.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "the list is no text".to_owned())?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(Entry::read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a certificate is one of them.
    pub(super) fn has(&self, certificate: &[u8]) -> bool {
        if self.0.is_empty() {
            return false;
        }
        // what cannot be read is not believed, either
        let Ok(certificate) = Certificate::from_der(certificate) else { return true };
        let certificate = certificate.tbs_certificate();
        let serial = without_zeros(certificate.serial_number().as_bytes());
        let is_meant = |entry: &Entry| {
            entry.serial == serial
                && entry.issuer.as_ref().is_none_or(|issuer| *issuer == one_line(certificate.issuer()))
        };
        self.0.iter().any(is_meant)
    }
}

impl Entry {
    fn read(line: &str) -> Result<Self, String> {
        let (number, issuer) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let padded = if number.len().is_multiple_of(2) { number.to_owned() } else { format!("0{number}") };
        let digits: Option<Vec<u8>> = (0..padded.len())
            .step_by(2)
            .map(|at| padded.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect();
        let serial = digits.map(|bytes| without_zeros(&bytes).to_vec());
        let serial = serial.ok_or_else(|| format!("'{number}' is no serial number in hexadecimal digits"))?;
        let issuer = issuer.trim();
        Ok(Self { serial, issuer: (!issuer.is_empty()).then(|| issuer.to_owned()) })
    }
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// What parts of a name are called in one line, as OpenSSL calls them.
const PARTS: &[(ObjectIdentifier, &str)] = &[
    (rfc4519::COMMON_NAME, "CN"),
    (rfc4519::COUNTRY_NAME, "C"),
    (rfc4519::ST, "ST"),
    (rfc4519::LOCALITY_NAME, "L"),
    (rfc4519::ORGANIZATION_NAME, "O"),
    (rfc4519::ORGANIZATIONAL_UNIT_NAME, "OU"),
];

/// A name as `/C=US/O=Acme/CN=authority`.
fn one_line(name: &Name) -> String {
    let parts = name.iter().map(|attribute| {
        let called = PARTS.iter().find(|(oid, _)| *oid == attribute.oid);
        let called = called.map_or_else(|| attribute.oid.to_string(), |(_, called)| (*called).to_owned());
        let value = attribute.value.decode_as::<DirectoryString>().map(|text| text.value().into_owned());
        format!("/{called}={}", value.unwrap_or_default())
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_line_by_line() {
        let list = Denied::read(
            b"# revoked by hand\n867EC87482B2 /C=US/ST=CA/O=Acme/OU=Engineering/CN=Test Chain CA\n\n 00fA1\n",
        )
        .unwrap();
        let issuer = Some("/C=US/ST=CA/O=Acme/OU=Engineering/CN=Test Chain CA".to_owned());
        assert_eq!(
            list.0,
            [
                Entry { serial: vec![0x86, 0x7e, 0xc8, 0x74, 0x82, 0xb2], issuer },
                Entry { serial: vec![0x0f, 0xa1], issuer: None },
            ]
        );
        assert!(Denied::read(b"not a number").is_err());
        assert!(Denied::read(b"12\xff").is_err());
        assert!(Denied::read("ä1".as_bytes()).is_err());
    }

    #[test]
    fn certificates_are_told_by_their_number_and_issuer() {
        let mut params = rcgen::CertificateParams::new(["node".to_owned()]).unwrap();
        params.serial_number = Some(rcgen::SerialNumber::from(vec![0x0f, 0xa1]));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "Acme");
        params.distinguished_name.push(rcgen::DnType::CommonName, "node");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        for (list, is_denied) in [
            ("fa1", true),
            ("0FA1", true),
            ("fa1 /O=Acme/CN=node", true),
            ("fa1 /O=Acme/CN=other", false),
            ("fa2", false),
            ("", false),
        ] {
            assert_eq!(Denied::read(list.as_bytes()).unwrap().has(certificate.der()), is_denied, "{list}");
        }
    }
}
