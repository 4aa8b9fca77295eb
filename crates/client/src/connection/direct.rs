//! A connection taken off Tokio, for inline I/O. It stays leased from its pool, and is returned to it in the end.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use super::lease::{IdleLease, Lease};
use super::pipeline::Pipeline;
use crate::error::{Code, Failure};
use crate::socket::frame::{Frame, FrameBuffer};
use crate::socket::transport::Transport;
use crate::socket::{Connection, Origin};

/// A non-blocking socket that Tokio knows nothing of. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Direct {
    lease: Lease,
    origin: Origin,
    socket: TcpStream,
    incoming: FrameBuffer,
    /// Held while there is no command on it.
    idle: Option<IdleLease>,
}

impl Direct {
    /// Takes the leased connection off Tokio. An encrypted one cannot be, and goes back to the pool.
    pub(crate) fn detach(mut lease: Lease) -> Option<Self> {
        let (origin, socket) = lease.take_plain()?;
        let socket = socket.into_std().ok()?;
        let idle = Some(lease.mark_idle());
        Some(Self { lease, origin, socket, incoming: FrameBuffer::default(), idle })
    }

    /// Puts the connection on Tokio again, on whose threads this must run.
    pub(crate) fn attach(self) -> Result<Lease, Failure> {
        let Self { mut lease, origin, socket, incoming, idle } = self;
        let socket = tokio::net::TcpStream::from_std(socket)
            .map_err(|e| Failure::new(Code::CONNECTION, format!("could not watch the connection: {e}")))?;
        lease.put(Connection { origin, transport: Transport::Plain(socket), incoming });
        drop(idle);
        Ok(lease)
    }

    /// The same, with commands in flight: it becomes a pipelined connection of the pool.
    pub(crate) fn attach_with(self, mut pipeline: Pipeline) {
        match self.attach() {
            Ok(lease) => lease.go_on(pipeline),
            Err(failure) => pipeline.fail(&failure),
        }
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Writes as much as the socket takes now, and says how much that was.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        loop {
            return match self.socket.write(bytes) {
                Ok(0) => Err(Failure::connection("the connection takes no more bytes")),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(0),
                outcome => outcome.map_err(|e| Failure::io("write to", &e)),
            };
        }
    }

    /// Reads once, through `buffer`. Returns whether there may be more to read.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<bool, Failure> {
        loop {
            return match self.socket.read(buffer) {
                Ok(0) => Err(Failure::closed_by_peer()),
                Ok(n) => {
                    self.incoming.feed(&buffer[..n]);
                    Ok(n == buffer.len())
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(false),
                Err(e) => Err(Failure::io("read from", &e)),
            };
        }
    }

    /// The next frame, if all of it was read.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, Failure> {
        self.incoming.next().map_err(Failure::garbage)
    }

    /// A command is about to be written.
    pub(crate) fn set_busy(&mut self) {
        self.idle = None;
    }

    /// Everything in flight was answered. False when the server sent more than that: the connection cannot be used then.
    pub(crate) fn set_idle(&mut self) -> bool {
        self.idle = Some(self.lease.mark_idle());
        self.incoming.shrink();
        self.incoming.is_empty()
    }
}
