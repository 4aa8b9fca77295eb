//! Connections to one node.
//!
//! | file | subject |
//! |---|---|
//! | `mod.rs` | a connection: a transport and what was read from it |
//! | `transport.rs` | the socket, plain or encrypted |
//! | `frame.rs` | bytes read into frames |
//! | `dial.rs` | opening a connection |
//! | `health.rs` | what its connections say about a node |
//! | `probe.rs` | asking a node that answers nothing whether it is there |
//! | `request.rs` | one attempt of a command: a request, and the response that waits for its outcome |
//! | `pipeline.rs` | requests on a connection, and the order of their answers |
//! | `pipelined.rs` | a pipelined connection: many commands in flight |
//! | `exclusive.rs` | a connection for one command |
//! | `direct.rs` | a connection taken off Tokio, for inline I/O |
//! | `window.rs` | how many commands may be in flight on one |
//! | `lease.rs` | the right to a connection of one's own |
//! | `pool_state.rs` | who has which connection, who waits, and who gets the next |
//! | `pool.rs` | all connections of a node |

pub(crate) mod dial;
pub(crate) mod direct;
pub(crate) mod exclusive;
pub(crate) mod frame;
pub(crate) mod health;
pub(crate) mod lease;
pub(crate) mod pipeline;
pub(crate) mod pipelined;
pub(crate) mod pool;
pub(crate) mod pool_state;
pub(crate) mod probe;
pub(crate) mod request;
pub(crate) mod transport;
pub(crate) mod window;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::error::Failure;
use frame::{Frame, FrameBuffer};
use transport::Transport;

/// When a connection was opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    /// Its place among all that its pool opened.
    number: u64,
    opened_at: Instant,
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
        self.transport.write_all(bytes).await.map_err(|e| Failure::io("write to", &e))?;
        self.transport.flush().await.map_err(|e| Failure::io("write to", &e))
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
            Err(e) => Err(Failure::io("read from", &e)),
        }
    }

    /// Whether the connection can be used: nothing is left over from the last command, and the peer has not closed
    /// it. Costs no system call while the socket is quiet.
    pub(crate) fn is_usable(&self) -> bool {
        self.incoming.is_empty() && self.transport.is_quiet()
    }
}
