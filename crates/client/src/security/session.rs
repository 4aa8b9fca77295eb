//! What a node gave for a login: a token that all connections to it join by.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::ResultCode;
use aerospike_wire::admin::{AdminMessage, AdminRequest, LoginReply};
use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::exchange::exchange;
use super::login::Login;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::socket::Connection;
use crate::tls::Address;

/// A session is renewed this long before the server ends it, or halfway where it lives less than twice as long.
const RENEW_BEFORE: Duration = Duration::from_secs(60);

/// The session of one node; the same for all connections to it.
#[derive(Debug, Default)]
pub(crate) struct Session {
    login: Option<Arc<Login>>,
    /// Where to log in, when that is encrypted and the connections otherwise are plain.
    login_address: Option<Address>,
    token: ArcSwapOption<Token>,
    /// Held by who logs in again, so that the others wait for that instead of doing the same.
    renewing: Mutex<()>,
}

struct Token {
    bytes: Zeroizing<Vec<u8>>,
    renew_at: Option<Instant>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Session {
    pub(crate) fn new(login: Option<Arc<Login>>, login_address: Option<Address>) -> Self {
        Self { login, login_address, ..Self::default() }
    }

    /// Where to log in, when that is not where connections go.
    pub(crate) fn login_address(&self) -> Option<&Address> {
        self.login_address.as_ref()
    }

    /// Logs in on a connection and keeps the token. Servers whose access control is off are fine with anyone.
    pub(crate) async fn log_in(&self, connection: &mut Connection) -> Result<(), Failure> {
        let Some(login) = &self.login else { return Ok(()) };
        let deadline = Deadline::within(Instant::now(), login.timeout);
        let answer = deadline.bound(ask_to_log_in(login, connection)).await;
        self.take_in(login, &answer.unwrap_or_else(|_| Err(too_slow(login)))?)
    }

    /// Begins another session, and makes an open connection one of it.
    pub(crate) async fn renew(&self, connection: &mut Connection) -> Result<(), Failure> {
        let (Some(login), Some(address)) = (&self.login, &self.login_address) else {
            return self.log_in(connection).await;
        };
        let logged_in = async {
            // a connection for the login alone, so that no secret travels in the clear
            let body = ask_to_log_in(login, &mut address.open().await?).await?;
            self.take_in(login, &body)?;
            match self.token.load_full() {
                Some(token) => authenticate(login, &token, connection).await,
                None => Ok(Ok(())),
            }
        };
        let joined = Deadline::within(Instant::now(), login.timeout).bound(logged_in).await;
        joined.unwrap_or_else(|_| Err(too_slow(login)))?.map_err(|code| refused(code, "authenticate", login))
    }

    /// Reads the answer to a login.
    fn take_in(&self, login: &Login, body: &[u8]) -> Result<(), Failure> {
        let message = AdminMessage::decode_exact(body).map_err(Failure::garbage)?;
        match message.result {
            ResultCode::OK => {}
            ResultCode::SECURITY_NOT_ENABLED => {
                self.token.store(None);
                return Ok(());
            }
            code => return Err(refused(code, "log in", login)),
        }
        let reply = LoginReply::of(&message)
            .map_err(|e| Failure::new(Code::CLIENT, format!("the server's login answer is not valid: {e}")))?;
        let token = Token { bytes: Zeroizing::new(reply.token.to_vec()), renew_at: reply.ttl.and_then(renewal) };
        self.token.store(Some(Arc::new(token)));
        Ok(())
    }

    /// Joins a new connection to the session. Where the session is over, the connection logs in instead.
    pub(crate) async fn join(&self, connection: &mut Connection) -> Result<(), Failure> {
        let (Some(login), Some(token)) = (&self.login, self.token.load_full()) else { return Ok(()) };
        if authenticate(login, &token, connection).await?.is_ok() {
            return Ok(());
        }
        let _turn = self.renewing.lock().await;
        match self.token.load_full() {
            Some(renewed) if !Arc::ptr_eq(&renewed, &token) => {
                authenticate(login, &renewed, connection).await?.map_err(|code| refused(code, "authenticate", login))
            }
            _ => self.renew(connection).await,
        }
    }

    /// Whether it is time to log in again.
    pub(crate) fn must_renew(&self, now: Instant) -> bool {
        self.login.is_some() && self.token.load().as_ref().is_some_and(|t| t.renew_at.is_some_and(|at| at <= now))
    }

    /// How long a login may take, where there is one to do.
    pub(crate) fn login_limit(&self) -> Duration {
        self.login.as_ref().map_or(Duration::ZERO, |login| login.timeout)
    }
}

async fn ask_to_log_in(login: &Login, connection: &mut Connection) -> Result<bytes::Bytes, Failure> {
    // the secret is copied, so that one that is replaced meanwhile is not held on to across the wait
    let request = login.with_credential(|credential| {
        let mut out = bytes::BytesMut::with_capacity(512);
        AdminRequest::Login(credential).encode(&mut out);
        Zeroizing::new(out.to_vec())
    });
    connection.send(&request).await?;
    super::exchange::receive_answer(connection).await
}

/// Joins a connection by a token; the inner error is the server's refusal.
async fn authenticate(
    login: &Login,
    token: &Token,
    connection: &mut Connection,
) -> Result<Result<(), ResultCode>, Failure> {
    let request = AdminRequest::Authenticate { user: login.user(), token: &token.bytes };
    let body = exchange(connection, &request).await?;
    Ok(match AdminMessage::decode_exact(&body).map_err(Failure::garbage)?.result {
        ResultCode::OK | ResultCode::SECURITY_NOT_ENABLED => Ok(()),
        code => Err(code),
    })
}

fn too_slow(login: &Login) -> Failure {
    let millis = login.timeout.as_millis();
    Failure::timeout(format!("the login of {} was not answered within {millis} ms", login.name()))
}

fn renewal(ttl_seconds: u32) -> Option<Instant> {
    let ttl = Duration::from_secs(ttl_seconds.into());
    Instant::now().checked_add(ttl - RENEW_BEFORE.min(ttl / 2))
}

fn refused(code: ResultCode, what: &str, login: &Login) -> Failure {
    let reason = code.describe().map_or("refused", |(_, text)| text);
    Failure::new(code.into(), format!("could not {what} as {}: {reason}", login.name()))
}
