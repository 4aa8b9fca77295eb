//! What leaves inline I/O: connections that are released, and commands that the runtime takes over.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::ConnectionId;
use crate::batch::{self, BatchReply, Outgoing};
use crate::cluster::{Cluster, InFlight};
use crate::command::Reply;
use crate::connection::direct::Direct;
use crate::connection::pipeline::Pipeline;
use crate::error::Error;
use crate::execute::Run;

/// A connection that inline I/O no longer uses.
#[derive(Debug)]
pub struct Released {
    /// Its name.
    pub connection: ConnectionId,
    pub(super) action: ReleaseAction,
    pub(super) cluster: Arc<Cluster>,
}

#[derive(Debug)]
pub(super) enum ReleaseAction {
    /// The connection is closed.
    Close(Direct),
    /// It is returned to its pool.
    Return(Direct),
    /// It is returned with commands in flight.
    HandOver(Direct, Pipeline),
    /// A batch took it along.
    Taken,
}

impl Released {
    /// The socket, whose options are to be restored. None where a batch took the connection along: those have no low-water
    /// mark.
    #[cfg(unix)]
    pub fn socket(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        match &self.action {
            ReleaseAction::Close(direct) | ReleaseAction::Return(direct) | ReleaseAction::HandOver(direct, _) => {
                Some(std::os::fd::AsFd::as_fd(direct.socket()))
            }
            ReleaseAction::Taken => None,
        }
    }

    /// Closes the connection or returns it. The socket must not be watched any more.
    pub fn complete(self) {
        let Self { action, cluster, .. } = self;
        match action {
            ReleaseAction::Close(direct) => drop(direct),
            // attached again, the lease is dropped, which puts the connection back
            ReleaseAction::Return(direct) => _ = cluster.runtime.spawn(async move { drop(direct.attach()) }),
            ReleaseAction::HandOver(direct, pipeline) => {
                cluster.runtime.spawn(async move { direct.attach_with(pipeline) });
            }
            ReleaseAction::Taken => {}
        }
    }
}

/// A command that the runtime takes over; until then, one that is in flight inline.
#[derive(Debug)]
pub struct Resumed {
    pub(super) in_flight: InFlight,
    pub(super) run: Run,
}

impl Resumed {
    /// Ends it with the answer to its only attempt. Gives the answer back when there is none.
    pub(super) fn conclude(&mut self, message: Bytes, now: Instant) -> Result<Result<Reply, Error>, Bytes> {
        self.run.conclude(self.in_flight.cluster(), message, now)
    }

    /// Completes it. Runs on the runtime that the client was connected on.
    pub async fn finish(self: Box<Self>) -> Result<Reply, Error> {
        let Self { in_flight, mut run } = *self;
        run.finish(in_flight.cluster()).await
    }
}

/// A batch that the runtime takes over.
#[derive(Debug)]
pub struct ResumedBatch {
    pub(super) in_flight: InFlight,
    pub(super) run: batch::Run,
    /// Requests in flight, each with its connection.
    pub(super) requests: Vec<(Direct, Outgoing)>,
    pub(super) in_parts: bool,
}

impl ResumedBatch {
    /// Goes on to the outcome, as [`Client::batch_in_parts`](crate::Client::batch_in_parts) does if the batch was begun
    /// so. Runs on the runtime that the client was connected on.
    pub async fn finish(self: Box<Self>, part: &mut (dyn FnMut(BatchReply) + Send)) -> BatchReply {
        let Self { in_flight: _in_flight, mut run, requests, in_parts } = *self;
        for (direct, mut outgoing) in requests {
            match direct.attach() {
                Ok(lease) => {
                    outgoing.request.go_on_with(lease);
                    run.put_ready([outgoing]);
                }
                Err(failure) => run.conclude(outgoing, Err(failure)),
            }
        }
        run.complete(in_parts.then_some(part)).await;
        run.last_reply()
    }
}
