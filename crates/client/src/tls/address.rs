//! An address, and what connections to it are like.

use std::sync::Arc;

use aerospike_wire::info::Endpoint;
use tokio::net::TcpStream;

use super::connect::Tls;
use crate::error::Failure;
use crate::socket::Connection;
use crate::socket::transport::Transport;

/// Where to connect to, and how.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) endpoint: Endpoint,
    /// What encrypts; nothing does on plain connections.
    pub(crate) tls: Option<Arc<Tls>>,
    /// What the certificate there must say; the host's name when nobody named another.
    pub(crate) tls_name: Option<String>,
}

impl Address {
    /// An address of plain connections.
    pub(crate) fn plain(endpoint: Endpoint) -> Self {
        Self { endpoint, tls: None, tls_name: None }
    }

    /// Opens a connection that has not logged in yet.
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
}
