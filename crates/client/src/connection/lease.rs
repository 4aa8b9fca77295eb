//! A connection for one caller at a time.

use std::sync::Arc;

use tokio::net::TcpStream;

use super::pipeline::Pipeline;
use super::pool::{IdleLease, Pool};
use super::transport::Transport;
use super::{Connection, Origin};
use crate::error::{Code, Failure};

/// The right to a connection. Dropping it closes the connection, unless it is clean: then it goes back to the pool.
#[derive(Debug)]
pub(crate) struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    is_clean: bool,
    /// The pool counts it no more.
    is_over: bool,
}

impl Lease {
    pub(super) fn new(pool: Arc<Pool>, connection: Connection) -> Self {
        let mut lease = Self::vacant(pool);
        lease.put(connection);
        lease
    }

    /// The right to a connection that is still to be opened.
    pub(super) fn vacant(pool: Arc<Pool>) -> Self {
        Self { pool, connection: None, is_clean: true, is_over: false }
    }

    pub(super) fn put(&mut self, connection: Connection) {
        self.connection = Some(connection);
    }

    /// The connection, from now on in an unknown state.
    pub(crate) fn connection(&mut self) -> Result<&mut Connection, Failure> {
        self.is_clean = false;
        self.connection.as_mut().ok_or_else(|| Failure::new(Code::CLIENT, "the lease has ended"))
    }

    /// Takes out the socket of a plain connection that is fit for use. The lease goes on; until a connection is
    /// [`put`](Self::put) into it again it stands for one that will not come back.
    pub(super) fn take_plain(&mut self) -> Option<(Origin, TcpStream)> {
        let connection = self.connection.take_if(|c| c.transport.is_plain() && c.is_usable())?;
        match connection.transport {
            Transport::Plain(socket) => Some((connection.origin, socket)),
            #[cfg(feature = "tls")]
            Transport::Tls(_) => None,
        }
    }

    pub(super) fn mark_idle(&self) -> IdleLease {
        IdleLease::new(self.pool.clone())
    }

    /// Gives the connection to the pool with the commands under way on it.
    pub(super) fn go_on(mut self, pipeline: Pipeline) {
        if let Some(connection) = self.connection.take() {
            self.is_over = true;
            self.pool.adopt(connection, pipeline);
        }
    }

    /// Everything that was asked on the connection was answered.
    pub(crate) fn done(mut self) {
        self.is_clean = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        match self.connection.take() {
            Some(connection) if self.is_clean && connection.is_usable() => self.pool.put_back(connection),
            _ => self.pool.lease_lost(),
        }
    }
}
