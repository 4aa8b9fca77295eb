//! Opening a connection to a node: TCP, then TLS, then the session of whoever is logged in.

use std::sync::Arc;

use tokio::time::Instant;

use crate::deadline::{Deadline, SharedTimeout};
use crate::error::Failure;
use crate::security::Session;
use crate::socket::Connection;
use crate::tls::Address;

/// Opens connections to one address.
#[derive(Debug, Clone)]
pub(crate) struct Dialer {
    pub(crate) address: Address,
    /// The session every new connection joins.
    pub(crate) session: Arc<Session>,
    /// How long opening a connection, or an info command, may take.
    pub(crate) timeout: SharedTimeout,
}

impl Dialer {
    /// Opens a connection that is ready for commands.
    pub(crate) async fn dial(&self) -> Result<Connection, Failure> {
        let deadline = Deadline::within(Instant::now(), self.timeout.get());
        let mut connection = deadline.bound(self.address.open()).await.unwrap_or_else(|_| Err(self.too_slow()))?;
        // a session that is over is renewed by the first connection that finds out
        let deadline = Deadline::within(Instant::now(), self.timeout.get() + self.session.login_limit());
        let joined = deadline.bound(self.session.join(&mut connection)).await;
        joined.unwrap_or_else(|_| Err(self.too_slow()))?;
        Ok(connection)
    }

    /// The same for what is not for others to read, where logins are encrypted and connections otherwise plain.
    pub(crate) fn for_secrets(&self) -> Option<Self> {
        let address = self.session.login_address()?.clone();
        Some(Self { address, ..self.clone() })
    }

    pub(crate) fn too_slow(&self) -> Failure {
        Failure::connection(format!(
            "no answer from {} within {} ms",
            self.address.endpoint,
            self.timeout.get().as_millis()
        ))
    }
}
