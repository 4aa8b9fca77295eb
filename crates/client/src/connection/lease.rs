//! A connection for one caller at a time.

use std::fmt;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::watch;

use super::pipeline::Pipeline;
use crate::error::{Code, Failure};
use crate::socket::transport::Transport;
use crate::socket::{Connection, Origin};

/// Who lends connections, and gets them back.
pub(crate) trait Lender: fmt::Debug + Send + Sync {
    /// Takes back a connection that can be used again.
    fn put_back(self: Arc<Self>, connection: Connection);
    /// A leased connection was closed.
    fn lost(self: Arc<Self>);
    /// Makes a pipelined connection of a leased one that has commands in flight.
    fn adopt(self: Arc<Self>, connection: Connection, pipeline: Pipeline);
    /// Counts a leased connection that its holder does not use for now, or one that is used again.
    fn count_idle(&self, is_idle: bool);
}

/// Says that the pool is closed, and why.
pub(super) type Closing = watch::Receiver<Option<Failure>>;

/// Runs something that holds a lease, until its pool is closed.
pub(super) async fn unless_closed<T>(
    mut closing: Closing,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        outcome = work => outcome,
        closed = closing.wait_for(Option::is_some) => Err(match closed {
            Ok(failure) => failure.clone().unwrap_or_else(|| Failure::connection("the connection was closed")),
            Err(_) => Failure::connection("the connection was closed"),
        }),
    }
}

/// The right to a connection. Dropping it closes the connection, unless it is clean: then it goes back to the pool.
#[derive(Debug)]
pub(crate) struct Lease {
    lender: Arc<dyn Lender>,
    connection: Option<Connection>,
    is_clean: bool,
    /// The lender counts it no more.
    is_over: bool,
}

impl Lease {
    pub(super) fn new(lender: Arc<dyn Lender>, connection: Connection) -> Self {
        let mut lease = Self::vacant(lender);
        lease.put(connection);
        lease
    }

    /// The right to a connection that is still to be opened.
    pub(super) fn vacant(lender: Arc<dyn Lender>) -> Self {
        Self { lender, connection: None, is_clean: true, is_over: false }
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
        IdleLease::new(self.lender.clone())
    }

    /// Gives the connection to the pool with the commands under way on it.
    pub(super) fn go_on(mut self, pipeline: Pipeline) {
        if let Some(connection) = self.connection.take() {
            self.is_over = true;
            self.lender.clone().adopt(connection, pipeline);
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
            Some(connection) if self.is_clean && connection.is_usable() => self.lender.clone().put_back(connection),
            _ => self.lender.clone().lost(),
        }
    }
}

/// Counts a leased connection as idle.
#[derive(Debug)]
pub(super) struct IdleLease(Arc<dyn Lender>);

impl IdleLease {
    fn new(lender: Arc<dyn Lender>) -> Self {
        lender.count_idle(true);
        Self(lender)
    }
}

impl Drop for IdleLease {
    fn drop(&mut self) {
        self.0.count_idle(false);
    }
}
