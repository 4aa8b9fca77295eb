//! Logging in: the messages of the security protocol, and the session that connections join.

use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::proto::write_frame;
use aerospike_wire::{ProtoType, ResultCode};
use arc_swap::ArcSwapOption;
use bytes::{BufMut, Bytes, BytesMut};
use tokio::time::Instant;

use crate::config::Credentials;
use crate::connection::Connection;
use crate::error::{Code, Error, Failure};

const AUTHENTICATE: u8 = 0;
const LOGIN: u8 = 20;
const FIELD_USER: u8 = 0;
const FIELD_CREDENTIAL: u8 = 3;
const FIELD_SESSION_TOKEN: u8 = 5;
const FIELD_SESSION_TTL: u8 = 6;
/// Bytes of the header of a security message.
const HEADER_SIZE: usize = 16;
/// A session is renewed this long before the server ends it.
const RENEW_BEFORE: Duration = Duration::from_secs(60);
/// The salt every Aerospike client hashes passwords with: `7EqJtq98hPqEX7fNZaFWoO` in bcrypt's base64.
const SALT: [u8; 16] = [0xf4, 0x6b, 0x0b, 0xbe, 0xcf, 0xfe, 0x8d, 0x1b, 0x06, 0x67, 0xd8, 0x4f, 0x6d, 0xc1, 0xd8, 0xa9];
const COST: u32 = 10;

/// A user's name and the hash of the password; the password itself is not kept.
#[derive(Clone)]
pub(crate) struct Login {
    user: String,
    credential: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Login {
    /// Hashes the password, which takes tens of milliseconds: on a thread that may block.
    pub(crate) async fn prepare(credentials: Credentials) -> Result<Self, Error> {
        let hashing = tokio::task::spawn_blocking(move || {
            let credential = hash_password(&credentials.password)?;
            Ok(Self { user: credentials.user, credential })
        });
        hashing.await.unwrap_or_else(|_| Err(Error::new(Code::CLIENT, "the password could not be hashed")))
    }
}

fn hash_password(password: &str) -> Result<String, Error> {
    bcrypt::hash_with_salt(password, COST, SALT)
        .map(|parts| parts.format_for_version(bcrypt::Version::TwoA))
        .map_err(|_| Error::new(Code::PARAM, "credentials: the password cannot be hashed"))
}

/// What a node gave for a login; the same for all connections to it.
#[derive(Debug, Default)]
pub(crate) struct Session {
    login: Option<Login>,
    token: ArcSwapOption<Token>,
}

struct Token {
    bytes: Bytes,
    renew_at: Option<Instant>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Session {
    pub(crate) fn new(login: Option<Login>) -> Self {
        Self { login, token: ArcSwapOption::empty() }
    }

    /// Logs in on a connection and keeps the token. Servers without access control are fine with anyone.
    pub(crate) async fn log_in(&self, connection: &mut Connection) -> Result<(), Failure> {
        let Some(login) = &self.login else { return Ok(()) };
        let fields: [(u8, &[u8]); 2] =
            [(FIELD_USER, login.user.as_bytes()), (FIELD_CREDENTIAL, login.credential.as_bytes())];
        let answer = exchange(connection, LOGIN, &fields).await?;
        match answer.result {
            ResultCode::OK => {}
            ResultCode::SECURITY_NOT_ENABLED => {
                self.token.store(None);
                return Ok(());
            }
            code => return Err(refused(code, "log in", &login.user)),
        }
        let mut token = None;
        let mut renew_at = None;
        for (kind, data) in fields_of(&answer.fields) {
            match kind {
                FIELD_SESSION_TOKEN => token = Some(Bytes::copy_from_slice(data)),
                FIELD_SESSION_TTL => renew_at = data.first_chunk().and_then(|ttl| renewal(u32::from_be_bytes(*ttl))),
                _ => {}
            }
        }
        let bytes = token.ok_or_else(|| Failure::new(Code::CLIENT, "the server's login answer holds no session"))?;
        self.token.store(Some(Arc::new(Token { bytes, renew_at })));
        Ok(())
    }

    /// Joins a new connection to the session.
    pub(crate) async fn join(&self, connection: &mut Connection) -> Result<(), Failure> {
        let Some(login) = &self.login else { return Ok(()) };
        let Some(token) = self.token.load_full() else { return Ok(()) };
        let fields: [(u8, &[u8]); 2] = [(FIELD_USER, login.user.as_bytes()), (FIELD_SESSION_TOKEN, &token.bytes)];
        match exchange(connection, AUTHENTICATE, &fields).await?.result {
            ResultCode::OK | ResultCode::SECURITY_NOT_ENABLED => Ok(()),
            code => {
                // whatever the reason, the next tend logs in again
                self.token.store(Some(Arc::new(Token { bytes: token.bytes.clone(), renew_at: Some(Instant::now()) })));
                Err(refused(code, "authenticate", &login.user))
            }
        }
    }

    /// Whether it is time to log in again.
    pub(crate) fn must_renew(&self, now: Instant) -> bool {
        self.login.is_some() && self.token.load().as_ref().is_some_and(|t| t.renew_at.is_some_and(|at| at <= now))
    }
}

fn renewal(ttl_seconds: u32) -> Option<Instant> {
    let ttl = Duration::from_secs(ttl_seconds.into());
    Instant::now().checked_add(ttl.saturating_sub(RENEW_BEFORE))
}

fn refused(code: ResultCode, what: &str, user: &str) -> Failure {
    let reason = code.describe().map_or("refused", |(_, text)| text);
    Failure::new(code.into(), format!("could not {what} as \"{user}\": {reason}"))
}

struct Answer {
    result: ResultCode,
    fields: Bytes,
}

async fn exchange(connection: &mut Connection, command: u8, fields: &[(u8, &[u8])]) -> Result<Answer, Failure> {
    let mut out = BytesMut::with_capacity(256);
    write_frame(&mut out, ProtoType::Security, |out| {
        let mut header = [0; HEADER_SIZE];
        header[2] = command;
        header[3] = fields.len() as u8;
        out.put_slice(&header);
        for (kind, data) in fields {
            out.put_u32(data.len() as u32 + 1);
            out.put_u8(*kind);
            out.put_slice(data);
        }
    });
    connection.send(&out).await?;
    let frame = connection.receive().await?;
    if frame.kind != ProtoType::Security || frame.body.len() < HEADER_SIZE {
        return Err(Failure::connection("the server sent bytes that are no security answer"));
    }
    Ok(Answer { result: ResultCode(frame.body[1]), fields: frame.body.slice(HEADER_SIZE..) })
}

/// The fields of an answer, as far as they hold together.
fn fields_of(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (size, rest) = bytes.split_first_chunk::<4>()?;
        let (field, rest) = rest.split_at_checked(u32::from_be_bytes(*size) as usize)?;
        bytes = rest;
        field.split_first().map(|(kind, data)| (*kind, data))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_hash_as_every_client_hashes_them() {
        let admin = "$2a$10$7EqJtq98hPqEX7fNZaFWoO1mVO/4MLpGzsqojz6E9Gef6iXDjXdDa";
        let nopassword = "$2a$10$7EqJtq98hPqEX7fNZaFWoOePA2sZy..tlOF99W2N0g5KZ3dLaw8WO";
        assert_eq!(hash_password("admin").unwrap(), admin);
        assert_eq!(hash_password("nopassword").unwrap(), nopassword);
    }

    #[test]
    fn a_login_never_shows_its_credential() {
        let login = Login { user: "ann".into(), credential: "$2a$10$secret".into() };
        assert!(!format!("{login:?}").contains("secret"));
    }
}
