//! A connection taken off Tokio, for commands that a thread sends and receives by itself. It stays leased from its
//! pool, and goes back there in the end.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::task::Poll;

use bytes::Bytes;

use super::Connection;
use super::frame::FrameBuffer;
use super::lease::Lease;
use super::pool::Rest;
use super::transport::Transport;
use crate::error::{Code, Failure};

/// A non-blocking socket that Tokio knows nothing of. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Direct {
    lease: Lease,
    socket: TcpStream,
    incoming: FrameBuffer,
    /// Held while there is no command on it.
    rest: Option<Rest>,
}

impl Direct {
    /// Takes the leased connection off Tokio. An encrypted one cannot be, and goes back to the pool.
    pub(crate) fn detach(mut lease: Lease) -> Option<Self> {
        let socket = lease.take_plain()?.into_std().ok()?;
        let rest = Some(lease.rest());
        Some(Self { lease, socket, incoming: FrameBuffer::default(), rest })
    }

    /// Puts the connection on Tokio again, on whose threads this must run.
    pub(crate) fn attach(self) -> Result<Lease, Failure> {
        let Self { mut lease, socket, incoming, rest } = self;
        let socket = tokio::net::TcpStream::from_std(socket)
            .map_err(|e| Failure::new(Code::CONNECTION, format!("could not watch the connection: {e}")))?;
        lease.put(Connection { transport: Transport::Plain(socket), incoming });
        drop(rest);
        Ok(lease)
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Sends a request at once; false when not all of it went out. The connection is of no use then, and the server
    /// never sees a whole request once it is closed.
    pub(crate) fn send(&mut self, request: &[u8]) -> bool {
        self.rest = None;
        loop {
            return match self.socket.write(request) {
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                outcome => outcome.is_ok_and(|sent| sent == request.len()),
            };
        }
    }

    /// The message that is due, if all of it is here. `room` is where bytes are received.
    pub(crate) fn receive(&mut self, room: &mut [u8]) -> Poll<Result<Bytes, Failure>> {
        loop {
            match self.incoming.next() {
                Ok(None) => {}
                Ok(Some(frame)) => {
                    self.incoming.shrink();
                    return Poll::Ready(frame.into_message());
                }
                Err(e) => return Poll::Ready(Err(Failure::garbage(e))),
            }
            match self.socket.read(room) {
                Ok(0) => return Poll::Ready(Err(Failure::closed_by_peer())),
                Ok(n) => self.incoming.feed(&room[..n]),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Poll::Pending,
                Err(e) => return Poll::Ready(Err(Failure::io("read from", &e))),
            }
        }
    }

    /// The command on it was answered. False when more came than was asked for.
    pub(crate) fn rest(&mut self) -> bool {
        self.rest = Some(self.lease.rest());
        self.incoming.is_empty()
    }
}
