//! Who logs in, and by what. Secrets are wiped when they are dropped, and are never shown.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::admin::{Credential, PASSWORD_COST, PASSWORD_SALT};
use arc_swap::ArcSwap;
use zeroize::Zeroizing;

use crate::error::{Code, Error};

/// How a user proves to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthMode {
    /// By a password that the cluster knows.
    #[default]
    Internal,
    /// By a password that the cluster asks a directory about. It is sent as it is, so connections must be encrypted.
    External,
    /// The same, over connections that may be plain.
    ExternalInsecure,
    /// By the certificate of the connection.
    Certificate,
}

/// A password. Wiped when it is dropped, and never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Password(Zeroizing<String>);

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Password {
    /// Bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What is sent in its place. Takes tens of milliseconds: on a thread that may block.
    pub(crate) async fn hash(&self) -> Result<Hash, Error> {
        let password = self.clone();
        let hashing = tokio::task::spawn_blocking(move || hash(&password.0));
        hashing.await.unwrap_or_else(|_| Err(Error::new(Code::CLIENT, "the password could not be hashed")))
    }
}

/// The hash of a password, as text. As secret as the password itself: it is what logs in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hash(Zeroizing<String>);

impl Hash {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(..)")
    }
}

/// Passwords that were hashed, each as often as it was.
#[cfg(test)]
static HASHED: parking_lot::Mutex<Vec<String>> = parking_lot::Mutex::new(Vec::new());

/// How often a password was hashed.
#[cfg(test)]
pub(crate) fn hashed(password: &str) -> usize {
    HASHED.lock().iter().filter(|hashed| *hashed == password).count()
}

fn hash(password: &str) -> Result<Hash, Error> {
    #[cfg(test)]
    HASHED.lock().push(password.to_owned());
    bcrypt::hash_with_salt(password, PASSWORD_COST, PASSWORD_SALT)
        .map(|parts| Hash(Zeroizing::new(parts.format_for_version(bcrypt::Version::TwoA))))
        .map_err(|_| Error::new(Code::PARAM, "credentials: the password cannot be hashed"))
}

/// Who to log in as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// By what.
    pub mode: AuthMode,
    /// The user's name, at most 63 bytes; empty for one who is named by a certificate.
    pub user: String,
    /// The password, at most 63 bytes.
    pub password: Password,
}

/// Who logs in, for all nodes of a cluster: the password was hashed once.
#[derive(Debug)]
pub(crate) struct Login {
    mode: AuthMode,
    user: String,
    secret: ArcSwap<Secret>,
    /// How long one login may take.
    pub(crate) timeout: Duration,
}

#[derive(Debug)]
struct Secret {
    hash: Hash,
    /// The password, where a directory has to see it.
    clear: Option<Password>,
}

impl Login {
    pub(crate) async fn prepare(credentials: Credentials, timeout: Duration) -> Result<Self, Error> {
        let Credentials { mode, user, password } = credentials;
        let hash = match mode {
            AuthMode::Certificate => Hash(Zeroizing::default()),
            _ => password.hash().await?,
        };
        let login = Self { mode, user, secret: ArcSwap::from_pointee(Secret { hash, clear: None }), timeout };
        let secret = login.secret_of(login.secret.load().hash.clone(), password);
        login.secret.store(Arc::new(secret));
        Ok(login)
    }

    fn secret_of(&self, hash: Hash, password: Password) -> Secret {
        let is_external = matches!(self.mode, AuthMode::External | AuthMode::ExternalInsecure);
        Secret { hash, clear: is_external.then_some(password) }
    }

    /// Who it is, for messages.
    pub(crate) fn name(&self) -> String {
        match self.user() {
            Some(user) => format!("\"{user}\""),
            None => "the user of the certificate".to_owned(),
        }
    }

    /// The user's name, where requests carry it.
    pub(crate) fn user(&self) -> Option<&str> {
        (self.mode != AuthMode::Certificate).then_some(&self.user)
    }

    /// The hash of the password.
    pub(crate) fn hash(&self) -> Hash {
        self.secret.load().hash.clone()
    }

    /// Gives the credential to `act`.
    pub(crate) fn with_credential<R>(&self, act: impl FnOnce(Credential<'_>) -> R) -> R {
        let secret = self.secret.load();
        let (user, hash) = (self.user.as_str(), secret.hash.as_str());
        act(match (&secret.clear, self.mode) {
            (_, AuthMode::Certificate) => Credential::Certificate,
            (None, _) => Credential::Internal { user, hash },
            (Some(Password(password)), _) => Credential::External { user, hash, password },
        })
    }

    /// Takes the new password of a user, if that is the one who logs in.
    pub(crate) fn password_changed(&self, user: &str, hash: &Hash, password: &Password) {
        if self.user() == Some(user) {
            self.secret.store(Arc::new(self.secret_of(hash.clone(), password.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use aerospike_wire::admin::NO_PASSWORD_HASH;

    use super::*;

    #[test]
    fn passwords_hash_as_every_client_hashes_them() {
        let admin = "$2a$10$7EqJtq98hPqEX7fNZaFWoO1mVO/4MLpGzsqojz6E9Gef6iXDjXdDa";
        assert_eq!(hash("admin").unwrap().as_str(), admin);
        assert_eq!(hash("nopassword").unwrap().as_str(), NO_PASSWORD_HASH);
    }

    #[tokio::test]
    async fn a_login_never_shows_its_secrets() {
        let credentials = Credentials {
            mode: AuthMode::ExternalInsecure,
            user: "ann".into(),
            password: Password::from("mellon".to_owned()),
        };
        let shown = format!("{credentials:?}");
        let login = Login::prepare(credentials, Duration::from_secs(5)).await.unwrap();
        let shown = shown + &format!("{login:?}");
        assert!(!shown.contains("mellon") && !shown.contains("$2a$"), "{shown}");
    }
}
