//! Opening a connection to a node: TCP, then TLS, then the session of whoever is logged in.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::Instant;

use aerospike_wire::info::Endpoint;

use crate::deadline::{Deadline, SharedTimeout};
use crate::error::Failure;
use crate::security::Session;
use crate::socket::Connection;
use crate::socket::transport::Transport;
use crate::tls::Tls;

/// Opens connections to one address.
#[derive(Debug, Clone)]
pub(crate) struct Dialer {
    pub(crate) endpoint: Endpoint,
    pub(crate) tls: Option<Arc<Tls>>,
    /// What the node's certificate must say; the host's name when the node announced none.
    pub(crate) tls_name: Option<String>,
    /// The session every new connection joins.
    pub(crate) session: Arc<Session>,
    /// How long opening a connection, or an info command, may take.
    pub(crate) timeout: SharedTimeout,
}

impl Dialer {
    /// Opens a connection that is ready for commands.
    pub(crate) async fn dial(&self) -> Result<Connection, Failure> {
        let deadline = Deadline::within(Instant::now(), self.timeout.get());
        let mut connection = deadline.bound(self.open()).await.unwrap_or_else(|_| Err(self.too_slow()))?;
        // a session that is over is renewed by the first connection that finds out
        let deadline = Deadline::within(Instant::now(), self.timeout.get() + self.session.login_limit());
        let joined = deadline.bound(self.session.join(&mut connection)).await;
        joined.unwrap_or_else(|_| Err(self.too_slow()))?;
        Ok(connection)
    }

    /// Opens a connection that is not authenticated yet.
    pub(crate) async fn open(&self) -> Result<Connection, Failure> {
        let Endpoint { host, port } = &self.endpoint;
        let socket = TcpStream::connect((host.as_str(), *port))
            .await
            .map_err(|e| Failure::connection(format!("could not connect to {}: {e}", self.endpoint)))?;
        // requests are written whole; waiting to merge them with later ones only delays them
        let _ = socket.set_nodelay(true);
        let transport = match &self.tls {
            None => Transport::Plain(socket),
            Some(tls) => tls.encrypt(socket, self.tls_name.as_deref().unwrap_or(host)).await?,
        };
        Ok(Connection::new(transport))
    }

    pub(crate) fn too_slow(&self) -> Failure {
        Failure::connection(format!("no answer from {} within {} ms", self.endpoint, self.timeout.get().as_millis()))
    }
}
