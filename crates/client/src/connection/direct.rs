//! A connection taken off Tokio, for commands that a thread sends and receives by itself. It stays leased from its
//! pool, and goes back there in the end.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use super::frame::{Frame, FrameBuffer};
use super::lease::Lease;
use super::pipeline::Pipeline;
use super::pool::Rest;
use super::transport::Transport;
use super::{Connection, Origin};
use crate::error::{Code, Failure};

/// A non-blocking socket that Tokio knows nothing of. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Direct {
    lease: Lease,
    origin: Origin,
    socket: TcpStream,
    incoming: FrameBuffer,
    /// Held while there is no command on it.
    rest: Option<Rest>,
}

impl Direct {
    /// Takes the leased connection off Tokio. An encrypted one cannot be, and goes back to the pool.
    pub(crate) fn detach(mut lease: Lease) -> Option<Self> {
        let (origin, socket) = lease.take_plain()?;
        let socket = socket.into_std().ok()?;
        let rest = Some(lease.rest());
        Some(Self { lease, origin, socket, incoming: FrameBuffer::default(), rest })
    }

    /// Puts the connection on Tokio again, on whose threads this must run.
    pub(crate) fn attach(self) -> Result<Lease, Failure> {
        let Self { mut lease, origin, socket, incoming, rest } = self;
        let socket = tokio::net::TcpStream::from_std(socket)
            .map_err(|e| Failure::new(Code::CONNECTION, format!("could not watch the connection: {e}")))?;
        lease.put(Connection { origin, transport: Transport::Plain(socket), incoming });
        drop(rest);
        Ok(lease)
    }

    /// The same, with commands under way, which then go on as those of any lane.
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

    /// Reads once, by way of `room`. Whether there may be more to read.
    pub(crate) fn fill(&mut self, room: &mut [u8]) -> Result<bool, Failure> {
        loop {
            return match self.socket.read(room) {
                Ok(0) => Err(Failure::closed_by_peer()),
                Ok(n) => {
                    self.incoming.feed(&room[..n]);
                    Ok(n == room.len())
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

    /// There is a command on it.
    pub(crate) fn work(&mut self) {
        self.rest = None;
    }

    /// All that was asked on it was answered. False when more came than that.
    pub(crate) fn rest(&mut self) -> bool {
        self.rest = Some(self.lease.rest());
        self.incoming.shrink();
        self.incoming.is_empty()
    }
}
