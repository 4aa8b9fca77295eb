//! One connection to a node: bytes out, frames in.
//!
//! | file | subject |
//! |---|---|
//! | `mod.rs` | a connection: a transport and what was read from it |
//! | `transport.rs` | the socket, plain or encrypted |
//! | `frame.rs` | bytes read into frames |
//! | `info.rs` | asking a node for its state |

pub(crate) mod frame;
pub(crate) mod info;
pub(crate) mod transport;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::error::{Code, Failure};
use frame::{Frame, FrameBuffer};
use transport::{Transport, refusal};

/// When a connection was opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    /// Its place among all that its pool opened.
    pub(crate) number: u64,
    pub(crate) opened_at: Instant,
}

/// An open connection. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) origin: Origin,
    pub(crate) transport: Transport,
    pub(crate) incoming: FrameBuffer,
}

impl Connection {
    pub(crate) fn new(transport: Transport) -> Self {
        Self { origin: Origin { number: 0, opened_at: Instant::now() }, transport, incoming: FrameBuffer::default() }
    }

    /// Writes everything.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.transport.write_all(bytes).await.map_err(|e| broken("write to", &e))?;
        self.transport.flush().await.map_err(|e| broken("write to", &e))
    }

    /// Reads the next frame, whatever its type.
    pub(crate) async fn receive(&mut self) -> Result<Frame, Failure> {
        loop {
            if let Some(frame) = self.incoming.next().map_err(Failure::garbage)? {
                return Ok(frame);
            }
            self.receive_some().await?;
        }
    }

    /// Reads what is there, at least a byte.
    pub(crate) async fn receive_some(&mut self) -> Result<usize, Failure> {
        match self.incoming.fill(&mut self.transport).await {
            Ok(0) => Err(Failure::closed_by_peer()),
            Ok(n) => Ok(n),
            Err(e) => Err(broken("read from", &e)),
        }
    }

    /// Whether the connection can be used: nothing is left over from the last command, and the peer has not closed
    /// it. Costs no system call while the socket is quiet.
    pub(crate) fn is_usable(&self) -> bool {
        self.incoming.is_empty() && self.transport.is_quiet()
    }
}

/// Why a connection ended: for what the node says against it, or for no reason that is known.
fn broken(doing: &str, error: &std::io::Error) -> Failure {
    match refusal(error) {
        Some(why) => Failure::new(Code::TLS, why),
        None => Failure::io(doing, error),
    }
}
