//! What leaves a thread that sends commands by itself: lines that are not used any more, and commands that go on through
//! the runtime.

use std::sync::Arc;

use super::LineId;
use crate::batch::{self, BatchReply, Outgoing};
use crate::cluster::{Cluster, InFlight};
use crate::command::Reply;
use crate::connection::direct::Direct;
use crate::connection::pipeline::Pipeline;
use crate::error::Error;
use crate::execute::Run;

/// A line that is not used any more.
#[derive(Debug)]
pub struct Departure {
    /// Its name.
    pub line: LineId,
    pub(super) then: Then,
    pub(super) cluster: Arc<Cluster>,
}

#[derive(Debug)]
pub(super) enum Then {
    /// The connection is closed.
    Close(Direct),
    /// It goes back to its pool.
    Return(Direct),
    /// It goes back with commands under way.
    GoOn(Direct, Pipeline),
    /// It went elsewhere.
    Nothing,
}

impl Departure {
    /// The socket, to be left as it came. None where a batch took it along, whose lines are read from the first byte on.
    #[cfg(unix)]
    pub fn socket(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        match &self.then {
            Then::Close(direct) | Then::Return(direct) | Then::GoOn(direct, _) => {
                Some(std::os::fd::AsFd::as_fd(direct.socket()))
            }
            Then::Nothing => None,
        }
    }

    /// Closes the connection or gives it back. Nobody watches the socket any more.
    pub fn complete(self) {
        let Self { then, cluster, .. } = self;
        match then {
            Then::Close(direct) => drop(direct),
            // attached again, the lease is dropped, which puts the connection back
            Then::Return(direct) => _ = cluster.runtime.spawn(async move { drop(direct.attach()) }),
            Then::GoOn(direct, pipeline) => {
                cluster.runtime.spawn(async move { direct.attach_with(pipeline) });
            }
            Then::Nothing => {}
        }
    }
}

/// A command that goes on through the runtime.
#[derive(Debug)]
pub struct Resumed {
    pub(super) in_flight: InFlight,
    pub(super) run: Run,
}

impl Resumed {
    /// Goes on to the outcome. Runs on the runtime that the client was connected on.
    pub async fn finish(self: Box<Self>) -> Result<Reply, Error> {
        let Self { in_flight, mut run } = *self;
        run.finish(in_flight.cluster()).await
    }
}

/// A batch that goes on through the runtime.
#[derive(Debug)]
pub struct ResumedBatch {
    pub(super) in_flight: InFlight,
    pub(super) run: batch::Run,
    /// Requests under way, each with the connection it is on.
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
        run.reply()
    }
}
